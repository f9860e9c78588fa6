"""Slices of a NIfTI volume to pixels by nibabel; a packed file is unpacked no further than the limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_image.grey import chosen, stretched, tiled, windowed

if TYPE_CHECKING:
    from mmsdk_image.grey import Window

MAX_BYTES = 1 << 30
GZIP = b"\x1f\x8b"
MAGICS = (b"n+1\0", b"n+2\0")
HEAD = 352
DAMAGED = "is a damaged NIfTI file"


def is_nifti(head: bytes) -> bool:
    """Return whether a file that begins so is NIfTI, packed or not."""
    if head[:2] == GZIP:
        try:
            head = zlib.decompressobj(31).decompress(head, HEAD)
        except zlib.error:
            return False
    return head[344:348] == MAGICS[0] or head[4:8] == MAGICS[1]


def read_nifti(data: bytes, *, window: Window | None, frame: int | str, axis: int, most: int) -> np.ndarray:
    """Return one slice, or nine in a square, RGB uint8 ``(h, w, 3)``.

    However the file stores them, slices are turned by its own orientation: what is head, front or right of the body
    is at the right or at the top.

    :param window: centre and width; ``None``: all but the extreme half percents.
    :param frame: which slice, counted from 1, the middle one, or ``mosaic``; of a series over time the first volume.
    :param axis: of the body, across which the slices lie: 0 left to right, 1 back to front, 2 foot to head.
    :param most: pixels that are read, by the header, before one is.
    :raises ValueError: damaged, too large, no such slice, or values that are no numbers.
    """
    try:
        import nibabel
    except ImportError:
        raise ValueError("is a NIfTI file, which needs nibabel: pip install 'mmsdk-image[nifti]'") from None
    plain = _unpacked(data)
    try:
        kind = nibabel.Nifti2Image if plain[4:8] == MAGICS[1] else nibabel.Nifti1Image
        volume = kind.from_bytes(plain)
        order, turned = _orientation(volume)
    except Exception:  # nibabel raises what it likes
        raise ValueError(DAMAGED) from None
    shape = (*volume.shape, 1)
    if len(volume.shape) == 2:  # a picture: a volume of one slice, as it is stored
        order, axis = [0, 1, 2], 2
    across = order[axis]
    left, up = (order[place] for place in range(3) if place != axis)
    places = chosen(frame, shape[across], "slice")
    pixels = shape[left] * shape[up]
    if pixels * len(places) > most:
        shown = f" and shows {len(places)}" if len(places) > 1 else ""
        raise ValueError(f"has slices of {pixels:,} pixels{shown}, where {most:,} are read")
    if turned[across]:
        places = [shape[across] - 1 - place for place in places]
    slices = np.stack([_slice(volume, across, place) for place in places])
    slices = slices if left < up else slices.swapaxes(1, 2)  # (n, left, up)
    slices = slices[:, :: -1 if turned[left] else 1, :: 1 if turned[up] else -1].swapaxes(1, 2)  # rows from the top
    pictures = _coloured(slices, window)
    return tiled(pictures) if frame == "mosaic" else np.ascontiguousarray(pictures[0])


def _orientation(volume: Any) -> tuple[list[int], list[bool]]:
    """Return which stored axis runs left to right, back to front, foot to head; and which stored axes run backwards."""
    import nibabel

    if not 2 <= len(volume.shape) <= 5 or min(volume.shape) < 1:
        raise ValueError(DAMAGED)
    found = nibabel.io_orientation(volume.affine)
    order = [int(np.flatnonzero(found[:, 0] == axis)[0]) for axis in range(3)]
    return order, [bool(one < 0) for one in found[:, 1]]


def _slice(volume: Any, across: int, place: int) -> np.ndarray:
    """Return the values of one slice, two-dimensional; of a series those of its first volume."""
    cut: list[slice | int] = [slice(None)] * min(len(volume.shape), 3) + [0] * (len(volume.shape) - 3)
    if across < len(volume.shape):
        cut[across] = place
    try:
        values = np.asanyarray(volume.dataobj[tuple(cut)])
    except Exception:
        raise ValueError(f"{DAMAGED}: its values are not there") from None
    if values.dtype.kind == "c":
        raise ValueError("has complex values; save their size or phase")
    return values


def _coloured(slices: np.ndarray, window: Window | None) -> np.ndarray:
    """Return slices ``(n, h, w)`` as RGB uint8 ``(n, h, w, 3)``; those of colours as they are."""
    if slices.dtype.names:
        return np.stack([slices[name].astype(np.uint8) for name in slices.dtype.names[:3]], axis=3)
    values = np.nan_to_num(slices.astype(np.float32))
    grey = stretched(values) if window is None else windowed(values, window)
    return np.repeat(grey[..., None], 3, axis=3)


def _unpacked(data: bytes) -> bytes:
    """Return the bytes of a file that may be packed."""
    if data[:2] != GZIP:
        return data
    unpacker = zlib.decompressobj(31)
    try:
        plain = unpacker.decompress(data, MAX_BYTES)
    except zlib.error:
        raise ValueError(DAMAGED) from None
    if unpacker.unconsumed_tail:
        raise ValueError(f"unpacks to more than {MAX_BYTES:,} bytes")
    if not unpacker.eof:
        raise ValueError(f"{DAMAGED}: it is cut off")
    return plain
