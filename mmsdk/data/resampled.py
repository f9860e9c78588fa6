"""Rows drawn with repetition, by row or by whole groups: what every bootstrap is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def resampled(
    n: int, *, groups: Sequence[Any] | np.ndarray | None = None, resamples: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yield row positions drawn with repetition: ``n`` rows, or as many whole groups as there are.

    Where all rows are of one group, rows are drawn: the spread is then that of other rows of this group, and says
    nothing about other groups; drawing the group whole would say that there is none.
    """
    random = np.random.default_rng(seed)
    codes = _codes(n, groups)
    if not codes.any():
        for _ in range(resamples):
            yield random.integers(0, n, n)
        return
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    for _ in range(resamples):
        yield np.concatenate([members[one] for one in random.integers(0, len(members), len(members))])


def units_drawn(n: int, groups: Sequence[Any] | np.ndarray | None = None) -> int:
    """Return of how many rows, or groups, :func:`resampled` draws."""
    codes = _codes(n, groups)
    return int(codes.max()) + 1 if codes.any() else n


def as_good(scores: np.ndarray, drawn: np.ndarray, best: int) -> np.ndarray:
    """Return bool ``(k,)``: which of ``k`` candidates are behind the best by no more than noise.

    That is one standard error of the difference (Breiman et al. 1984, Classification and Regression Trees, section
    3.4.3): of these the plainest may be taken, so that noise chooses nothing unusual.

    :param scores: ``(k,)``, higher better.
    :param drawn: ``(k, r)``, the scores on each of the draws of :func:`resampled`; NaN where a draw has none.
    :param best: the candidate that the others are set against.
    """
    error = np.nanstd(drawn[best] - drawn, axis=1)
    return np.asarray(scores[best] - scores <= error)


def _codes(n: int, groups: Sequence[Any] | np.ndarray | None) -> np.ndarray:
    """Return the number of the group of each row, all 0 without groups."""
    if groups is None:
        return np.zeros(n, np.int64)
    return np.asarray(np.unique(np.asarray(groups).astype(str), return_inverse=True)[1])
