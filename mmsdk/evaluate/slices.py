"""Where a model is weak: its own metric on slices of the held-out rows, beside all the other rows."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.data import resampled
from mmsdk.evaluate.bootstrap import bound_of, interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ENOUGH = 30  # rows below which a slice is shown and not judged
PARTS = 4  # of equal size, of a column of numbers
VALUES = 20  # of a column of categories, the most frequent ones
ALPHA = 0.05


def slice_masks(cells: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return the slices of a column, name -> bool mask ``(n,)``.

    A column of numbers with more than eight different ones is cut into four parts of equal size; else each of the
    twenty most frequent values is a slice, and the rest together is ``other values``. Empty cells are ``(empty)``.

    :param cells: plain values, ``None`` where empty.
    """
    empty = np.array([cell is None for cell in cells], dtype=bool)
    numbers = _numbers(cells, empty)
    found = _values(cells, empty) if numbers is None else _parts(numbers)
    if empty.any():
        found["(empty)"] = empty
    return found


def _numbers(cells: Sequence[Any], empty: np.ndarray) -> np.ndarray | None:
    """Return float64 ``(n,)`` with NaN where empty; None where the column does not hold numbers of many values."""
    held = [cell for cell in cells if cell is not None]
    if not held or not all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in held):
        return None
    numbers = np.array([math.nan if gone else float(cell) for cell, gone in zip(cells, empty, strict=True)])
    return numbers if len(set(held)) > 2 * PARTS else None


