"""The recommender beside models of Cornac, on real furniture and real rooms: the same pairs, users and metrics.

    MMSDK_REAL=../shared PYTHONPATH=DIR python benchmarks/recommend_peers.py [--only "EASE" ...] [--run RUN]

Cornac is no dependency: ``pip install --no-deps --target DIR cornac powerlaw mpmath`` puts it beside our environment.
``train`` pairs are the history, ``val`` pairs are asked for, as in ``recommend_ikea.py``. mmsdk is the command that is
printed (or a run of it that is there, ``--run``), not fitted again on what is asked for. Every model gets the same
histories; settings of a peer are chosen one after the other, by recall@20 on the eight inner leave-outs of the training
pairs that choose mmsdk's (two of them for VBPR and VAECF, which take seconds to learn), which make some items new. The
values tried are ``GRIDS``, widened once, where a first choice lay at the edge.

VBPR gets the vectors that mmsdk sees: MobileNetV2 of the photo, and beside it MiniLM of name, type, colour, size and
description, each input centred and of length 1, side by side on their first 512 principal axes (several times faster),
times a scale that is chosen too. It ranks items that no training pair touches by these alone: what it learns of a
single item is nought there, where Cornac would leave random numbers. The other peers cannot score such items and rank
them last; ``among known`` therefore asks for items of training rooms alone, out of these. ItemKNN scores by the sum of
Cornac's similarities: its own average of ratings is one for every item where nobody gave ratings. WMF needs TensorFlow
and SANSA needs SuiteSparse: neither runs here.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from recommend_ikea import SETTINGS, run_recipe, shown

import mmsdk
from mmsdk.data import read_interactions, read_table
from mmsdk.evaluate.ranking import HeldOut, Table, leave_out
from mmsdk.tasks.ranking.baselines import Scorer, inner_recall
from mmsdk.tasks.ranking.folds import inner_folds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.tasks.ranking import Content, Histories

TEXTS = ("name", "type", "color", "size", "description")
SEED, FEW, AXES = 0, 2, 512
OURS = "mmsdk"
METRICS = ("recall@20", "cold_recall@20")
LAST = np.float32(-1e9)
FACTORS = {
    "k": (10, 50, 200),
    "learning_rate": (0.01, 0.05, 0.2),
    "lambda_reg": (0.01, 0.001, 0.1),
    "max_iter": (100, 400, 1000),
}
SEEN = {
    "scale": (1.0, 4.0, 16.0),
    "n_epochs": (50, 200),
    "learning_rate": (0.005, 0.02, 0.1),
    "lambda_w": (0.01, 0.1, 1.0),
    "k": (16, 64),
}
SLOW = ("VBPR, photo", "VBPR, photo + texts", "VAECF")
GRIDS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "VBPR, photo": SEEN,
    "VBPR, photo + texts": SEEN,
    "BPR": FACTORS,
    "WBPR": FACTORS,
    "VAECF": {"k": (20, 50), "hidden": (50, 200), "n_epochs": (100, 300), "beta": (1.0, 0.1)},
    "EASE": {"lamb": (1.0, 10.0, 100.0, 1000.0), "posB": (True, False)},
    "ItemKNN": {"k": (20, 50, 200), "weighting": (None, "idf", "bm25"), "amplify": (1.0, 0.5)},
}


def model(name: str, settings: Mapping[str, Any]) -> Any:
    """Return a model of Cornac."""
    from cornac import models

    rest = {key: value for key, value in settings.items() if key not in {"scale", "hidden"}}
    common = {"verbose": False, "seed": SEED} | rest
    if name.startswith("VBPR"):
        return models.VBPR(k2=settings["k"], use_gpu=False, **common)
    if name == "VAECF":
        return models.VAECF(autoencoder_structure=[settings["hidden"]], use_gpu=False, **common)
    if name == "EASE":
        return models.EASE(**common)
    return getattr(models, name)(num_threads=1, **common)


def fitted(name: str, train: Histories, settings: Mapping[str, Any], features: np.ndarray | None) -> Scorer:
    """Return a peer fitted on training pairs; items that no pair touches come after those that one does."""
    from cornac.data import Dataset, ImageModality

    order = np.argsort(train.degrees == 0, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    pairs = (train.users, place[train.items], np.ones(len(train.items)))
    known = int((train.degrees > 0).sum())
    users, items = ({str(one): one for one in range(count)} for count in (len(train), train.n_items))
    data = Dataset(len(train), known, users, items, pairs, seed=SEED)
    if features is not None:
        data.add_modalities(item_image=ImageModality(features=features[order] * settings["scale"]))
    peer = model(name, settings)
    with contextlib.redirect_stdout(io.StringIO()):
        peer.fit(data)
    if features is not None:
        peer.gamma_item[known:] = 0
    owners = dict(zip(train.rows.tolist(), train.users.tolist(), strict=True))

    def scores(histories: Histories) -> np.ndarray:
        found = np.full((len(histories), train.n_items), LAST, np.float32)
        for row, start in enumerate(histories.starts[:-1]):
            if histories.lengths[row]:
                said = answered(peer, owners[int(histories.rows[start])])
                width = known if features is None else train.n_items
                found[row, order[:width]] = said[:width]
        return found

    return scores


def answered(peer: Any, user: int) -> np.ndarray:
    """Return the scores that a peer gives a user."""
    if peer.name == "ItemKNN":
        return np.asarray((peer.ui_mat[user] @ peer.sim_mat.T).todense()).ravel()
    return np.asarray(peer.score(user)).ravel()


def chosen(name: str, train: Histories, features: np.ndarray | None) -> dict[str, Any]:
    """Return the settings of best recall on leave-outs of the training pairs, one chosen after the other."""
    folds = inner_folds(train, seed=SEED)[: FEW if name in SLOW else None]
    best = {key: values[0] for key, values in GRIDS[name].items()}
    known: dict[tuple[Any, ...], float] = {}

    def recall(settings: dict[str, Any]) -> float:
        key = tuple(settings.values())
        if key not in known:
            known[key] = float(
                np.mean([inner_recall(fitted(name, one.train, settings, features), one) for one in folds])
            )
        return known[key]

    for key, values in GRIDS[name].items():
        best = max(({**best, key: value} for value in values), key=recall)
    return best


def of_known(held: HeldOut) -> HeldOut:
    """Return the same users asked for items of training rooms alone."""
    targets = held.targets.kept(~held.cold[held.targets.items])
    some = np.flatnonzero(targets.lengths > 0)
    chosen_ones = {"users": held.users[some], "histories": held.histories.select(some)}
    return replace(held, targets=targets.select(some), **chosen_ones)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Everything asked for, and what is known asked for among what is known."""

    whole: Table
    known: Table

    def score(self, name: str, scorer: Scorer) -> dict[str, Any]:
        """Return the figures of a recommender."""
        cold = self.whole.held.cold
        found = self.whole.score(name, scorer)[0]
        among = self.known.score(name, lambda histories: np.where(cold, LAST, scorer(histories)))[0]
        return {metric: found[metric] for metric in METRICS} | {"among known": among["recall@20"]}

    def ahead(self, name: str) -> dict[str, Any]:
        """Return what mmsdk has more, on the same resampled users."""
        found, among = self.whole.difference(OURS, name), self.known.difference(OURS, name)
        return {metric: found[metric] for metric in METRICS} | {"among known": among["recall@20"]}


