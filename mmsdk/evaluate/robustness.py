"""How a score falls when an input gets worse: noise in its vectors, and rows in which it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate.bootstrap import bootstrap
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.model import JointNet, Target

    Damaged = Callable[[str, np.ndarray, Mapping[str, np.ndarray]], np.ndarray]
    """Task, logits, which inputs these rows have left -> calibrated logits."""

NOISE = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # in units of each value's spread over the training rows
MISSING = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # share of rows
RESAMPLES = 100


def robustness_curves(
    net: JointNet,
    targets: Mapping[str, Target],
    embeddings: Any,
    split: np.ndarray,
    rows: Mapping[str, np.ndarray],
    *,
    calibrate: Damaged | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Return the score of each task under growing damage to one input, all others whole.

    In the manner of MultiBench (Liang et al. 2021, arXiv:2107.07502), on vectors instead of raw files: white noise of
    0 to 4 spreads, and 0 to 100 % of the rows without the input. ``relative`` is the mean score under the curve;
    ``effective`` is the mean change from the whole input, so that a better model is not taken for a tougher one (there
    the change is set against another model's). An input whose sequences a trainable reads gets no noise, only gaps.

    :param rows: task -> positions that judge it.
        A task whose metric they leave undefined, no row having any of its labels, has no curve.
    :param calibrate: what the logits become before they are scored; as the network gives them where left out.
    :param groups: ``(n,)``: intervals draw whole groups.
    :returns: ``{task: {input: {kind: {"points": [{"level", value, low, high, n}], "relative", "effective"}}}}`` with
        ``kind`` ``noise`` and ``missing``, by the task's own metric.
    """
    rows = {name: own for name, own in rows.items() if _defined(targets[name], own)}
    asked = np.unique(np.concatenate(list(rows.values()))) if rows else np.array([], dtype=np.int64)
    found: dict[str, dict[str, Any]] = {name: {} for name in rows}
    if len(asked) == 0:
        return found
    places = {name: np.searchsorted(asked, own) for name, own in rows.items()}
    training = np.flatnonzero(split == "train")
    for name in net.inputs:
        for kind, levels, damage in _damages(name, embeddings, training, asked, seed):
            points: dict[str, list[dict[str, float]]] = {task: [] for task in rows}
            for level in levels:
                logits, present = _answers(net, embeddings, asked, name, damage(level))
                for task, own in rows.items():
                    by = None if groups is None else groups[own]
                    said = logits[task] if calibrate is None else calibrate(task, logits[task], present)
                    one = _score(targets[task], said[places[task]], own, by, seed)
                    points[task].append({"level": level, **one})
            for task in rows:
                found[task].setdefault(name, {})[kind] = {"points": points[task], **areas(points[task])}
    return found


def areas(points: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean height of a curve, and of the curve less its beginning, by the trapezoid rule."""
    levels = np.array([one["level"] for one in points])
    values = np.array([one["value"] for one in points])
    width = levels[-1] - levels[0]
    mean = float(((values[1:] + values[:-1]) / 2 * np.diff(levels)).sum() / width)
    return {"relative": mean, "effective": mean - float(values[0])}


def _damages(
    name: str, embeddings: Any, training: np.ndarray, asked: np.ndarray, seed: int
) -> list[tuple[str, tuple[float, ...], Callable[[float], tuple[np.ndarray, np.ndarray]]]]:
    """Return the kinds of damage to one input: their levels, and what gives values and presence at a level."""
    random = np.random.default_rng(seed)
    values = np.asarray(embeddings.values[name][asked], dtype=np.float32)
    present = np.asarray(embeddings.present[name][asked], dtype=bool)
    order = random.permutation(len(asked))
    rank = np.empty(len(asked))
    rank[order] = np.arange(len(asked)) / max(len(asked), 1)
    kinds: list[Any] = [("missing", MISSING, lambda share: (values, present & (rank >= share)))]
    if name not in embeddings.layouts:
        known = training[np.asarray(embeddings.present[name][training], dtype=bool)]
        learned = np.asarray(embeddings.values[name][known], dtype=np.float32)
        spread = learned.std(0) if len(known) else np.ones(values.shape[1], np.float32)
        noise = random.standard_normal(values.shape).astype(np.float32) * spread
        kinds.insert(0, ("noise", NOISE, lambda level: (values + level * noise, present)))
    return kinds


def _answers(
    net: JointNet, embeddings: Any, asked: np.ndarray, name: str, damaged: tuple[np.ndarray, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the logits of the rows asked for, with one input replaced, and which inputs they have."""
    values = {other: embeddings.values[other][asked] for other in net.inputs} | {name: damaged[0]}
    present = {other: embeddings.present[other][asked] for other in net.inputs} | {name: damaged[1]}
    return infer(net, values, present)[1], present


def _score(
    target: Target, logits: np.ndarray, rows: np.ndarray, groups: np.ndarray | None, seed: int
) -> dict[str, float | int]:
    """Return the task's own metric with its interval."""
    metric = target.task.metric
    one = {metric: target.task.scores(logits, target.values[rows])[metric]}
    found = bootstrap(one, len(rows), groups=groups, resamples=RESAMPLES, seed=seed)
    return found[metric].as_json() if metric in found else {"value": 0.0, "low": 0.0, "high": 0.0, "n": 0}


def _defined(target: Target, rows: np.ndarray) -> bool:
    """Return whether the task's own metric is a number on some rows, whatever is answered."""
    if len(rows) == 0:
        return False
    blind = target.task.scores(target.task.baseline(len(rows)), target.values[rows])[target.task.metric]
    return bool(np.isfinite(blind(np.arange(len(rows)))))
