"""The rules of an application, applied to the calibrated answers of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import DataError, RunError
from mmsdk.rules.apart import kept_apart
from mmsdk.rules.bounds import SURE, blamed, bounded, leaves_one, merged, raised, raised_by
from mmsdk.rules.conditions import firing
from mmsdk.rules.pairs import impossible, settled

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
            for rows, rules in _patterns(self._bounds(task), fired):
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
        for rows, acting in _patterns(self._bounds(task), fired):
            left[rows] = merged(acting)[0]
        return left

    def settled(self, task: str, fired: Mapping[str, np.ndarray], n: int) -> list[tuple[str, ...]]:
        """Return, row by row, the bounds that leave one answer alone, whatever the network says; none elsewhere."""
        found: list[tuple[str, ...]] = [()] * n
        for rows, rules in _patterns(self._bounds(task), fired):
            mask, dropped = merged(rules)
            if leaves_one(rules[0].kind, mask):
                names = tuple(rule.name for rule in rules if rule not in dropped)
                found = [names if here else one for one, here in zip(found, rows.tolist(), strict=True)]
        return found

    def check(self, fired: Mapping[str, np.ndarray], ids: Sequence[str]) -> None:
        """Refuse rows on which rules contradict each other.

        :raises DataError: for some row, two bounds leave no answer, or a hierarchy or labels that exclude each other
            would take away one that bounds always want; names the rules, the rows and how many there are.
        """
        for task in self.tasks:
            for rows, rules in _patterns(self._bounds(task), fired):
                if dropped := merged(rules)[1]:
                    raise _contradiction(task, [*(one for one in rules if one not in dropped), dropped[0]], rows, ids)
            for rows, rules in _patterns(self._of(task, *BOUNDS, "hierarchy", "apart"), fired):
                if torn := _torn(rules):
                    raise _contradiction(task, torn, rows, ids)
        paired = [rule for rule in self.rules if rule.kind in ("labels", "pair")]
        for rows, rules in _patterns(paired, fired):
            if torn := impossible(rules):
                raise _contradiction(torn[-1].task, torn, rows, ids)

    def _bounds(self, task: str) -> list[Rule]:
        """Return the bounds of a task."""
        return self._of(task, *BOUNDS)

    def _of(self, task: str, *kinds: str) -> list[Rule]:
        """Return the rules of a task that are of some kinds."""
        return [rule for rule in self.rules if rule.task == task and rule.kind in kinds]

    def _raise_parents(self, found: dict[str, np.ndarray], fired: Mapping[str, np.ndarray], blame: Blame) -> None:
        """Let no child be likelier than its parent, whichever rules say so together."""
        for task in self.tasks:
            for rows, trees in _patterns(self._of(task, "hierarchy"), fired):
                before = found[task][rows]
                found[task][rows] = raised(trees, before)
                self._note(blame, task, trees, rows, raised_by(trees, before))

    def _keep_apart(self, found: dict[str, np.ndarray], fired: Mapping[str, np.ndarray], blame: Blame) -> None:
        """Let labels that may not stand together give way to the likeliest of them."""
        for task in self.tasks:
            rules, trees = self._of(task, "apart"), self._of(task, "hierarchy")
            if rules:
                found[task], changed = kept_apart(rules, trees, fired, found[task])
                blame |= {(task, name): rows for name, rows in changed.items()}

    def _note(self, blame: Blame, task: str, rules: Sequence[Rule], rows: np.ndarray, changed: np.ndarray) -> None:
        """Note which rules changed the answer of which rows."""
        for rule, one in zip(rules, changed.T, strict=True):
            noted = blame.setdefault((task, rule.name), np.zeros(len(rows), dtype=bool))
            noted[np.flatnonzero(rows)[one]] = True


def _patterns(rules: Sequence[Rule], fired: Mapping[str, np.ndarray]) -> Iterator[tuple[np.ndarray, list[Rule]]]:
    """Yield the rows in which the same rules fire, bool ``(n,)``, and these; of rows in which none does, nothing."""
    if not rules:
        return
    together, place = np.unique(np.stack([fired[rule.name] for rule in rules], axis=1), axis=0, return_inverse=True)
    for number, pattern in enumerate(together):
        if pattern.any():
            yield place.reshape(-1) == number, [rule for rule, on in zip(rules, pattern, strict=True) if on]


def _torn(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that contradict each other, the last one the others, where bounds want what may not stand."""
    bounds = [one for one in rules if one.kind in BOUNDS]
    if not bounds or len(bounds) == len(rules):
        return []
    sure = bounded(bounds[0].kind, merged(bounds)[0], np.zeros((1, len(bounds[0].mask))))
    trees = [one for one in rules if one.kind == "hierarchy"]
    for count in range(len(trees) + 1):
        wanted = raised(trees[:count], sure)
        if (wanted * sure < 0).any():
            return [*bounds, *trees[:count]]
        for one in rules:
            if one.kind == "apart" and (wanted[0, one.mask] >= SURE).sum() > 1:
                return [*bounds, *trees[:count], one]
    return []


def _contradiction(task: str, rules: Sequence[Rule], rows: np.ndarray, ids: Sequence[str]) -> DataError:
    """Return the error of rows on which the last of some rules contradicts the others."""
    where = np.flatnonzero(rows)
    shown = ", ".join(ids[row] for row in where[:SHOWN]) + (", ..." if len(where) > SHOWN else "")
    earlier = ", ".join(repr(rule.name) for rule in rules[:-1])
    return DataError(
        f"rules: {rules[-1].name!r} contradicts {earlier}: together they leave {task!r} no answer in "
        f"{len(where)} rows ({shown}); make their conditions exclude each other"
    )
