"""The rules of an application, applied to the calibrated answers of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import DataError, RunError
from mmsdk.rules.apart import kept_apart
from mmsdk.rules.bounds import SURE, blamed, bounded, leaves_one, merged, with_parents
from mmsdk.rules.conditions import firing
from mmsdk.rules.pairs import settled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.data import Table
    from mmsdk.rules.bounds import Rule
    from mmsdk.rules.pairs import Blame

BOUNDS = {"labels": True, "tags": 0, "number": (-np.inf, np.inf)}  # kind -> a mask that leaves every answer
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """Which rules hold for which rows.

    :param met: rule -> bool ``(n,)``: its condition is met.
    :param unread: (rule, column) -> bool ``(n,)``: it could not be judged, since the column holds text there that is no
        number; it is not met there.
    """

    met: Mapping[str, np.ndarray]
    unread: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def unjudged(self, rule: str) -> np.ndarray:
        """Return bool ``(n,)``: the rows that a rule could not be judged for."""
        rows = [one for (name, _), one in self.unread.items() if name == rule]
        found: np.ndarray = np.any([np.zeros_like(self.met[rule]), *rows], axis=0)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """Answers as the rules leave them.

    :param logits: task -> ``(n, width)`` float64; what is forbidden has a probability of 0.
    :param fired: rule -> bool ``(n,)``: its condition was met.
    :param blame: (task, rule) -> bool ``(n,)``: it changed the answer.
    """

    logits: Mapping[str, np.ndarray]
    fired: Mapping[str, np.ndarray]
    blame: Blame = field(default_factory=dict)

    def names(self, task: str, row: int) -> tuple[str, ...]:
        """Return the rules that changed the answer of a task for a row."""
        return tuple(rule for (of, rule), rows in self.blame.items() if of == task and rows[row])

    def changed(self, rule: str) -> np.ndarray:
        """Return bool ``(n,)``: the rows in which a rule changed an answer."""
        rows = [one for (_, name), one in self.blame.items() if name == rule]
        return np.any(rows, axis=0) if rows else np.zeros(len(self.fired[rule]), dtype=bool)


class RuleBook:
    """Rules in the order of the application file. Bounds act first, then hierarchies, then what excludes what.

    Where bounds leave a row no answer, the earlier rule holds and the later one is left out for that row; a table to
    fit on is refused instead (:meth:`check`).
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.tasks = tuple(dict.fromkeys(task for rule in rules for task in rule.tasks))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def fired(self, table: Table | None, n: int) -> Fired:
        """Return which rules hold for which rows; columns that the table lacks are empty.

        :raises RunError: a rule has a condition, and there is no table to judge it by.
        """
        conditions = {rule.when: rule.columns for rule in self.rules if rule.when}
        if conditions and table is None:
            raise RunError("the rules of this run read columns of the rows: give the table beside the embeddings")
        always = np.ones(n, dtype=bool)
        if table is None or not conditions:
            return Fired(met={rule.name: always for rule in self.rules})
        judged = firing(conditions, table)
        places = {when: place for place, when in enumerate(conditions)}
        return Fired(
            met={rule.name: judged.met[:, places[rule.when]] if rule.when else always for rule in self.rules},
            unread={
                (rule.name, column): rows
                for rule in self.rules
                for (when, column), rows in judged.unread.items()
                if when == rule.when
            },
        )

    def apply(self, logits: Mapping[str, np.ndarray], fired: Mapping[str, np.ndarray]) -> Ruled:
        """Return the answers inside the rules.

        :param logits: task -> ``(n, width)``, calibrated.
        :param fired: what :meth:`fired` said is met by the rows, as of all that follow.
        """
        found = {name: np.array(one, dtype=np.float64) for name, one in logits.items()}
        blame: Blame = {}
        for task in self.tasks:
            for rows, rules in self._patterns(task, fired):
                acting = [rule for rule in rules if rule not in merged(rules)[1]]
                self._note(blame, task, acting, rows, blamed(acting, found[task][rows]))
                found[task][rows] = bounded(acting[0].kind, merged(acting)[0], found[task][rows])
        self._raise_parents(found, fired, blame)
        self._keep_apart(found, fired, blame)
        found, more = settled([rule for rule in self.rules if rule.kind == "pair"], fired, found)
        return Ruled(logits=found, fired=fired, blame=blame | more)

    def bounds(self, task: str, fired: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return what bounds leave of a task's answers to each row, as ``Rule.mask`` has it; None where there is none.

        :returns: ``(n, labels)`` bool of a classification, int8 of a multilabel task, ``(n, 2)`` float64 of a number.
        """
        rules = self._bounds(task)
        if not rules:
            return None
        first = rules[0]
        left = np.empty((len(fired[first.name]), len(first.mask)), dtype=first.mask.dtype)
        left[:] = BOUNDS[first.kind]
        for rows, acting in self._patterns(task, fired):
            left[rows] = merged(acting)[0]
        return left

    def settled(self, task: str, fired: Mapping[str, np.ndarray], n: int) -> list[tuple[str, ...]]:
        """Return, row by row, the bounds that leave one answer alone, whatever the network says; none elsewhere."""
        found: list[tuple[str, ...]] = [()] * n
        for rows, rules in self._patterns(task, fired):
            mask, dropped = merged(rules)
            if leaves_one(rules[0].kind, mask):
                names = tuple(rule.name for rule in rules if rule not in dropped)
                found = [names if here else one for one, here in zip(found, rows.tolist(), strict=True)]
        return found

    def check(self, fired: Mapping[str, np.ndarray], ids: Sequence[str]) -> None:
        """Refuse rows on which rules contradict each other.

        :raises DataError: for some row, two bounds leave no answer; names the rules, the rows and how many there are.
        """
        for task in self.tasks:
            for rows, rules in self._patterns(task, fired):
                dropped = merged(rules)[1] or self._torn(task, rules, {n: one[rows] for n, one in fired.items()})
                if dropped:
                    earlier = ", ".join(repr(rule.name) for rule in rules if rule not in dropped)
                    where = np.flatnonzero(rows)
                    shown = ", ".join(ids[row] for row in where[:SHOWN]) + (", ..." if len(where) > SHOWN else "")
                    raise DataError(
                        f"rules: {dropped[0].name!r} contradicts {earlier}: together they leave {task!r} no answer in "
                        f"{len(where)} rows ({shown}); make their conditions exclude each other"
                    )

    def _bounds(self, task: str) -> list[Rule]:
        """Return the bounds of a task."""
        return [rule for rule in self.rules if rule.task == task and rule.kind in BOUNDS]

    def _patterns(self, task: str, fired: Mapping[str, np.ndarray]) -> Iterator[tuple[np.ndarray, list[Rule]]]:
        """Yield the rows in which the same bounds of a task fire, bool ``(n,)``, and these bounds."""
        bounds = self._bounds(task)
        if not bounds:
            return
        together, place = np.unique(
            np.stack([fired[rule.name] for rule in bounds], axis=1), axis=0, return_inverse=True
        )
        for number, pattern in enumerate(together):
            if pattern.any():
                yield place.reshape(-1) == number, [rule for rule, on in zip(bounds, pattern, strict=True) if on]

    def _torn(self, task: str, bounds: Sequence[Rule], fired: Mapping[str, np.ndarray]) -> list[Rule]:
        """Return the rules that fire beside bounds and would take away a label that these always want."""
        sure = bounded(bounds[0].kind, merged(bounds)[0], np.zeros((1, len(bounds[0].mask))))
        acting = [one for one in self.rules if one.task == task and fired[one.name].any()]
        trees = [one for one in acting if one.kind == "hierarchy"]
        torn = [one for one in trees if (with_parents(one.mask, sure) * sure < 0).any()]
        for one in trees:
            sure = with_parents(one.mask, sure)
        return torn or [one for one in acting if one.kind == "apart" and (sure[0, one.mask] >= SURE).sum() > 1]

    def _raise_parents(self, found: dict[str, np.ndarray], fired: Mapping[str, np.ndarray], blame: Blame) -> None:
        """Let no child be likelier than its parent."""
        for rule in self.rules:
            if rule.kind != "hierarchy":
                continue
            rows = fired[rule.name]
            before = found[rule.task][rows]
            after = with_parents(rule.mask, before)
            found[rule.task][rows] = after
            self._note(blame, rule.task, [rule], rows, ((before >= 0) != (after >= 0)).any(1)[:, None])

    def _keep_apart(self, found: dict[str, np.ndarray], fired: Mapping[str, np.ndarray], blame: Blame) -> None:
        """Let labels that may not stand together give way to the likeliest of them."""
        for task in self.tasks:
            rules = [rule for rule in self.rules if rule.task == task and rule.kind == "apart"]
            trees = [rule for rule in self.rules if rule.task == task and rule.kind == "hierarchy"]
            if rules:
                found[task], changed = kept_apart(rules, trees, fired, found[task])
                blame |= {(task, name): rows for name, rows in changed.items()}

    def _note(self, blame: Blame, task: str, rules: Sequence[Rule], rows: np.ndarray, changed: np.ndarray) -> None:
        """Note which rules changed the answer of which rows."""
        for rule, one in zip(rules, changed.T, strict=True):
            noted = blame.setdefault((task, rule.name), np.zeros(len(rows), dtype=bool))
            noted[np.flatnonzero(rows)[one]] = True
