"""The modality ``video``: a file to some of its frames and its sound, in memory that does not grow with the file."""

from __future__ import annotations

import contextlib
import io
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from mmsdk import Clip, EncoderError
from mmsdk_video.canvas import Canvas
from mmsdk_video.index import Index
from mmsdk_video.parts import tracks_of, without_tracks
from mmsdk_video.passing import Pass, jump
from mmsdk_video.reading import DAMAGED, open_file
from mmsdk_video.sampling import ScenePicker, TimePicker, wanted_times
from mmsdk_video.track import SoundTrack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk import Media, Moment, Part
    from mmsdk_video.reading import File
    from mmsdk_video.sampling import Picker

SAMPLINGS = ("uniform", "fps", "scene")
FRAMES, FRAMES_OF_FPS, MAX_FRAMES = 16, 256, 4096
FAR = 120.0  # seconds between two wanted frames from which a file is sought through, not read through
LONG = 1800.0  # seconds from which scenes are told apart by key frames alone: coders set one where a scene begins


class Video:
    """A file to :class:`mmsdk.Clip`.

    The packets are read first, so that the times of all frames are known: of a variable frame rate, of a file whose
    header states no length (what browsers record) or a wrong one. Then only what the wanted frames need is decoded,
    from the key frame before each, together with the sound, each packet at most once. Frames are turned upright by the
    display matrix, brought to square pixels, and painted small at once.

    Where wanted frames lie two minutes apart and more, the file is not read through: it is sought, and the frame is the
    key frame before the wanted time. Ten hours take seconds. Of the sound the beginning is read, to its limit.

    :param frames: how many at the most; by default 16, and 256 where ``sampling`` is ``fps``.
    :param sampling: ``uniform`` (the middles of equal parts), ``fps`` or ``scene``.
    :param fps: frames a second where ``sampling`` is ``fps``; a file that has more than ``frames`` of them is sampled
        evenly, and counted as ``frames_thinned``.
    :param size: pixels of the shorter side at the most.
    :param sound: keep the sound.
    :param max_seconds: of sound that are kept; a file with more is counted as ``sound_cut``.
    :param threads: that decode the picture of one file; several files are decoded at once anyway. 0: every core.
    :raises EncoderError: an option is out of range.
    """

    def __init__(
        self,
        frames: int | None = None,
        sampling: str = "uniform",
        fps: float = 1.0,
        size: int = 256,
        *,
        sound: bool = True,
        max_seconds: float = 600.0,
        threads: int = 1,
    ) -> None:
        if sampling not in SAMPLINGS:
            raise EncoderError(f"decode.sampling is {sampling!r}, expected {', '.join(SAMPLINGS)}")
        rate = float(_number("fps", fps, 1e-3, 240))
        self._rate = rate if sampling == "fps" else None
        usual = FRAMES if self._rate is None else FRAMES_OF_FPS
        self._frames = int(_number("frames", usual if frames is None else frames, 1, MAX_FRAMES))
        self._size = int(_number("size", size, 8, 2048))
        self._seconds = float(_number("max_seconds", max_seconds, 0.1, 36_000))
        self._threads = int(_number("threads", threads, 0, 64))
        if not isinstance(sound, bool):
            raise EncoderError(f"decode.sound is {sound!r}, expected true or false")
        self._scenes, self._sound = sampling == "scene", sound
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def decode(self, cell: Media) -> Clip:
        """Return frames and sound.

        :raises ValueError: no video and no sound, truncated, damaged, or larger than is read.
        """
        with open_file(cell, self._threads) as file:
            track = None
            if self._sound and file.sound is not None:
                track = SoundTrack(int(file.sound.rate), self._seconds)
            found = self._sought(file, track) if self._is_sparse(file) else None
            if found is None:
                with file.again() if self._is_sparse(file) else contextlib.nullcontext(file) as whole:
                    found = self._read(whole, track)
            frames, times, duration = found
            sound = None if track is None else track.sound()
        self._count(sound_cut=track is not None and track.more)
        if not len(frames) and sound is None:
            raise ValueError("holds neither a picture nor sound that can be decoded")
        return Clip(frames=frames, times=times, sound=sound, duration=duration)

    def moments(self, cell: Media | io.BufferedIOBase) -> Iterator[Moment]:
        """Yield frames, ``fps`` of them a second where ``sampling`` is ``fps``, and all sound, as they come.

        Nothing is kept and nothing is sought, so that a recording may be of any length, and a pipe.

        :param cell: a file, or an open binary stream of one that can be read from its beginning (Matroska, MPEG-TS).
        :raises ValueError: it is no video that is read; or, after what could be read, it ends before its time.
        """
        from mmsdk_video.flowing import flow

        yield from flow(cell, rate=self._rate, size=self._size, sound=self._sound, threads=self._threads)

    def report(self) -> Mapping[str, float]:
        """Return how many files had sound or frames beyond the limit, and how many damaged packets, if any had."""
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

    def parts(self, sample: Clip) -> list[Part]:
        """Return its time spans, of the picture and of the sound."""
        return tracks_of(sample)

    def without(self, sample: Clip, parts: Sequence[Part], others: Sequence[Clip] = ()) -> Clip | None:
        """Return the clip, still or silent in some of its spans."""
        return without_tracks(sample, parts)

    def examples(self) -> list[Any]:
        """Return a few tiny clips, for the conformance kit."""
        from mmsdk_video.example import examples

        return examples()

    def _read(self, file: File, track: SoundTrack | None) -> tuple[np.ndarray, np.ndarray, float]:
        """Return frames, times and seconds of a file of which everything is read, and what is needed is decoded."""
        index = Index(file)
        canvas = _canvas(file, self._size)
        picker: Picker
        if self._scenes:
            picker, needed = ScenePicker(self._frames, canvas), np.ones(index.count, bool)
        else:
            chosen = index.shown(self._wanted(index.end))
            picker, needed = TimePicker(index.times(chosen), canvas), index.needed(chosen)
        one = Pass(picker, track)
        one.over(index, needed, keys=self._scenes and index.end > LONG)
        frames, times = picker.taken()
        if index.count and not len(frames):
            raise ValueError(f"{DAMAGED}: none of its frames can be decoded")
        self._count(damaged=one.failed > 0)
        return frames, times, index.end

    def _sought(self, file: File, track: SoundTrack | None) -> tuple[np.ndarray, np.ndarray, float] | None:
        """Return frames, times and seconds of a long file, ``None`` where it has too few key frames for that."""
        wanted = self._wanted(file.duration)
        picker = TimePicker(wanted, _canvas(file, self._size))
        try:
            jump(file, wanted, picker)
        except av.FFmpegError:
            return None
        frames, times = picker.taken()
        if 2 * len(frames) < len(wanted):
            return None
        if track is not None:
            with file.again() as fresh:
                Pass(None, track).listen(fresh)
        return frames, times, file.duration

    def _is_sparse(self, file: File) -> bool:
        """Return whether wanted frames lie so far apart that the file is better sought through."""
        if file.picture is None or self._scenes or not file.promised:
            return False
        count = self._frames if self._rate is None else min(self._frames, file.duration * self._rate)
        return file.duration > FAR * max(count, 1)

    def _wanted(self, duration: float) -> np.ndarray:
        """Return the times of which a frame is wanted."""
        self._count(frames_thinned=self._rate is not None and duration * self._rate > self._frames)
        return wanted_times(duration, self._frames, self._rate)

    def _count(self, **seen: bool) -> None:
        """Count files of which something is to be said."""
        with self._lock:
            self._counts.update({name: int(value) for name, value in seen.items()})


def _canvas(file: File, size: int) -> Canvas:
    """Return what paints the frames of a file."""
    return Canvas(size, None if file.picture is None else file.picture.sample_aspect_ratio)


def _number(name: str, value: Any, low: float, high: float) -> Any:
    """Return an option that is a number in its range.

    :raises EncoderError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise EncoderError(f"decode.{name} is {value!r}, expected a number from {low:g} to {high:g}")
    return value
