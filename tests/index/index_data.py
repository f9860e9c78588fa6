"""Vectors with neighbours worth finding, in clusters as embeddings are."""

import numpy as np


def clustered(n: int, dim: int = 32, seed: int = 0, centres: int = 40) -> np.ndarray:
    """Return ``(n, dim)`` float32 in clusters, as embeddings are."""
    rng = np.random.default_rng(seed)
    middle = rng.standard_normal((centres, dim))
    return (middle[rng.integers(0, centres, n)] + 0.6 * rng.standard_normal((n, dim))).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors at length one, in float64."""
    wide = vectors.astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)
