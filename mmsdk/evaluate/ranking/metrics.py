"""How good recommendations are, user by user: found, early, cold, varied, unexpected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.ranking.top import best_items, hits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.evaluate.ranking.held_out import HeldOut
    from mmsdk.tasks.ranking import Content, Histories

CUTOFF = 20
CHUNK = 512  # users scored at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a recommender answered.

    :param top: int64 ``(b, k)`` item positions, best first, ``-1`` past the last; never of the history.
    :param first: int64 ``(b,)``: the rank of the best target in the whole catalogue, from 1.
    """

    top: np.ndarray
    first: np.ndarray


def answer(
    scorer: Callable[[Histories], np.ndarray],
    histories: Histories,
    targets: Histories,
    *,
    order: np.ndarray,
    k: int = CUTOFF,
) -> Answers:
    """Rank the catalogue for each user, without the history.

    :param order: ``(n_items,)`` item positions by id: of equal scores the first id wins.
    """
    top = np.empty((len(histories), k), np.int64)
    first = np.empty(len(histories), np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    for start in range(0, len(histories), CHUNK):
        users = np.arange(start, min(start + CHUNK, len(histories)))
        asked, wanted = histories.select(users), targets.select(users)
        scores = np.asarray(scorer(asked))[:, order]
        scores[asked.users, place[asked.items]] = -np.inf
        found = best_items(scores, k)
        top[users] = np.where(found < 0, -1, order[found])
        first[users] = _first(scores, wanted.users, place[wanted.items])
    return Answers(top=top, first=first)


def user_metrics(answers: Answers, held: HeldOut, contents: Mapping[str, Content]) -> dict[str, np.ndarray]:
    """Return metric -> float64 ``(b,)``, one value a user; NaN where it is not defined for a user; ``k`` is 20.

    - ``recall@k``: hits over the most there could be, ``min(k, targets)``
    - ``ndcg@k``: each hit counts ``1 / log2(1 + rank)``, over the most there could be (Järvelin and Kekäläinen 2002)
    - ``mrr``: one over the rank of the best target, in the whole catalogue
    - ``hit_rate@k``: 1 with a hit, else 0
    - ``cold_recall@k``: recall of those targets alone that no training pair touches
    - ``novelty@k``: mean ``-log2`` of the share of users that took an item (Zhou et al. 2010), as if by one user more
    - ``diversity@k``: mean ``1 - cosine`` between two answers, in content
    """
    k, rows, items = CUTOFF, held.targets.users, held.targets.items
    counts = held.targets.lengths
    width = held.train.n_items
    hits = hits_of(answers.top, rows, items, width)
    gains = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0], np.cumsum(gains)])[np.minimum(counts, k)]
    cold = held.cold[items]
    cold_counts = np.bincount(rows[cold], minlength=len(counts))
    cold_hits = hits_of(answers.top, rows[cold], items[cold], width).sum(1)
    return {
        f"recall@{k}": hits.sum(1) / np.minimum(counts, k),
        f"ndcg@{k}": hits @ gains / ideal,
        "mrr": 1 / answers.first,
        f"hit_rate@{k}": hits.any(1).astype(np.float64),
        f"cold_recall@{k}": np.where(cold_counts > 0, cold_hits / np.clip(cold_counts, 1, k), np.nan),
        f"novelty@{k}": _novelty(answers.top, held),
        f"diversity@{k}": _diversity(answers.top, list(contents.values())),
    }


def coverage(top: np.ndarray, n_items: int) -> float:
    """Return the share of the catalogue that somebody was recommended."""
    return len(np.unique(top[top >= 0])) / n_items


def _first(scores: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the rank, from 1, of the best of the cells ``(rows[i], columns[i])`` of each row; ties by column."""
    order = np.lexsort((columns, -scores[rows, columns], rows))
    best = columns[order[np.searchsorted(rows[order], np.arange(len(scores)))]]
    ranks = np.empty(len(scores), np.int64)
    for row, (line, column) in enumerate(zip(scores, best, strict=True)):
        ranks[row] = 1 + np.count_nonzero(line > line[column]) + np.count_nonzero(line[:column] == line[column])
    return ranks


def _novelty(top: np.ndarray, held: HeldOut) -> np.ndarray:
    """Return the mean self-information of each user's answers, in bits."""
    users = int((held.train.lengths > 0).sum())
    surprise = np.log2((users + 1) / (held.train.degrees + 1))
    return _mean(np.where(top >= 0, surprise[top], np.nan))


def _mean(values: np.ndarray) -> np.ndarray:
    """Return row means over what is no NaN; NaN where nothing is left."""
    known = np.isfinite(values)
    count = known.sum(1)
    return np.where(count > 0, np.where(known, values, 0).sum(1) / np.maximum(count, 1), np.nan)


def _diversity(top: np.ndarray, contents: Sequence[Content]) -> np.ndarray:
    """Return the mean of ``1 - cosine`` over pairs of answers; the cosine of all inputs side by side."""
    found = np.full(len(top), np.nan)
    inputs = sum((np.any(one.vectors != 0, axis=1).astype(np.float32) for one in contents), np.zeros(1, np.float32))
    scale = 1 / np.sqrt(np.maximum(inputs, 1))
    for user, row in enumerate(top if contents else ()):
        items = row[row >= 0]
        if len(items) < 2:
            continue
        length = alike = 0.0
        for one in contents:
            vectors = one.vectors[items] * scale[items, None]
            length += float((vectors.sum(0) ** 2).sum())
            alike += float((vectors**2).sum())
        found[user] = 1 - (length - alike) / (len(items) * (len(items) - 1))
    return found
