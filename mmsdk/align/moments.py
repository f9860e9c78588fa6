"""Means and covariances of paired vectors, gathered block by block: all that the linear aligners need of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 8192
TINY = 1e-12
WIDEST = 8192  # dims: a covariance of twice that takes gigabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What rows with two inputs or more say, float64.

    :param means: input -> ``(d_i,)`` over the rows that have it and another.
    :param within: input -> its covariance ``(d_i, d_i)`` over the same rows.
    :param between: two inputs, in their order -> their cross-covariance ``(d_i, d_j)`` over the rows with both.
    """

    means: dict[str, np.ndarray]
    within: dict[str, np.ndarray]
    between: dict[tuple[str, str], np.ndarray]

    @classmethod
    def of(cls, vectors: Mapping[str, np.ndarray], present: np.ndarray) -> Moments:
        """Gather them; memory does not grow with the rows.

        :raises ConfigError: an input is too wide.
        :raises DataError: an input is in no two rows together with another.
        """
        names, teaching = list(vectors), teaching_rows(present)
        for name, values in vectors.items():
            if values.shape[1] > WIDEST:
                raise ConfigError(
                    f"align: input {name!r} has {values.shape[1]:,} dims, and covariances are for {WIDEST:,} or fewer; "
                    "leave it out of align.inputs, or take align: contrastive"
                )
        means, within, between = {}, {}, {}
        for position, name in enumerate(names):
            rows = np.flatnonzero(teaching & present[:, position])
            if len(rows) < 2:
                raise DataError(
                    f"align: fewer than two training rows have input {name!r} together with another, so nothing says "
                    "where it belongs; leave it out of align.inputs, or give rows with both"
                )
            means[name], _, within[name] = _covariance(vectors[name], vectors[name], rows)
            for other in range(position):
                both = np.flatnonzero(present[:, position] & present[:, other])
                key = (names[other], name)
                between[key] = _covariance(vectors[names[other]], vectors[name], both)[2]
        return cls(means=means, within=within, between=between)

    def cross(self, first: str, second: str) -> np.ndarray:
        """Return the cross-covariance ``(d_first, d_second)`` of two inputs, in either order."""
        return self.between[first, second] if (first, second) in self.between else self.between[second, first].T

    def ridge(self, name: str, share: float) -> float:
        """Return what to add to the variances of an input: a share of their mean, never 0."""
        return max(share * float(np.trace(self.within[name])) / len(self.means[name]), TINY)


def teaching_rows(present: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` bool: the rows with two inputs or more, of a mask ``(n, m)``."""
    return np.asarray(np.asarray(present, bool).sum(1) > 1)


def power(matrix: np.ndarray, exponent: float, ridge: float = 0.0) -> np.ndarray:
    """Return a power of a symmetric matrix plus ``ridge`` on its diagonal, none of its eigenvalues below ``TINY``."""
    values, basis = np.linalg.eigh(matrix)
    return np.asarray((basis * np.maximum(values + ridge, TINY) ** exponent) @ basis.T)


def _covariance(first: np.ndarray, second: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both means over some rows and the covariance (divided by their number); zeros of no row."""
    count = max(len(rows), 1)
    means = [
        sum((_block(one, part).sum(0) for part in _parts(rows)), np.zeros(one.shape[1])) for one in (first, second)
    ]
    left, right = (one / count for one in means)
    total = np.zeros((first.shape[1], second.shape[1]))
    for part in _parts(rows):
        total += (_block(first, part) - left).T @ (_block(second, part) - right)
    return left, right, total / count


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    """Cut rows into blocks."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def _block(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return some rows in double precision."""
    return np.asarray(values[rows], np.float64)
