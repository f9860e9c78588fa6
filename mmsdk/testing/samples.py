"""Samples of every modality to try components on: cells written here, decoded by the modality that is installed.

A modality of a plugin's own says how: an optional ``examples()`` on its class returns four or more different cells, as
``decode`` takes them (a :class:`mmsdk.Media` where the spec says ``media=True``, else a tuple of raw values).
"""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib
from typing import TYPE_CHECKING, Any

from mmsdk.plugins import get_registry
from mmsdk.protocols import Media, Sound
from mmsdk.testing.checks import NoCells

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

ENOUGH = 4

TEXTS = (
    "A red lamp for the desk",
    "oak table, seats six",
    "灯",
    "A much longer description of one product, which goes on for a while so that lengths in a batch differ a lot",
    "x",
    "Ünïcödé & <b>markup</b>",
)


def cells(modality: str) -> list[Any]:
    """Return example cells of a modality: what its class offers as ``examples()``, else ours.

    :raises PluginError: the modality is unknown and its class offers none.
    """
    made = _instance(modality)
    if made is not None and hasattr(made, "examples"):
        return list(made.examples())
    if modality in KNOWN:
        return KNOWN[modality]()
    raise NoCells(
        f"there are no sample cells of modality {modality!r}: give its class a method examples() "
        f"that returns {ENOUGH} or more different cells"
    )


def samples(modality: str) -> list[Any]:
    """Return decoded samples of a modality, as its encoders receive them.

    Decoded by the installed modality; where none is installed, those of ``text``, ``image``, ``number``,
    ``category``, ``date``, ``vector`` and ``audio`` come ready made.
    """
    made = _instance(modality)
    if made is not None:
        return [made.decode(cell) for cell in cells(modality)]
    if modality in _READY:
        return _READY[modality]()
    return [cell[0] for cell in cells(modality)]


def small_samples(modality: str) -> list[Any]:
    """Return samples at the edge of nothing: one pixel, one letter, one number; empty for modalities we do not know."""
    made = _instance(modality)
    if made is not None and modality in _SMALL:
        return [sample for cell in _SMALL[modality]() if (sample := made.decode(cell)) is not None]
    return []


def same(a: Any, b: Any) -> bool:
    """Return whether two samples are equal, arrays (NaN in the same places) and dataclasses of arrays included."""
    import numpy as np

    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in a.__dataclass_fields__)
    return bool(a == b)


def _instance(modality: str) -> Any:
    """Return the installed modality, ``None`` when there is none."""
    entries = [entry for entry in get_registry().entries("modality") if entry.spec.name == modality]
    return entries[0].load()() if entries else None


def png(width: int, height: int, seed: int = 0) -> bytes:
    """Return a PNG of smooth colours, written by hand so that no image library is needed."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(((x * 5 + seed * 61) % 256, (y * 7 + seed * 17) % 256, ((x + y) * 3 + seed * 131) % 256))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(rows))) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return one PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def wav(seconds: float, frequency: float, rate: int = 16_000) -> bytes:
    """Return a mono 16-bit WAV of a decaying tone."""
    count = max(int(seconds * rate), 1)
    tone = (int(20_000 * math.exp(-2 * n / count) * math.sin(2 * math.pi * frequency * n / rate)) for n in range(count))
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", value) for value in tone))
    return stream.getvalue()


def _pictures() -> list[Media]:
    """Return pictures of several sizes."""
    sizes = ((64, 48), (32, 32), (48, 80), (33, 57), (96, 24))
    return [Media(name=f"{n}.png", data=png(*size, seed=n)) for n, size in enumerate(sizes)]


def _tones() -> list[Media]:
    """Return sounds of several lengths."""
    kinds = ((0.3, 220.0), (1.0, 440.0), (0.7, 880.0), (1.6, 330.0))
    return [Media(name=f"{n}.wav", data=wav(*kind)) for n, kind in enumerate(kinds)]


def _columns(*values: Any) -> Callable[[], list[Any]]:
    """Return a maker of one-column cells."""
    return lambda: [(value,) for value in values]


def _arrays() -> list[np.ndarray]:
    """Return RGB uint8 ``(h, w, 3)`` arrays."""
    import numpy as np

    generator = np.random.default_rng(0)
    sizes = ((64, 48), (32, 32), (48, 80), (33, 57))
    return [generator.integers(0, 256, (height, width, 3), dtype=np.uint8) for width, height in sizes]


def _vectors() -> list[np.ndarray]:
    """Return float32 ``(4,)`` arrays."""
    import numpy as np

    return list(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))


def _waves() -> list[Sound]:
    """Return tones at 16,000 samples a second."""
    import numpy as np

    lengths = (4_000, 16_000, 9_000, 20_000)
    return [Sound(samples=np.sin(np.arange(length, dtype=np.float32) / 7), rate=16_000) for length in lengths]


def _days() -> list[Any]:
    """Return moments without a zone."""
    import datetime as dt

    return [dt.datetime(2024, month, 3 * month, month) for month in (1, 3, 6, 9)]


_NUMBERS = ("3.5", "-2", "1e3", "0", "17.25", "3.5")
_CATEGORIES = ("red", "green", "red", "blue", "green", "red")
KNOWN: dict[str, Callable[[], list[Any]]] = {
    "text": _columns(*TEXTS),
    "number": _columns(*_NUMBERS),
    "category": _columns(*_CATEGORIES),
    "date": _columns("2024-01-31", "2023-07-04T10:30", "1999-12-31 23:59:00", "2024-02-29"),
    "vector": _columns(*([0.5, -1.0, float(n), 2.0] for n in range(5))),
    "image": _pictures,
    "audio": _tones,
}
_SMALL: dict[str, Callable[[], list[Any]]] = {
    "text": _columns("a", ".", "\u200b", "0"),
    "number": _columns("0", "-0.0", "1e300", "-1e300", "5e-324"),
    "category": _columns("never seen", "0", "-"),
    "date": _columns("0001-01-01", "9999-12-31"),
    "vector": _columns([0.0, 0.0, 0.0, 0.0]),
    "image": lambda: [Media(name="1x1.png", data=png(1, 1)), Media(name="1x40.png", data=png(1, 40))],
    "audio": lambda: [Media(name="one.wav", data=wav(0.0, 1.0))],
}
_READY: dict[str, Callable[[], list[Any]]] = {
    "text": lambda: list(TEXTS),
    "image": _arrays,
    "number": lambda: [float(number) for number in _NUMBERS],
    "category": lambda: list(_CATEGORIES),
    "date": _days,
    "vector": _vectors,
    "audio": _waves,
}
