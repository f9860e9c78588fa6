"""A DICOM file to pixels by pydicom: rescaled, windowed, upright in its greys; who is shown is never even read."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_image.dicom_values import declared, grey, header
from mmsdk_image.grey import chosen, tiled

if TYPE_CHECKING:
    from mmsdk_image.grey import Window

MAGIC, OFFSET = b"DICM", 128
ENDINGS = (".dcm", ".dicom")
GROUPS = (b"\x02\x00\x00\x00", b"\x08\x00")  # how a file without the 128 bytes of preamble begins
MAX_BYTES = 1 << 30  # what a deflated file may unpack to
MAX_RLE = 64 << 20  # bytes of a run-length coded frame: 64 times as many when unpacked
DAMAGED = "is a damaged DICOM file"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"  # pictures taken of a screen or a paper
FOREIGN = "has a colour model that is not read (grey, RGB, YBR_FULL and palettes are)"
COLOURS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")
READERS = (
    ("JPEG-LS", "pyjpegls"),
    ("2000", "pylibjpeg pylibjpeg-openjpeg"),
    ("JPEG", "pylibjpeg pylibjpeg-libjpeg"),
    ("RLE", ""),
)
# Only what pixels need is parsed: names, numbers and dates of people stay in the file.
PIXELS = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData", "FloatPixelData"),
    *("DoubleFloatPixelData", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "BurnedInAnnotation", "Modality", "SOPClassUID"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor"),
    *("BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData"),
    *("SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Pixels of a scan.

    :param pixels: RGB uint8 ``(h, w, 3)``.
    :param burnt: its header says that text is burnt into them.
    :param unsaid: the header does not say so or otherwise, and it is of a kind that often has text.
    """

    pixels: np.ndarray
    burnt: bool
    unsaid: bool


def is_dicom(head: bytes, name: str = "") -> bool:
    """Return whether a file that begins so is DICOM; one without a preamble only where its name says so too."""
    plain = name.lower().endswith(ENDINGS) and head.startswith(GROUPS)
    return plain or head[OFFSET : OFFSET + 4] == MAGIC


