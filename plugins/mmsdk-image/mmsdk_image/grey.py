"""Measured values as grey: a window of them from black to white; and which frames are shown, one or nine."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmsdk import EncoderError

WINDOWS = {  # centre and width in Hounsfield units, as radiologists set them
    "lung": (-600.0, 1500.0),
    "mediastinum": (50.0, 350.0),
    "soft-tissue": (50.0, 400.0),
    "bone": (400.0, 1800.0),
    "brain": (40.0, 80.0),
    "liver": (60.0, 160.0),
}
OUTLIERS = (0.5, 99.5)  # percentiles that are black and white where nothing says more
TILES = 9
FRAMES = ("auto", "middle", "mosaic")
Window = tuple[float, float]


def window_of(option: Any) -> Window | None:
    """Return centre and width of the option ``window``, ``None`` for ``auto``.

    :raises EncoderError: it is neither a name nor two numbers.
    """
    if option == "auto":
        return None
    if isinstance(option, str) and option in WINDOWS:
        return WINDOWS[option]
    if isinstance(option, list | tuple) and len(option) == 2 and all(type(one) in (int, float) for one in option):
        centre, width = (float(one) for one in option)
        if np.isfinite(centre) and 1 <= width < np.inf:
            return centre, width
    raise EncoderError(
        f"decode.window is {option!r}, expected auto, {', '.join(WINDOWS)}, or centre and width such as [40, 400]"
    )


def windowed(values: np.ndarray, window: Window) -> np.ndarray:
    """Return uint8, the window from black to white (DICOM PS3.3 C.11.2.1.2, linear)."""
    centre, width = window
    return shade((values.astype(np.float32) - (centre - 0.5)) / max(width - 1, 1) + 0.5)


def stretched(values: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Return uint8, from the dimmest to the brightest but for half a percent at each end.

    :param known: bool, the values that were measured; the others do not count.
    """
    clean = np.nan_to_num(values.astype(np.float32))
    measured = clean if known is None or not known.any() else clean[known]
    low, high = np.percentile(measured, OUTLIERS)
    if high <= low:
        low, high = float(measured.min()), float(measured.max())
    return shade((clean - low) / ((high - low) or 1.0))


def shade(shares: np.ndarray) -> np.ndarray:
    """Return uint8 of shares of white, 0 to 1; what is no number is black."""
    return np.asarray(np.rint(np.nan_to_num(np.clip(shares, 0, 1)) * 255), np.uint8)


def chosen(frame: int | str, count: int, what: str) -> list[int]:
    """Return which of ``count`` frames or slices are shown: one, the middle one for ``auto``, nine for ``mosaic``.

    :raises ValueError: there is no such.
    """
    if frame == "mosaic":
        tiles = min(TILES, count)
        return [(2 * n + 1) * count // (2 * tiles) for n in range(tiles)]
    if isinstance(frame, str):
        return [count // 2]
    if frame > count:
        raise ValueError(f"has {count} {what}{'s' * (count != 1)}, where {what} {frame} was asked for")
    return [frame - 1]


def tiled(pictures: np.ndarray) -> np.ndarray:
    """Return pictures ``(n, h, w, 3)`` side by side, row by row, in as square a grid as fits them; the rest black."""
    count, height, width, _ = pictures.shape
    across = int(np.ceil(np.sqrt(count)))
    down = -(-count // across)
    grid = np.zeros((down * across, height, width, 3), np.uint8)
    grid[:count] = pictures
    lined = grid.reshape(down, across, height, width, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(lined.reshape(down * height, across * width, 3))
