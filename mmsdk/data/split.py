"""Which rows train, which choose, which are scored: by a column, by group, by time, or drawn by a seed."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data.table import Table, as_id
from mmsdk.data.times import seconds_of
from mmsdk.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mmsdk.config import SplitConfig

TRAIN, VAL, TEST = "train", "val", "test"
NAMES = {"train": TRAIN, "val": VAL, "validation": VAL, "test": TEST}


def split_rows(
    table: Table, config: SplitConfig, *, ids: Sequence[str], target: str | None = None
) -> tuple[np.ndarray, list[Problem]]:
    """Return the part of every row, and rows whose part cannot be told.

    The draw looks at the ids and the seed, never at the order of the rows. Random rows keep the shares of the classes
    of ``target``, and a class of one row trains. Whole groups go to one part, the parts' sizes as near the shares as
    they allow. By time, the oldest rows train and the newest are the test. An empty cell of a split column is no part:
    such a row is indexed but neither trained on nor scored.

    :param ids: unique, one a row.
    :param target: a column of classes.
    :returns: object ``(n,)`` of ``"train"``, ``"val"``, ``"test"`` or ``""``, and problems whose ``row`` is 0-based.
    :raises DataError: a group stands in several parts, or there is one group only.
    """
    if config.column:
        parts, problems = named_parts(table.cells(config.column), config.column)
        if config.group:
            _no_straddling(table.cells(config.group), parts, config.group)
    elif config.time:
        parts, problems = _by_time(table, config, ids)
    elif config.group:
        parts, problems = _by_group(table, config, ids), []
    else:
        strata = table.cells(target) if target else [None] * len(table)
        parts, problems = _at_random(strata, config, ids), []
    return parts, problems


def named_parts(cells: Sequence[Any], column: str) -> tuple[np.ndarray, list[Problem]]:
    """Return the parts that cells name; another word is a problem whose ``row`` is 0-based."""
    parts = np.full(len(cells), "", dtype=object)
    problems = []
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        part = NAMES.get(str(cell).strip().lower())
        if part is None:
            reason = "is no part of a split; expected train, val (or validation), test, or an empty cell"
            problems.append(Problem(row=row, column=column, value=str(cell)[:60], reason=reason))
        else:
            parts[row] = part
    return parts, problems


def draw(seed: int, key: str) -> float:
    """Return a number in [0, 1) that depends on the seed and the key alone."""
    digest = hashlib.blake2b(f"{seed}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _at_random(strata: Sequence[Any], config: SplitConfig, ids: Sequence[str]) -> np.ndarray:
    """Draw rows, class by class, so that every class has its share of each part."""
    parts = np.full(len(ids), TRAIN, dtype=object)
    draws = [draw(config.seed, name) for name in ids]
    classes: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(strata):
        classes["" if label is None else as_id(label)].append(row)
    several = len(classes) > 1
    for label, rows in classes.items():
        rows.sort(key=lambda row: (draws[row], ids[row]))
        # a rounding of its own for each class: many small classes together still give their share
        rounding = draw(config.seed, f"class {label}") if several else 0.5
        test, val = _quota(len(rows), config, rounding)
        parts[rows[:test]] = TEST
        parts[rows[test : test + val]] = VAL
    _none_empty(parts, config, sorted(range(len(ids)), key=lambda row: (draws[row], ids[row])))
    return parts


def _quota(rows: int, config: SplitConfig, rounding: float) -> tuple[int, int]:
    """Return how many of some rows are test and validation; one at least trains."""
    both = min(math.floor(rows * (config.test + config.validation) + rounding), rows - 1)
    test = min(math.floor(rows * config.test + rounding), both)
    return test, both - test


def _none_empty(parts: np.ndarray, config: SplitConfig, order: Sequence[int]) -> None:
    """Give a part that came out empty one row, where three or more rows allow it."""
    if len(parts) < 3:
        return
    for part, share in ((TEST, config.test), (VAL, config.validation)):
        if share > 0 and not (parts == part).any():
            training = [row for row in order if parts[row] == TRAIN]
            if len(training) > 1:
                parts[training[0]] = part


def _by_group(table: Table, config: SplitConfig, ids: Sequence[str]) -> np.ndarray:
    """Draw whole groups; a row without a group is one of its own."""
    groups: dict[str, list[int]] = defaultdict(list)
    for row, cell in enumerate(table.cells(config.group or "")):
        groups[f"row {ids[row]}" if cell is None else f"group {as_id(cell)}"].append(row)
    if len(groups) < 2 and config.test + config.validation > 0:
        raise DataError(
            f"column {config.group!r} of {table.name} holds one group only, which cannot be split; "
            "choose another column, or set split.test and split.validation to 0"
        )
    parts = np.full(len(table), TRAIN, dtype=object)
    wanted = {TEST: len(table) * config.test, VAL: len(table) * config.validation}
    placed = dict.fromkeys(wanted, 0)
    order = sorted(groups, key=lambda name: (draw(config.seed, name), name))
    for name in order:
        size = len(groups[name])
        for part, goal in wanted.items():
            if placed[part] + size / 2 <= goal:
                parts[groups[name]] = part
                placed[part] += size
                break
    _no_part_without_group(parts, groups, order, wanted)
    return parts


def _no_part_without_group(
    parts: np.ndarray, groups: dict[str, list[int]], order: Sequence[str], wanted: dict[str, float]
) -> None:
    """Give a part that came out empty the smallest group of one that has several; training comes first."""
    held = {part: [name for name in order if parts[groups[name][0]] == part] for part in (TRAIN, TEST, VAL)}
    for part, goal in {TRAIN: 1.0, **wanted}.items():
        least = 1 if part == TRAIN else 2  # rather no validation than nothing to train on
        donor = next((names for names in (held[TRAIN], held[VAL], held[TEST]) if len(names) >= least), None)
        if held[part] or goal <= 0 or donor is None:
            continue
        moved = min(donor, key=lambda name: len(groups[name]))
        donor.remove(moved)
        held[part].append(moved)
        parts[groups[moved]] = part


def _by_time(table: Table, config: SplitConfig, ids: Sequence[str]) -> tuple[np.ndarray, list[Problem]]:
    """Order the rows by time: oldest train, newest are the test; rows of one moment are ordered by a draw."""
    column = config.time or ""
    times, problems = times_of(table.cells(column), column)
    rows = [row for row in oldest_first(times, ids, config.seed) if not math.isnan(times[row])]
    parts = np.full(len(table), "", dtype=object)
    parts[rows] = TRAIN
    test, val = _quota(len(rows), config, 0.5)
    if len(rows) > 2:
        test = max(test, int(config.test > 0))
        val = min(max(val, int(config.validation > 0)), len(rows) - test - 1)
    parts[rows[len(rows) - test :]] = TEST
    parts[rows[len(rows) - test - val : len(rows) - test]] = VAL
    return parts, problems


def oldest_first(times: np.ndarray, ids: Sequence[str], seed: int) -> list[int]:
    """Return the positions of rows in order of time; those of one moment are ordered by a draw."""
    return sorted(range(len(ids)), key=lambda row: (times[row], draw(seed, ids[row]), ids[row]))


def times_of(cells: Iterable[Any], column: str) -> tuple[np.ndarray, list[Problem]]:
    """Return float64 seconds ``(n,)``, NaN where a cell is no moment, with a problem of the 0-based row."""
    found: list[float] = []
    problems: list[Problem] = []
    for row, cell in enumerate(cells):
        try:
            found.append(seconds_of(cell))
        except ValueError as error:
            found.append(math.nan)
            shown = None if cell is None else str(cell)[:60]
            problems.append(Problem(row=row, column=column, value=shown, reason=str(error)))
    return np.array(found, np.float64), problems


def _no_straddling(groups: Sequence[Any], parts: np.ndarray, column: str) -> None:
    """Refuse a split column that puts one group in several parts."""
    seen: dict[str, set[str]] = defaultdict(set)
    for group, part in zip(groups, parts, strict=True):
        if group is not None and part:
            seen[as_id(group)].add(part)
    problems = [
        Problem(column=column, value=group, reason=f"stands in {' and '.join(sorted(found))}")
        for group, found in seen.items()
        if len(found) > 1
    ]
    if problems:
        raise DataError("groups stand in several parts of the split, which gives answers away", problems)
