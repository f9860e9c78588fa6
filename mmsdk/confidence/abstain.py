"""When to decline: a threshold on the confidence for an error that is borne, or for a share of rows to answer."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv

SURE = 0.9  # that the promised error is kept
STEPS = 10  # shares of the rows that are looked at: each costs some certainty


def error_bound(errors: float, rows: float, *, doubt: float) -> float:
    """Return the upper bound of an error rate at level ``1 - doubt`` (Clopper and Pearson 1934)."""
    return 1.0 if errors >= rows else float(betaincinv(errors + 1, rows - errors, 1 - doubt))


def effective_rows(wrong: np.ndarray, groups: np.ndarray, *, doubt: float) -> float:
    """Return how many independent rows an error rate over rows of groups is worth (Korn and Graubard 1998).

    Pictures of one patient are right or wrong together: 60 of them may say no more than 12 patients do. It is the
    number of rows of which a simple sample has the variance that the groups show, less for how few groups there are
    (Student's t); where all rows are right, or all wrong, the number of groups.

    :param wrong: ``(n,)`` bool. :param groups: ``(n,)``.
    """
    from scipy.stats import t

    _, codes = np.unique(groups.astype(str), return_inverse=True)
    rows, count = len(wrong), int(codes.max()) + 1
    rate = float(wrong.mean())
    if count < 2:
        return 1.0
    if rate in (0.0, 1.0) or count == rows:
        return float(count)
    sizes = np.bincount(codes)
    strayed = np.bincount(codes, weights=wrong) - rate * sizes
    variance = count / (count - 1) * float((strayed**2).sum()) / rows**2
    worth = min(float(rows), rate * (1 - rate) / variance) if variance > 0 else float(rows)
    return worth * float(t.ppf(1 - doubt, rows - 1) / t.ppf(1 - doubt, count - 1)) ** 2


def threshold_for_error(
    confidence: np.ndarray, right: np.ndarray, error: float, *, groups: np.ndarray | None = None
) -> float:
    """Return the confidence from which on answers err at most ``error`` of the time, with 90 % certainty.

    Ten shares of the rows, from the surest tenth to all, are looked at. Given the confidence that ends a share, the
    rows above it (itself left out) are drawn independently of each other, so that the bound of Clopper and Pearson
    holds for their error rate; each is taken at a tenth of the doubt, so that all ten hold together (Bonferroni;
    Geifman and El-Yaniv 2017, arXiv:1705.08500, bound the steps of their search so). The largest share that keeps to
    ``error`` is taken; infinity where none does, which declines always.

    :param confidence: ``(n,)`` of calibration rows.
    :param right: bool ``(n,)``, whether the answer is right.
    :param groups: ``(n,)``, of rows that are not independent: then they count as :func:`effective_rows` says.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, wrong = confidence[order], np.cumsum(~right[order])
    best = math.inf
    for step in range(1, STEPS + 1) if len(ranked) else ():
        end = 0.0 if step == STEPS else float(ranked[math.ceil(len(ranked) * step / STEPS) - 1])
        rows = int((ranked > end).sum()) if step < STEPS else len(ranked)
        errors = int(wrong[rows - 1]) if rows else 0
        if not rows:
            continue
        doubt, worth = (1 - SURE) / STEPS, float(rows)
        if groups is not None:
            worth = effective_rows(~right[order[:rows]], groups[order[:rows]], doubt=doubt)
        if error_bound(errors * worth / rows, worth, doubt=doubt) <= error:
            best = float(np.nextafter(end, math.inf)) if step < STEPS else 0.0
    return best


def threshold_for_share(confidence: np.ndarray, share: float) -> float:
    """Return the confidence that this share of the rows has, or more; 0 without rows.

    It is the ``ceil(share n)``-th highest of ``n``: of five rows .8 answers four.
    """
    if len(confidence) == 0:
        return 0.0
    place = len(confidence) - max(math.ceil(share * len(confidence) - 1e-9), 1)
    return float(np.partition(confidence, place)[place])
