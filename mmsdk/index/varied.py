"""Answers that differ from each other: maximal marginal relevance, and no more than so many of one group."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError
from mmsdk.index.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from mmsdk.index.exact import Floats


def varied(
    scores: Sequence[float],
    vectors: Floats | None,
    k: int,
    *,
    diversity: float = 0.0,
    groups: Sequence[Hashable | None] | None = None,
    at_most: int = 1,
) -> list[int]:
    """Return the places of ``k`` answers (fewer where there are not so many), in the order to show them.

    Each next answer is the one of greatest ``(1 - diversity) * relevance - diversity * likeness``: relevance is the
    score, from 0 for the lowest of those given to 1 for the highest, likeness the greatest cosine to an answer that was
    taken before (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998).

    :param scores: ``(n,)`` of the best answers, highest first.
    :param vectors: ``(n, d)`` what is compared; not read where ``diversity`` is 0.
    :param diversity: 0 leaves the order as it is; 1 asks only how unlike an answer is, after the first.
    :param groups: ``(n,)`` the group of each; one without a group (``None``) counts towards none.
    :param at_most: how many of one group.
    :raises DataError: ``diversity`` is not between 0 and 1, or ``at_most`` below 1.
    """
    _check(diversity, at_most)
    relevance = _relevance(np.asarray(scores, np.float64))
    unit = unit_rows(vectors) if diversity and vectors is not None else None
    likeness = np.zeros(len(relevance))
    free = np.ones(len(relevance), bool)
    taken: list[int] = []
    counts: Counter[Any] = Counter()
    while len(taken) < k and free.any():
        worth = (1 - diversity) * relevance - diversity * likeness if taken else relevance
        best = int(np.argmax(np.where(free, worth, -np.inf)))  # the first of equals
        free[best] = False
        group = None if groups is None else groups[best]
        if group is not None and counts[group] >= at_most:
            continue
        counts[group] += 1
        taken.append(best)
        if unit is not None:
            near = unit @ unit[best]
            likeness = near if len(taken) == 1 else np.maximum(likeness, near)
    return taken


def _check(diversity: float, at_most: int) -> None:
    """Refuse what cannot be."""
    if not 0 <= diversity <= 1:
        raise DataError(f"diversity = {diversity}: expected a number from 0 (the best first) to 1 (the most unlike)")
    if at_most < 1:
        raise DataError(f"at_most = {at_most}: expected 1 or more of a group")


def _relevance(scores: np.ndarray) -> np.ndarray:
    """Return scores from 0 to 1."""
    span = float(np.ptp(scores)) if len(scores) else 0.0
    return (scores - scores.min()) / span if span > 0 else np.zeros(len(scores))
