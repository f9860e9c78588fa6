"""Stored values of DICOM frames to grey: modality table, window, padding, inversion, by each frame's own header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmsdk_image.grey import shade, stretched, windowed

if TYPE_CHECKING:
    from mmsdk_image.grey import Window

FAR = 10  # widths from the centre: beyond any window, a sigmoid's too


def header(found: Any, place: int) -> Any:
    """Return the elements of one frame: the file's, with its functional groups (enhanced CT and MR) laid over."""
    from pydicom.dataset import Dataset

    head = Dataset()
    head.update({name: found[name] for name in found.keys()})  # noqa: SIM118 - iterating gives elements, decoded
    head.file_meta = found.file_meta
    shared = found.get("SharedFunctionalGroupsSequence") or []
    own = found.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*shared[:1], *own[place : place + 1]):
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in (group.get(name) or [])[:1]:
                head.update(item)
    return head


def declared(head: Any) -> bool:
    """Return whether a frame says itself how its values are shown: a table, or a window that can be used."""
    table = head.get("VOILUTSequence")
    if table:
        return bool(table[0].get("LUTData")) and bool(table[0].get("LUTDescriptor"))
    centre, width = (_first(head.get(name)) for name in ("WindowCenter", "WindowWidth"))
    linear = str(head.get("VOILUTFunction") or "LINEAR").upper() == "LINEAR"
    return centre is not None and width is not None and width >= (1 if linear else 1e-9)


def grey(heads: list[Any], frames: list[np.ndarray], window: Window | Literal["own"] | None) -> np.ndarray:
    """Return uint8 ``(n, h, w)`` of stored values, black what the frame says was not measured.

    :param window: centre and width, ``own`` where every frame declares one, ``None`` where nothing is known: all
        frames are then stretched alike.
    """
    from pydicom.pixels import apply_modality_lut

    known = np.stack([_known(head, values) for head, values in zip(heads, frames, strict=True)])
    measured = [apply_modality_lut(values, head) for head, values in zip(heads, frames, strict=True)]
    if window == "own":
        shades = np.stack([_shown(head, values) for head, values in zip(heads, measured, strict=True)])
    else:
        values = np.stack(measured)
        shades = stretched(values, known) if window is None else windowed(values, window)
    if str(heads[0].get("PhotometricInterpretation", "")).strip() == "MONOCHROME1":
        shades = 255 - shades
    shades[~known] = 0
    return shades


def _known(head: Any, values: np.ndarray) -> np.ndarray:
    """Return which stored values were measured; a value, or a range of them, may stand for nothing."""
    padding = head.get("PixelPaddingValue")
    if not isinstance(padding, int):
        return np.ones(values.shape, bool)
    limit = head.get("PixelPaddingRangeLimit")
    low, high = sorted((padding, limit if isinstance(limit, int) else padding))
    return (values < low) | (values > high)


def _shown(head: Any, values: np.ndarray) -> np.ndarray:
    """Return uint8 of measured values by the frame's own table or window."""
    from pydicom.pixels import apply_voi, apply_windowing

    if head.get("VOILUTSequence"):
        bits = int(head.VOILUTSequence[0].LUTDescriptor[2])
        return shade(apply_voi(np.rint(values).astype(np.int32), head) / (2**bits - 1))
    head.setdefault("BitsStored", 16)  # values with a point have none; they only scale what is scaled back below
    head.setdefault("PixelRepresentation", 0)
    centre, width = _first(head.WindowCenter), _first(head.WindowWidth)
    ends = np.array([-FAR, FAR], np.float64) * float(width or 1.0) + float(centre or 0.0)
    found = apply_windowing(np.append(np.nan_to_num(values), ends), head)
    low, high = found[-2:]
    return shade((found[:-2] - low) / ((high - low) or 1.0)).reshape(values.shape)


def _first(value: Any) -> float | None:
    """Return a number, or the first of several."""
    try:
        return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)
    except (TypeError, ValueError, IndexError):
        return None
