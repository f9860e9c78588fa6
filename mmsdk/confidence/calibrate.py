"""Calibrators: from the logits of a model to logits whose probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import expit, log_softmax, softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = Literal["classes", "labels"]
METHODS = ("temperature", "vector", "isotonic")  # by number of parameters, fewest first: auto relies on it
FEWEST = 10  # labelled rows; below, nothing is learned of so few
COOLEST, HOTTEST = -3.0, 3.0  # log of the temperature
RIDGE = 1.0  # pulls the scales of vector scaling to the temperature's, its shifts to zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrator:
    """A map of logits, ``none`` leaves them as they are.

    :param kind: ``classes`` (one label a row, softmax) or ``labels`` (any number, sigmoid).
    :param arrays: what was learned, float64; all that a saved run needs beside the two words.
    """

    method: str = "none"
    kind: Kind = "classes"
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Return calibrated logits ``(n, width)`` float64."""
        wide = np.asarray(logits, dtype=np.float64)
        if self.method == "temperature":
            return np.asarray(wide / self.arrays["temperature"])
        if self.method == "vector":
            return np.asarray(wide * self.arrays["scale"] + self.arrays["shift"])
        return _isotonic(self, wide) if self.method == "isotonic" else wide


def fit_calibrator(method: str, kind: Kind, logits: np.ndarray, truth: np.ndarray) -> Calibrator:
    """Learn a calibrator on rows that the model did not learn from; fewer than ten rows give ``none``.

    ``temperature``: one number that divides all logits (Guo et al. 2017, arXiv:1706.04599); where all rows are answered
    right, as if one row in ``n + 2`` were not. ``vector``: a scale and a
    shift for each label (the same paper), held near the temperature by a small ridge. ``isotonic``: a step function
    for each label against the rest, normalised to one over classes (Zadrozny and Elkan 2002,
    doi:10.1145/775047.775151), by scikit-learn; blended with ``1/(n+1)`` of an even answer, so that no probability is
    zero.

    :param logits: ``(n, width)``.
    :param truth: int64 ``(n,)`` positions (``classes``) or ``(n, width)`` of 0 and 1 (``labels``).
    """
    if method == "none" or len(logits) < FEWEST:
        return Calibrator(kind=kind)
    learn: Callable[[Kind, np.ndarray, np.ndarray], dict[str, np.ndarray]] = LEARNERS[method]
    arrays = learn(kind, np.asarray(logits, dtype=np.float64), truth)
    return Calibrator(method=method, kind=kind, arrays=arrays)