def read_dicom(data: bytes, *, window: Window | None, frame: int | str, most: int) -> Scan:
    """Return the pixels of one frame, or of nine in a square.

    :param window: centre and width; ``None`` takes the file's own, else all but the extreme half percents.
    :param frame: counted from 1, the middle one, or ``mosaic``.
    :param most: pixels that are read, by the header, before one is decoded.
    :raises ValueError: no pixels, too many, damaged, or compressed in a way that nothing installed reads. The sentence
        holds nothing of the file's own text.
    """
    try:
        import pydicom  # noqa: F401
    except ImportError:
        raise ValueError("is a DICOM file, which needs pydicom: pip install 'mmsdk-image[medical]'") from None
    _hush()
    found = _parsed(data)
    if not any(name in found for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ValueError("is a DICOM file without pixels")
    kind = str(found.get("PhotometricInterpretation") or "MONOCHROME2").strip()
    if kind not in COLOURS:
        raise ValueError(FOREIGN)
    rows, columns, frames = (_whole(found, name) for name in ("Rows", "Columns", "NumberOfFrames"))
    places = chosen(frame, frames, "frame")
    if rows * columns * len(places) > most:
        times = f" and {len(places)} frames of it" if len(places) > 1 else ""
        raise ValueError(f"is {columns:,} x {rows:,} pixels{times}, where {most:,} are read")
    pictures = _pictures(found, kind, {place: _values(found, place, frames) for place in places}, window)
    burnt = str(found.get("BurnedInAnnotation") or "").strip().upper()
    often = found.get("Modality") == "US" or str(found.get("SOPClassUID") or "").startswith(SECONDARY)
    return Scan(
        pixels=tiled(pictures) if frame == "mosaic" else pictures[0],
        burnt=burnt == "YES",
        unsaid=burnt == "" and often,
    )


def _hush() -> None:
    """Keep pydicom's warnings to itself: they quote values, which may be a person's."""
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def _parsed(data: bytes) -> Any:
    """Return the elements that pixels need; a file that does not say how it is written says so by its form."""
    import pydicom
    from pydicom.dataset import FileMetaDataset

    _inflate(data)
    try:
        found = pydicom.dcmread(io.BytesIO(data), specific_tags=list(PIXELS), force=True)
        if not hasattr(found, "file_meta"):
            found.file_meta = FileMetaDataset()
        if not found.file_meta.get("TransferSyntaxUID"):
            implicit, little = found.original_encoding
            plain = pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
            found.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian if implicit else plain
    except Exception:  # its text may quote the file
        raise ValueError(DAMAGED) from None
    return found


def _inflate(data: bytes) -> None:
    """Refuse a deflated file that would fill the memory: pydicom unpacks it whole, whatever its size."""
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    if DeflatedExplicitVRLittleEndian.encode() not in data[:4096]:
        return
    start = OFFSET + 4 + 12 + struct.unpack("<I", data[140:144].ljust(4, b"\0"))[0]
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacker.decompress(data[start:], MAX_BYTES)
    except zlib.error:
        raise ValueError(DAMAGED) from None
    if unpacker.unconsumed_tail:
        raise ValueError(f"unpacks to more than {MAX_BYTES:,} bytes")


def _whole(found: Any, name: str) -> int:
    """Return a count of the header, 1 where it says none."""
    try:
        return max(int(found.get(name) or 1), 1)
    except (TypeError, ValueError):
        return 1


def _values(found: Any, place: int, frames: int) -> np.ndarray:
    """Return the stored values of one frame, colours as RGB."""
    from pydicom.encaps import get_frame
    from pydicom.pixels import pixel_array
    from pydicom.uid import RLELossless

    syntax = found.file_meta.TransferSyntaxUID
    try:
        packed = len(get_frame(found.PixelData, place, number_of_frames=frames)) if syntax == RLELossless else 0
        values: np.ndarray | None = pixel_array(found, index=place) if packed <= MAX_RLE else None
    except Exception:  # its text may quote the file
        raise ValueError(_why_not(syntax)) from None
    if values is None:
        raise ValueError(f"has a run-length coded frame of {packed:,} bytes, where {MAX_RLE:,} are read")
    return values


def _why_not(syntax: Any) -> str:
    """Return why pixels cannot be decoded: their compression, or damage."""
    from pydicom.pixels import get_decoder

    if not syntax.is_transfer_syntax or syntax.is_private:  # its name would be the file's own text
        return "is compressed in a way that is not known; save it uncompressed"
    if not syntax.is_compressed or syntax.is_deflated:
        return f"{DAMAGED}: its pixels are not there"
    package = next((package for kind, package in READERS if kind in syntax.name), None)
    if package is None:
        return f"is compressed as {syntax.name}, which is not read; save it uncompressed"
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if known and not package:
        return f"{DAMAGED}: its pixels are not there"
    doubt = ", or is damaged" if known else ""
    return f"is compressed as {syntax.name}, which nothing installed reads{doubt}: pip install {package}"


def _pictures(found: Any, kind: str, frames: dict[int, np.ndarray], window: Window | None) -> np.ndarray:
    """Return stored values of frames as RGB uint8 ``(n, h, w, 3)``."""
    from pydicom.pixels import apply_color_lut

    stored = list(frames.values())
    if stored[0].ndim == 3 and stored[0].shape[2] < 3:
        raise ValueError(FOREIGN)
    try:
        if kind == "PALETTE COLOR":
            return np.stack([_eight_bits(apply_color_lut(values, found)) for values in stored])
        if stored[0].ndim == 3:
            return np.stack([_eight_bits(values, _whole(found, "BitsStored")) for values in stored])
        heads = [header(found, place) for place in frames]
        shades = grey(heads, stored, window if window or not all(map(declared, heads)) else "own")
    except Exception:
        raise ValueError(f"{DAMAGED}: its lookup tables cannot be used") from None
    return np.repeat(shades[..., None], 3, axis=3)


def _eight_bits(values: np.ndarray, bits: int = 0) -> np.ndarray:
    """Return colours of more than 8 bits as 8."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values[:, :, :3])
    bits = bits or values.dtype.itemsize * 8
    return np.ascontiguousarray((values[:, :, :3] >> max(bits - 8, 0)).astype(np.uint8))
