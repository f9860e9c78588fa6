"""What an item's behaviour and popularity are expected to be, by those of items like it, and how far to trust that.

An item that few users took says little about itself, one that nobody took nothing at all; scored by 0 it would lose to
whatever was taken once. Both are therefore shrunk towards what items of like content lead one to expect, the more the
fewer users there were: ``(users * own + kappa * expected) / (users + kappa)``, the empirical Bayes estimate (Efron and
Morris, JASA 1975) with ``kappa`` users' worth of belief in content. The expectation is a map from attributes to
behaviour as of Gantner et al. (ICDM 2010), whose scale is fitted, so that a guess is no longer than it deserves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from mmsdk.tasks.ranking.behaviour import own_behaviour
from mmsdk.tasks.ranking.blocks import popularity

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What content leads one to expect of ``m`` items, beside how many users took them.

    :param vectors: float32 ``(m, r)`` expected behaviour; :param popular: float32 ``(m,)`` expected popularity.
    :param known: bool ``(m,)``: whether there is any item like it; :param degrees: ``(m,)`` users of each item.
    :param scales: input -> how much its expectation of behaviour counts.
    :param alike: input -> ``(m, n)`` the items like each that somebody took; rows sum to 1.
    """

    vectors: np.ndarray
    popular: np.ndarray
    known: np.ndarray
    degrees: np.ndarray
    scales: Mapping[str, float]
    alike: Mapping[str, sp.csr_matrix]

    def expect(self, rows: np.ndarray) -> np.ndarray:
        """Return what is expected of the items where the fitted ones are ``rows`` ``(n, r)``, as of their behaviour."""
        found = np.zeros((len(self.degrees), rows.shape[1]), np.float32)
        for name, one in self.alike.items():
            found += np.float32(self.scales.get(name, 0.0)) * (one @ rows)
        return found

    def shrunk_rows(self, rows: np.ndarray, kappa: float, own: np.ndarray | None = None) -> np.ndarray:
        """Return rows shrunk towards what is expected of them.

        :param rows: ``(n, r)`` of all fitted items; :param own: ``(m, r)`` of these ones, where they are not all.
        """
        own = rows if own is None else own
        return np.asarray(own + self._trust(kappa)[:, None] * (self.expect(rows) - own), np.float32)

    def behaviour(self, own: np.ndarray, kappa: float) -> np.ndarray:
        """Return behaviour ``(m, r)`` shrunk towards what is expected."""
        return np.asarray(own + self._trust(kappa)[:, None] * (self.vectors - own), np.float32)

    def popularity(self, kappa: float) -> np.ndarray:
        """Return popularity ``(m,)`` shrunk towards what is expected."""
        own = popularity(self.degrees)
        return np.asarray(own + self._trust(kappa) * (self.popular - own), np.float32)

    def _trust(self, kappa: float) -> np.ndarray:
        """Return how far to go from what is seen, 0, to what is expected, 1; nowhere without any item like it."""
        belief = np.where(self.known, kappa, 0.0)
        return np.asarray(belief / np.maximum(self.degrees + belief, 1e-12), np.float32)


def outlook(
    near: Mapping[str, sp.csr_matrix],
    basis: np.ndarray,
    degrees: np.ndarray,
    *,
    itself: np.ndarray | None = None,
    scales: Mapping[str, float] | None = None,
) -> Outlook:
    """Return what the neighbours of ``m`` items in each input lead one to expect of them.

    :param near: input -> ``(m, n)`` neighbour weights.
    :param basis, degrees: of the ``n`` fitted items.
    :param itself: ``(m,)`` which fitted items they are; left out for new ones, that nobody took.
    :param scales: found before; fitted where left out, which needs all fitted items in their order.
    """
    alike = {name: taken_alike(one, degrees, itself) for name, one in near.items()}
    lengths = sp.diags_array((1 / np.sqrt(np.maximum(degrees, 1))).astype(np.float32))
    expected = {name: np.asarray((one @ lengths) @ basis) for name, one in alike.items()}
    if scales is None:
        scales = _fit_scales(expected, own_behaviour(basis, degrees), degrees)
    rows = len(itself) if itself is not None else next(iter(near.values())).shape[0]
    vectors = np.zeros((rows, basis.shape[1]), np.float32)
    popular, told = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    for name, one in alike.items():
        vectors += np.float32(scales.get(name, 0.0)) * expected[name]
        popular += one @ popularity(degrees)
        told += np.diff(one.indptr) > 0
    users = np.zeros(rows, np.int64) if itself is None else degrees[itself]
    popular /= np.maximum(told, 1)
    return Outlook(vectors=vectors, popular=popular, known=told > 0, degrees=users, scales=scales, alike=alike)


def taken_alike(near: sp.csr_matrix, degrees: np.ndarray, itself: np.ndarray | None = None) -> sp.csr_matrix:
    """Return ``(m, n)`` rows over neighbours that somebody took, that sum to 1; 0 where there is none.

    :param itself: ``(m,)`` positions of the rows' items, which are no neighbours of theirs.
    """
    kept = near.tocoo()
    keep = (degrees[kept.col] > 0) & (kept.data > 0)
    if itself is not None:
        keep &= kept.col != itself[kept.row]
    rows, columns, values = kept.row[keep], kept.col[keep], kept.data[keep]
    total = np.bincount(rows, values, minlength=near.shape[0])
    shares = (values / np.maximum(total[rows], 1e-30)).astype(np.float32)
    return sp.csr_matrix((shares, (rows, columns)), shape=near.shape)


def _fit_scales(expected: Mapping[str, np.ndarray], own: np.ndarray, degrees: np.ndarray) -> dict[str, float]:
    """Return input -> weight of 0 or more: least squares of the items' own behaviour by what each input expects."""
    from scipy.optimize import nnls

    if not expected:
        return {}
    touched = degrees > 0
    parts = [one[touched] for one in expected.values()]
    gram = np.array([[np.vdot(one, other) for other in parts] for one in parts], np.float64)
    ridge = 1e-6 * max(float(np.trace(gram)), 1e-12)
    factor = np.linalg.cholesky(gram + ridge * np.eye(len(parts)))
    wanted = np.array([np.vdot(one, own[touched]) for one in parts], np.float64)
    found, _ = nnls(factor.T, np.linalg.solve(factor, wanted))
    return dict(zip(expected, found.tolist(), strict=True))
