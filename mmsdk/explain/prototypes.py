"""The rows that stand for many: prototypes of a label among its fused vectors."""

from __future__ import annotations

import numpy as np

MOST = 1500  # vectors that are compared with one another


def prototypes_of(vectors: np.ndarray, count: int, *, most: int = MOST) -> list[int]:
    """Return the positions of up to ``count`` prototypes of ``(n, dim)`` vectors, the most typical first.

    Greedy MMD-critic (Kim, Khanna, Koyejo 2016, "Examples are not enough, learn to criticize!"): each one added brings
    the prototypes' distribution nearest to that of all, so a second one shows another side of the label, not the
    first's twin. The kernel is Gaussian with the median distance as its width, on vectors of length one.

    :param most: of more vectors so many, evenly spread.
    """
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(most, len(vectors))).astype(np.int64))
    if not len(chosen):
        return []
    points = np.asarray(vectors[chosen], np.float64)
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    distances = np.maximum(2 - 2 * points @ points.T, 0)
    apart = distances[np.triu_indices(len(points), 1)]
    width = float(np.median(apart)) if len(apart) else 1.0
    kernel = np.exp(-distances / max(width, 1e-12))
    return [int(chosen[place]) for place in greedy(kernel, count)]


def greedy(kernel: np.ndarray, count: int) -> list[int]:
    """Return the positions that lower the squared MMD most, one after the other; ties go to the first."""
    typical = kernel.mean(0)
    taken: list[int] = []
    inside = np.zeros(len(kernel))  # sum of the kernel with those taken
    within = 0.0
    for size in range(1, min(count, len(kernel)) + 1):
        gain = 2 * (typical[taken].sum() + typical) / size - (within + 2 * inside + np.diag(kernel)) / size**2
        gain[taken] = -np.inf
        best = int(gain.argmax())
        within += 2 * inside[best] + kernel[best, best]
        inside += kernel[best]
        taken.append(best)
    return taken
