"""Whether the samples that a WAV, AIFF, CAF or Ogg file promises are there; libsndfile takes what it finds."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import io

UNKNOWN = 0x7FFFF000  # bytes; a header written before the end was known says about four gigabytes, or nothing
PAGE = 65_307  # bytes at most, of Ogg


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How chunks follow each other.

    :param start: where the first begins; ``head``: its name and size; ``samples``: the name of the one that holds them.
    """

    start: int
    head: struct.Struct
    samples: bytes


LAYOUTS = {
    b"RIFF": Layout(start=12, head=struct.Struct("<4sI"), samples=b"data"),
    b"RIFX": Layout(start=12, head=struct.Struct(">4sI"), samples=b"data"),
    b"FORM": Layout(start=12, head=struct.Struct(">4sI"), samples=b"SSND"),
    b"caff": Layout(start=8, head=struct.Struct(">4sq"), samples=b"data"),
}


def missing_bytes(stream: io.BufferedIOBase, kind: bytes) -> tuple[int, int]:
    """Return how many bytes of samples are not there, of how many; 0 of 0 where the header does not say.

    :param kind: the first four bytes of the file.
    """
    if kind == b"OggS":
        return _missing_of_page(stream)
    layout = LAYOUTS.get(kind)
    if layout is None:
        return 0, 0
    end, place = stream.seek(0, 2), layout.start
    while place + layout.head.size <= end:
        stream.seek(place)
        name, size = layout.head.unpack(stream.read(layout.head.size))
        place += layout.head.size
        if name == layout.samples:
            return (max(size - (end - place), 0), size) if 0 < size < UNKNOWN else (0, 0)
        place += max(size, 0) + (size % 2 if layout.start == 12 else 0)
    return 0, 0


def _missing_of_page(stream: io.BufferedIOBase) -> tuple[int, int]:
    """Return how much of the last page of an Ogg file is not there; its header lists what it holds (RFC 3533)."""
    end = stream.seek(0, 2)
    stream.seek(max(end - 2 * PAGE, 0))
    tail = stream.read()
    place = tail.rfind(b"OggS")
    sizes = tail[place + 27 : place + 27 + tail[place + 26]] if 0 <= place < len(tail) - 26 else b""
    if place < 0 or not sizes:
        return 0, 0
    whole = 27 + tail[place + 26] + sum(sizes)
    return max(whole - (len(tail) - place), 0), whole
