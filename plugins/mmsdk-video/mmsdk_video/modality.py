"""The modality ``video``: a file to some of its frames and its sound, in memory that does not grow with the file."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import Clip, EncoderError
from mmsdk_video.reading import open_file
from mmsdk_video.sampling import picker_of
from mmsdk_video.track import SoundTrack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk import Media
    from mmsdk_video.reading import File
    from mmsdk_video.sampling import Picker

SAMPLINGS = ("uniform", "fps", "scene")
MAX_FRAMES = 4096
SEEK_SECONDS = 120.0  # between two wanted frames, above which the file is sought through, not decoded through


class Video:
    """A file to :class:`mmsdk.Clip`.

    Frames and sound come from one pass. Frames are turned upright by the display matrix, reduced so that their shorter
    side has ``size`` pixels at the most, and carry the times that the file gives them, so that a variable frame rate is
    right. Where wanted frames lie two minutes apart and more, the file is sought from key frame to key frame: ten hours
    take seconds, and the frame is the key frame before the wanted time. The sound of such a file is read to its limit.

    :param frames: how many at the most.
    :param sampling: ``uniform``, ``fps`` or ``scene``.
    :param fps: frames a second where ``sampling`` is ``fps``; a file that has more than ``frames`` of them is sampled
        evenly.
    :param size: pixels of the shorter side.
    :param sound: keep the sound.
    :param max_seconds: of sound that are kept.
    :raises EncoderError: an option is out of range.
    """

    def __init__(
        self,
        frames: int = 16,
        sampling: str = "uniform",
        fps: float = 1.0,
        size: int = 256,
        *,
        sound: bool = True,
        max_seconds: float = 600.0,
    ) -> None:
        if sampling not in SAMPLINGS:
            raise EncoderError(f"decode.sampling is {sampling!r}, expected {', '.join(SAMPLINGS)}")
        for name, value, low, high in (
            ("frames", frames, 1, MAX_FRAMES),
            ("fps", fps, 1e-3, 240),
            ("size", size, 8, 2048),
            ("max_seconds", max_seconds, 0.1, 36_000),
        ):
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise EncoderError(f"decode.{name} is {value!r}, expected a number from {low:g} to {high:g}")
        if not isinstance(sound, bool):
            raise EncoderError(f"decode.sound is {sound!r}, expected true or false")
        self._frames, self._sampling, self._fps, self._size = int(frames), sampling, float(fps), int(size)
        self._sound, self._seconds = sound, float(max_seconds)
        self._counts = {"sound_cut": 0}
        self._lock = threading.Lock()

    def decode(self, cell: Media) -> Clip:
        """Return frames and sound.

        :raises ValueError: no video and no sound, truncated, damaged, or larger than is read.
        """
        with cell.open() as stream, open_file(stream) as file:
            picker = picker_of(self._sampling, file.duration, self._frames, self._fps)
            track = SoundTrack(file.sound_rate, self._seconds) if self._sound and file.has_sound else None
            step = file.duration / self._frames
            if file.has_picture and self._sampling != "scene" and step > SEEK_SECONDS:
                self._by_seeking(file, picker, track)
            else:
                file.read(picker if file.has_picture else None, track)
            frames, times = picker.taken(self._size)
            if track is not None and track.more:
                with self._lock:
                    self._counts["sound_cut"] += 1
            sound = None if track is None else track.sound()
            if not len(frames) and sound is None:
                raise ValueError("holds neither a picture nor sound that can be decoded")
            return Clip(frames=frames, times=times, sound=sound, duration=file.duration)

    def report(self) -> Mapping[str, float]:
        """Return how many files had more sound than was kept."""
        with self._lock:
            return {name: count for name, count in self._counts.items() if count}

    def thumbnail(self, sample: Clip, size: int) -> bytes:
        """Return a JPEG of the middle frame, at most ``size`` pixels on a side."""
        from PIL import Image

        pixels = sample.frames[len(sample.frames) // 2] if len(sample.frames) else np.zeros((9, 16, 3), np.uint8)
        picture = Image.fromarray(pixels)
        picture.thumbnail((size, size))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=80)
        return stream.getvalue()

    def examples(self) -> list[Any]:
        """Return a few tiny clips, for the conformance kit."""
        from mmsdk_video.example import examples

        return examples()

    def _by_seeking(self, file: File, picker: Picker, track: SoundTrack | None) -> None:
        """Take the key frame before each wanted time; then the beginning of the sound."""
        file.seek_frames(picker)
        if track is not None:
            file.rewind()
            file.read(None, track)
