"""Good modalities, and one bad one for every check."""

import threading
import time
import zlib

import numpy as np

from mmsdk import Media, Part


class Words:
    def decode(self, cell):
        if not all(value is None or isinstance(value, str) for value in cell):
            raise ValueError("is no text")
        return " ".join(value for value in cell if value) or None


class Colour:
    def decode(self, cell):
        (text,) = cell
        if text is None or text == "":
            return None
        if not isinstance(text, str) or len(text) != 7:
            raise ValueError("is no colour")
        return np.array([int(text[n : n + 2], 16) / 255 for n in (1, 3, 5)], dtype=np.float32)

    def examples(self):
        return [("#ff8800",), ("#000000",), ("#123456",), ("#ffffff",)]

    def guess(self, values):
        return sum(str(value).startswith("#") for value in values) / len(values)


class Blob:
    """A media modality: files that end in the sum of their bytes."""

    def decode(self, cell):
        with cell.open() as stream:
            data = stream.read()
        if len(data) < 8 or zlib.crc32(data[:-4]).to_bytes(4, "big") != data[-4:]:
            raise ValueError("is no blob")
        return np.frombuffer(data[:-4], dtype=np.uint8)

    def examples(self):
        bodies = [bytes([n]) * (20 + n) for n in range(4)]
        return [Media(name=f"{n}.blob", data=b + zlib.crc32(b).to_bytes(4, "big")) for n, b in enumerate(bodies)]

    def thumbnail(self, sample, size):
        return b"\x89PNG\r\n\x1a\n" + bytes(8) + size.to_bytes(4, "big") * 2


class NoDecode:
    examples = Colour.examples


class NoExamples:
    decode = Colour.decode


class DecodesToNone(Colour):
    def examples(self):
        return [*super().examples(), ("",)]


class EmptyIsBlack(Colour):
    def decode(self, cell):
        return super().decode(cell if cell[0] else ("#000000",))


class Crashes(Colour):
    def decode(self, cell):
        text = cell[0]
        return np.array([int(text[n : n + 2], 16) / 255 for n in (1, 3, 5)]) if text else None


class BlobTakesAll(Blob):
    def decode(self, cell):
        with cell.open() as stream:
            return stream.read() or None


class BlobWithoutReason(Blob):
    def decode(self, cell):
        try:
            return super().decode(cell)
        except ValueError:
            raise ValueError from None


class Random(Colour):
    def decode(self, cell):
        found = super().decode(cell)
        return None if found is None else found + np.float32(np.random.default_rng().random())


class Shared(Colour):
    def decode(self, cell):
        self.cell = cell
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.002)
        return super().decode(self.cell)


class WildGuess(Colour):
    def guess(self, values):
        return float(len(values))


class TextThumbnail(Blob):
    def thumbnail(self, sample, size):
        return b"<svg/>"


class HugeThumbnail(Blob):
    def thumbnail(self, sample, size):
        return super().thumbnail(sample, size * 2)


class ColourInParts(Colour):
    def parts(self, sample):
        return [Part(name=f"channel {n}", kind="column", place=(n, n + 1)) for n in range(3)]

    def without(self, sample, parts, others=()):
        left = sample.copy()
        left[[int(part.place[0]) for part in parts]] = 0.25
        return left


class OnlyParts(Colour):
    parts = ColourInParts.parts


class BoxedParts(ColourInParts):
    def parts(self, sample):
        return [Part(name="all", kind="box", place=(0, 0, 24, 24))]


class SpoilsTheSample(ColourInParts):
    def without(self, sample, parts, others=()):
        sample[[int(part.place[0]) for part in parts]] = 0.25
        return sample


class TakesNothingAway(ColourInParts):
    def without(self, sample, parts, others=()):
        return sample.copy()
