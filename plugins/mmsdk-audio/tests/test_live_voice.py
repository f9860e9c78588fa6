"""A live voice: Silero VAD step by step, the same whatever the chunks and the rate, and never deaf for long."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from mmsdk_audio import silero
from mmsdk_audio.live import LiveVoice, Resampler
from mmsdk_audio.modality import Audio

import mmsdk
from mmsdk.config import load_application

RATE = 16_000


def tone(seconds, rate=RATE, pitch=300.0):
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def hear(take, sound, chunk):
    return np.concatenate([take(sound[first : first + chunk]) for first in range(0, len(sound), chunk)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A graph with the ports of Silero VAD, that tires: sure of what is loud, by a tenth less with every window."""
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    port, value = helper.make_tensor_value_info, helper.make_tensor
    nodes = [
        helper.make_node("Abs", ["input"], ["loud"]),
        helper.make_node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "eight"], ["many"]),
        helper.make_node("ReduceMean", ["state"], ["age"], axes=[0, 2], keepdims=0),
        helper.make_node("Sub", ["many", "age"], ["left"]),
        helper.make_node("Clip", ["left", "zero", "one"], ["output"]),
        helper.make_node("Add", ["state", "tenth"], ["stateN"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [port("input", floats, [1, None]), port("state", floats, [2, 1, 128]), port("sr", onnx.TensorProto.INT64, [])],
        [port("output", floats, [1, 1]), port("stateN", floats, [2, 1, 128])],
        [value(name, floats, [], [n]) for name, n in (("zero", 0), ("one", 1), ("eight", 8), ("tenth", 0.01))],
    )
    path = tmp_path_factory.mktemp("vad") / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_the_length_of_chunks_changes_nothing(tiny, rate):
    sound = np.concatenate([np.zeros(rate, np.float32), tone(1.0, rate), np.zeros(rate, np.float32)])
    answers = [hear(LiveVoice(tiny, rate).hear, sound, chunk) for chunk in (rate // 100, 257, len(sound))]
    assert len(answers[0]) == int((3.0 - 0.004) / 0.032)
    for other in answers[1:]:
        np.testing.assert_array_equal(other, answers[0])
    assert answers[0][:30].max() == 0
    assert answers[0][33:60].min() > 0.5


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_a_sound_is_resampled_as_soxr_does(rate):
    sound = tone(0.5, rate, 700.0) + tone(0.5, rate, 2500.0)
    made = hear(Resampler(rate, RATE).push, sound, 173)
    assert 0.004 > 0.5 - len(made) / RATE >= 0
    inner = slice(200, len(made) - 200)
    np.testing.assert_allclose(made[inner], soxr.resample(sound, rate, RATE)[: len(made)][inner], atol=0.005)


def test_what_the_lower_rate_cannot_hold_is_gone():
    made = hear(Resampler(48_000, RATE).push, tone(0.5, 48_000, 15_000.0), 480)
    assert np.abs(made[200:-200]).max() < 0.01


def test_what_hears_no_voice_for_long_begins_anew(tiny, monkeypatch):
    """The state of a recurrent net drifts: after minutes of music it hears no voice any more."""
    sound = np.concatenate([np.zeros(20 * RATE, np.float32), tone(0.3), np.zeros(RATE, np.float32)])
    assert LiveVoice(tiny, RATE).hear(sound).max() > 0.5
    assert silero.Silero(tiny).probabilities(sound, RATE)[0].max() > 0.5
    monkeypatch.setattr(silero, "FRESH", 3600.0)
    assert LiveVoice(tiny, RATE).hear(sound).max() == 0


def test_it_forgets(tiny):
    detector = LiveVoice(tiny, 8_000)
    sound = np.concatenate([np.zeros(4000, np.float32), tone(0.4, 8_000)])
    first = detector.hear(sound)
    detector.restart()
    np.testing.assert_array_equal(detector.hear(sound), first)


def test_what_cannot_be_opened_is_one_sentence(tiny, tmp_path, monkeypatch):
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(mmsdk.EncoderError, match=r"^there is no file .*nowhere\.onnx; give the path"):
        Audio().voice_detector(str(tmp_path / "nowhere.onnx"), 8_000)
    with pytest.raises(mmsdk.EncoderError, match=r"^.*no\.onnx is no ONNX model that runs here$"):
        Audio().voice_detector(str(tmp_path / "no.onnx"), 8_000)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(mmsdk.EncoderError, match=r"^Silero VAD needs onnxruntime: pip install 'mmsdk-audio\[vad\]'$"):
        Audio().voice_detector(str(tiny), 8_000)


def application(vad, **own):
    return load_application(
        {
            "inputs": {"voice": {"column": "voice", "modality": "audio"}},
            "stream": {"inputs": {"voice": {"segment": "voice", "rate": 8_000, "vad": vad, **own}}},
        }
    )


def test_a_recording_is_cut_by_it(tiny):
    quiet, loud = np.zeros(8_000, np.float32), tone(0.4, 8_000)
    sound = np.concatenate([quiet, loud * 0.2, quiet, loud, quiet])
    assert len(mmsdk.cut_recording(application(None), "voice", sound)) == 2
    ((start, end, _),) = mmsdk.cut_recording(application(str(tiny)), "voice", sound)
    assert (start, end) == (pytest.approx(2.4, abs=0.02), pytest.approx(2.8, abs=0.02))
    with pytest.raises(mmsdk.ConfigError, match=r"stream.inputs.voice.vad: there is no file .*; without a detector"):
        mmsdk.cut_recording(application(str(tiny) + "x"), "voice", sound)


@pytest.mark.real
def test_silero_cuts_digits_out_of_music(real):
    """A chord that swells and fades, louder than the pauses and softer than the words."""
    file = str(real / "models" / "silero-vad-onnx" / "silero_vad.onnx")
    words = sorted((real / "data" / "voice_gesture_digits" / "audio").glob("*_jackson_*.wav"))[::12]
    draw, parts, starts = np.random.default_rng(0), [np.zeros(8_000)], []
    for word in words:
        samples = mmsdk.open_modality("audio").decode(mmsdk.Media(name=word.name, path=word)).samples
        starts.append(sum(map(len, parts)) / 8_000)
        parts += [samples * 0.1 / np.abs(samples).max(), np.zeros(12_000)]
    sound = np.concatenate(parts)
    t = np.arange(len(sound)) / 8_000
    for pitch in (110, 138.6, 164.8, 220):
        sound += 0.008 * np.sin(2 * np.pi * pitch * t) * (1 + np.sin(2 * np.pi * t / draw.uniform(0.5, 1.5)))
    cut = {vad: mmsdk.cut_recording(application(vad), "voice", sound.astype(np.float32)) for vad in (None, file)}
    found = {
        vad: sum(sum(abs(one[0] - start) < 0.15 for one in pieces) == 1 for start in starts)
        for vad, pieces in cut.items()
    }
    assert found[file] > 2 / 3 * len(words) > found[None]
