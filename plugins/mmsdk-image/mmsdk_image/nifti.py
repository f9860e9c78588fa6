"""A slice of a NIfTI volume to pixels by nibabel; a packed file is unpacked no further than the limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from mmsdk_image.grey import chosen, stretched, windowed

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
    """Return one slice, RGB uint8 ``(h, w, 3)``, the last axis of the body upwards.

    :param window: centre and width; ``None``: all but the extreme half percents.
    :param frame: which slice, counted from 1, or the middle one; of a series over time the first volume.
    :param axis: across which the slices lie, 0 to 2.
    :param most: pixels of a slice that are read.
    :raises ValueError: damaged, too large, or no such slice.
    """
    try:
        import nibabel
    except ImportError:
        raise ValueError("is a NIfTI file, which needs nibabel: pip install 'mmsdk-image[nifti]'") from None
    plain = _unpacked(data)
    try:
        kind = nibabel.Nifti2Image if plain[4:8] == MAGICS[1] else nibabel.Nifti1Image
        volume = kind.from_bytes(plain)
        shape = volume.shape
    except Exception:  # nibabel raises what it likes
        raise ValueError(DAMAGED) from None
    if not 2 <= len(shape) <= 5:
        raise ValueError(f"has {len(shape)} dimensions, where 2 to 5 are read")
    place = chosen(frame, shape[axis] if len(shape) > 2 else 1, "slice")
    cut: list[slice | int] = [slice(None), slice(None), *[0] * (len(shape) - 2)]
    if len(shape) > 2:
        cut = [slice(None)] * 3 + [0] * (len(shape) - 3)
        cut[axis] = place
    try:
        values = np.asarray(volume.dataobj[tuple(cut)], np.float32)
    except Exception:
        raise ValueError(f"{DAMAGED}: its values are not there") from None
    if values.size > most:
        raise ValueError(f"has slices of {values.size:,} pixels, where {most:,} are read")
    upright = np.flipud(values.T)
    grey = stretched(upright) if window is None else windowed(np.nan_to_num(upright), window)
    return np.repeat(grey[:, :, None], 3, axis=2)


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