def compared(run: Path, real: str, names: Sequence[str]) -> None:
    """Print the table of a run beside the peers."""
    items = read_table(f"{real}/data/ikea_products/manifest.csv")
    ids = [str(one) for one in items.cells("item_id")]
    with contextlib.closing(mmsdk.load(run)) as app:
        ranker, config = app.ranker, app.application.interactions
    held = leave_out(read_interactions(config, ids), len(ids), seed=SEED)
    order = np.argsort(np.array(ids), kind="stable")
    whole, known = (Table(held=one, contents=ranker.contents, order=order, seed=SEED) for one in (held, of_known(held)))
    tables = Tables(whole=whole, known=known)
    share = held.cold[held.targets.items].mean()
    print(
        f"\n{len(held.users)} users, {len(known.held.users)} with known items; {share:.0%} of what is asked for is new"
    )
    ours = tables.score(OURS, lambda histories: ranker.represent(histories, None) @ ranker.items.T)
    print(f"{OURS:20} {figures(ours)}", flush=True)
    inputs = {"VBPR, photo": ("image",), "VBPR, photo + texts": ("image", *TEXTS)}
    seen = {name: principal(ranker.contents, inputs[name]) for name in names if name in inputs}
    for name in names:
        started = time.process_time()
        settings = chosen(name, held.train, seen.get(name))
        middle = time.process_time()
        scores = tables.score(name, fitted(name, held.train, settings, seen.get(name)))
        took = f"{time.process_time() - middle:.1f} s of CPU, choosing {middle - started:.0f} s"
        print(f"{name:20} {figures(scores)}\n  mmsdk - it         {figures(tables.ahead(name))}")
        print(f"  {took}: {', '.join(f'{key} {value}' for key, value in settings.items())}", flush=True)


def principal(contents: Mapping[str, Content], inputs: Sequence[str]) -> np.ndarray:
    """Return the vectors of some inputs, side by side, on their first principal axes."""
    vectors = np.hstack([contents[name].vectors.astype(np.float32) for name in inputs])
    centred = vectors - vectors.mean(0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    kept = (lengths[:AXES] ** 2).sum() / (lengths**2).sum()
    print(f"{AXES} axes of {vectors.shape[1]:,} keep {kept:.1%} of the variance", flush=True)
    return np.ascontiguousarray(centred @ axes[:AXES].T)


def figures(scores: Mapping[str, Any]) -> str:
    """Return the figures of one."""
    return "  ".join(f"{metric} {shown(score)}" for metric, score in scores.items())


def main() -> int:
    """Run and print; 2 where Cornac is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(GRIDS), default=list(GRIDS))
    parser.add_argument("--run", type=Path, help="a run of the printed command; fitted anew where left out")
    words = parser.parse_args()
    real = os.environ.get("MMSDK_REAL")
    if not real:
        sys.exit("skipped: MMSDK_REAL names no folder of real data")
    if find_spec("cornac") is None:
        print(
            "Cornac is not there; pip install --no-deps --target DIR cornac powerlaw mpmath, and put DIR on PYTHONPATH"
        )
        return 2
    real = real.rstrip("/")
    with tempfile.TemporaryDirectory() as temporary:
        run = words.run or Path(temporary) / "ikea"
        if words.run is None:
            settings = (*(one.format(real=real) for one in SETTINGS), "interactions.refit=false")
            run_recipe(f"{real}/data/ikea_products/manifest.csv", settings, run)
        compared(run, real, words.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
