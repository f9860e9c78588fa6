"""What a sceptic would try first: popularity, co-occurrence, and content similarity alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from mmsdk.tasks.ranking.content import nearest
from mmsdk.tasks.ranking.folds import Fold
from mmsdk.tasks.ranking.histories import Histories
from mmsdk.tasks.ranking.sequel import last_items, transitions
from mmsdk.tasks.ranking.top import best_items, hits_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.tasks.ranking.content import Content

Scorer = Callable[[Histories], np.ndarray]  # histories of b users -> scores (b, n_items), higher is better

EASE_UP_TO = 20_000  # items; item-kNN above
EASE_PENALTIES = (1.0, 10.0, 100.0, 1000.0)
EASE_CHOSEN_ON = 3000  # the most touched items, to choose the penalty
KNN = 50
SMOOTHED_UP_TO = 10_000  # items
SMOOTHED_GRID = tuple((k, own) for k in (10, 30) for own in (1.0, 3.0, 10.0))


def baselines(train: Histories, contents: Mapping[str, Content], folds: Sequence[Fold]) -> dict[str, Scorer]:
    """Return every baseline, fitted on the training pairs; their settings are chosen on the inner leave-outs.

    ``popularity``; ``after the last item``, where there are times; ``EASE`` or, above 20,000 items, ``item-kNN``;
    ``content: <input>`` each and, of several, ``content: all`` (equal weights); ``smoothed co-occurrence`` up to
    10,000 items.
    """
    found: dict[str, Scorer] = {"popularity": popularity(train)}
    if train.ordered:
        found["after the last item"] = after_the_last(train)
    if train.n_items <= EASE_UP_TO:
        found["EASE"] = ease(train, choose_penalty(train, folds))
    else:
        found["item-kNN"] = item_knn(train)
    for name, content in contents.items():
        found[f"content: {name}"] = content_similarity([content])
    if len(contents) > 1:
        found["content: all"] = content_similarity(list(contents.values()))
    if contents and train.n_items <= SMOOTHED_UP_TO:
        found["smoothed co-occurrence"] = _best_smoothed(train, list(contents.values()), folds)
    return found


def popularity(train: Histories) -> Scorer:
    """Rank by the number of users."""
    degrees = train.degrees.astype(np.float32)
    return lambda histories: np.tile(degrees, (len(histories), 1))


def after_the_last(train: Histories) -> Scorer:
    """Rank by how often an item is taken soon after the last one: a first-order Markov chain over up to three steps."""
    steps = transitions(train)

    def scores(histories: Histories) -> np.ndarray:
        last = last_items(histories)
        return np.where((last >= 0)[:, None], steps[np.maximum(last, 0)].toarray(), np.float32(0))

    return scores


def content_similarity(contents: Sequence[Content]) -> Scorer:
    """Rank by the cosine to the items of the history, summed over inputs."""

    def scores(histories: Histories) -> np.ndarray:
        users = histories.coefficients()
        return np.asarray(sum((users @ one.vectors) @ one.vectors.T for one in contents), np.float32)

    return scores


def ease(train: Histories, penalty: float) -> Scorer:
    """Rank by a linear item-item model in closed form (Steck, WWW 2019); items that nobody touched score 0.

    ``P = (X'X + penalty I)^-1``, ``B = I - P / diag(P)``; by the matrix of users where those are fewer.
    """
    warm = np.flatnonzero(train.degrees)
    weights = _ease_weights(train.matrix()[:, warm], penalty)

    def scores(histories: Histories) -> np.ndarray:
        found = np.zeros((len(histories), train.n_items), np.float32)
        found[:, warm] = histories.coefficients()[:, warm] @ weights
        return found

    return scores


def choose_penalty(train: Histories, folds: Sequence[Fold]) -> float:
    """Return the penalty of EASE of best inner recall; on the 3,000 most touched items where there are more."""
    if not folds:
        return EASE_PENALTIES[1]
    popular = np.sort(np.argsort(-train.degrees, kind="stable")[:EASE_CHOSEN_ON])
    narrow = [_on_items(fold, popular) for fold in folds[:4]]
    recalls = [np.mean([inner_recall(ease(one.train, penalty), one) for one in narrow]) for penalty in EASE_PENALTIES]
    return EASE_PENALTIES[int(np.argmax(recalls))]


def item_knn(train: Histories, k: int = KNN, chunk: int = 256) -> Scorer:
    """Rank by the cosine of co-occurrence with the items of the history, the ``k`` nearest of each (Sarwar 2001)."""
    degrees = np.maximum(train.degrees, 1)
    taken = (train.matrix() @ sp.diags_array((1 / np.sqrt(degrees)).astype(np.float32))).tocsc()
    parts = []
    for start in range(0, train.n_items, chunk):
        similar = (taken[:, start : start + chunk].T @ taken).toarray()
        width = similar.shape[0]
        similar[np.arange(width), np.arange(start, start + width)] = 0
        floor = np.partition(similar, -min(k, similar.shape[1]), axis=1)[:, [-min(k, similar.shape[1])]]
        parts.append(sp.csr_matrix(np.where(similar >= np.maximum(floor, 1e-9), similar, 0)))
    weights = sp.vstack(parts, format="csr")
    return lambda histories: np.asarray((histories.coefficients() @ weights).toarray(), np.float32)


def smoothed(train: Histories, content: np.ndarray, *, k: int, own: float) -> Scorer:
    """Rank by co-occurrence that similar items share: ``W G W'`` with ``G`` the counts, without the diagonal.

    :param content: ``(n, d)`` vectors of length 1; ``W`` holds the cosines to the ``k`` nearest and ``own`` for itself.
    """
    near, cosine = nearest(content, content, np.ones(len(content), bool), k + 1)
    return _smoothed(train, near, cosine, own)


def inner_recall(scorer: Scorer, fold: Fold, k: int = 20) -> float:
    """Return the mean recall of a scorer on one leave-out."""
    scores = np.array(scorer(fold.histories))
    scores[fold.histories.users, fold.histories.items] = -np.inf
    hits = hits_of(best_items(scores, k), fold.targets.users, fold.targets.items, scores.shape[1]).sum(1)
    wanted = fold.targets.lengths
    return float(np.mean(hits[wanted > 0] / np.minimum(wanted[wanted > 0], k))) if wanted.any() else 0.0


def _ease_weights(taken: sp.csr_matrix, penalty: float) -> np.ndarray:
    """Return the item-item weights of EASE, float32 with a diagonal of 0."""
    users, items = taken.shape
    if users < items:
        rows = taken.toarray()
        small = rows @ rows.T + penalty * np.eye(users, dtype=np.float32)
        solved = scipy.linalg.cho_solve(scipy.linalg.cho_factor(small), rows)
        inverse = -(rows.T @ solved)
        inverse[np.diag_indices(items)] += 1
    else:
        gram = (taken.T @ taken).toarray()
        gram[np.diag_indices(items)] += penalty
        factor, _ = scipy.linalg.lapack.spotrf(gram.T, lower=1, overwrite_a=True)
        inverse, _ = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=True)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
    inverse /= -np.diag(inverse).copy()[None]
    inverse[np.diag_indices(items)] = 0
    return np.asarray(inverse, np.float32)


def _on_items(fold: Fold, items: np.ndarray) -> Fold:
    """Return a leave-out over some of the items only."""
    return Fold(
        train=_narrow(fold.train, items), histories=_narrow(fold.histories, items), targets=_narrow(fold.targets, items)
    )


def _narrow(histories: Histories, items: np.ndarray) -> Histories:
    """Return histories over some of the items, numbered anew."""
    kept = histories.kept(np.isin(histories.items, items))
    places = np.searchsorted(items, kept.items)
    return replace(kept, items=places, n_items=len(items))


def _best_smoothed(train: Histories, contents: Sequence[Content], folds: Sequence[Fold]) -> Scorer:
    """Return smoothed co-occurrence with the setting of best inner recall."""
    stacked = np.hstack([one.vectors for one in contents])
    content = stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-9)
    widest = max(k for k, _ in SMOOTHED_GRID)
    near, cosine = nearest(content, content, np.ones(len(content), bool), widest + 1)
    order = np.argsort(-cosine, axis=1, kind="stable")
    near, cosine = np.take_along_axis(near, order, 1), np.take_along_axis(cosine, order, 1)
    best, chosen = -1.0, SMOOTHED_GRID[0]
    for k, own in SMOOTHED_GRID if folds else ():
        scorers = [_smoothed(fold.train, near[:, : k + 1], cosine[:, : k + 1], own) for fold in folds[:4]]
        recall = float(np.mean([inner_recall(one, fold) for one, fold in zip(scorers, folds, strict=False)]))
        if recall > best:
            best, chosen = recall, (k, own)
    return _smoothed(train, near[:, : chosen[0] + 1], cosine[:, : chosen[0] + 1], chosen[1])


def _smoothed(train: Histories, near: np.ndarray, cosine: np.ndarray, own: float) -> Scorer:
    """Return the scorer of smoothed co-occurrence from neighbours."""
    items = train.n_items
    itself = near == np.arange(items)[:, None]
    values = np.where(itself, 0, np.maximum(cosine, 0))
    starts = np.arange(0, near.size + 1, near.shape[1])
    shared = sp.csr_matrix((values.ravel(), near.ravel(), starts), shape=(items, items)) + own * sp.eye_array(items)
    shared = sp.diags_array(1 / np.maximum(np.asarray(shared.sum(1)).ravel(), 1e-12)) @ shared
    shared, taken, degrees = shared.tocsr().astype(np.float32), train.matrix(), train.degrees.astype(np.float32)

    def scores(histories: Histories) -> np.ndarray:
        users = histories.coefficients() @ shared
        counted = users @ taken.T @ taken - users @ sp.diags_array(degrees)
        return np.asarray((counted @ shared.T).toarray(), np.float32)

    return scores
