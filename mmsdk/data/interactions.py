"""Who took which item: pairs, or sets such as baskets, as positions in the table of items."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data.bad_rows import bad_rows
from mmsdk.data.media import Policy
from mmsdk.data.sources import read_table
from mmsdk.data.split import named_parts, times_of
from mmsdk.data.table import Table, as_id
from mmsdk.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mmsdk.config import InteractionsConfig

LEAVE_OUT = "leave such rows out"  # what skipping bad rows does here


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """One entry a pair of user and item, in the order of the file; a pair that repeats is one entry.

    :param users: int64 ``(n,)``: positions in ``user_ids``.
    :param items: int64 ``(n,)``: positions in the ids of the item table.
    :param user_ids: sorted.
    :param weights: float32 ``(n,)``, above 0; of a pair that repeats, the sum.
    :param times: float64 ``(n,)`` seconds, of a pair that repeats the latest; ``None`` without a time column.
    :param split: object ``(n,)`` of ``"train"``, ``"val"``, ``"test"`` or ``""``; ``None`` without a split column.
    :param said: what the user said, one entry a pair, of a pair that repeats the latest; ``None`` without the column.
    :param problems: what ``on_bad_row="skip"`` left out.
    """

    users: np.ndarray
    items: np.ndarray
    user_ids: tuple[str, ...]
    weights: np.ndarray
    times: np.ndarray | None = None
    split: np.ndarray | None = None
    said: tuple[str | None, ...] | None = None
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.users)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Somebody took something: ids, seconds (0 where nobody said when), and how much."""

    user: str
    item: str
    time: float
    weight: float


def read_interactions(
    config: InteractionsConfig,
    item_ids: Sequence[str],
    *,
    root: Path | None = None,
    policy: Policy | None = None,
) -> Interactions:
    """Read the interactions an application names.

    :param item_ids: the ids of the item table, in its order.
    :param root: the folder a relative file starts from (the working directory where left out).
    :raises DataError: missing columns, unknown items, an empty user or item, a weight that is no number above 0, a time
        that is none, another word than train, val, test; every row at once.
    """
    policy = policy or Policy()
    table = interactions_table(config, root=root)
    rows = _Rows(table, config)
    pairs, problems = _pairs(rows, config, {name: place for place, name in enumerate(item_ids)})
    if problems and policy.on_bad_row == "error":
        raise DataError(bad_rows(table.name, problems, LEAVE_OUT), problems)
    if not pairs:
        raise DataError(f"{table.name} holds no usable interactions", problems)
    return _merged(rows, pairs, problems)


def interactions_table(config: InteractionsConfig, *, root: Path | None = None) -> Table:
    """Return the table of the interactions, which has the columns that are named.

    :raises DataError: it cannot be read, or lacks some.
    """
    file = Path(config.file)
    table = read_table(root / file if root is not None and not file.is_absolute() else file)
    table.require([c for c in (config.user, config.item, config.time, config.weight, config.split, config.said) if c])
    return table


def read_events(
    data: Table, config: InteractionsConfig, item_ids: Sequence[str], policy: Policy | None = None
) -> tuple[list[Event], list[Problem]]:
    """Read interactions that came later, one event a user and item of a row; repeats are not summed.

    :param config: names the columns; ``split`` and ``said`` are not read.
    :raises DataError: as :func:`read_interactions`; a table without a usable row gives no event.
    """
    policy = policy or Policy()
    config = config.model_copy(update={"split": None, "said": None})
    data.require([c for c in (config.user, config.item, config.time, config.weight) if c])
    rows = _Rows(data, config)
    problems: list[Problem] = []
    places = {name: place for place, name in enumerate(item_ids)}
    found = [
        Event(
            user=user,
            item=item_ids[place],
            time=0.0 if rows.times is None else float(rows.times[row]),
            weight=float(rows.weights[row]),
        )
        for user, place, row in _known(rows, config, places, problems)
    ]
    if problems and policy.on_bad_row == "error":
        raise DataError(bad_rows(data.name, problems, LEAVE_OUT), problems)
    return found, problems


class _Rows:
    """The columns of an interactions file, parsed, with the problems of each row."""

    def __init__(self, table: Table, config: InteractionsConfig) -> None:
        """Read every column once."""
        self.users = [None if cell is None else as_id(cell) for cell in table.cells(config.user)]
        self.items = table.cells(config.item)
        found: list[Problem] = []
        self.times, self.split = None, None
        self.weights = np.ones(len(table))
        if config.time:
            self.times, problems = times_of(table.cells(config.time), config.time)
            found += problems
        if config.split:
            self.split, problems = named_parts(table.cells(config.split), config.split)
            found += problems
        if config.weight:
            self.weights, problems = _weights(table.cells(config.weight), config.weight)
            found += problems
        self.said = [None if c is None else str(c) for c in table.cells(config.said)] if config.said else None
        self.problems: dict[int, list[Problem]] = {}
        for problem in found:
            self.problems.setdefault(problem.row or 0, []).append(problem)


