"""How large a share of rows is, with its interval: for figures that a recipe counts by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import DataError
from mmsdk.evaluate.bootstrap import bootstrap
from mmsdk.evaluate.mean import Mean
from mmsdk.tasks import Share

if TYPE_CHECKING:
    from collections.abc import Sequence


def measure_share(
    right: Sequence[bool] | np.ndarray,
    *,
    groups: Sequence[Any] | np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return ``{value, low, high, n}`` of a share of rows, as everywhere in ``metrics.json``.

    A 95 % bootstrap interval over whole groups, or rows (docs/evaluation.md).

    :param right: ``(n,)`` whether each row counts.
    :param groups: ``(n,)`` whose each row is (a speaker, a patient): rows of one group are not independent.
    :param resamples: of the bootstrap, and ``seed`` its seed.
    :raises DataError: no rows, or not one group a row.
    """
    values = np.asarray(right, dtype=np.float64)
    if not len(values):
        raise DataError("measure_share: there are no rows to take a share of")
    if groups is not None and len(groups) != len(values):
        raise DataError(f"measure_share: {len(values)} rows and {len(groups)} groups; expected one group a row")
    named = None if groups is None else np.array([str(one) for one in groups])
    share = Share(of=Mean(values), weights=np.ones(len(values)))
    return bootstrap({"share": share}, len(values), groups=named, resamples=resamples, seed=seed)["share"].as_json()
