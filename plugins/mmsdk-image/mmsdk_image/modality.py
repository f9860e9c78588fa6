"""The modality ``image``: a file to upright RGB pixels, its size checked before a pixel is decoded."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
from typing import IO, TYPE_CHECKING, cast

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from mmsdk import EncoderError
from mmsdk_image.dicom import is_dicom, read_dicom
from mmsdk_image.grey import FRAMES, chosen, tiled, window_of
from mmsdk_image.nifti import is_nifti, read_nifti
from mmsdk_image.parts import patches_of, without_patches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk import Media, Part

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 1024**3 // 12  # Pillow's own limit: a quarter of a gigabyte as RGB
ENOUGH = 1024  # pixels on the shorter side: four times what encoders look at
HEAD = 4096
STRETCHED = ("I", "F", "I;32", "I;32B")


class Image:
    """A file to RGB uint8 ``(h, w, 3)``.

    Turned upright by its EXIF tag; transparency lies on white; CMYK, palettes and grey become RGB; 16-bit grey is
    scaled by its range (by 4095 where nothing is brighter: 12-bit scans), 32-bit grey from darkest to brightest pixel.
    A picture whose shorter side has 2,048 pixels or more is reduced by a whole factor to no less than 1,024, so that a
    batch of photos does not fill the memory. DICOM and NIfTI become pictures too (extras ``medical`` and ``nifti``).

    :param frame: of an animation, a scan of several frames or a volume, counted from 1; ``middle``; ``mosaic``, nine of
        them evenly spread, in a square; ``auto`` is the first of an animation and the middle of a scan.
    :param window: of a scan's values: ``auto`` (the file's own), a name (``lung``, ``bone``, ...), centre and width.
    :param axis: of a volume, across which its slices lie (0, 1 or 2).
    :raises EncoderError: an option cannot be.
    """

    max_pixels = MAX_PIXELS

    def __init__(self, frame: int | str = "auto", window: str | Sequence[float] = "auto", axis: int = 2) -> None:
        if not (frame in FRAMES or (type(frame) is int and frame >= 1)):
            raise EncoderError(f"decode.frame is {frame!r}, expected {', '.join(FRAMES)} or a number from 1")
        if type(axis) is not int or axis not in (0, 1, 2):
            raise EncoderError(f"decode.axis is {axis!r}, expected 0, 1 or 2")
        self._frame, self._axis = frame, axis
        self._window = window_of(window)
        self._burnt = self._unsaid = 0
        self._lock = threading.Lock()

    def decode(self, cell: Media) -> np.ndarray:
        """Return the pixels.

        :raises ValueError: not one of the formats, more than 89 megapixels by its header, truncated or damaged.
        """
        with cell.open() as stream:
            head = stream.read(HEAD)
            stream.seek(0)
            if is_dicom(head, cell.name):
                return self._dicom(stream.read())
            if is_nifti(head):
                return self._nifti(stream.read())
            try:
                picture = Pillow.open(cast("IO[bytes]", stream), formats=FORMATS)
            except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
                raise ValueError(f"has more than {self.max_pixels:,} pixels; make it smaller") from None
            except UnidentifiedImageError:
                raise ValueError(_what_it_is(stream)) from None
            except Exception as error:
                raise ValueError(f"has a damaged header ({error})") from error
            with picture:
                return self._pixels(picture)

    def report(self) -> Mapping[str, float]:
        """Return how many scans say of themselves that text is burnt into them, which may name the person.

        And of how many it is not known: ultrasound and secondary captures whose header does not say.
        """
        with self._lock:
            found = {"burnt_in_text": self._burnt, "burnt_in_text_not_said": self._unsaid}
        return {name: count for name, count in found.items() if count}

    def _dicom(self, data: bytes) -> np.ndarray:
        """Return the pixels of a DICOM file; burnt-in text is counted."""
        scan = read_dicom(data, window=self._window, frame=self._frame, most=self.max_pixels)
        with self._lock:
            self._burnt += scan.burnt
            self._unsaid += scan.unsaid
        return np.array(_reduced(Pillow.fromarray(scan.pixels)))

    def _nifti(self, data: bytes) -> np.ndarray:
        """Return the pixels of a NIfTI file."""
        pixels = read_nifti(data, window=self._window, frame=self._frame, axis=self._axis, most=self.max_pixels)
        return np.array(_reduced(Pillow.fromarray(pixels)))

    def thumbnail(self, sample: np.ndarray, size: int) -> bytes:
        """Return a JPEG at most ``size`` pixels on a side."""
        picture = Pillow.fromarray(sample)
        picture.thumbnail((size, size), reducing_gap=2.0)
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=80)
        return stream.getvalue()

    def parts(self, sample: np.ndarray) -> list[Part]:
        """Return its patches."""
        return patches_of(sample)

    def without(self, sample: np.ndarray, parts: Sequence[Part], others: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Return the picture with some patches in its mean colour."""
        return without_patches(sample, parts)

    def _pixels(self, picture: Pillow.Image) -> np.ndarray:
        """Decode what the header promised, if it is not too much."""
        width, height = picture.size
        places = [0] if self._frame == "auto" else chosen(self._frame, _count(picture), "frame")
        if width * height * len(places) > self.max_pixels:
            times = f" and {len(places)} frames of it" if len(places) > 1 else ""
            raise ValueError(
                f"is {width:,} x {height:,} pixels{times}, where {self.max_pixels:,} are read; make it smaller"
            )
        if self._frame != "mosaic":
            return np.array(_rgb(_reduced(_upright(_loaded(picture, places[0])))))
        frames = [_rgb(_reduced(_upright(_loaded(picture, place).copy()))) for place in places]
        alike = [np.asarray(frame.resize(frames[0].size)) for frame in frames]  # pages of a TIFF may differ
        return np.array(_reduced(Pillow.fromarray(tiled(np.stack(alike)))))


