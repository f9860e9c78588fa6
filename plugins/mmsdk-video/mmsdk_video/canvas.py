"""From a decoded frame to pixels: RGB, upright, small, all of one size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from av.video.reformatter import VideoReformatter

from mmsdk_video.reading import MAX_PIXELS

if TYPE_CHECKING:
    from fractions import Fraction

LONGEST = 8  # times the shorter side: a strip of a picture is squeezed to it
PLANES = "yuv420p"
STRETCH = 4.0  # pixels are at most so much wider than high, or higher than wide


class Canvas:
    """Makes RGB uint8 ``(h, w, 3)`` of frames. The first one decides the size, the others are brought to it.

    :param size: pixels of the shorter side at the most.
    :param aspect: width of a pixel by its height, where they are not square.
    """

    def __init__(self, size: int, aspect: Fraction | None = None) -> None:
        self._size = size
        self._aspect = min(max(float(aspect or 1) or 1.0, 1 / STRETCH), STRETCH)
        self._shape: tuple[int, int] | None = None
        self._reduce, self._colour = VideoReformatter(), VideoReformatter()  # kept: each has to work out its filters

    def paint(self, frame: Any) -> np.ndarray:
        """Return the pixels of a frame.

        :raises ValueError: it is larger than is read.
        """
        if frame.width * frame.height > MAX_PIXELS:
            raise ValueError(f"has frames of {frame.width:,} x {frame.height:,} pixels, where {MAX_PIXELS:,} are read")
        turn = _turn(frame)
        if self._shape is None:
            height, width = self._reduced(frame)
            self._shape = (width, height) if turn[0] else (height, width)
        height, width = self._shape[::-1] if turn[0] else self._shape
        return _turned(self._rgb(frame, width, height).to_ndarray(), turn)

    def _rgb(self, frame: Any, width: int, height: int) -> Any:
        """Return a frame as RGB of a size.

        What most coders give is reduced before it is RGB: a third of the work, and colour is as fine as in any video of
        the smaller size.
        """
        if frame.format.name == PLANES and width < frame.width:
            frame = self._reduce.reformat(frame, width, height, PLANES, interpolation="AREA", threads=1)
        return self._colour.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1)

    def _reduced(self, frame: Any) -> tuple[int, int]:
        """Return height and width of square pixels, the shorter side at most ``size``."""
        height, width = float(frame.height), frame.width * self._aspect
        scale = min(1.0, self._size / min(height, width), LONGEST * self._size / max(height, width))
        return max(round(height * scale), 1), max(round(width * scale), 1)


class Grey:
    """Makes tiny grey pictures of frames, by which they are compared."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._reformatter = VideoReformatter()

    def paint(self, frame: Any) -> np.ndarray:
        """Return ``(h, w)`` float32, 0 to 1."""
        small = self._reformatter.reformat(frame, *self._size, "gray", threads=1).to_ndarray()
        return np.asarray(small, np.float32) / 255


def _turn(frame: Any) -> tuple[bool, bool, bool]:
    """Return whether rows and columns change places, and whether rows and columns then run backwards.

    The display matrix of MP4 takes (x, y) to (a x + c y, b x + d y); it stands as nine whole numbers a, b, u, c, d, ...
    """
    data = frame.side_data.get("DISPLAYMATRIX") if len(frame.side_data) else None
    if data is None:
        return False, False, False
    a, b, _, c, d = (int(one) for one in np.frombuffer(bytes(data), np.int32)[:5])
    if math.hypot(a, d) >= math.hypot(b, c):
        return False, d < 0, a < 0
    return True, b < 0, c < 0


def _turned(pixels: np.ndarray, turn: tuple[bool, bool, bool]) -> np.ndarray:
    """Return pixels as they are shown."""
    if not any(turn):
        return pixels
    swapped, rows, columns = turn
    shown = pixels.transpose(1, 0, 2) if swapped else pixels
    return np.ascontiguousarray(shown[:: -1 if rows else 1, :: -1 if columns else 1])
