"""The index of a file: the times of all its frames, read from its packets without decoding one."""

from __future__ import annotations

import contextlib
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk_video.reading import DAMAGED, check_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk_video.reading import File

ENOUGH = 0.9  # of the length that the header states; a file that ends before is truncated
SLACK = 0.5  # seconds by which a header may be wrong anyway
KEPT_BYTES, KEPT_PACKETS = 16 * 2**20, 20_000  # the packets of a smaller file are kept, so that it is read once
SAME = 1e-4  # seconds below which two times are one


class Index:
    """When each frame of a file is shown, and where its key frames are.

    :param file: at its beginning.
    :raises ValueError: it ends long before its header says.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self._kept: list[Any] | None = []
        times, keys = array("d"), array("b")
        self.end, size, before = 0.0, 0, -file.frame_seconds
        for packet in file.packets():
            size += packet.size
            if self._kept is not None:
                self._kept.append(packet)
                if size > KEPT_BYTES or len(self._kept) > KEPT_PACKETS:
                    self._kept = None
            time = file.time(packet, packet.stream, before)
            if packet.stream is file.picture:
                before = time
                times.append(time)
                keys.append(packet.is_keyframe)
            self.end = max(self.end, time + file.seconds(packet))
        check_end(self.end, file.promised)
        check_length(self.end)
        self._times = np.frombuffer(times, np.float64) if times else np.zeros(0)  # in the order of decoding
        self._keys = np.flatnonzero(np.frombuffer(keys, np.int8)) if keys else np.zeros(0, np.int64)

    @property
    def count(self) -> int:
        """Return how many frames there are."""
        return len(self._times)

    def shown(self, wanted: np.ndarray) -> np.ndarray:
        """Return which frames (places in the order of decoding) are shown at ascending times; each once."""
        if not self.count:
            return np.zeros(0, np.int64)
        order = np.argsort(self._times, kind="stable")
        places = np.searchsorted(self._times[order], wanted + SAME, side="right") - 1
        found: np.ndarray = order[np.unique(np.maximum(places, 0))]
        return found

    def times(self, frames: np.ndarray) -> np.ndarray:
        """Return the times of frames, ascending."""
        return np.sort(self._times[frames])

    def needed(self, frames: np.ndarray) -> np.ndarray:
        """Return for each packet of the picture ``(count,)`` bool whether it must be decoded to get at ``frames``.

        A frame needs what lies between it and the key frame before it. One that is decoded after a key frame and
        shown before it needs the key frame before that.
        """
        found = np.zeros(self.count, bool)
        starts = np.unique(np.append(self._keys, 0))
        for frame in frames:
            place = int(np.searchsorted(starts, frame, side="right")) - 1
            if self._times[frame] < self._times[starts[place]]:
                place = max(place - 1, 0)
            found[starts[place] : frame + 1] = True
        return found

    @contextlib.contextmanager
    def packets(self) -> Iterator[tuple[File, Iterator[Any]]]:
        """Give the packets once more, and the file they are of."""
        if self._kept is not None:
            yield self._file, iter(self._kept)
            return
        with self._file.again() as file:
            yield file, file.packets()


def check_end(end: float, promised: float) -> None:
    """Refuse a file of which a good part is not there.

    :raises ValueError: it ends before nine tenths of what its header says.
    """
    if end < ENOUGH * promised - SLACK:
        raise ValueError(f"{DAMAGED}: it ends after {end:.1f} of {promised:.1f} seconds")
