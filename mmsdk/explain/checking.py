"""Do explanations explain? Over many rows: what is named matters more than a draw, and random weights say else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate.bootstrap import Interval, bootstrap
from mmsdk.evaluate.mean import Mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mmsdk.explain.explanation import Deletion, Explanation

RESAMPLES = 2000
LEAST_ROWS = 5  # fewer say nothing about others
ALIKE = 0.5  # a mean rank correlation from which on random weights say the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What many explanations of one kind have shown.

    :param of: ``inputs`` for the shares, else the name of an input.
    :param named: the mean fall of the score without what was named.
    :param random: the mean fall without as many others drawn at random.
    :param ahead: named less random, paired by row.
    :param randomised: rank correlation with explanations under random weights; ``None`` where none was to be had.
    :param passed: ``ahead`` is above 0 beyond chance, and random weights say something else. ``None`` where that was
        not judged: no random weights were to be had, or fewer than five rows had a choice of what to take away, and
        then all figures are.
    """

    of: str
    method: str
    named: float | None = None
    random: float | None = None
    ahead: Interval | None = None
    randomised: Interval | None = None
    passed: bool | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def check_explanations(explanations: Iterable[Explanation]) -> list[Check]:
    """Return a check for the shares of the inputs, and one for each input and method of evidence.

    Deletion: DeYoung et al. 2020 (arXiv:1911.03429) call it comprehensiveness; random evidence of the same size is what
    it is compared with. Random weights: Adebayo et al. 2018 (arXiv:1810.03292). Where fewer than five rows had a
    choice, the check says that it judged nothing.
    """
    found: dict[tuple[str, str], list[tuple[Deletion, float | None]]] = {}
    for one in explanations:
        shares = (("inputs", "shapley values"), one.deleted, one.randomised)
        parts = (((each.input, each.method), each.deleted, each.randomised) for each in one.evidence)
        for key, deleted, randomised in (shares, *parts):
            rows = found.setdefault(key, [])
            if deleted is not None:
                rows.append((deleted, randomised))
    return [_check(*key, rows) for key, rows in found.items()]


def _check(of: str, method: str, rows: Sequence[tuple[Deletion, float | None]]) -> Check:
    """Return one check."""
    if len(rows) < LEAST_ROWS:
        return Check(of=of, method=method)
    falls = np.array([(one.named, one.random) for one, _ in rows])
    alike = np.array([value for _, value in rows if value is not None])
    ahead = mean_interval(falls[:, 0] - falls[:, 1])
    randomised = mean_interval(alike) if len(alike) else None
    return Check(
        of=of,
        method=method,
        named=float(falls[:, 0].mean()),
        random=float(falls[:, 1].mean()),
        ahead=ahead,
        randomised=randomised,
        passed=_passes(ahead, randomised),
    )


def _passes(ahead: Interval, randomised: Interval | None) -> bool | None:
    """Return whether what is named matters more beyond chance, and random weights say something else."""
    if ahead.low <= 0:
        return False
    return None if randomised is None else randomised.value < ALIKE


def mean_interval(values: np.ndarray) -> Interval:
    """Return the mean of some numbers and its 95 % percentile bootstrap interval."""
    return bootstrap({"mean": Mean(values)}, len(values), resamples=RESAMPLES)["mean"]
