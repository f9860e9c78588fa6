"""What a report is made of: plain values, gathered by the application, drawn by the page and the card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mmsdk.audit import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A row as a person would recognise it.

    :param title: its id.
    :param caption: a few words of its own.
    :param image: a ``data:`` URL of its thumbnail, or empty where the row has no picture.
    :param note: what the run says of it, such as a score or the right label.
    """

    title: str
    caption: str = ""
    image: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question and its answers: a history and what was recommended, a row and its neighbours.

    :param recommended: the answers are recommendations; else the rows nearest to what was asked.
    """

    title: str
    asked: Sequence[Picture]
    answers: Sequence[Picture]
    recommended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPoints:
    """The embedding map.

    :param xy: ``(n, 2)`` float, principal components of the fused vectors.
    :param labels: what colours each point, ``n`` of them, or empty.
    :param explained: share of the variance that the two axes hold.
    """

    xy: np.ndarray
    labels: Sequence[str]
    explained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything the page and the card say.

    :param run: the contents of ``run.json``.
    :param metrics: the contents of ``metrics.json``.
    :param headline: task -> the metric that decides.
    :param history: one mapping an epoch, with ``epoch`` and the curves.
    :param notice: what stands on top of every page.
    :param facts: short label -> value lines for the top of the page.
    """

    title: str
    synthetic: bool
    command: str
    run: Mapping[str, Any]
    metrics: Mapping[str, Any]
    headline: Mapping[str, str]
    history: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    points: MapPoints | None = None
    examples: Sequence[Example] = ()
    findings: Sequence[Finding] = ()
    sections: Sequence[tuple[str, str]] = ()
    notice: str = ""