@dataclass(slots=True)
class _Pair:
    """One pair while repeats are summed: the row it was last seen in, and the weight so far."""

    row: int
    weight: float


def _weights(cells: Sequence[Any], column: str) -> tuple[np.ndarray, list[Problem]]:
    """Return float64 weights; one that is no finite number above 0 is a problem of its 0-based row."""
    found = np.ones(len(cells))
    problems = []
    for row, cell in enumerate(cells):
        try:
            weight = float(cell) if not isinstance(cell, bool) else math.nan
        except (TypeError, ValueError):
            weight = math.nan
        if math.isfinite(weight) and weight > 0:
            found[row] = weight
        else:
            shown = None if cell is None else str(cell)[:60]
            problems.append(Problem(row=row, column=column, value=shown, reason="is no number above 0"))
    return found, problems


def _pairs(
    rows: _Rows, config: InteractionsConfig, places: dict[str, int]
) -> tuple[dict[tuple[str, int, str], _Pair], list[Problem]]:
    """Return the pairs by user, item and part, and the problems with 1-based rows."""
    pairs: dict[tuple[str, int, str], _Pair] = {}
    problems: list[Problem] = []
    for user, place, row in _known(rows, config, places, problems):
        _add(pairs, (user, place, "" if rows.split is None else rows.split[row]), row, rows)
    return pairs, problems


def _known(
    rows: _Rows, config: InteractionsConfig, places: dict[str, int], problems: list[Problem]
) -> Iterator[tuple[str, int, int]]:
    """Yield user, place of the item and row of what can be used; the problems, with 1-based rows, go into a list."""
    for row, user in enumerate(rows.users):
        bad = list(rows.problems.get(row, ()))
        if user is None:
            bad.append(Problem(column=config.user, reason="is empty, but every row needs a user"))
        known: list[int] = []
        for name in _items(rows.items[row], config.separator):
            if name in places:
                known.append(places[name])
            else:
                bad.append(Problem(column=config.item, value=name[:400], reason="is no id of the item table"))
        if not known and rows.items[row] is None:
            bad.append(Problem(column=config.item, reason="is empty, but every row needs an item"))
        problems += [_numbered(problem, row) for problem in bad]
        if user is not None and row not in rows.problems:
            yield from ((user, place, row) for place in known)


def _items(cell: Any, separator: str | None) -> Iterator[str]:
    """Yield the ids of one cell: one, or a set."""
    if isinstance(cell, list):
        yield from (as_id(part) for part in cell if part is not None)
    elif cell is not None and separator:
        yield from (part.strip() for part in as_id(cell).split(separator) if part.strip())
    elif cell is not None:
        yield as_id(cell)


def _add(pairs: dict[tuple[str, int, str], _Pair], key: tuple[str, int, str], row: int, rows: _Rows) -> None:
    """Add one pair; of a repeat the weights are summed and the latest row is kept."""
    weight = float(rows.weights[row])
    before = pairs.get(key)
    if before is None:
        pairs[key] = _Pair(row, weight)
        return
    before.weight += weight
    if rows.times is None or rows.times[row] >= rows.times[before.row]:
        before.row = row


def _numbered(problem: Problem, row: int) -> Problem:
    """Return a problem with its 1-based row."""
    return Problem(row=row + 1, column=problem.column, value=problem.value, reason=problem.reason)


def _merged(rows: _Rows, pairs: dict[tuple[str, int, str], _Pair], problems: list[Problem]) -> Interactions:
    """Return the pairs as arrays."""
    user_ids = tuple(sorted({user for user, _, _ in pairs}))
    code = {name: place for place, name in enumerate(user_ids)}
    last = np.array([pair.row for pair in pairs.values()], np.int64)
    return Interactions(
        users=np.array([code[user] for user, _, _ in pairs], np.int64),
        items=np.array([item for _, item, _ in pairs], np.int64),
        user_ids=user_ids,
        weights=np.array([pair.weight for pair in pairs.values()], np.float32),
        times=None if rows.times is None else rows.times[last],
        split=None if rows.split is None else rows.split[last],
        said=None if rows.said is None else tuple(rows.said[row] for row in last),
        problems=tuple(problems),
    )
