"""What is taken next: which item follows which, as vectors, for users whose history has an order.

Counts of a first-order Markov chain (as in FPMC: Rendle, Freudenthaler and Schmidt-Thieme, WWW 2010) over up to three
steps, later steps and longer waits counting less; then brought to a few dimensions, so that a dot product gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from mmsdk.tasks.ranking.expected import Outlook
    from mmsdk.tasks.ranking.histories import Histories

SEQUEL = "sequel"
STEPS = 3  # an item is followed by the next three, which count 1, 1/2, 1/3
RANK = 64
PRIOR = 1.0  # users' worth of doubt about an item of few steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequel:
    """What follows what: the dot product of ``before[i]`` and ``after[j]`` says how much ``j`` is taken after ``i``.

    :param before, after: float32 ``(n_items, r)``; 0 for items without a step.
    """

    before: np.ndarray
    after: np.ndarray

    def shrunk(self, seen: Outlook, kappa: float) -> Sequel:
        """Return it with items of few users shrunk towards what like items lead one to expect."""
        before, after = (seen.shrunk_rows(one, kappa) for one in (self.before, self.after))
        return Sequel(before=before, after=after)


def no_sequel(n_items: int) -> Sequel:
    """Return one that says nothing."""
    nothing = np.zeros((n_items, 0), np.float32)
    return Sequel(before=nothing, after=nothing)


def sequel(histories: Histories, seed: int) -> Sequel:
    """Return what follows what in histories that have an order, in 64 dimensions or fewer."""
    steps = transitions(histories)
    rank = min(RANK, *(size - 1 for size in steps.shape))
    if rank < 1 or not steps.nnz:
        return no_sequel(histories.n_items)
    from sklearn.utils.extmath import randomized_svd

    left, values, right = randomized_svd(steps, rank, n_iter=4, random_state=seed)
    root = np.sqrt(values)
    return Sequel(before=np.asarray(left * root, np.float32), after=np.asarray(right.T * root, np.float32))


def transitions(histories: Histories) -> sp.csr_matrix:
    """Return float32 ``(n_items, n_items)``: row ``i`` says what is taken after ``i``, from 0 to 1.

    ``c_ij / sqrt((out_i + 1)(in_j + 1))``, where ``c`` sums ``1 / steps * 2^(-wait / usual wait)`` over users.
    """
    found = sp.csr_matrix((histories.n_items,) * 2, dtype=np.float64)
    usual = _usual_wait(histories)
    for step in range(1, STEPS + 1):
        first = np.flatnonzero(histories.back >= step)
        second = first + step
        worth = np.full(len(first), 1 / step)
        if histories.times is not None and usual > 0:
            worth *= 0.5 ** np.minimum((histories.times[second] - histories.times[first]) / usual, 60)
        pairs = (histories.items[first], histories.items[second])
        found = found + sp.csr_matrix((worth, pairs), shape=found.shape)
    out, into = (np.asarray(found.sum(axis)).ravel() for axis in (1, 0))
    scaled = sp.diags_array(1 / np.sqrt(out + PRIOR)) @ found @ sp.diags_array(1 / np.sqrt(into + PRIOR))
    return scaled.tocsr().astype(np.float32)


def last_items(histories: Histories) -> np.ndarray:
    """Return the item that each user took last, int64 ``(b,)``; -1 where there is none."""
    found = np.full(len(histories), -1, np.int64)
    some = histories.lengths > 0
    found[some] = histories.items[histories.starts[1:][some] - 1]
    return found


def _usual_wait(histories: Histories) -> float:
    """Return the median wait between an item and the next, in the unit of the times."""
    first = np.flatnonzero(histories.back >= 1)
    if histories.times is None or not len(first):
        return 0.0
    return float(np.median(histories.times[first + 1] - histories.times[first]))
