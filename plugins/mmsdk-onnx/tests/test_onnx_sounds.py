"""The scheme onnx with sounds: windows in, steps with times out, whatever else is in the batch."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from mmsdk_onnx.loader import load
from onnx import TensorProto, helper, numpy_helper

from mmsdk import EncoderError, Sequence, Sound, open_encoder

RATE = 16_000
random = np.random.default_rng(0)


def sound(seconds, rate=RATE):
    return Sound(samples=random.normal(0, 0.1, round(seconds * rate)).astype(np.float32), rate=rate)


def save(path, shape=("batch", 1600), nodes=None, outputs=None, metadata=None, kind=TensorProto.FLOAT):
    """Save a graph; by default its steps are the mean, the lowest and the highest of a window."""
    axis = len(shape) - 1
    keep = {"keepdims": 1}
    nodes = nodes or [
        helper.make_node("ReduceMean", ["wave"], ["mean"], axes=[axis], **keep),
        helper.make_node("ReduceMin", ["wave"], ["low"], axes=[axis], **keep),
        helper.make_node("ReduceMax", ["wave"], ["high"], axes=[axis], **keep),
        helper.make_node("Concat", ["mean", "low", "high"], ["step"], axis=axis),
    ]
    outputs = outputs or [("step", [*shape[:-1], 3])]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("wave", kind, list(shape))],
        [helper.make_tensor_value_info(name, kind, ports) for name, ports in outputs],
        [numpy_helper.from_array(np.array([0, 4, -1], np.int64), "folded")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return str(path)


def of(window):
    return [window.mean(), window.min(), window.max()]


@pytest.mark.parametrize("shape", [("batch", 1600), (1, 1600), (3, 1600), (1600,), ("batch", "n"), ("n",)])
def test_a_step_a_window_whatever_goes_in_at_once(tmp_path, shape):
    options = {"window": 0.1} if "n" in shape else {}
    encoder = load(save(tmp_path / "net.onnx", shape), modality="audio", **options)
    sounds = [sound(0.5), sound(0.1), sound(0.33)]
    answers = encoder.encode(sounds, "audio")
    assert encoder.output == "sequence"
    assert encoder.dim == 3
    starts = [[0, 800, 1600, 2400, 3200, 4000, 4800, 5600, 6400], [0], [0, 800, 1600, 2400, 3200, 3680]]
    for one, answer, begins in zip(sounds, answers, starts, strict=True):
        assert isinstance(answer, Sequence)
        assert (answer.values.dtype, answer.times.dtype) == (np.float32, np.float64)
        expected = [of(one.samples[begin : begin + 1600]) for begin in begins]
        np.testing.assert_allclose(answer.values, expected, atol=1e-6)
        np.testing.assert_allclose(answer.times, (np.array(begins) + 800) / RATE)
        (alone,) = encoder.encode([one], "audio")
        np.testing.assert_allclose(alone.values, answer.values, atol=1e-7)


def test_many_windows_of_several_sounds_go_in_together(tmp_path, monkeypatch):
    encoder = load(save(tmp_path / "net.onnx"), modality="audio")
    sizes = []
    run = encoder._session.run
    monkeypatch.setattr(encoder._session, "run", lambda fed: sizes.append(len(*fed.values())) or run(fed))
    encoder.encode([sound(0.1) for _ in range(40)], "audio")
    assert sizes == [32, 8]


def test_a_short_sound_is_filled_up_with_silence(tmp_path):
    encoder = load(save(tmp_path / "net.onnx"), modality="audio")
    short = Sound(samples=np.full(400, 0.5, np.float32), rate=RATE)
    one = Sound(samples=np.ones(1, np.float32), rate=RATE)
    answers = encoder.encode([short, one], "audio")
    np.testing.assert_allclose(answers[0].values, [[0.125, 0, 0.5]])
    np.testing.assert_allclose(answers[1].values, [[1 / 1600, 0, 1]])
    assert answers[0].times.tolist() == [0.0125]


def test_another_rate_is_resampled(tmp_path):
    tone = np.sin(2 * np.pi * 100 * np.arange(4800) / 48_000).astype(np.float32)
    encoder = load(save(tmp_path / "net.onnx"), modality="audio")
    (answer,) = encoder.encode([Sound(samples=tone, rate=48_000)], "audio")
    assert answer.values.shape == (1, 3)
    np.testing.assert_allclose(answer.values[0], [0, -1, 1], atol=0.05)


def test_rate_window_and_hop_act_and_change_the_fingerprint(tmp_path):
    file, whole = save(tmp_path / "net.onnx", ("batch", "n")), sound(2.0)

    def opened(**options):
        return load(file, modality="audio", **options)

    def times(**options):
        return opened(**options).encode([whole], "audio")[0].times.tolist()

    assert times() == [0.5, 1.0, 1.5]
    assert times(window=0.5) == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert times(hop=1.0) == [0.5, 1.5]
    fixed = load(save(tmp_path / "fixed.onnx"), modality="audio", rate=8000)
    assert fixed.encode([whole], "audio")[0].times[0] == 0.1  # 1,600 samples last twice as long
    kinds = ({}, {"window": 0.5}, {"hop": 1.0}, {"rate": 8000}, {"window": 0.5, "hop": 0.5})
    assert len({opened(**one).fingerprint() for one in kinds}) == len(kinds)


def test_metadata_says_what_the_user_does_not(tmp_path):
    metadata = {"sample_rate": "8000", "window_samples": "4000", "hop_samples": "2000"}
    encoder = load(save(tmp_path / "net.onnx", ("batch", "n"), metadata=metadata), modality="audio")
    assert encoder.encode([sound(1.0)], "audio")[0].times.tolist() == [0.25, 0.5, 0.75]
    nonsense = {"sample_rate": "-5", "window_samples": "long", "hop_samples": "0"}
    encoder = load(save(tmp_path / "odd.onnx", ("batch", "n"), metadata=nonsense), modality="audio")
    assert encoder.encode([sound(2.0)], "audio")[0].times.tolist() == [0.5, 1.0, 1.5]


@pytest.mark.parametrize("shape", [("batch", 1600), (1600,)])
def test_several_vectors_a_window_become_their_mean(tmp_path, shape):
    folded = [0, 4, -1] if len(shape) == 2 else [4, -1]
    nodes = [
        helper.make_node("Constant", [], ["into"], value=numpy_helper.from_array(np.array(folded, np.int64))),
        helper.make_node("Reshape", ["wave", "into"], ["step"]),
    ]
    file = save(tmp_path / "net.onnx", shape, nodes, [("step", [*shape[:-1], 4, 400])])
    encoder = load(file, modality="audio")
    whole = sound(0.1)
    assert encoder.dim == 400
    np.testing.assert_allclose(
        encoder.encode([whole], "audio")[0].values, whole.samples.reshape(1, 4, 400).mean(1), atol=1e-7
    )


def test_half_precision(tmp_path):
    encoder = load(save(tmp_path / "net.onnx", kind=TensorProto.FLOAT16), modality="audio")
    (answer,) = encoder.encode([sound(0.3)], "audio")
    assert answer.values.dtype == np.float32
    assert np.isfinite(answer.values).all()


def test_a_length_that_the_file_does_not_say_is_tried(tmp_path):
    encoder = load(save(tmp_path / "net.onnx", outputs=[("step", ["batch", "d"])]), modality="audio")
    assert encoder.dim == 3


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rate": 50}, "rate is 50, expected a whole number from 1,000 to 192,000"),
        ({"rate": 16e3}, "rate is 16000.0, expected a whole number"),
        ({"window": 0}, "window is 0, expected seconds, 0.001 or more"),
        ({"window": "1"}, "window is '1', expected seconds"),
        ({"hop": float("nan")}, "hop is nan, expected seconds, 0.001 or more"),
        ({"window": 2.0}, "window is 2 seconds, 32,000 samples at 16,000 a second, where the file takes 1,600"),
    ],
)
def test_options_out_of_range(tmp_path, options, reason):
    with pytest.raises(EncoderError, match=reason):
        load(save(tmp_path / "net.onnx"), modality="audio", **options)


@pytest.mark.parametrize(
    ("option", "does"), [("rate", "is the rate of sounds"), ("window", "cuts sounds"), ("hop", "lies between windows")]
)
def test_options_of_sounds_are_for_sounds(tmp_path, option, does):
    with pytest.raises(EncoderError, match=f"{option} {does}.*; the input is vector"):
        load(save(tmp_path / "net.onnx"), modality="vector", **{option: 1})


@pytest.mark.parametrize("shape", [("batch", 4), ("batch", 1, 1600), None])
def test_inputs_that_are_no_waveform(tmp_path, shape):
    file = save(tmp_path / "net.onnx", shape or ("batch", 1, 8, 8))
    with pytest.raises(EncoderError, match=r"it takes wave float .*; audio can feed one float input of shape"):
        load(file, modality="audio")


def test_an_output_of_several_is_named(tmp_path):
    nodes = [helper.make_node("Identity", ["wave"], [name]) for name in ("a", "b")]
    file = save(tmp_path / "net.onnx", nodes=nodes, outputs=[("a", ["batch", 1600]), ("b", ["batch", 1600])])
    with pytest.raises(EncoderError, match=r"name one output, as in onnx:.*#a; the file gives a float .*, b float"):
        load(file, modality="audio")
    with pytest.raises(EncoderError, match="no output named 'c'"):
        load(f"{file}#c", modality="audio")
    assert load(f"{file}#b", modality="audio").dim == 1600


def test_an_output_that_is_no_step_a_window(tmp_path):
    nodes = [helper.make_node("ReduceMean", ["wave"], ["step"], keepdims=1)]
    encoder = load(save(tmp_path / "net.onnx", nodes=nodes, outputs=[("step", [1, 1])]), modality="audio")
    with pytest.raises(EncoderError, match=r"output step has the shape \(1, 1\) for 2 windows, expected \(batch, n\)"):
        encoder.encode([sound(0.1)] * 2, "audio")


def test_a_graph_that_fails_is_named(tmp_path):
    nodes = [helper.make_node("Reshape", ["wave", "folded"], ["step"])]
    encoder = load(save(tmp_path / "net.onnx", ("batch", 1601), nodes, [("step", ["batch", 4, 400])]), modality="audio")
    with pytest.raises(EncoderError, match=r"onnx:.*net.onnx: onnxruntime failed \("):
        encoder.encode([sound(0.1)], "audio")


def test_the_core_takes_it_as_a_sequence(tmp_path):
    found = open_encoder(f"onnx:{save(tmp_path / 'net.onnx')}", "audio", options={"hop": 0.1})
    assert found.sequence
    assert found.dim == 3
    assert len(found.encoder.encode([sound(0.4)], "audio")[0].times) == 4


@pytest.mark.real
def test_yamnet_hears_a_tone_noise_and_a_voice(real):
    soundfile = pytest.importorskip("soundfile")
    folder = real / "models" / "yamnet-onnx"
    names = [
        line.split(",", 2)[2].strip().strip('"') for line in (folder / "yamnet_class_map.csv").read_text().splitlines()
    ][1:]
    encoder = load(f"{folder / 'yamnet.onnx'}#scores", modality="audio")
    tone = Sound(samples=(0.5 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)).astype(np.float32), rate=44_100)
    samples, rate = soundfile.read(
        sorted((real / "data" / "ravdess_av_emotion" / "audio").iterdir())[0], dtype="float32", always_2d=True
    )
    voice = Sound(samples=np.ascontiguousarray(samples[:, 0]), rate=rate)
    answers = encoder.encode([tone, sound(3.0), voice], "audio")
    best = [names[answer.values.mean(0).argmax()] for answer in answers]
    assert best[0] == "Sine wave"
    assert best[1] in ("Static", "Noise", "White noise")
    assert best[2] == "Speech"
    np.testing.assert_allclose(np.diff(answers[1].times)[:-1], 0.48)
    assert load(f"{folder / 'yamnet.onnx'}#embeddings", modality="audio").dim == 1024


@pytest.mark.real
def test_silero_is_no_encoder(real):
    with pytest.raises(EncoderError, match=r"it takes input float .*, state .*, sr int64 \(\); audio can feed one"):
        load(str(real / "models" / "silero-vad-onnx" / "silero_vad.onnx"), modality="audio")
