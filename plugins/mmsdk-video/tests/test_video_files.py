"""Files as they come: every container, torn, without a length, mirrored, damaged, with odd sound."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from making import BLUE, RED, media, scenes, video
from mmsdk_video import index, modality
from mmsdk_video.modality import Video

from mmsdk import Media

GREEN = (30, 200, 30)


def moving(count, size=(64, 48)):
    """Return frames of which no two are alike."""
    frames = scenes(count, size=size)
    for number, pixels in enumerate(frames):
        pixels[-8:, number * 2 % size[0] : number * 2 % size[0] + 6] = GREEN
    return frames


def shown(data, count, duration):
    """Return times and pixels of the frames shown in the middles of ``count`` parts, by decoding everything."""
    with av.open(io.BytesIO(data)) as container:
        picture = container.streams.video[0]
        start = (container.start_time or 0) / 1e6
        frames = [
            (float(one.pts * (one.time_base or picture.time_base)) - start, one.to_ndarray(format="rgb24"))
            for one in container.decode(picture)
        ]
    times = np.array([time for time, _ in frames])
    wanted = (np.arange(count) + 0.5) * duration / count
    places = np.unique(np.maximum(np.searchsorted(times, wanted + 1e-4, side="right") - 1, 0))
    return times[places], np.stack([frames[one][1] for one in places])


@pytest.mark.parametrize("kept", [index.KEPT_BYTES, 0])
@pytest.mark.parametrize(
    ("format", "codec", "options"),
    [
        ("mp4", "libx264", {"g": "12"}),
        ("mp4", "libx264", {"g": "12", "bf": "4", "x264-params": "open-gop=1"}),
        ("matroska", "libx265", {"x265-params": "log-level=none:keyint=12:open-gop=1:bframes=4"}),
        ("webm", "libvpx-vp9", {"g": "20", "lag-in-frames": "16", "cpu-used": "8", "deadline": "realtime"}),
        ("avi", "mpeg4", {"bf": "2"}),
        ("mpegts", "libx264", {"g": "12"}),
        ("flv", "libx264", {"g": "12"}),
    ],
)
def test_what_is_decoded_in_parts_is_what_decoding_everything_gives(format, codec, options, kept, monkeypatch):
    monkeypatch.setattr(index, "KEPT_BYTES", kept)  # 0: the file is opened a second time
    data = video(moving(60), format=format, codec=codec, options=options)
    for count in (2, 7, 60):
        clip = Video(frames=count).decode(media(data))
        times, pixels = shown(data, count, clip.duration)
        assert np.allclose(clip.times, times, atol=2e-4)
        assert np.abs(clip.frames.astype(int) - pixels).max() <= 2


def test_only_what_the_wanted_frames_need_is_decoded(monkeypatch):
    from mmsdk_video.sampling import TimePicker

    seen = []
    real = TimePicker.see
    monkeypatch.setattr(TimePicker, "see", lambda self, frame, time: seen.append(time) or real(self, frame, time))
    data = video(moving(240), options={"g": "20", "sc_threshold": "0"})
    Video(frames=2).decode(media(data))
    assert 2 <= len(seen) <= 45  # of 240: two groups of 20
    seen.clear()
    assert len(Video(frames=240).decode(media(data)).frames) == 240
    assert len(seen) == 240  # each once


def test_a_path_is_read_too(tmp_path):
    (tmp_path / "a:b.mp4").write_bytes(video(scenes(6)))
    assert len(Video(frames=2).decode(Media(name="a", path=tmp_path / "a:b.mp4")).frames) == 2
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match="is an empty file"):
        Video().decode(Media(name="empty", path=tmp_path / "empty.mp4"))


def test_a_recording_of_a_browser_states_no_length():
    data = video(
        moving(50), format="webm", codec="libvpx", options={"deadline": "realtime"}, container_options={"live": "1"}
    )
    with av.open(io.BytesIO(data)) as container:
        assert container.duration is None
    clip = Video(frames=5).decode(media(data))
    assert np.allclose(clip.times, [0.5, 1.5, 2.5, 3.5, 4.5], atol=0.02)
    assert clip.duration == pytest.approx(5.0, abs=0.11)


def test_a_torn_file_with_its_index_in_front(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (80, 48, 64, 3), np.uint8)
    data = video(noise, sound=8.0, container_options={"movflags": "faststart"}, file=tmp_path / "front.mp4")
    with pytest.raises(ValueError, match=r"is truncated or damaged: it ends after [2-5]\.\d of 8.0 seconds"):
        Video().decode(media(data[: len(data) // 2]))
    almost = Video(frames=8).decode(media(data[: int(len(data) * 0.96)]))  # most is there: what is there is read
    assert 7.2 <= almost.duration <= 8.0
    assert len(almost.frames) == 8


@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_a_torn_long_file(format, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (60, 16, 16, 3), np.uint8)
    front = {"movflags": "faststart"} if format == "mp4" else {}
    data = video(
        noise,
        rate=1,
        times=[60.0 * n for n in range(60)],
        codec="mpeg4",
        format=format,
        container_options=front,
        file=tmp_path / "long",
    )
    assert len(Video(frames=4).decode(media(data)).frames) == 4
    with pytest.raises(ValueError, match="is truncated or damaged: it ends after"):
        Video(frames=4).decode(media(data[: len(data) // 2]))


def test_damage_in_the_middle_is_passed_over_and_counted():
    data = bytearray(video(moving(60), format="matroska", codec="libvpx", options={"deadline": "realtime"}))
    with av.open(io.BytesIO(bytes(data))) as container:
        packets = [bytes(one) for one in container.demux(video=0)]
    start = bytes(data).index(packets[30])
    data[start : start + len(packets[30])] = bytes(len(packets[30]))
    video_ = Video(frames=60)
    clip = video_.decode(media(bytes(data)))
    assert 55 <= len(clip.frames) <= 60
    assert video_.report() == {"damaged": 1}
    assert (np.diff(clip.times) > 0).all()
    for packet in packets[:60]:
        start = bytes(data).find(packet) if packet else -1
        if start >= 0:
            data[start : start + len(packet)] = bytes(len(packet))
    with pytest.raises(ValueError, match="is truncated or damaged: none of its frames can be decoded"):
        Video().decode(media(bytes(data)))


@pytest.mark.parametrize(
    ("matrix", "white"),
    [((-1, 0, 0, 1), (3, 60)), ((1, 0, 0, -1), (44, 3)), ((0, 1, 1, 0), (3, 3)), ((0, -1, -1, 0), (60, 44))],
)
def test_a_mirrored_picture_stands_as_it_is_shown(matrix, white):
    """Cameras towards oneself write them: the matrix in the track header of MP4 is replaced by hand."""
    data = bytearray(video(scenes(5)))
    a, b, c, d = (one * 65536 for one in matrix)
    place = data.index(b"tkhd") + 4 + 40  # past version, times, track, duration, layer, group and volume
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    frame = Video(frames=1).decode(media(bytes(data))).frames[0]
    assert frame.shape[:2] == ((48, 64) if a else (64, 48))
    assert frame[white].min() > 200
    assert (frame.min(2) > 200).mean() < 0.15


def test_pixels_that_are_not_square():
    clip = Video(frames=1).decode(media(video(scenes(5), aspect=Fraction(2, 1))))
    assert clip.frames.shape[1:3] == (48, 128)


def test_a_strip_is_squeezed():
    clip = Video(frames=1, size=16).decode(media(video(scenes(3, size=(640, 16)))))
    assert clip.frames.shape[1:3] == (3, 128)


def test_a_cover_is_no_video():
    song = io.BytesIO()
    with av.open(song, "w", format="matroska") as container:
        tone = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        container.add_attachment("cover.jpg", "image/jpeg", cover()) if hasattr(container, "add_attachment") else None
        frame = av.AudioFrame.from_ndarray(np.ones((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(tone.encode(frame))
        container.mux(tone.encode())
    with av.open(io.BytesIO(song.getvalue())) as container:
        assert len(container.streams.video) == 1
    clip = Video().decode(media(song.getvalue()))
    assert clip.frames.shape == (0, 0, 0, 3)
    assert clip.sound.seconds == 1.0


def cover():
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (16, 16), RED).save(stream, "JPEG")
    return stream.getvalue()


def test_sound_stands_at_its_time():
    data = video(scenes(30), sound=1.0, sound_start=1.5, format="matroska", sound_codec="pcm_s16le")
    sound = Video(frames=2).decode(media(data)).sound
    assert sound.seconds == pytest.approx(2.5, abs=0.01)
    assert not sound.samples[: int(1.45 * sound.rate)].any()
    assert np.abs(sound.samples[int(1.55 * sound.rate) :]).max() > 0.4


@pytest.mark.parametrize("codec", ["pcm_s16le", "aac"])
def test_sound_of_8_channels_at_96_khz(codec):
    data = video(scenes(10), sound=1.0, sound_rate=96_000, channels=8, format="matroska", sound_codec=codec)
    sound = Video(frames=2).decode(media(data)).sound
    assert sound.rate == 48_000
    assert sound.seconds == pytest.approx(1.0, abs=0.03)
    assert sound.samples.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(sound.samples[:48_000]))
    assert spectrum.argmax() == 440
    assert 0.45 < np.abs(sound.samples[9_000:40_000]).max() < 0.8  # the mean of the channels, not their sum


def test_sound_that_is_no_number_is_silence():
    samples = np.full((1, 8000), np.nan, np.float32)
    samples[0, ::3], samples[0, 1::3] = 0.25, np.inf
    data = video([], sound=samples, sound_rate=8000, format="matroska", sound_codec="pcm_f32le")
    assert set(np.unique(Video().decode(media(data)).sound.samples)) == {0.0, 0.25}


def test_a_rate_that_is_none_is_refused(monkeypatch):
    from mmsdk_video import track

    monkeypatch.setattr(track, "MAX_RATE", 8000)
    with pytest.raises(ValueError, match="has sound of 16,000 samples a second, where 8,000 are read"):
        Video().decode(media(video(scenes(4), sound=0.5)))
    monkeypatch.undo()
    monkeypatch.setattr(track, "MAX_CHANNELS", 1)
    with pytest.raises(ValueError, match="has 2 channels of sound, where 1 are read"):
        Video().decode(media(video(scenes(4), sound=0.5, channels=2)))


def test_too_many_frames_a_second_are_thinned_and_counted():
    decoder = Video(sampling="fps", fps=10, frames=5)
    clip = decoder.decode(media(video(moving(20))))
    assert np.allclose(clip.times, [0.2, 0.6, 1.0, 1.4, 1.8], atol=0.11)
    assert decoder.report() == {"frames_thinned": 1}


def test_scenes_of_a_long_file_are_told_by_key_frames(monkeypatch):
    from mmsdk_video.sampling import ScenePicker

    seen = []
    real = ScenePicker.see
    monkeypatch.setattr(ScenePicker, "see", lambda self, frame, time: seen.append(time) or real(self, frame, time))
    data = media(video(scenes(40, colours=(RED, BLUE, GREEN, RED)), options={"g": "10", "sc_threshold": "0"}))
    everything = Video(sampling="scene").decode(data)
    assert len(seen) == 40
    seen.clear()
    monkeypatch.setattr(modality, "LONG", 0)
    keys = Video(sampling="scene").decode(data)
    assert len(seen) < 10
    assert np.allclose(keys.times, everything.times)


def test_threads_change_the_decoder_and_not_the_frames(monkeypatch):
    from mmsdk_video import reading

    counts = []
    real = reading.File.__init__

    def watched(self, *arguments):
        real(self, *arguments)
        counts.append(self.picture.codec_context.thread_count)

    monkeypatch.setattr(reading.File, "__init__", watched)
    data = media(video(moving(30)))
    one, two = Video(frames=6).decode(data), Video(frames=6, threads=2).decode(data)
    assert counts == [1, 2]
    assert np.array_equal(one.frames, two.frames)


def test_a_real_photo_keeps_its_colours():
    astronaut = pytest.importorskip("skimage.data").astronaut()
    frames = [astronaut[:, shift : shift + 448] for shift in (0, 16, 32)]
    clip = Video(frames=3, size=512).decode(media(video(frames, options={"crf": "18"})))
    assert clip.frames.shape == (3, 512, 448, 3)
    for frame, photo in zip(clip.frames, frames, strict=True):
        assert np.abs(frame.astype(int) - photo).mean() < 4
    small = Video(frames=3).decode(media(video(frames)))
    assert small.frames.shape == (3, 293, 256, 3)


def test_a_coding_that_is_not_read():
    data = video(scenes(4), format="matroska", sound=0.5)
    unknown = data.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ")
    with pytest.raises(ValueError, match="holds a picture of a coding that is not read"):
        Video().decode(media(unknown))
    deaf = video([], format="matroska", sound=0.5).replace(b"A_AAC", b"A_XYZ")
    with pytest.raises(ValueError, match="holds neither a picture nor sound"):
        Video().decode(media(deaf))


def test_frames_that_change_their_size_on_the_way(monkeypatch):
    from mmsdk_video import canvas

    small = video(moving(10), format="mpegts", codec="libx264")
    large = video(moving(10, size=(128, 96)), times=1 + np.arange(10) / 10, format="mpegts", codec="libx264")
    clip = Video(frames=8).decode(media(small + large))
    assert clip.frames.shape == (8, 48, 64, 3)
    assert clip.times[-1] > 1
    assert clip.frames[-1][3, 3].min() > 200
    monkeypatch.setattr(canvas, "MAX_PIXELS", 64 * 48)
    with pytest.raises(ValueError, match="has frames of 128 x 96 pixels, where 3,072 are read"):
        Video(frames=8).decode(media(small + large))
