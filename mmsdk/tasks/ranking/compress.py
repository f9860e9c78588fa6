"""Item vectors made short enough for an index, and what to recommend to a user of whom nothing is known."""

from __future__ import annotations

import numpy as np

EXACT_UP_TO = 2048  # width of the matrix whose eigenvectors are computed in full


def projection(vectors: np.ndarray, dim: int, seed: int) -> np.ndarray:
    """Return the principal axes of item vectors ``(n, D)``, not centred: float32 ``(D, r)``, ``r`` is ``dim`` or less.

    The dot product of two projected vectors is the best there is of that length (Eckart and Young 1936). Wide matrices
    are decomposed at random (Halko, Martinsson and Tropp 2011).
    """
    width = vectors.shape[1]
    if width <= dim:
        return np.eye(width, dtype=np.float32)
    if len(vectors) <= dim and width > EXACT_UP_TO:
        return np.ascontiguousarray(np.linalg.svd(vectors, full_matrices=False)[2].T, np.float32)
    if width <= EXACT_UP_TO:
        _, axes = np.linalg.eigh(vectors.T @ vectors)
        return np.ascontiguousarray(axes[:, ::-1][:, :dim], np.float32)
    from sklearn.utils.extmath import randomized_svd

    _, _, axes = randomized_svd(vectors, dim, n_iter=4, random_state=seed)
    return np.ascontiguousarray(axes.T, np.float32)


def popularity_direction(vectors: np.ndarray, popular: np.ndarray) -> np.ndarray:
    """Return float32 ``(dim,)`` whose dot product with item vectors is, as nearly as it can be, log(1 + users).

    Ridge regression: items that nobody touched are ranked by what they have in common with those that are.
    """
    gram = vectors.T.astype(np.float64) @ vectors
    strength = 1e-3 * max(float(np.trace(gram)) / len(gram), 1e-12)
    wanted = vectors.T.astype(np.float64) @ popular
    return np.linalg.solve(gram + strength * np.eye(len(gram)), wanted).astype(np.float32)
