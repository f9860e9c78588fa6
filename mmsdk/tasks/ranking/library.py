"""Baselines of a kept library: matrix factorisation and item neighbours by ``implicit``, where it is installed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.ranking.baselines import Scorer, inner_recall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.folds import Fold
    from mmsdk.tasks.ranking.histories import Histories

    Settings = Mapping[str, float]

FOLDS = 2  # to choose settings on
UP_TO = 2_000_000  # pairs; an epoch of one thread takes long above


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A model of the library.

    :param grid: setting -> the values tried, the first of each while the others are chosen.
    :param fit: called with training histories, settings and a seed.
    """

    grid: Mapping[str, Sequence[float]]
    fit: Callable[[Histories, Settings, int], Scorer]


def library_baselines(train: Histories, folds: Sequence[Fold], seed: int) -> dict[str, Scorer]:
    """Return the library's models, settings chosen on inner leave-outs; nothing where it is not installed.

    One setting is chosen after the other, by recall@20 on two leave-outs of the training pairs. One thread and a seed,
    so that the same data give the same figures.
    """
    if find_spec("implicit") is None or len(train.items) > UP_TO:
        return {}
    with _one_thread():
        return {name: method.fit(train, _chosen(method, folds[:FOLDS], seed), seed) for name, method in METHODS.items()}


def _chosen(method: Method, folds: Sequence[Fold], seed: int) -> dict[str, float]:
    """Return the settings of best inner recall; the first of each without a leave-out."""
    best = {name: values[0] for name, values in method.grid.items()}
    known: dict[tuple[float, ...], float] = {}

    def recall(settings: dict[str, float]) -> float:
        key = tuple(settings.values())
        if key not in known:
            known[key] = float(np.mean([inner_recall(method.fit(one.train, settings, seed), one) for one in folds]))
        return known[key]

    for name, values in method.grid.items() if folds else ():
        best = max(({**best, name: value} for value in values), key=recall)  # the first of equals
    return best


def als(train: Histories, settings: Settings, seed: int) -> Scorer:
    """Rank by weighted matrix factorisation (Hu, Koren and Volinsky, ICDM 2008); users are solved for anew."""
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=int(settings["factors"]),
        regularization=settings["regularization"],
        alpha=settings["alpha"],
        iterations=15,
        num_threads=1,
        random_state=seed,
    )
    model.fit(train.matrix(), show_progress=False)

    def scores(histories: Histories) -> np.ndarray:
        with _one_thread():
            users = model.recalculate_user(np.arange(len(histories)), histories.matrix())
        return np.asarray(users @ model.item_factors.T, np.float32)

    return scores


def bpr(train: Histories, settings: Settings, seed: int) -> Scorer:
    """Rank by factors learned from pairs of items (Rendle et al., UAI 2009); a user it never saw is a mean one."""
    from implicit.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=int(settings["factors"]),
        learning_rate=settings["learning_rate"],
        regularization=settings["regularization"],
        iterations=100,
        num_threads=1,
        random_state=seed,
    )
    model.fit(train.matrix(), show_progress=False)
    owners = dict(zip(train.rows.tolist(), train.users.tolist(), strict=True))
    mean = np.asarray(model.user_factors, np.float32).mean(0)

    def scores(histories: Histories) -> np.ndarray:
        first = [histories.rows[start] if start < end else -1 for start, end in _ranges(histories)]
        known = [owners.get(int(row), -1) for row in first]
        users = np.array([mean if user < 0 else model.user_factors[user] for user in known], np.float32)
        return np.asarray(users @ model.item_factors.T, np.float32)

    return scores


def bm25(train: Histories, settings: Settings, seed: int) -> Scorer:
    """Rank by the nearest items of each, users weighed as BM25 weighs words (Robertson and Zaragoza 2009)."""
    from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight

    del seed  # nothing is drawn
    model = ItemItemRecommender(K=int(settings["neighbours"]), num_threads=1)
    weighted: sp.csr_matrix = bm25_weight(train.matrix(), settings["k1"], settings["b"]).tocsr()
    model.fit(weighted, show_progress=False)
    return lambda histories: np.asarray((histories.matrix() @ model.similarity).toarray(), np.float32)


def _ranges(histories: Histories) -> Iterator[tuple[int, int]]:
    """Yield where the pairs of each user begin and end."""
    yield from zip(histories.starts[:-1].tolist(), histories.starts[1:].tolist(), strict=True)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: the library's own advice, and the same sums every time."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


METHODS: Mapping[str, Method] = {
    "ALS (implicit)": Method(
        grid={"factors": (32, 64, 128), "alpha": (1.0, 10.0, 40.0), "regularization": (0.01, 0.1, 1.0)}, fit=als
    ),
    "BPR (implicit)": Method(
        grid={"factors": (32, 64, 128), "learning_rate": (0.05, 0.01), "regularization": (0.01, 0.001, 0.1)}, fit=bpr
    ),
    "BM25 item-kNN (implicit)": Method(
        grid={"neighbours": (20, 50, 200), "b": (0.75, 0.2), "k1": (1.2, 100.0)}, fit=bm25
    ),
}
