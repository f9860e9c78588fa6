"""When an expression changes: change points of a line of answers, by a kept library."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

LEAST = 1.0  # seconds between two changes
PENALTY = 3.0
DISTANCE = 0.25  # Hellinger distance of the means from which a change is told
MOST = 4000  # windows that are looked at together: the method takes memory for each pair


def change_points(probabilities: np.ndarray, hop: float) -> list[int]:
    """Return the windows at which something new begins, ascending.

    PELT-like segmentation by the kernel change point detection of ``ruptures`` (Truong et al. 2020, linear kernel) of
    the roots of the probabilities, whose Euclidean distance is Hellinger's. The penalty is three times the variance of
    the differences from window to window, times log(n). A change of less than a quarter is not told.

    :param probabilities: ``(n, k)`` as the run answers them; windows without an answer are NaN and passed over.
    """
    from ruptures import KernelCPD

    known = np.flatnonzero(np.isfinite(probabilities).all(1))
    roots = np.sqrt(np.clip(probabilities[known], 0, 1))
    least = max(round(LEAST / hop), 2)
    found: list[int] = []
    for start in range(0, len(known), MOST):
        part = roots[start : start + MOST]
        if len(part) < 2 * least:
            continue
        spread = float((np.diff(part, axis=0) ** 2).sum(1).mean()) + 1e-4
        ends = KernelCPD(kernel="linear", min_size=least).fit(part).predict(pen=PENALTY * spread * np.log(len(part)))
        found += [int(known[start + end]) for end in _told(part, [0, *ends])]
    return found


def _told(roots: np.ndarray, edges: list[int]) -> list[int]:
    """Return the edges at which the mean changes by enough."""
    means = [roots[start:end].mean(0) for start, end in pairwise(edges)]
    gaps = [float(np.linalg.norm(one - other)) / np.sqrt(2) for one, other in pairwise(means)]
    return [edge for edge, gap in zip(edges[1:-1], gaps, strict=True) if gap >= DISTANCE]
