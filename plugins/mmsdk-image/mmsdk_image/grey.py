"""Measured values as grey: a window of them from black to white."""

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
        if width >= 1:
            return centre, width
    raise EncoderError(
        f"decode.window is {option!r}, expected auto, {', '.join(WINDOWS)}, or centre and width such as [40, 400]"
    )


def windowed(values: np.ndarray, window: Window) -> np.ndarray:
    """Return uint8, the window from black to white (DICOM PS3.3 C.11.2.1.2, linear)."""
    centre, width = window
    scaled = (values.astype(np.float32) - (centre - 0.5)) / max(width - 1, 1) + 0.5
    return np.asarray(np.rint(np.clip(scaled, 0, 1) * 255), np.uint8)


def stretched(values: np.ndarray) -> np.ndarray:
    """Return uint8, from the dimmest to the brightest but for half a percent at each end."""
    clean = np.nan_to_num(values.astype(np.float32))
    low, high = np.percentile(clean, OUTLIERS)
    if high <= low:
        low, high = float(clean.min()), float(clean.max())
    scaled = (clean - low) / ((high - low) or 1.0)
    return np.asarray(np.rint(np.clip(scaled, 0, 1) * 255), np.uint8)


def chosen(frame: int | str, count: int, what: str) -> int:
    """Return which of ``count`` frames or slices is taken; ``auto`` and ``middle`` are the middle one.

    :raises ValueError: there is no such.
    """
    if isinstance(frame, str):
        return count // 2
    if frame > count:
        raise ValueError(f"has {count} {what}{'s' * (count != 1)}, where {what} {frame} was asked for")
    return frame - 1