def row_loss(kind: Kind, logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the log-loss of each row in nats, ``(n,)``; of several labels their mean."""
    if kind == "classes":
        return np.asarray(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth])
    return np.asarray((np.logaddexp(0.0, logits) - truth * logits).mean(1))


def probabilities(kind: Kind, logits: np.ndarray) -> np.ndarray:
    """Return probabilities ``(n, width)`` float64."""
    wide = np.asarray(logits, dtype=np.float64)
    return np.asarray(softmax(wide, axis=1) if kind == "classes" else expit(wide))


def _learn_temperature(kind: Kind, logits: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Find the temperature of the lowest log-loss.

    Where every row is answered right there is none: the colder, the lower, and the first error in use would cost
    without bound. Then a share of each row is judged as an error, as Platt 1999 smooths his targets.
    """
    from scipy.optimize import minimize_scalar

    wrong = _nearest_error(kind, logits, truth)
    doubt = 1.0 / (len(logits) + 2.0) if _all_right(kind, logits, truth, wrong) else 0.0
    found = minimize_scalar(
        lambda log: float(_doubted(kind, logits / np.exp(log), truth, wrong, doubt).mean()),
        bounds=(COOLEST, HOTTEST),
        method="bounded",
    )
    return {"temperature": np.array([np.exp(found.x)])}


def _doubted(kind: Kind, logits: np.ndarray, truth: np.ndarray, wrong: np.ndarray, doubt: float) -> np.ndarray:
    """Return the log-loss of each row, a share of it that of an error."""
    loss = row_loss(kind, logits, truth)
    return (1.0 - doubt) * loss + doubt * row_loss(kind, logits, wrong) if doubt else loss


def _nearest_error(kind: Kind, logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return what else each row might have been: of one label the likeliest other, of several the opposite of each."""
    if kind == "labels":
        return np.asarray(1 - truth)
    others = logits.copy()
    others[np.arange(len(truth)), truth] = -np.inf
    return np.asarray(others.argmax(1))


def _all_right(kind: Kind, logits: np.ndarray, truth: np.ndarray, wrong: np.ndarray) -> bool:
    """Return whether every row has the right label ahead of the likeliest other, or each of several labels right."""
    if kind == "labels":
        return bool(((logits > 0) == (np.asarray(truth) > 0.5)).all())
    rows = np.arange(len(truth))
    return bool((logits[rows, truth] > logits[rows, wrong]).all())


def _learn_vector(kind: Kind, logits: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Find scale and shift of each label, starting at the temperature."""
    from scipy.optimize import minimize

    temperature = _learn_temperature(kind, logits, truth)["temperature"]
    cooled = logits / temperature
    count, width = cooled.shape
    wanted = np.eye(width)[truth] if kind == "classes" else np.asarray(truth, dtype=np.float64)
    share = 1.0 if kind == "classes" else 1.0 / width

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scale, shift = parameters[:width], parameters[width:]
        answer = cooled * scale + shift
        pull = np.concatenate([scale - 1.0, shift])
        error = (probabilities(kind, answer) - wanted) * share / count
        slope = np.concatenate([(error * cooled).sum(0), error.sum(0)]) + RIDGE / count * pull
        return float(row_loss(kind, answer, truth).mean() + RIDGE / count / 2 * (pull**2).sum()), slope

    start = np.concatenate([np.ones(width), np.zeros(width)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return {"scale": found[:width] / temperature, "shift": found[width:]}


def _learn_isotonic(kind: Kind, logits: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Fit a step function for each label; one that no row has keeps its probability."""
    from sklearn.isotonic import IsotonicRegression

    chances = probabilities(kind, logits)
    wanted = np.eye(chances.shape[1])[truth] if kind == "classes" else np.asarray(truth, dtype=np.float64)
    given, answered = [], []
    for chance, right in zip(chances.T, wanted.T, strict=True):
        if right.min() == right.max():
            given.append(np.array([0.0, 1.0]))
            answered.append(np.array([0.0, 1.0]))
            continue
        model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(chance, right)
        given.append(np.asarray(model.X_thresholds_, dtype=np.float64))
        answered.append(np.asarray(model.y_thresholds_, dtype=np.float64))
    return {
        "given": np.concatenate(given),
        "answered": np.concatenate(answered),
        "steps": np.array([len(one) for one in given], dtype=np.float64),
        "rows": np.array([float(len(logits))]),
    }


def _isotonic(calibrator: Calibrator, logits: np.ndarray) -> np.ndarray:
    """Apply the step functions."""
    arrays = calibrator.arrays
    ends = np.cumsum(arrays["steps"].astype(np.int64))
    given, answered = np.split(arrays["given"], ends[:-1]), np.split(arrays["answered"], ends[:-1])
    chances = probabilities(calibrator.kind, logits)
    mapped = np.stack([np.interp(chances[:, k], given[k], answered[k]) for k in range(len(given))], axis=1)
    rows = float(arrays["rows"][0])
    if calibrator.kind == "labels":
        mapped = (rows * mapped + 0.5) / (rows + 1.0)
        return np.asarray(np.log(mapped) - np.log1p(-mapped))
    total = mapped.sum(1, keepdims=True)
    mapped = np.where(total > 0, mapped / np.where(total > 0, total, 1.0), chances)
    return np.asarray(np.log((rows * mapped + 1.0 / mapped.shape[1]) / (rows + 1.0)))


LEARNERS = {"temperature": _learn_temperature, "vector": _learn_vector, "isotonic": _learn_isotonic}
