"""From the cells of a task's column to targets; what is wrong with them is said with row, column and value."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmsdk.data import bad_rows
from mmsdk.errors import ConfigError, DataError, PluginError, did_you_mean
from mmsdk.tasks import Classification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.errors import Problem
    from mmsdk.protocols import Task

OF_TASK = ("order", "separator")
OF_TRAINING = ("label_smoothing", "imbalance", "focal_gamma")


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Answers that a rule does not let stand together, and the rows for which it does not.

    :param mask: within a multilabel task ``(pairs, 2)``, each a child that may not stand without its parent, or
        the places of labels ``(k,)`` of which one at most may stand; between
        two classification tasks ``(labels, other labels)`` bool, those forbidden.
    :param rows: ``(n,)`` bool.
    :param other: the second task, empty within one.
    """

    mask: np.ndarray
    rows: np.ndarray
    other: str = ""

    @cached_property
    def beside(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what may stand beside each label of two tasks; most forbid the same, and are looked at once.

        :returns: ``(kinds, most)`` places of labels of the other task, filled up with the place after the last; and the
            kind of each label ``(labels,)``, counted from 1: 0 is one that forbids nothing.
        """
        bound = np.flatnonzero(self.mask.any(1))
        _, first, of = np.unique(np.packbits(self.mask[bound], axis=1), axis=0, return_index=True, return_inverse=True)
        kinds = [np.flatnonzero(~row) for row in self.mask[bound[first]]]
        allowed = np.full((len(kinds), max((len(one) for one in kinds), default=0)), self.mask.shape[1])
        for place, one in enumerate(kinds):
            allowed[place, : len(one)] = one
        kind = np.zeros(len(self.mask), dtype=np.int64)
        kind[bound] = of.reshape(-1) + 1
        return allowed, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One task and its targets.

    :param values: ``(n, ...)`` as the task encodes them; rows without a label hold a harmless placeholder.
    :param labelled: ``(n,)`` bool.
    :param weight: how much the task's loss counts.
    :param allowed: what bounds leave of the answers to each row, or None where there is none: of a classification
        ``(n, labels)`` bool (a row that is left all, or none, teaches nothing by it); of a multilabel task
        ``(n, labels)`` int8, 1 always, -1 never, 0 either; of a number ``(n, 2)``, lowest and highest, standardised.
    :param clashes: the rules about answers that may not stand together; one of two tasks stands with the first.
    :param rule_weight: how much answers that break rules cost in training.
    :param options: what the task was offered.
    """

    task: Task
    values: np.ndarray
    labelled: np.ndarray
    weight: float = 1.0
    allowed: np.ndarray | None = None
    clashes: tuple[Clash, ...] = ()
    rule_weight: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ruled(self) -> bool:
        """Return whether rules teach in training."""
        return self.rule_weight > 0 and (self.allowed is not None or bool(self.clashes))

    def labelled_rows(self, chosen: np.ndarray) -> np.ndarray:
        """Return the positions of the labelled rows among the rows that a bool mask chooses."""
        return np.flatnonzero(self.labelled & chosen)


def offered_options(training: Any, entry: Any) -> dict[str, Any]:
    """Return what the application offers a task: what it offers every one, and the options of its own."""
    offered = {name: getattr(entry, name) for name in OF_TASK if getattr(entry, name) is not None}
    offered |= {name: getattr(training, name) for name in OF_TRAINING}
    return {**offered, **entry.options}


def refuse_unread(target: Callable[..., Task], name: str, entry: Any) -> None:
    """Refuse an order or options that nothing would come of.

    :param target: the task type, ``name`` the task and ``entry`` its block of the application.
    :raises ConfigError: there is one.
    """
    taken, takes_any = _parameters(target)
    for option in entry.options:
        if option in (*OF_TASK, *OF_TRAINING):
            place = f"tasks.{name}" if option in OF_TASK else "training"
            raise ConfigError(f"tasks.{name}.options.{option} is no option: write {place}.{option}")
        if option not in taken and not takes_any:
            known = sorted(taken.difference(OF_TASK, OF_TRAINING))
            raise ConfigError(
                f"tasks.{name}.options: {entry.type} takes no option named {option!r}.{did_you_mean(option, known)} "
                f"Known: {', '.join(known) or 'none'}"
            )
    ranked = isinstance(target, type) and issubclass(target, Classification)  # by rules
    if entry.order is not None and not (ranked or takes_any or "order" in taken):
        raise ConfigError(f"tasks.{name}.order: {entry.type} knows no order of its answers; leave the key out")


def make_task(target: Callable[..., Task], offered: Mapping[str, Any]) -> Task:
    """Construct a task with those of the offered options that it takes.

    See :func:`offered_options`; a task from a plugin need not know any of them.
    """
    taken, takes_any = _parameters(target)
    return target(**{name: value for name, value in offered.items() if takes_any or name in taken})


def _parameters(target: Callable[..., Task]) -> tuple[set[str], bool]:
    """Return the names a task type can be constructed with, and whether it takes any other as well."""
    parameters = inspect.signature(target).parameters.values()
    named = {one.name for one in parameters if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)}
    return named, any(one.kind is one.VAR_KEYWORD for one in parameters)


