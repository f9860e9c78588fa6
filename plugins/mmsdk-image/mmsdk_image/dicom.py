"""A DICOM file to pixels by pydicom: rescaled, windowed, upright in its greys; who is shown is never even read."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_image.grey import chosen, stretched, windowed

if TYPE_CHECKING:
    from mmsdk_image.grey import Window

MAGIC, OFFSET = b"DICM", 128
DAMAGED = "is a damaged DICOM file"
# Only what pixels need is parsed: names, numbers and dates of people stay in the file.
PIXELS = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData", "FloatPixelData"),
    *("DoubleFloatPixelData", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "BurnedInAnnotation", "PixelPaddingValue"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor"),
    *("BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData"),
    *("SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Pixels of a scan, RGB uint8 ``(h, w, 3)``, and whether its header says that text is burnt into them."""

    pixels: np.ndarray
    burnt: bool


def is_dicom(head: bytes) -> bool:
    """Return whether a file that begins so is DICOM."""
    return head[OFFSET : OFFSET + 4] == MAGIC


def read_dicom(data: bytes, *, window: Window | None, frame: int | str, most: int) -> Scan:
    """Return the pixels of one frame.

    :param window: centre and width; ``None`` takes the file's own, else all but the extreme half percents.
    :param frame: counted from 1, or the middle one.
    :param most: pixels of a frame that are read.
    :raises ValueError: no pixels, too many, damaged, or compressed in a way that nothing installed reads. The sentence
        holds nothing of the file's own text.
    """
    try:
        import pydicom
    except ImportError:
        raise ValueError("is a DICOM file, which needs pydicom: pip install 'mmsdk-image[medical]'") from None
    _hush()
    try:
        found = pydicom.dcmread(io.BytesIO(data), specific_tags=list(PIXELS))
    except Exception:  # its text may quote the file
        raise ValueError(DAMAGED) from None
    if not any(name in found for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ValueError("is a DICOM file without pixels")
    rows, columns, frames = (_whole(found, name) for name in ("Rows", "Columns", "NumberOfFrames"))
    if rows * columns > most:
        raise ValueError(f"is {columns:,} x {rows:,} pixels, where {most:,} are read")
    values = _values(found, chosen(frame, frames, "frame"))
    return Scan(pixels=_pixels(found, values, window), burnt=str(found.get("BurnedInAnnotation", "")).upper() == "YES")


def _hush() -> None:
    """Keep pydicom's warnings to itself: they quote values, which may be a person's."""
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def _whole(found: Any, name: str) -> int:
    """Return a count of the header, 1 where it says none."""
    try:
        return max(int(found.get(name) or 1), 1)
    except (TypeError, ValueError):
        return 1


def _values(found: Any, place: int) -> np.ndarray:
    """Return the stored values of one frame, colours as RGB."""
    from pydicom.pixels import pixel_array

    try:
        values: np.ndarray = pixel_array(found, index=place)
    except (RuntimeError, NotImplementedError):
        syntax = getattr(getattr(found, "file_meta", None), "TransferSyntaxUID", None)
        if syntax is not None and syntax.is_compressed:
            raise ValueError(
                f"is compressed as {syntax.name}, which nothing installed reads, or is damaged: pip install "
                "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg, or save it uncompressed"
            ) from None
        raise ValueError(DAMAGED) from None
    except Exception:  # its text may quote the file
        raise ValueError(f"{DAMAGED}: its pixels are not there") from None
    return values


def _pixels(found: Any, values: np.ndarray, window: Window | None) -> np.ndarray:
    """Return stored values as RGB uint8."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut

    kind = str(found.get("PhotometricInterpretation", "MONOCHROME2"))
    try:
        if kind == "PALETTE COLOR":
            return _eight_bits(apply_color_lut(values, found))
        if values.ndim == 3:
            return _eight_bits(values, _whole(found, "BitsStored"))
        grey = _grey(found, apply_modality_lut(values, found), window)
    except Exception:
        raise ValueError(f"{DAMAGED}: its lookup tables cannot be used") from None
    if kind == "MONOCHROME1":
        grey = 255 - grey
    return np.repeat(grey[:, :, None], 3, axis=2)


def _grey(found: Any, values: np.ndarray, window: Window | None) -> np.ndarray:
    """Return measured values as grey: by the window asked for, else the file's table or window, else stretched."""
    from pydicom.pixels import apply_voi

    if window is not None:
        return windowed(values, window)
    if found.get("VOILUTSequence"):
        return stretched(apply_voi(values, found))
    centre, width = (_first(found.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None and width >= 1:
        return windowed(values, (centre, width))
    return stretched(values)


def _first(value: Any) -> float | None:
    """Return a number, or the first of several."""
    try:
        return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)
    except (TypeError, ValueError, IndexError):
        return None


def _eight_bits(values: np.ndarray, bits: int = 0) -> np.ndarray:
    """Return colours of more than 8 bits as 8."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values[:, :, :3])
    bits = bits or values.dtype.itemsize * 8
    return np.ascontiguousarray((values[:, :, :3] >> max(bits - 8, 0)).astype(np.uint8))