def _parts(numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Return the quarters of a column of numbers."""
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, PARTS + 1)[1:-1]))
    part = np.where(np.isfinite(numbers), np.searchsorted(edges, np.nan_to_num(numbers)), -1)
    names = [f"up to {edges[0]:.4g}"]
    names += [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    names.append(f"above {edges[-1]:.4g}")
    return {name: part == place for place, name in enumerate(names) if (part == place).any()}


def _values(cells: Sequence[Any], empty: np.ndarray) -> dict[str, np.ndarray]:
    """Return the most frequent values of a column."""
    texts = np.array(["" if gone else str(cell) for cell, gone in zip(cells, empty, strict=True)], dtype=object)
    names, counts = np.unique(texts[~empty].astype(str), return_counts=True)
    shown = [str(names[place]) for place in np.argsort(-counts, kind="stable")[:VALUES]]
    found = {name: np.asarray(texts == name) & ~empty for name in shown}
    rest = ~empty & ~np.any([*found.values()], axis=0) if found else ~empty
    return {**found, "other values": rest} if rest.any() else found


def score_slices(
    score: Callable[[np.ndarray], float],
    masks: Mapping[tuple[str, str], np.ndarray],
    n: int,
    *,
    higher_is_better: bool,
    groups: np.ndarray | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Score each slice, and say which is worse than all the other rows by more than chance.

    Slice and rest are scored on the same resamples (by whole groups). The gap over its bootstrap spread is taken for
    normal, with groups for Student's t with one degree of freedom less than the slice, or the rest, has groups (the
    spread raised by ``sqrt(g / (g - 1))``, since that of few is too small), and the p-values of all judged slices are
    corrected by Holm (1979), so that the chance of calling any fair slice weak is at most 5 %, however many are looked
    at. Slices below 30 rows or two groups, or with fewer outside, are shown and not judged: one group alone does not
    say how others of its kind would fare.

    :param score: of int64 row positions.
    :param masks: (column, value) -> bool ``(n,)``; slices without a row are left out.
    :returns: weakest first: ``{"column", "value", "n", "score", "gap", "p", "judged", "worse"}``; ``score`` and ``gap``
        (positive: better than the rest) are ``{value, low, high, n}``, ``gap`` and ``p`` None where there is no rest.
    """
    used = {key: mask for key, mask in masks.items() if mask.any()}
    halves = {_half(mask).tobytes(): _half(mask) for mask in used.values()}  # given and missing are one half each
    drawn: dict[bytes, list[tuple[float, float]]] = {key: [] for key in halves}
    for rows in resampled(n, groups=groups, resamples=resamples, seed=seed):
        for name, mask in halves.items():
            inside = mask[rows]
            drawn[name].append((_score(score, rows[inside]), _score(score, rows[~inside])))
    sign = 1.0 if higher_is_better else -1.0
    found = []
    for key, mask in used.items():
        pairs = np.asarray(drawn[_half(mask).tobytes()])
        found.append(_entry(key, mask, score, pairs if mask[0] else pairs[:, ::-1], sign, groups))
    found = [one for one in found if math.isfinite(one["score"]["value"])]
    _correct([one for one in found if one["judged"]])
    return sorted(found, key=lambda one: (not one["judged"], one["gap"]["value"] if one["gap"] else 0.0))


def _half(mask: np.ndarray) -> np.ndarray:
    """Return the mask or its opposite: the one that holds the first row."""
    return mask if mask[0] else ~mask


def _entry(
    key: tuple[str, str],
    mask: np.ndarray,
    score: Callable[[np.ndarray], float],
    drawn: np.ndarray,
    sign: float,
    groups: np.ndarray | None,
) -> dict[str, Any]:
    """Return what is known of one slice."""
    inside, outside = np.flatnonzero(mask), np.flatnonzero(~mask)
    value, units = _score(score, inside), _units(inside, groups)
    alone = drawn[:, 0]
    if (
        units == 1 < len(inside)
    ):  # of one group among others: how other rows of it would fare, as where there is no other
        alone = np.array([score(inside[rows]) for rows in resampled(len(inside), resamples=len(drawn))])
        units = len(inside)
    found: dict[str, Any] = {
        "column": key[0],
        "value": key[1],
        "n": len(inside),
        "score": interval(value, alone, len(inside), units=units, bound=bound_of(score, inside, groups)).as_json(),
        "gap": None,
        "p": None,
        "judged": False,
        "worse": False,
    }
    gaps = sign * (drawn[:, 0] - drawn[:, 1])
    gap = sign * (value - _score(score, outside))
    if not math.isfinite(gap):
        return found
    units = min(_units(side, groups) for side in (inside, outside))
    found["gap"] = interval(gap, gaps, len(inside), units=units).as_json()
    usable = gaps[np.isfinite(gaps)]
    spread = float(usable.std()) if len(usable) > 1 else 0.0
    freedom = _freedom(inside, outside, groups)
    enough = min(len(inside), len(outside)) >= ENOUGH and freedom > 0
    found["judged"] = enough and (spread > 0 or gap != 0)
    found["p"] = _chance(gap, spread, freedom) if found["judged"] else None
    return found


def _freedom(inside: np.ndarray, outside: np.ndarray, groups: np.ndarray | None) -> float:
    """Return one less than the fewer groups of both sides; infinity where rows, or all of one group, are drawn."""
    if groups is None or len(set(groups.astype(str))) == 1:
        return math.inf
    return min(_units(side, groups) for side in (inside, outside)) - 1


def _units(rows: np.ndarray, groups: np.ndarray | None) -> int:
    """Return how many groups some rows are of; without groups, how many rows."""
    if groups is None or len(set(groups.astype(str))) == 1:
        return len(rows)
    return len(set(groups[rows].astype(str)))


def _chance(gap: float, spread: float, freedom: float) -> float:
    """Return the chance of so low a gap, or a lower one, by luck; without any spread there is no luck."""
    from scipy.stats import norm, t

    if spread == 0:
        return float(gap > 0)
    if math.isinf(freedom):
        return float(norm.cdf(gap / spread))
    return float(t.cdf(gap / (spread * math.sqrt((freedom + 1) / freedom)), freedom))


def _correct(judged: list[dict[str, Any]]) -> None:
    """Correct the p-values by Holm's step-down and mark what stays below 5 %."""
    largest = 0.0
    for place, one in enumerate(sorted(judged, key=lambda one: float(one["p"]))):
        largest = max(largest, min(1.0, one["p"] * (len(judged) - place)))
        one["p"], one["worse"] = largest, largest < ALPHA


def _score(score: Callable[[np.ndarray], float], rows: np.ndarray) -> float:
    """Return the score of some rows, NaN of none."""
    return float(score(rows)) if len(rows) else math.nan
