"""A file to frames and sound: which frames, at which times, upright, bounded; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from making import BLUE, RED, media, scenes, video
from mmsdk_video.modality import Video

import mmsdk


def test_frames_and_sound_of_one_file():
    clip = Video(frames=4).decode(media(video(scenes(20), sound=2.0)))
    assert clip.frames.shape == (4, 48, 64, 3)
    assert clip.frames.dtype == np.uint8
    assert np.allclose(clip.times, [0.2, 0.7, 1.2, 1.7], atol=0.11)
    assert np.abs(clip.frames[0, 40, 40].astype(int) - RED).max() < 20
    assert np.abs(clip.frames[3, 40, 40].astype(int) - BLUE).max() < 20
    assert clip.sound.rate == 16_000
    assert clip.sound.seconds == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(clip.sound.samples[:16_000]))
    assert spectrum.argmax() == pytest.approx(440, abs=2)
    assert clip.duration == pytest.approx(2.0, abs=0.1)


def test_times_of_a_variable_frame_rate_are_the_files_own():
    times = [0.0, 0.1, 0.15, 1.0, 1.9, 2.0]
    clip = Video(frames=64, sampling="fps", fps=30).decode(media(video(scenes(6), times=times)))
    assert np.allclose(clip.times, times, atol=0.01)


@pytest.mark.parametrize(("turned", "white"), [(0, (3, 3)), (90, (60, 3)), (180, (44, 60)), (270, (3, 44))])
def test_frames_stand_upright(turned, white):
    clip = Video(frames=1).decode(media(video(scenes(5), turned=turned)))
    assert clip.frames.shape[1:3] == ((64, 48) if turned % 180 else (48, 64))
    assert clip.frames[0][white].min() > 200
    assert (clip.frames[0].min(2) > 200).mean() < 0.15


@pytest.mark.parametrize(
    ("format", "codec"), [("matroska", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4"), ("mov", "mpeg4")]
)
def test_other_containers(format, codec):
    clip = Video(frames=3).decode(media(video(scenes(9), format=format, codec=codec)))
    assert clip.frames.shape[0] == 3
    assert clip.sound is None


def test_no_sound_and_no_picture():
    assert Video().decode(media(video(scenes(4)))).sound is None
    heard = Video().decode(media(video([], sound=1.0)))
    assert heard.frames.shape == (0, 0, 0, 3)
    assert heard.times.shape == (0,)
    assert heard.sound.seconds == pytest.approx(1.0, abs=0.1)


def test_few_frames_are_not_made_more():
    clip = Video(frames=16).decode(media(video(scenes(3))))
    assert len(clip.frames) == 3
    assert (np.diff(clip.times) > 0).all()


def test_every_option_acts():
    data = media(video(scenes(40, colours=(RED, BLUE, (20, 200, 20), RED)), sound=4.0))
    plain = Video().decode(data)
    assert len(plain.frames) == 16
    assert len(Video(frames=5).decode(data).frames) == 5
    assert len(Video(sampling="fps").decode(data).frames) == 4
    assert len(Video(sampling="fps", fps=3).decode(data).frames) == 12
    assert Video(size=24).decode(data).frames.shape[1:3] == (24, 32)
    assert Video(sound=False).decode(data).sound is None
    scene = Video(sampling="scene").decode(data)
    assert np.allclose(scene.times, [0, 1, 2, 3], atol=0.01)
    assert len(Video(sampling="scene", frames=2).decode(data).frames) == 2
    short = Video(max_seconds=1.5)
    assert short.decode(data).sound.seconds == pytest.approx(1.5, abs=0.01)
    assert short.report() == {"sound_cut": 1}
    assert Video().report() == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "decode.frames is 0, expected a number from 1 to 4096"),
        ({"frames": True}, "decode.frames is True"),
        ({"sampling": "often"}, "decode.sampling is 'often', expected uniform, fps, scene"),
        ({"fps": -1}, "decode.fps is -1"),
        ({"size": 1}, "decode.size is 1"),
        ({"max_seconds": "all"}, "decode.max_seconds is 'all'"),
        ({"sound": "no"}, "decode.sound is 'no', expected true or false"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(mmsdk.EncoderError, match=message):
        Video(**options)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is an empty file"),
        (b"no video at all" * 50, "is no video that is read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "is no video that is read"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n", "is no video that is read"),
    ],
)
def test_what_is_no_video_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        Video().decode(media(data))


def test_a_truncated_file_is_refused():
    whole = video(scenes(60), sound=6.0, format="matroska")
    with pytest.raises(ValueError, match=r"is truncated or damaged|is no video"):
        Video().decode(media(whole[: len(whole) // 2]))
    mp4 = video(scenes(60), sound=6.0)  # its index stands at the end
    with pytest.raises(ValueError, match="is no video that is read"):
        Video().decode(media(mp4[: len(mp4) // 2]))


def test_a_wrong_name_does_not_matter():
    assert len(Video(frames=2).decode(media(video(scenes(6)), "picture.jpg")).frames) == 2


def test_huge_frames_and_endless_files_are_refused(monkeypatch):
    from mmsdk_video import reading

    data = media(video(scenes(4)))
    monkeypatch.setattr(reading, "MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"has frames of 64 x 48 pixels, where 1,000 are read"):
        Video().decode(data)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MAX_HOURS", 0)
    with pytest.raises(ValueError, match=r"lasts 0.0 hours, where 0 are read"):
        Video().decode(data)


def long_file(**more):
    """Return two hours of a picture a minute, a key frame every twelve, five seconds of sound."""
    frames = scenes(120, size=(16, 16))
    return video(frames, rate=1, times=[60.0 * n for n in range(120)], codec="mpeg4", sound=5.0, **more)


def painted(monkeypatch):
    """Return a list that grows by each frame that is painted."""
    from mmsdk_video.canvas import Canvas

    seen = []
    real = Canvas.paint
    monkeypatch.setattr(Canvas, "paint", lambda self, frame: seen.append(frame.pts) or real(self, frame))
    return seen


def test_a_long_file_is_sought_and_not_read_through(monkeypatch):
    from mmsdk_video import modality

    monkeypatch.setattr(modality, "Index", None)  # what reads a file through
    seen = painted(monkeypatch)
    clip = Video(frames=8).decode(media(long_file()))
    assert len(clip.frames) == len(seen) == 8
    assert clip.duration == pytest.approx(7200, rel=0.02)
    wanted = (np.arange(8) + 0.5) * clip.duration / 8
    assert (clip.times <= wanted).all()
    assert (wanted - clip.times <= 12 * 60).all()  # the key frame before it
    assert clip.sound.seconds == pytest.approx(5.0, abs=0.2)


def test_a_long_file_of_one_key_frame_is_read_through():
    clip = Video(frames=8).decode(media(long_file(options={"g": "1000"})))
    wanted = (np.arange(8) + 0.5) * clip.duration / 8
    assert (wanted - clip.times <= 60).all()
    assert len(clip.frames) == 8
    assert clip.sound.seconds == pytest.approx(5.0, abs=0.2)


def test_a_thumbnail_is_the_middle_frame():
    from io import BytesIO

    from PIL import Image

    clip = Video(frames=4).decode(media(video(scenes(20))))
    picture = Image.open(BytesIO(Video().thumbnail(clip, 24)))
    assert picture.size == (24, 18)
    blind = Video().decode(media(video([], sound=0.5)))
    assert Video().thumbnail(blind, 24)[:3] == b"\xff\xd8\xff"
