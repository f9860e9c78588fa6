"""The modality ``gesture``: points that move, from JSON, lists or columns of numbers."""

from __future__ import annotations

import contextlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_gesture.layout import Layout
from mmsdk_gesture.nested import array, checked, number, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk import Landmarks

KEYS = ("points", "times")


class Gesture(Layout):
    """Cells to :class:`mmsdk.Landmarks`; the options are those of :class:`mmsdk_gesture.layout.Layout`."""

    def decode(self, cell: tuple[Any, ...]) -> Landmarks | None:
        """Return the sample, ``None`` where nothing was seen.

        :param cell: one value: JSON text, a nested list, or an object with ``points`` and perhaps ``times``; or
            several: numbers, one a column.
        :raises ValueError: ragged, not numbers, or not as many as the options say.
        """
        if len(cell) > 1:
            return self.landmarks(checked(np.array([number(value) for value in cell])))
        value = cell[0]
        if isinstance(value, str) and value.strip():
            value = parse(value)
        nothing = value is None or isinstance(value, str) or (isinstance(value, float) and math.isnan(value))
        return None if nothing else landmarks_of(self, value)

    def guess(self, values: Sequence[Any]) -> float:
        """Return the share of cells that hold steps of points, not mere numbers."""
        return sum(map(_holds_points, values)) / len(values) if values else 0.0

    def examples(self) -> list[Any]:
        """Return cells of a hand, a fingertip, with points missing, of one step, and standing still."""
        hand = [[[math.sin(k + t / 5), math.cos(2 * k + t / 7), k / 21] for k in range(21)] for t in range(9)]
        lost = [[None if (k + t) % 5 == 0 else [k / 7 + t, k * t / 9] for k in range(21)] for t in range(6)]
        circle = [[[math.cos(t / 3), math.sin(t / 3)]] for t in range(16)]
        still = [[[0.0, 0.0]] * 21] * 4
        return [(json.dumps(cell),) for cell in (hand, lost, circle, still, hand[:1], [None, *circle[::-1]])]


def landmarks_of(layout: Layout, value: Any) -> Landmarks | None:
    """Return the sample of a parsed cell.

    :raises ValueError: it cannot be one.
    """
    times = None
    if isinstance(value, dict):
        if "points" not in value or set(value) - set(KEYS):
            raise ValueError("is an object that is not {points: ..., times: ...}")
        value, times = value["points"], value.get("times")
    if value is None:
        return None
    numbers = array(value)
    if np.isnan(numbers).all():  # of an empty list too
        return None
    return layout.landmarks(numbers, None if times is None else array(times))


def _holds_points(value: Any) -> bool:
    """Return whether a cell is a list of steps, each a list of numbers or of points."""
    with contextlib.suppress(ValueError):
        value = parse(value) if isinstance(value, str) else value
        value = value.get("points") if isinstance(value, dict) else value
        return isinstance(value, list) and array(value).ndim > 1
    return False
