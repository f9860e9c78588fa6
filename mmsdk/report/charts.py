"""Charts as inline SVG by matplotlib: transparent, in the page's own text colour, the same bytes each time."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.report.contents import MapPoints

INK = "#010203"  # drawn in this colour, then replaced by the page's own
ACCENT, MUTED = "#2f7ed8", "#8a8f98"
PALETTE = ("#2f7ed8", "#e8833a", "#3aa876", "#c44e9b", "#8b6fd1", "#c9a227", "#4bb3c9", "#d1495b", "#7a8450", "#6b7a99")
STYLE: Any = {
    "text.parse_math": False,  # a label may hold dollar signs
    "svg.fonttype": "none",
    "svg.hashsalt": "mmsdk",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

NO_SCORE = ("epoch", "learning_rate")  # what is no loss and no score: beside scores a rate of .001 is a line at zero


def curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Draw the loss and the validation score of every epoch, each on its own panel."""
    names = [name for name in history[0] if name not in NO_SCORE and _is_curve(history, name)]
    groups = [[n for n in names if "loss" in n], [n for n in names if "loss" not in n]]
    groups = [group for group in groups if group]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 2.4))
        for axes, group in zip(
            np.atleast_1d(figure.subplots(1, len(groups), gridspec_kw={"wspace": 0.3})), groups, strict=True
        ):
            for colour, name in zip(PALETTE, group, strict=False):
                axes.plot(
                    [row["epoch"] for row in history], [row.get(name) for row in history], color=colour, label=name
                )
            axes.set_xlabel("epoch")
            axes.legend(frameon=False, fontsize=9)
        return svg(figure, "learning curves")


def scatter(points: MapPoints) -> str:
    """Draw the embedding map, the ten most frequent labels in colour."""
    labels = np.asarray(points.labels, dtype=object)
    names, counts = np.unique(labels, return_counts=True) if len(labels) else (np.array([]), np.array([]))
    shown = [str(names[i]) for i in np.argsort(-counts, kind="stable")[: len(PALETTE)]]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.2))
        axes = figure.subplots()
        rest = ~np.isin(labels, shown) if len(labels) else np.ones(len(points.xy), dtype=bool)
        axes.scatter(points.xy[rest, 0], points.xy[rest, 1], s=9, color=MUTED, alpha=0.6, linewidths=0)
        drawn = []
        for colour, name in zip(PALETTE, shown, strict=False):
            chosen = points.xy[labels == name]
            drawn.append(axes.scatter(chosen[:, 0], chosen[:, 1], s=9, color=colour, alpha=0.8, linewidths=0))
        if shown:
            axes.legend(
                drawn, shown, frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2
            )
        axes.set(xticks=[], yticks=[], xlabel="first principal component", ylabel="second")
        return svg(figure, "map of the joint embeddings")


def bands(
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float, float, float]]]], ylabel: str, *, wide: float = 6.4
) -> str:
    """Draw lines with their intervals, one panel an x-axis.

    :param panels: x label -> name of a line -> ``(x, value, low, high)`` from left to right.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(wide, 2.8))
        drawn = np.atleast_1d(figure.subplots(1, len(panels), sharey=True, gridspec_kw={"wspace": 0.12}))
        for axes, (xlabel, lines) in zip(drawn, panels.items(), strict=True):
            for colour, (name, points) in zip(PALETTE, lines.items(), strict=False):
                x, value, low, high = np.array(points, dtype=np.float64).T
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
                axes.plot(x, value, "o-", color=colour, label=name, markersize=4)
            axes.set_xlabel(xlabel)
            axes.grid(axis="y", alpha=0.2)
        drawn[0].set_ylabel(ylabel)
        names = next(iter(panels.values()))
        if len(names) > 1:
            drawn[-1].legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
        return svg(figure, f"{ylabel} of {', '.join(names)}")


def _is_curve(history: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Return whether the column holds numbers and says more than a constant."""
    values = [row.get(name) for row in history]
    return all(isinstance(v, int | float) for v in values) and (len(set(values)) > 1 or len(values) == 1)


def svg(figure: Figure, title: str) -> str:
    """Return the figure as an SVG element that takes the page's colour and width."""
    buffer = io.StringIO()
    with warnings.catch_warnings():  # the browser draws the text by its own fonts, which know more scripts
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(
            buffer, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
    text = buffer.getvalue().replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'<svg ([^>]*?)width="[^"]+" height="[^"]+"|<svg ([^>]*?)height="[^"]+"', r"<svg \1\2", text, count=1)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_plain(title)}" ', 1)


def _plain(text: str) -> str:
    """Return text that may stand in an attribute."""
    return re.sub(r'[<>&"]', " ", text)
