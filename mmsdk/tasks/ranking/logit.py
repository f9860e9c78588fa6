"""How much each block counts: a conditional logit over the catalogue, convex, weights of 0 or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from mmsdk.tasks.ranking.top import best_items, hits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

RIDGE = 1e-3
ITERATIONS = 40
NEVER = np.float32(-1e30)  # the penalty of an item of the history
CUTOFF = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Users that chose among candidates.

    :param scores: float32 ``(blocks, users, candidates)``.
    :param penalty: float32 ``(users, candidates)``: very low where a candidate is of the history.
    :param rows, columns: where each target stands in ``(users, candidates)``.
    :param share: float32: one over the number of targets of its user.
    """

    scores: np.ndarray
    penalty: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    share: np.ndarray

    def total(self, weights: np.ndarray) -> np.ndarray:
        """Return the weighted scores ``(users, candidates)``."""
        flat = self.scores.reshape(len(self.scores), -1)
        total = (weights.astype(np.float32) @ flat).reshape(self.penalty.shape)
        return np.asarray(total + self.penalty)

    def only(self, blocks: list[int]) -> Choices:
        """Return the same choices by some of the blocks."""
        kept = {"penalty": self.penalty, "rows": self.rows, "columns": self.columns, "share": self.share}
        return Choices(scores=self.scores[blocks], **kept)

    def recall(self, weights: np.ndarray) -> float:
        """Return the mean over users of hits among the first 20 over the most there could be."""
        total = self.total(weights)
        top = best_items(np.where(total < NEVER / 2, -np.inf, total), CUTOFF)
        hits = hits_of(top, self.rows, self.columns, total.shape[1]).sum(1)
        return float(np.mean(hits / np.minimum(np.bincount(self.rows, minlength=len(total)), CUTOFF)))

    def surprise(self, weights: np.ndarray) -> float:
        """Return minus the mean log-likelihood of what users took."""
        return _likelihood(self, weights)[0] / len(self.penalty)


def block_scale(choices: Sequence[Choices]) -> np.ndarray:
    """Return the spread of each block's scores, so that the ridge is fair to all; infinite where there is none."""
    spread = choices[0].scores.std((1, 2), dtype=np.float64)
    return np.where(spread > 1e-6, spread, np.inf)


def fit_weights(choices: Sequence[Choices]) -> np.ndarray:
    """Return float64 ``(blocks,)`` weights: ``min -mean log softmax(sum_b w_b s_b)[targets] + ridge, w >= 0``.

    McFadden's conditional logit (1974); the fixed kernels are combined as in multiple kernel learning (Goenen and
    Alpaydin, JMLR 2011). Weights of 0 or more keep the joint kernel positive semi-definite.

    A block that says the same of every item gets 0.
    """
    scale = block_scale(choices)
    users = sum(len(one.penalty) for one in choices)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for one in choices:
            part, slope = _likelihood(one, weights / scale)
            value += part / users
            gradient = gradient + slope / scale / users
        return value, gradient

    first = np.full(len(scale), 0.1)
    bounds = [(0, None)] * len(scale)
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ITERATIONS})
    return np.asarray(found.x / scale)


def _likelihood(choices: Choices, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Return minus the log-likelihood of the targets and its gradient by the weights."""
    total = choices.total(weights)
    total -= total.max(1, keepdims=True)
    chosen = total[choices.rows, choices.columns]
    np.exp(total, out=total)
    mass = total.sum(1, keepdims=True)
    value = -float(choices.share @ (chosen - np.log(mass[choices.rows, 0])))
    total /= mass
    np.subtract.at(total, (choices.rows, choices.columns), choices.share)
    return value, (choices.scores.reshape(len(weights), -1) @ total.ravel()).astype(np.float64)
