"""The modality ``gesture-file``: points that move, from an NPZ, NPY, JSON or CSV file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from mmsdk import Media
from mmsdk_gesture.layout import Layout
from mmsdk_gesture.modality import Gesture, landmarks_of
from mmsdk_gesture.nested import MAX_NUMBERS, checked, number, parse

if TYPE_CHECKING:
    from mmsdk import Landmarks

MAX_BYTES = 64 * 2**20
NUMPY, ZIP = b"\x93NUMPY", b"PK"
TIMES = ("time", "times", "t", "seconds")


class GestureFile(Layout):
    """Files to :class:`mmsdk.Landmarks`, told apart by their first bytes; options as of :class:`Layout`.

    NPZ: the array ``points`` and, if there, ``times``; or a single array of any name. NPY: that array. Nothing pickled
    is read. JSON: as a cell of ``gesture``. CSV: a line a step, with or without a head; a column named time (or times,
    t, seconds) holds seconds, the others the coordinates in their order.
    """

    def decode(self, cell: Media) -> Landmarks | None:
        """Return the sample, ``None`` where nothing was seen.

        :raises ValueError: too large, damaged, none of the formats, or not as many numbers as the options say.
        """
        with cell.open() as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"has more than {MAX_BYTES:,} bytes")
        if data.startswith(ZIP):
            return self._arrays(_npz(data))
        if data.startswith(NUMPY):
            return self._arrays({"points": _npy(io.BytesIO(data), len(data))})
        return self._text(data)

    def examples(self) -> list[Any]:
        """Return one file of each format, of different lengths."""
        hands = [landmarks for cell in Gesture().examples()[:4] if (landmarks := Gesture().decode(cell))]
        zipped, plain = io.BytesIO(), io.BytesIO()
        np.savez(zipped, points=hands[0].points, times=hands[0].times + 3)
        np.save(plain, hands[1].points)
        lines = ["time,x,y", *(f"{t / 8},{x},{y}" for t, (x, y) in enumerate(hands[2].points[:, 0].tolist()))]
        return [
            Media(name="hand.npz", data=zipped.getvalue()),
            Media(name="lost.npy", data=plain.getvalue()),
            Media(name="circle.csv", data="\n".join(lines).encode()),
            Media(name="still.json", data=json.dumps(hands[3].points.tolist()).encode()),
        ]

    def _arrays(self, arrays: dict[str, np.ndarray]) -> Landmarks | None:
        """Return the sample of arrays by their names."""
        if "points" not in arrays and len(arrays) == 1:
            arrays = {"points": next(iter(arrays.values()))}
        if "points" not in arrays:
            raise ValueError(f"holds the arrays {', '.join(sorted(arrays)) or 'none'}, where points is expected")
        points = arrays["points"]
        if not 1 <= points.ndim <= 3:
            raise ValueError(f"holds an array of {points.ndim} dimensions, expected [step][point][coordinate]")
        points = checked(points.astype(np.float64))
        return None if np.isnan(points).all() else self.landmarks(points, arrays.get("times"))

    def _text(self, data: bytes) -> Landmarks | None:
        """Return the sample of a JSON or CSV file."""
        try:
            text = data.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise ValueError("is no NPZ, NPY, JSON or CSV file") from None
        if not text:
            raise ValueError("is an empty file")
        if text[0] in "[{":
            return landmarks_of(self, parse(text))
        return self._arrays(_csv(text))


def _npz(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of an NPZ.

    :raises ValueError: damaged, or larger than it looks.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_size(sum(member.file_size for member in members))
            found = {}
            for member in members:
                with archive.open(member) as stream:
                    found[member.filename.removesuffix(".npy")] = _npy(stream, member.file_size)
            return found
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ValueError(f"is a damaged NPZ ({error})") from None
    except Exception as error:  # zlib and lzma raise their own
        raise error if isinstance(error, ValueError) else ValueError(f"is a damaged NPZ ({error})") from None


def _check_size(size: int) -> None:
    """Refuse an archive that unpacks to too much."""
    if size > 8 * MAX_NUMBERS:
        raise ValueError(f"unpacks to more than {8 * MAX_NUMBERS:,} bytes")


def _npy(stream: IO[bytes], size: int) -> np.ndarray:
    """Return an array of numbers.

    :param size: bytes that the stream holds; a header that promises more is a lie, found before memory is taken.
    :raises ValueError: damaged, or not numbers.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version}")  # noqa: TRY301 - one sentence for all that a header can be
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, columns_first, kind = read(stream)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise ValueError(f"has a damaged NPY header ({_first_line(error)})") from None
    if kind.kind not in "fiu":
        raise ValueError(f"holds {kind}, where numbers are expected; nothing pickled is read")
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if count * kind.itemsize > size or count > MAX_NUMBERS:
        raise ValueError(f"promises {count:,} numbers and holds {size:,} bytes, or has more than {MAX_NUMBERS:,}")
    data = stream.read(count * kind.itemsize)
    if len(data) < count * kind.itemsize:
        raise ValueError("is cut off")
    return np.frombuffer(data, kind).reshape(shape, order="F" if columns_first else "C")


def _csv(text: str) -> dict[str, np.ndarray]:
    """Return the columns of a CSV: points ``(t, w)`` and, where there is one, times.

    :raises ValueError: a cell is no number, or lines differ in length.
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line]
    except csv.Error as error:
        raise ValueError(f"is no CSV ({error})") from None
    names = [name.strip().lower() for name in lines[0]]
    if not any(map(_is_number, names)):
        lines = lines[1:]
    for position, line in enumerate(lines):
        if len(line) != len(names):
            raise ValueError(f"has {len(line)} values in step {position}, where others have {len(names)}")
    numbers = np.array([[number(value.strip()) for value in line] for line in lines]).reshape(len(lines), len(names))
    clock = next((place for place, name in enumerate(names) if name in TIMES), None)
    if clock is None:
        return {"points": numbers}
    return {"points": np.delete(numbers, clock, axis=1), "times": numbers[:, clock]}


def _is_number(text: str) -> bool:
    """Return whether a cell of the first line is a number: then it is no head."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    """Return the first line of a message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
