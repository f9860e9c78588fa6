"""Recordings piece by piece: the frames wanted, all sound, a pipe, and files that end before their time."""

from __future__ import annotations

import io

import numpy as np
import pytest
from making import BLUE, RED, media, scenes, video
from mmsdk_video.modality import Video


class Pipe(io.RawIOBase):
    """Something that can be read once."""

    def __init__(self, data):
        self._inner = io.BytesIO(data)

    def read(self, size=-1):
        return self._inner.read(size)

    def seek(self, *_):
        raise AssertionError("a pipe was sought")


def seen(moments):
    return [(one.time, one.frame) for one in moments if one.frame is not None]


def test_frames_come_at_the_rate_and_all_sound_at_its_time():
    clip = media(video(scenes(50), rate=25, sound=2.0))
    moments = list(Video(sampling="fps", fps=5, size=48).moments(clip))
    frames = seen(moments)
    assert np.allclose([time for time, _ in frames], np.arange(0, 2, 0.2), atol=0.021)
    assert np.allclose(frames[0][1][-1, -1], RED, atol=12)
    assert np.allclose(frames[-1][1][-1, -1], BLUE, atol=12)
    blocks = [one for one in moments if one.sound is not None]
    assert sum(one.sound.seconds for one in blocks) == pytest.approx(2.0, abs=0.15)
    ends = np.cumsum([one.sound.seconds for one in blocks])
    assert np.allclose([one.time for one in blocks][1:], ends[:-1] + blocks[0].time, atol=0.03)


def test_every_frame_comes_where_no_rate_is_set_and_no_sound_where_it_is_off():
    clip = media(video(scenes(20), rate=25, sound=1.0))
    moments = list(Video(sound=False, size=32).moments(clip))
    assert len(seen(moments)) == 20
    assert all(one.sound is None for one in moments)
    assert seen(moments)[0][1].shape == (32, 43, 3)


def test_a_pipe_is_read_without_seeking():
    data = video(scenes(50), rate=25, sound=2.0, format="matroska")
    assert len(seen(Video(sampling="fps", fps=5).moments(Pipe(data)))) == 10


def test_what_is_there_of_a_cut_file_comes_before_the_complaint():
    data = video(scenes(100), rate=25, sound=4.0, format="matroska")
    came = []
    with pytest.raises(ValueError, match=r"truncated or damaged: it ends after .* of 4"):
        came.extend(Video(sampling="fps", fps=5).moments(media(data[: len(data) // 2], "cut.mkv")))
    assert 3 < len(seen(came)) < 18


@pytest.mark.parametrize("data", [b"", b"no video at all" * 100], ids=["empty", "text"])
def test_what_is_no_video_is_refused(data):
    with pytest.raises(ValueError, match=r"empty file|no video that is read"):
        list(Video().moments(media(data)))


def test_surround_sound_at_a_high_rate_becomes_mono():
    clip = media(
        video([], sound=1.0, format="matroska", sound_codec="pcm_s16le", sound_rate=96_000, channels=8), "eight.mkv"
    )
    blocks = [one.sound for one in Video().moments(clip) if one.sound is not None]
    assert {one.rate for one in blocks} == {48_000}
    assert all(one.samples.ndim == 1 for one in blocks)
    assert sum(one.seconds for one in blocks) == pytest.approx(1.0, abs=0.02)
