"""The likeliest answers of several tasks that may all stand together."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax

from mmsdk.rules.bounds import SURE

if TYPE_CHECKING:
    from collections.abc import Mapping


def likeliest(
    logits: Mapping[str, np.ndarray], forbidden: Mapping[tuple[str, str], np.ndarray]
) -> dict[str, int] | None:
    """Return the label of each task, of greatest joint probability of all that may stand together; None if none may.

    The tasks are independent but for what is forbidden: the sum of their log-probabilities is greatest under the
    constraint that of the labels of a task one is taken, and none beside a label that forbids it (an integer program,
    solved by HiGHS).

    :param logits: task -> ``(labels,)``; labels without probability are not taken.
    :param forbidden: two tasks -> ``(labels, other labels)`` bool.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    chances = {task: log_softmax(one) for task, one in logits.items()}
    edges = dict(zip(chances, accumulate(map(len, chances.values()), initial=0), strict=False))
    worth = np.concatenate(list(chances.values()))
    one_each = np.zeros((len(chances), len(worth)))
    for row, (task, one) in enumerate(chances.items()):
        one_each[row, edges[task] : edges[task] + len(one)] = 1
    limits = [LinearConstraint(one_each, 1, 1)]
    for (first, second), mask in forbidden.items():
        labels = np.flatnonzero(mask.any(1))
        beside = np.zeros((len(labels), len(worth)))
        beside[:, edges[second] : edges[second] + mask.shape[1]] = mask[labels]
        beside[np.arange(len(labels)), edges[first] + labels] = 1
        limits.append(LinearConstraint(beside, -np.inf, 1))
    found = milp(
        -np.maximum(worth, -SURE),
        integrality=np.ones(len(worth)),
        bounds=Bounds(0, (worth > -SURE / 2).astype(float)),
        constraints=limits,
        options={"mip_rel_gap": 0},
    )
    if found.x is None:
        return None
    return {task: int(found.x[edges[task] : edges[task] + len(one)].argmax()) for task, one in chances.items()}
