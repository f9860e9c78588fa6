"""What embedding rows answers: the vectors, which of them are there, and what it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from mmsdk.embed.reporting import Report
    from mmsdk.embed.sequences import Layout
    from mmsdk.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class InputStats:
    """What one input took; ``rows = missing + encoded + cached + duplicates`` (and the rows skipped as bad).

    :param encoder: its name as the user wrote it.
    :param fitted: it learned from the training rows; such encoders run every time.
    :param missing: rows whose cell holds nothing.
    :param encoded: samples the encoder was given.
    :param cached: rows answered from the cache as earlier runs left it.
    :param duplicates: rows equal to another of these rows that was encoded.
    :param bad: rows whose cell could not be used.
    :param seconds: wall time.
    :param report: what modality and encoder say of the samples that were encoded, as ``report()`` of the protocols;
        ``{"truncated": (34, 374)}``.
    """

    encoder: str
    fitted: bool
    rows: int
    missing: int
    encoded: int
    cached: int
    duplicates: int
    bad: int
    seconds: float
    report: Report = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedStats:
    """What all inputs took.

    :param inputs: input -> its counts.
    :param problems: cells that could not be used and are missing now (``--on-bad-row skip``).
    :param threads: what was chosen, in words; empty where nothing had to be encoded.
    """

    inputs: Mapping[str, InputStats]
    problems: tuple[Problem, ...] = ()
    threads: str = ""

    @property
    def encoded(self) -> int:
        """Samples given to frozen encoders: 0 in a run that changes nothing."""
        return sum(one.encoded for one in self.inputs.values() if not one.fitted)

    @property
    def cached(self) -> int:
        """Rows answered from the cache."""
        return sum(one.cached for one in self.inputs.values())

    @property
    def duplicates(self) -> int:
        """Rows equal to another."""
        return sum(one.duplicates for one in self.inputs.values())

    @property
    def seconds(self) -> float:
        """Wall time."""
        return sum(one.seconds for one in self.inputs.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """The vectors of some rows.

    :param values: input -> ``(n, dim)`` float32, zero where not present; a large one is a private map of an unnamed
        file, which lives as long as the array.
    :param present: input -> ``(n,)`` bool.
    :param layouts: input -> how its rows are packed, of inputs whose sequences go to a trainable.
    """

    values: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    stats: EmbedStats
    layouts: Mapping[str, Layout] = field(default_factory=dict)

    def vectors(self) -> dict[str, np.ndarray]:
        """Return ``values`` with the mean of its steps in the place of every packed sequence, ``(n, dim)`` float32."""
        packed = {name: layout.means(self.values[name]) for name, layout in self.layouts.items()}
        return {**self.values, **packed}