def _count(picture: Pillow.Image) -> int:
    """Return how many frames an animation has.

    :raises ValueError: it is damaged before its last one.
    """
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception as error:  # each of Pillow's decoders raises what it likes
        raise ValueError(f"is truncated or damaged ({error})") from error


def _loaded(picture: Pillow.Image, place: int) -> Pillow.Image:
    """Return the picture itself at a frame, decoded.

    :raises ValueError: it cannot be decoded.
    """
    try:
        if place or picture.tell():
            picture.seek(place)
        picture.draft("RGB", (ENOUGH, ENOUGH))  # a JPEG decodes at 1/2, 1/4 or 1/8 while both sides stay above
        picture.load()
    except Exception as error:  # each of Pillow's decoders raises what it likes
        raise ValueError(f"is truncated or damaged ({error})") from error
    return picture


def _reduced(picture: Pillow.Image) -> Pillow.Image:
    """Shrink by a whole factor while the shorter side keeps 1,024 pixels; palettes and bits cannot be averaged."""
    factor = min(picture.size) // ENOUGH
    if factor < 2:
        return picture
    if picture.mode in ("1", "P"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if picture.mode.startswith("I;16"):
        picture = _grey(picture)
    return picture.reduce(factor)


def _upright(picture: Pillow.Image) -> Pillow.Image:
    """Turn by the EXIF tag; a damaged tag is no reason to refuse the pixels."""
    with contextlib.suppress(UserWarning, ValueError, TypeError, KeyError, SyntaxError, struct.error):
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _rgb(picture: Pillow.Image) -> Pillow.Image:
    """Return any mode as RGB, transparency on white."""
    if picture.mode.startswith("I;16") or picture.mode in STRETCHED:
        return _grey(picture).convert("RGB")
    if picture.has_transparency_data:
        overlay = picture.convert("RGBA")
        white = Pillow.new("RGBA", overlay.size, "white")
        return Pillow.alpha_composite(white, overlay).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _grey(picture: Pillow.Image) -> Pillow.Image:
    """Return 16- and 32-bit grey as 8-bit grey."""
    values = np.nan_to_num(np.asarray(picture).astype(np.float32))
    if picture.mode.startswith("I;16"):
        low, high = 0.0, 4095.0 if values.max() <= 4095 else 65535.0
    else:
        low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255 / ((high - low) or 1))
    return Pillow.fromarray(np.rint(np.clip(scaled, 0, 255)).astype(np.uint8))


def _what_it_is(stream: io.BufferedIOBase) -> str:
    """Return the reason why a file is refused, from its first bytes."""
    stream.seek(0)
    head = stream.read(512)
    if not head:
        return "is an empty file"
    if b"<svg" in head or head.lstrip().startswith(b"<?xml"):
        return "is an SVG drawing, which is not read; save it as PNG"
    if head[4:8] == b"ftyp":
        return "is a HEIC or AVIF picture, which is not read; save it as JPEG or PNG"
    return "is no picture that is read (JPEG, PNG, WebP, BMP, GIF, TIFF), or its header is damaged"