def prepare_targets(
    task: Task,
    cells: Sequence[Any],
    split: np.ndarray,
    *,
    name: str,
    column: str,
    ids: Sequence[str] | None = None,
    weight: float = 1.0,
    on_bad_row: Literal["error", "skip"] = "error",
) -> tuple[Target, list[Problem]]:
    """Prepare the task on the training rows and encode every row.

    :param cells: the column, one cell a row; ``None`` and ``""`` mean not labelled.
    :param split: ``(n,)`` of ``"train"``, ``"val"``, ``"test"`` or ``""``; without any ``"train"``, all rows train.
    :param name: the task's name, and ``column`` its column, for messages.
    :returns: the target, and the problems of the rows that count as not labelled (with ``skip``).
    :raises DataError: nothing to learn (one class only, no label, a constant number), or, unless rows are skipped,
        cells that cannot be used and labels that no training row has.
    """
    training = training_rows(split)
    try:
        task.prepare([cell for cell, chosen in zip(cells, training, strict=True) if chosen])
    except DataError as error:
        raise DataError(f"tasks.{name} (column {column!r}): {error}", error.problems) from error
    return encode_targets(task, cells, name=name, column=column, ids=ids, weight=weight, on_bad_row=on_bad_row)


def encode_targets(
    task: Task,
    cells: Sequence[Any],
    *,
    name: str,
    column: str,
    ids: Sequence[str] | None = None,
    weight: float = 1.0,
    on_bad_row: Literal["error", "skip"] = "error",
) -> tuple[Target, list[Problem]]:
    """Encode every row for a task that is already prepared; see :func:`prepare_targets`.

    :raises PluginError: the task gives more or fewer targets than there are cells.
    """
    values, labelled, found = task.encode(cells)
    if not len(values) == len(labelled) == len(cells):
        kind = type(task)
        raise PluginError(
            f"tasks.{name}: encode() of {kind.__module__}:{kind.__qualname__} gives {len(values)} targets and a mask "
            f"of {len(labelled)} for {len(cells)} cells, expected one of each a cell; `mmsdk plugins check` tries it"
        )
    problems = [
        replace(one, row=one.row + 1, column=column, id=None if ids is None else ids[one.row])
        for one in found
        if one.row is not None
    ]
    if problems and on_bad_row == "error":
        raise DataError(bad_rows(f"tasks.{name}", problems, "take such rows as not labelled"), problems)
    return Target(task=task, values=values, labelled=labelled, weight=weight), problems


def training_rows(split: np.ndarray) -> np.ndarray:
    """Return the bool mask of the rows to train on: those of ``"train"``, or all where no row is in it."""
    chosen = np.asarray(split == "train", dtype=bool)
    return chosen if chosen.any() else np.ones(len(split), dtype=bool)
