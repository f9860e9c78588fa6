"""From the ``rules`` of an application file to rules that can be applied; every mistake is a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import ConfigError, unknown
from mmsdk.rules.book import RuleBook
from mmsdk.rules.bounds import Rule
from mmsdk.rules.conditions import columns_read
from mmsdk.tasks import Classification, Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.protocols import Task

    Orders = Mapping[str, Sequence[str] | None]


def open_rules(entries: Sequence[Any], tasks: Mapping[str, Task], orders: Orders, columns: Sequence[str]) -> RuleBook:
    """Return the rules of an application.

    :param entries: the ``rules`` of the application file.
    :param tasks: task name -> prepared task.
    :param orders: task name -> its labels from lowest to highest, or None.
    :param columns: of the table that is fitted on.
    :raises ConfigError: an unknown label or column, an order that is missing, a rule that leaves no answer, a rule for
        a task type that knows no labels.
    """
    rules = []
    for number, entry in enumerate(entries, 1):
        name = entry.name or f"rule {number}"
        read = columns_read(entry.when, columns, name) if entry.when else ()
        said = _Reader(name, entry, tasks, orders).rule()
        rules.append(Rule(when=entry.when or "", columns=read, name=name, **said))
    return RuleBook(rules)


class _Reader:
    """Reads one entry."""

    def __init__(self, name: str, entry: Any, tasks: Mapping[str, Task], orders: Orders) -> None:
        self.name = name
        self.entry = entry
        self.tasks = tasks
        self.orders = orders

    def rule(self) -> dict[str, Any]:
        """Return what the entry says, as the words of a rule."""
        if self.entry.forbid is not None:
            return self._forbidden()
        if self.entry.implies is not None:
            return self._hierarchy() if self.entry.parent is None else self._parents()
        return self._bound()

    def _bound(self) -> dict[str, Any]:
        """Return the bound of one task."""
        name, task = self.entry.task, self.tasks[self.entry.task]
        if isinstance(task, Classification):
            return {"task": name, "kind": "labels", "mask": self._labels(name, task)}
        if isinstance(task, Multilabel):
            return {"task": name, "kind": "tags", "mask": self._tags(name, task)}
        if isinstance(task, Regression):
            return {"task": name, "kind": "number", "mask": self._number(task)}
        raise self._wrong(f"task {name!r} is of a plugin's type, and rules know the core's alone")

    def _labels(self, name: str, task: Classification) -> np.ndarray:
        """Return the labels that are allowed."""
        mask = np.ones(len(task.labels), dtype=bool)
        for key, sign in (("at_least", 1), ("at_most", -1)):
            if (bound := getattr(self.entry, key)) is not None:
                rank = self._ranks(name, task, key)
                label = str(bound)
                if label not in rank:
                    raise self._wrong(unknown("label", label, rank, where=f"{key}", listed=f"tasks.{name}.order:"))
                mask &= np.array([sign * rank[one] >= sign * rank[label] for one in task.labels])
        if self.entry.always is not None:
            mask &= self._marked(name, task.labels, self.entry.always, "always")
        if self.entry.never is not None:
            mask &= ~self._marked(name, task.labels, self.entry.never, "never")
        if not mask.any():
            raise self._wrong(f"it leaves no answer of {name!r}, whose labels are {', '.join(task.labels)}")
        return mask

    def _ranks(self, name: str, task: Classification, key: str) -> dict[str, int]:
        """Return label -> its place in the order."""
        order = self.orders.get(name)
        if not order:
            raise self._wrong(
                f"{key} needs to know which label is lower: give tasks.{name}.order, from lowest to highest, of "
                f"{', '.join(task.labels)}"
            )
        if absent := sorted(set(task.labels) - set(order)):
            raise self._wrong(f"tasks.{name}.order lacks the label {absent[0]!r}; it says {', '.join(order)}")
        return {label: place for place, label in enumerate(order)}

    def _tags(self, name: str, task: Multilabel) -> np.ndarray:
        """Return 1 for labels that are always there, -1 for those that never are."""
        if self.entry.at_least is not None or self.entry.at_most is not None:
            raise self._wrong(f"the labels of {name!r} have no order: use always and never")
        always = self._marked(name, task.labels, self.entry.always or [], "always")
        never = self._marked(name, task.labels, self.entry.never or [], "never")
        if (always & never).any():
            raise self._wrong(f"a label of {name!r} is always and never")
        return always.astype(np.int8) - never.astype(np.int8)

    def _number(self, task: Regression) -> np.ndarray:
        """Return the lowest and the highest number, standardised."""
        if self.entry.always is not None or self.entry.never is not None:
            raise self._wrong("a number has no labels: use at_least and at_most")
        bounds = [self.entry.at_least, self.entry.at_most]
        if strange := [one for one in bounds if isinstance(one, str)]:
            raise self._wrong(f"{strange[0]!r} is no number")
        low, high = (
            default if one is None else (one - task.mean) / task.scale
            for one, default in zip(bounds, (-np.inf, np.inf), strict=True)
        )
        if low > high:
            raise self._wrong(f"at_least {bounds[0]} is above at_most {bounds[1]}")
        return np.array([low, high])

    def _hierarchy(self) -> dict[str, Any]:
        """Return the pairs of child and parent among the labels of one multilabel task."""
        name, task = self.entry.task, self.tasks[self.entry.task]
        if not isinstance(task, Multilabel):
            raise self._wrong(f"implies without parent is for the labels of a multilabel task, and {name!r} is none")
        pairs = [
            (self._place(name, task.labels, child, "implies"), self._place(name, task.labels, parent, "implies"))
            for child, parents in self.entry.implies.items()
            for parent in _listed(parents)
        ]
        return {"task": name, "kind": "hierarchy", "mask": np.array(pairs, dtype=np.int64).reshape(-1, 2)}

    def _parents(self) -> dict[str, Any]:
        """Return the pairs of answers that a hierarchy of two tasks forbids: a child beside any but its parents."""
        child, parent = self._pair(self.entry.task, self.entry.parent)
        mask = np.zeros((len(child), len(parent)), dtype=bool)
        for label, parents in self.entry.implies.items():
            row = self._place(self.entry.task, child, label, "implies")
            mask[row] = ~self._marked(self.entry.parent, parent, parents, "implies")
        return {"task": self.entry.task, "other": self.entry.parent, "kind": "pair", "mask": mask}

    def _forbidden(self) -> dict[str, Any]:
        """Return the answers that may not stand together."""
        if len(self.entry.forbid) == 1:
            return self._apart(*self.entry.forbid.items())
        (first, ones), (second, others) = self.entry.forbid.items()
        labels = self._pair(first, second)
        mask = np.outer(
            self._marked(first, labels[0], ones, "forbid"), self._marked(second, labels[1], others, "forbid")
        )
        return {"task": first, "other": second, "kind": "pair", "mask": mask}

    def _apart(self, said: tuple[str, str | Sequence[str]]) -> dict[str, Any]:
        """Return the labels of one multilabel task of which no two may stand together."""
        name, labels = said
        task = self.tasks[name]
        if not isinstance(task, Multilabel):
            raise self._wrong(
                f"forbid names {name!r} alone, which answers one label at a time: use never, or name a second task"
            )
        mask = self._marked(name, task.labels, labels, "forbid")
        if mask.sum() < 2:
            raise self._wrong(f"forbid names one label of {name!r} alone: name those that exclude it, or use never")
        return {"task": name, "kind": "apart", "mask": mask}

    def _pair(self, *names: str) -> list[tuple[str, ...]]:
        """Return the labels of two classification tasks."""
        if len(set(names)) < 2:
            raise self._wrong(f"names the task {names[0]!r} twice; expected two tasks")
        found = []
        for name in names:
            task = self.tasks[name]
            if not isinstance(task, Classification):
                raise self._wrong(
                    f"{name!r} is no classification task, and only such answers can be set against others"
                )
            found.append(task.labels)
        return found

    def _marked(self, name: str, labels: Sequence[str], chosen: str | Sequence[str], key: str) -> np.ndarray:
        """Return bool ``(labels,)``: those that are named."""
        mask = np.zeros(len(labels), dtype=bool)
        for label in _listed(chosen):
            mask[self._place(name, labels, label, key)] = True
        return mask

    def _place(self, name: str, labels: Sequence[str], label: str, key: str) -> int:
        """Return where a label stands."""
        if label not in labels:
            raise self._wrong(unknown("label", label, labels, where=f"{key}: task {name!r}", listed="Known"))
        return labels.index(label)

    def _wrong(self, reason: str) -> ConfigError:
        """Return the mistake as an error."""
        return ConfigError(f"rules: {self.name}: {reason}")


def _listed(labels: str | Sequence[str]) -> Sequence[str]:
    """Return one label or several as a list."""
    return [labels] if isinstance(labels, str) else labels
