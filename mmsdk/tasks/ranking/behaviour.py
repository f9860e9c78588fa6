"""What users did with items: co-occurrence as vectors, and behaviour borrowed from similar items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from mmsdk.tasks.ranking.content import Content
    from mmsdk.tasks.ranking.histories import Histories

EXACT_USERS = 512  # the basis is exact up to so many users
TRUNCATED = 256  # and has so many dimensions above


def behaviour_basis(histories: Histories, seed: int) -> np.ndarray:
    """Return ``(n_items, r)`` float32 with ``basis @ basis.T`` = co-occurrence counts.

    Exact up to 512 users that took something; a truncated singular value decomposition (Halko, Martinsson and Tropp
    2011) above.
    """
    taken = histories.matrix()
    taken = taken[np.flatnonzero(histories.lengths)]
    if taken.shape[0] <= EXACT_USERS:
        return np.ascontiguousarray(taken.T.toarray(), np.float32)
    from sklearn.utils.extmath import randomized_svd

    rank = min(TRUNCATED, taken.shape[1])
    _, values, right = randomized_svd(taken, rank, n_iter=2, random_state=seed)
    return np.ascontiguousarray(right.T * values, np.float32)


def own_behaviour(basis: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return the behaviour block: the dot product of two items is the cosine of who took them; 0 if nobody did."""
    touched = degrees > 0
    return np.asarray(basis * (touched / np.sqrt(np.maximum(degrees, 1)))[:, None], np.float32)


def partial_behaviour(basis: np.ndarray, penalty: float) -> np.ndarray:
    """Return ``(n_items, r)`` whose dot products are what two items have to do with each other beyond all others.

    The partial correlations of a regularised linear model of every item by every other one, as of EASE (Steck, WWW
    2019), in a symmetric form: off the diagonal ``-P_ij / sqrt(P_ii P_jj)``, ``P = (X'X + penalty I)^-1``, which has
    the rank of the behaviour and hence these vectors. 0 for what nobody touched.

    :param basis: of :func:`behaviour_basis`.
    """
    values, axes = np.linalg.eigh(basis.T.astype(np.float64) @ basis)
    rows = basis @ (axes / np.sqrt(np.maximum(values, 0) + penalty))
    left = 1 - np.minimum((rows**2).sum(1, keepdims=True), 1 - 1e-6)  # penalty * P_ii
    return np.asarray(rows / np.sqrt(left), np.float32)


def borrowing(content: Content, temperature: float) -> sp.csr_matrix:
    """Return ``(n, n)`` rows that say from which items each borrows; an item without the input keeps to itself."""
    near = neighbour_weights(content, content.near, content.cosine, content.present, temperature)
    return near + sp.diags_array((~content.present).astype(np.float32), format="csr")


def neighbour_weights(
    content: Content, near: np.ndarray, cosine: np.ndarray, present: np.ndarray, temperature: float
) -> sp.csr_matrix:
    """Return ``(m, n)`` rows of softmax(cosine / temperature) over neighbours; 0 where the input is absent.

    Borrowing what similar items are known for is kNN attribute-to-feature mapping (Gantner et al., ICDM 2010).
    """
    weights = np.exp((cosine - cosine.max(1, keepdims=True)) / (temperature * content.spread)) * present[:, None]
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-12)
    starts = np.arange(0, weights.size + 1, weights.shape[1])
    shape = (len(near), len(content.vectors))
    return sp.csr_matrix((weights.ravel().astype(np.float32), near.ravel(), starts), shape=shape)


def shrunk(borrowed: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return rows scaled to length 1, less where little was borrowed: ``b / sqrt(|b|^2 + shrinkage)``."""
    length = np.sqrt((borrowed**2).sum(1, keepdims=True) + shrinkage)
    return np.asarray(borrowed / length, np.float32)
