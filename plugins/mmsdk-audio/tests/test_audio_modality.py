"""A sound file of any kind to one mono track; its options; and what is refused."""

from __future__ import annotations

import io
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from mmsdk_audio.modality import Audio
from mmsdk_audio.voice import active

import mmsdk
from mmsdk import Media

RATE = 16_000


def tone(seconds=1.0, frequency=440.0, rate=RATE, loud=0.5):
    return (loud * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def wav(samples, rate=RATE, format="WAV", subtype=None):
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=format, subtype=subtype)
    return stream.getvalue()


def encoded(samples, format, codec, rate=RATE):
    """Return a file made by FFmpeg."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=format) as container:
        track = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(format=track.format, layout="mono", rate=rate)
        for part in resampler.resample(frame):
            container.mux(track.encode(part))
        container.mux(track.encode())
    return stream.getvalue()


def decode(data, name="a.wav", **options):
    return Audio(**options).decode(Media(name=name, data=data))


def pitch(sound):
    """Return the strongest frequency."""
    spectrum = np.abs(np.fft.rfft(sound.samples * np.hanning(len(sound.samples))))
    return spectrum.argmax() * sound.rate / len(sound.samples)


@pytest.mark.parametrize(
    ("format", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", "VORBIS")]
)
def test_files_that_soundfile_reads(format, subtype):
    sound = decode(wav(tone(), format=format, subtype=subtype))
    assert (sound.rate, sound.samples.dtype, sound.samples.ndim) == (RATE, np.float32, 1)
    assert sound.seconds == pytest.approx(1.0, abs=0.02)
    assert pitch(sound) == pytest.approx(440, abs=2)
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("format", "codec", "rate"),
    [("mp3", "libmp3lame", RATE), ("ipod", "aac", RATE), ("adts", "aac", RATE), ("ogg", "libopus", 48_000)],
)
def test_files_that_ffmpeg_reads(format, codec, rate):
    sound = decode(encoded(tone(rate=rate), format, codec, rate))
    assert sound.rate == rate
    assert sound.seconds == pytest.approx(1.0, abs=0.1)
    assert pitch(sound) == pytest.approx(440, abs=3)


def test_channels():
    left, right = tone(frequency=440), tone(frequency=880)
    stereo = wav(np.stack([left, right], axis=1))
    assert np.allclose(decode(stereo).samples, (left + right) / 2, atol=1e-3)
    assert pitch(decode(stereo, channel="left")) == pytest.approx(440, abs=2)
    assert pitch(decode(stereo, channel="right")) == pytest.approx(880, abs=2)
    assert pitch(decode(stereo, channel=2)) == pytest.approx(880, abs=2)
    with pytest.raises(ValueError, match="has 2 channels, where channel 3 was asked for"):
        decode(stereo, channel=3)


def test_96_khz_of_eight_channels_are_brought_down():
    many = np.repeat(tone(0.5, rate=96_000)[:, None], 8, axis=1)
    sound = decode(wav(many, rate=96_000))
    assert sound.rate == 48_000
    assert sound.seconds == pytest.approx(0.5, abs=0.01)
    assert pitch(sound) == pytest.approx(440, abs=3)


def test_start_and_length_act_and_are_counted():
    data = wav(np.concatenate([tone(1, 440), tone(1, 880)]))
    modality = Audio(start=1.0)
    assert pitch(modality.decode(Media(name="a", data=data))) == pytest.approx(880, abs=2)
    assert modality.report() == {}
    short = Audio(max_seconds=0.5)
    assert short.decode(Media(name="a", data=data)).seconds == pytest.approx(0.5)
    assert short.report() == {"cut_short": 1}
    with pytest.raises(ValueError, match="is over before second 5"):
        decode(data, start=5.0)


def test_files_of_nothing_but_zeros_are_counted():
    modality = Audio()
    modality.decode(Media(name="a", data=wav(np.zeros(RATE, np.float32))))
    modality.decode(Media(name="b", data=wav(tone())))
    assert modality.report() == {"silent": 1}


def test_a_channel_that_is_not_there():
    assert pitch(decode(wav(tone()), channel="left")) == pytest.approx(440, abs=2)
    with pytest.raises(ValueError, match="has 1 channel, where channel 2 was asked for"):
        decode(wav(tone()), channel="right")


@pytest.mark.parametrize("format", ["ipod", "mp3"])
def test_padding_of_the_encoder_is_cut_away(format):
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    found = decode(encoded(noise, format, "aac" if format == "ipod" else "libmp3lame")).samples
    assert len(found) == RATE
    assert np.correlate(found, noise[:8000], "valid").argmax() == 0


def test_the_sound_of_a_container_with_pictures():
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        frame = av.AudioFrame.from_ndarray(tone()[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        container.mux(sound.encode(frame))
        container.mux([*picture.encode(), *sound.encode()])
    assert pitch(decode(stream.getvalue(), name="a.mp4")) == pytest.approx(440, abs=3)


def test_a_picture_holds_no_sound():
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    with pytest.raises(ValueError, match="is no sound that is read"):
        decode(stream.getvalue())


def test_a_long_file_is_read_in_blocks(tmp_path):
    whole = tmp_path / "long.wav"
    with soundfile.SoundFile(whole, "w", 96_000, 2, "PCM_16") as file:
        for _ in range(60):
            file.write(np.full((96_000, 2), 0.25, np.float32))
    tracemalloc.start()
    sound = Audio(start=30, max_seconds=5).decode(Media(name="a", path=whole))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (sound.rate, len(sound.samples)) == (48_000, 240_000)
    assert peak < 12 << 20  # the file holds 23 megabytes, 46 as floats


def test_blocks_are_brought_down_without_seams():
    glide = np.sin(np.cumsum(np.linspace(0.01, 0.1, 1_500_000))).astype(np.float32)
    sound = decode(wav(glide, rate=96_000, subtype="FLOAT"))
    inner = slice(1000, -1000)
    np.testing.assert_allclose(sound.samples[inner], glide[::2][: len(sound.samples)][inner], atol=2e-3)
    assert len(decode(wav(np.ones(1, np.float32), rate=96_000)).samples) == 1


def test_quiet_ends_are_cut_where_asked():
    quiet = np.zeros(RATE // 2, np.float32)
    data = wav(np.concatenate([quiet, tone(), quiet]), subtype="FLOAT")
    assert decode(data).seconds == pytest.approx(2.0)
    assert decode(data, trim=True).seconds == pytest.approx(1.0, abs=0.08)


def test_what_is_active_follows_the_recording():
    hum = 0.001 * tone(2.0, 50)
    hum[RATE // 2 : RATE] += tone(0.5)
    first, last = active(hum, RATE)
    assert (first / RATE, last / RATE) == pytest.approx((0.5, 1.0), abs=0.05)
    assert active(np.zeros(RATE, np.float32), RATE) == (0, RATE)
    assert active(tone(), RATE) == (0, RATE)
    assert active(np.zeros(3, np.float32), RATE) == (0, 3)


def test_silence_and_one_sample_are_sounds():
    assert not decode(wav(np.zeros(RATE, np.float32))).samples.any()
    assert len(decode(wav(np.array([0.5], np.float32))).samples) == 1
    assert len(decode(wav(np.zeros(RATE, np.float32)), trim=True).samples) == RATE


def test_the_name_does_not_matter():
    assert decode(wav(tone(), format="FLAC"), name="song.mp3").rate == RATE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is an empty file"),
        (b"plain words " * 40, "is no sound that is read"),
        (wav(tone())[:9000], "is truncated or damaged: .* bytes are not there"),
        (wav(tone(), format="FLAC")[:3000], "is truncated or damaged"),
        (wav(np.zeros(0, np.float32)), "holds no samples"),
        (wav(np.array([0.1, np.nan, 0.2], np.float32), subtype="FLOAT"), "holds samples that are NaN or infinite"),
        (wav(np.array([0.1, np.inf], np.float32), subtype="FLOAT"), "holds samples that are NaN or infinite"),
        (wav(np.array([0.1, 1e30], np.float32), subtype="FLOAT"), "holds samples up to 1e\\+30 times full scale"),
        (wav(tone(0.1), rate=500), "has 500 samples a second, where 1,000 to 768,000 are read"),
        (wav(np.zeros((9, 70), np.float32)), "has 70 channels, where 1 to 64 are read"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "is no sound that is read"),
    ],
    ids=["empty", "text", "torn wav", "torn flac", "no samples", "nan", "inf", "huge", "slow", "wide", "playlist"],
)
def test_what_is_no_sound_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        decode(data)


HISS = tone(3.0) + np.random.default_rng(1).normal(0, 0.05, 3 * RATE).astype(np.float32)
WHOLE = {
    "wav": wav(HISS),
    "flac": wav(HISS, format="FLAC"),
    "vorbis": wav(HISS, format="OGG"),
    "aiff": wav(HISS, format="AIFF"),
    "caf": wav(HISS, format="CAF"),
    "opus": encoded(np.repeat(HISS, 3), "ogg", "libopus", 48_000),
    "mp3": encoded(HISS, "mp3", "libmp3lame"),
    "m4a": encoded(HISS, "ipod", "aac"),
    "matroska": encoded(HISS, "matroska", "aac"),
}


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_half_a_file_is_refused_and_the_whole_is_not(kind):
    data = WHOLE[kind]
    assert decode(data).seconds == pytest.approx(3.0, abs=0.1)
    for length in (len(data) // 2, 2 * len(data) // 3):
        with pytest.raises(ValueError, match=r"^is truncated or damaged"):
            decode(data[:length])


def test_a_header_written_before_the_end_promises_nothing():
    data = bytearray(wav(tone()))
    place = data.index(b"data") + 4
    data[place : place + 4] = b"\xff\xff\xff\xff"
    assert decode(bytes(data)).seconds == pytest.approx(1.0)


def test_a_header_that_promises_too_much_is_refused():
    data = bytearray(wav(tone(0.1)))
    data[22:24] = struct.pack("<H", 200)
    with pytest.raises(ValueError, match=r"channels|damaged"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": -1}, "decode.start is -1, expected a number from 0"),
        ({"max_seconds": 0}, "decode.max_seconds is 0"),
        ({"channel": "centre"}, "decode.channel is 'centre', expected mix, left, right or a number"),
        ({"channel": 0}, "decode.channel is 0"),
        ({"trim": 3}, "decode.trim is 3, expected true, false"),
        ({"trim": "/nowhere/vad.onnx"}, "there is no file /nowhere/vad.onnx"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(mmsdk.EncoderError, match=message):
        Audio(**options)


def test_a_thumbnail_is_the_wave():
    from PIL import Image

    half = decode(wav(np.concatenate([tone(0.5), np.zeros(RATE // 2, np.float32)])))
    pixels = np.asarray(Image.open(io.BytesIO(Audio().thumbnail(half, 40))))
    assert pixels.shape == (20, 40)
    assert (pixels[:, :18] < 100).mean() > 0.9
    assert (pixels[:, 22:] < 100).mean() < 0.1


def test_a_file_that_is_no_voice_detector_is_refused(tmp_path):
    (tmp_path / "vad.onnx").write_bytes(b"no model")
    with pytest.raises(mmsdk.EncoderError, match="is no ONNX model that runs here"):
        decode(wav(tone()), trim=str(tmp_path / "vad.onnx"))


def save_detector(path, names=("input", "state", "sr")):
    """Save a graph with the ports of Silero VAD: it is sure of a voice where the 576 samples are loud on average."""
    onnx = pytest.importorskip("onnx")
    helper, (wave, state, rate) = onnx.helper, names
    nodes = [
        helper.make_node("Abs", [wave], ["loud"]),
        helper.make_node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "ten"], ["many"]),
        helper.make_node("Clip", ["many", "zero", "one"], ["output"]),
        helper.make_node("Add", [state, "one"], ["stateN"]),
    ]
    port, floats = helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            port(wave, floats, [None, None]),
            port(state, floats, [2, None, 128]),
            port(rate, onnx.TensorProto.INT64, []),
        ],
        [port("output", floats, [None, 1]), port("stateN", floats, [2, None, 128])],
        [helper.make_tensor(name, floats, [], [value]) for name, value in (("zero", 0), ("one", 1), ("ten", 10))],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


@pytest.mark.parametrize("rate", [RATE, 8_000])
def test_a_detector_keeps_what_it_is_sure_of(tmp_path, rate):
    file = save_detector(tmp_path / "vad.onnx")
    quiet = np.zeros(rate, np.float32)
    data = wav(np.concatenate([quiet, tone(0.5, rate=rate), quiet]), rate=rate)
    assert decode(data, trim=file).seconds == pytest.approx(0.7, abs=0.07)  # a tenth of a second before and after
    assert decode(wav(tone(0.1)), trim=file).seconds == pytest.approx(0.1)
    assert decode(wav(quiet), trim=file) is None


def test_another_detector_under_the_same_name_is_another_decoder(tmp_path):
    """Vectors of sounds that one detector cut are not found again for another."""
    file = save_detector(tmp_path / "vad.onnx")
    plain, first = mmsdk.open_modality("audio"), mmsdk.open_modality("audio", {"trim": file})
    assert "silero" not in plain.identity
    assert mmsdk.open_modality("audio", {"trim": file}).identity == first.identity
    with Path(file).open("ab") as stream:
        stream.write(b"\0")
    assert mmsdk.open_modality("audio", {"trim": file}).identity != first.identity


def test_a_model_that_takes_something_else_is_no_detector(tmp_path):
    file = save_detector(tmp_path / "net.onnx", ("wave", "memory", "sr"))
    with pytest.raises(mmsdk.EncoderError, match="takes memory, sr, wave, where Silero VAD takes input, sr, state"):
        decode(wav(tone()), trim=file)


@pytest.mark.real
def test_silero_hears_short_words(real):
    modality = Audio(trim=str(real / "models" / "silero-vad-onnx" / "silero_vad.onnx"))
    words = sorted((real / "data" / "voice_gesture_digits" / "audio").iterdir())[::25]
    kept = [modality.decode(Media(name=word.name, path=word)) for word in words]
    assert sum(one is None for one in kept) <= 1


@pytest.mark.real
def test_silero_keeps_the_voice_and_nothing_else(real):
    file = str(real / "models" / "silero-vad-onnx" / "silero_vad.onnx")
    spoken = sorted((real / "data" / "ravdess_av_emotion" / "audio").glob("*.wav"))[0]
    samples, rate = soundfile.read(spoken, dtype="float32")
    quiet = np.zeros(rate, np.float32)
    data = wav(np.concatenate([quiet, samples, quiet]), rate=rate, subtype="FLOAT")
    kept = decode(data, trim=file)
    assert 0.3 * len(samples) / rate < kept.seconds < len(samples) / rate + 0.5
    assert decode(wav(tone(2.0)), trim=file) is None
    assert decode(wav(np.zeros(2 * RATE, np.float32)), trim=file) is None


@pytest.mark.real
def test_silero_hears_voices(real):
    from mmsdk_audio.silero import Silero

    detector = Silero(real / "models" / "silero-vad-onnx" / "silero_vad.onnx")
    for spoken in sorted((real / "data" / "ravdess_av_emotion" / "audio").glob("*.wav"))[:4]:
        samples, rate = soundfile.read(spoken, dtype="float32")
        found, step = detector.probabilities(samples, rate)
        assert (found > 0.5).mean() > 0.3
        assert step == 0.032
