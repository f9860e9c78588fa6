"""The option backend: exports agree with torch, are made once, are mended; auto measures once and remembers."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from mmsdk_transformers import choosing, exporting
from mmsdk_transformers.backends import Backend
from mmsdk_transformers.exporting import ExportRefusedError, Forward, exported
from mmsdk_transformers.loader import load
from mmsdk_transformers.network import Network
from mmsdk_transformers.running import Session

from mmsdk import EncoderError

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package)

random = np.random.default_rng(1)
TEXTS = ["red lamp", "a table for the desk " * 3, "oak", "chair " * 60, "the", "a red red red red lamp"]
PICTURES = [random.integers(0, 255, size, np.uint8) for size in ((40, 60, 3), (32, 32, 3), (9, 50, 3), (64, 64, 3))]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a cache folder that the tests of this file share, so that each model is exported once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(home, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(home))


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory):
    """Return a DINOv2, which averages nothing: its class token is the vector."""
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("dinov2")
    config = Dinov2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, mlp_ratio=2, image_size=32, patch_size=8
    )
    Dinov2Model(config).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    BitImageProcessorPil(size={"shortest_edge": 36}, crop_size=size).save_pretrained(folder)
    return folder


def pair(folder, modality, **options):
    return [load(str(folder), modality=modality, backend=backend, **options) for backend in ("torch", "onnx")]


@pytest.mark.parametrize(
    ("model", "modality"),
    [("vit", "image"), ("dinov2", "image"), ("clip", "image"), ("clip", "text"), ("bert", "text"), ("siglip", "text")],
)
def test_vectors_are_those_of_torch_in_every_batch(request, model, modality):
    by_torch, by_onnx = pair(request.getfixturevalue(model), modality)
    samples = TEXTS if modality == "text" else PICTURES
    expected = by_torch.encode(samples, modality)
    vectors = by_onnx.encode(samples, modality)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-4 * np.abs(expected).max())
    alone = np.vstack([by_onnx.encode([sample], modality) for sample in samples])
    np.testing.assert_allclose(alone, expected, atol=1e-4 * np.abs(expected).max())
    assert by_onnx.dim == by_torch.dim
    assert by_onnx._network is None  # the weights were read for the export alone


def test_options_reach_the_export(bert):
    by_torch, by_onnx = pair(bert, "text", normalize=True, pooling="cls")
    vectors = by_onnx.encode(TEXTS, "text")
    np.testing.assert_allclose(vectors, by_torch.encode(TEXTS, "text"), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    mean = load(str(bert), modality="text", normalize=True).encode(TEXTS, "text")
    assert np.abs(vectors - mean).max() > 0.01


def test_examples_count_as_no_texts(bert):
    encoder = load(str(bert), modality="text", backend="onnx")
    encoder.encode(["oak"], "text")
    assert encoder.report() == {"truncated": (0, 1)}


def test_fingerprints_tell_backends_apart_and_stay(bert, vit):
    for folder, modality in ((bert, "text"), (vit, "image")):
        by_torch, by_onnx = (encoder.fingerprint() for encoder in pair(folder, modality))
        assert by_torch != by_onnx
        assert load(str(folder), modality=modality).fingerprint() == by_torch
        assert load(str(folder), modality=modality, backend="onnx").fingerprint() == by_onnx


def file_of(encoder):
    encoder.encode(TEXTS[:1], "text")
    return encoder._backend._file


def test_an_export_is_made_once(bert):
    file = file_of(load(str(bert), modality="text", backend="onnx"))
    before = file.stat().st_mtime_ns, file.stat().st_ino
    assert file_of(load(str(bert), modality="text", backend="onnx")) == file
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


class Doubling(torch.nn.Module):
    """A model of three numbers, exported in half a second."""

    dtype = torch.float32

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))


def forward_of(vectors, key):
    network = Network(model=Doubling(), pooled=True)
    examples = [{"x": torch.ones(count, 3)} for count in (2, 1, 4)]
    return Forward(name="transformers:odd", key=key, read=lambda _: network, vectors=vectors, examples=lambda: examples)


def unfaithful(network, inputs):
    factor = 2.0 if torch.compiler.is_compiling() else 1.0
    return inputs["x"] * network.model.weight * factor


def untraceable(network, inputs):
    return inputs["x"] * network.model.weight * (2.0 if inputs["x"].sum() > 0 else 1.0)


def faithful(network, inputs):
    return inputs["x"] * network.model.weight


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        (unfaithful, r"transformers:odd: cannot be used as ONNX: its vectors differ .* by 1.0e\+00 .*; use backend"),
        (untraceable, "transformers:odd: cannot be exported to ONNX .*; use backend: torch"),
    ],
)
def test_a_refused_export_leaves_nothing_and_auto_takes_torch(home, vectors, reason):
    forward = forward_of(vectors, vectors.__name__)
    with pytest.raises(ExportRefusedError, match=reason):
        exported(forward)
    assert not (home / "onnx" / forward.key).exists()
    with pytest.raises(EncoderError, match=reason):
        Backend("onnx", forward.name, "cpu", lambda: forward).run({"x": torch.ones(1, 3)})
    backend = Backend("auto", forward.name, "cpu", lambda: forward)
    assert backend.facts() == {}
    assert not backend.runs()
    assert backend.report() == {"onnx_speedup": 1.0, "onnx": 0.0}
    assert "use backend: torch" in str(backend.chosen())


@pytest.mark.parametrize("damage", ["torn", "unread", "absent"])
def test_a_damaged_export_is_made_again(damage):
    forward = forward_of(faithful, f"damaged-{damage}")
    file = exported(forward)
    facts = file.parent / exporting.FACTS
    if damage == "torn":
        file.write_bytes(file.read_bytes()[:-10])
    elif damage == "unread":
        facts.write_text("[]", "utf-8")
    else:
        file.unlink()
    values = torch.arange(6.0).reshape(2, 3)
    vectors = Session(exported(forward), "cpu", "odd").run({"x": values})
    np.testing.assert_array_equal(vectors, values)
    kept = json.loads(facts.read_text("utf-8"))
    assert kept["files"].keys() == {exporting.MODEL}
    assert 0 <= kept["difference"] <= exporting.TOLERANCE


def test_two_that_ask_at_once_export_once(home):
    asked = []
    forward = forward_of(lambda network, inputs: asked.append(1) or faithful(network, inputs), "at-once")
    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(exported, [forward, forward]))
    assert files == [home / "onnx" / "at-once" / exporting.MODEL] * 2
    once = len(asked)
    exported(forward_of(lambda network, inputs: asked.append(1) or faithful(network, inputs), "once"))
    assert len(asked) == 2 * once


def test_a_file_that_does_not_run(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderError, match=r"odd: onnxruntime cannot open .*model\.onnx"):
        Session(tmp_path / "model.onnx", "cpu", "odd")
    session = Session(exported(forward_of(faithful, "faithful")), "cpu", "odd")
    with pytest.raises(EncoderError, match="odd: onnxruntime failed"):
        session.run({"x": torch.ones(2, 4)})


def test_auto_measures_once_says_so_and_remembers(bert, home, caplog):
    with caplog.at_level(logging.INFO, "mmsdk"):
        encoder = load(str(bert), modality="text", backend="auto")
        fingerprint = encoder.fingerprint()
    assert any("ms a row" in message for message in caplog.messages)
    report = encoder.report()
    assert report["onnx_speedup"] > 0
    assert encoder._backend.runs() == bool(report["onnx"])
    assert fingerprint in [other.fingerprint() for other in pair(bert, "text")]
    (file,) = (home / "onnx").glob(f"{encoder._fingerprint()}-cpu-*.json")
    before = file.read_bytes()
    again = load(str(bert), modality="text", backend="auto")
    assert (again.fingerprint(), again.report()) == (fingerprint, report)
    assert again._network is None
    assert file.read_bytes() == before


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_auto_does_as_remembered_and_reads_no_weights(bert, home, backend):
    encoder = load(str(bert), modality="text", backend="auto", max_length=7)
    file = home / "onnx" / f"{encoder._fingerprint()}-cpu-{torch.get_num_threads()}.json"
    facts = {"version": exporting.VERSION, "backend": backend, "torch_ms": 6.0, "onnx_ms": 3.0, "reason": ""}
    file.write_text(json.dumps(facts), "utf-8")
    named = load(str(bert), modality="text", backend=backend, max_length=7)
    assert encoder.fingerprint() == named.fingerprint()
    assert encoder._network is None
    assert not (home / "onnx" / encoder._fingerprint()).exists()
    assert encoder.report()["onnx_speedup"] == 2.0
    assert str(encoder._backend.chosen()) in ("onnx (3 ms a row; torch 6)", "torch (6 ms a row; onnx 3)")
    file.unlink()


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": 0}', '{"version": 1, "backend": "tpu"}', '{"version": 1, "x": 1}']
)
def test_a_choice_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / "choice.json").write_text(content, "utf-8")
    assert choosing._read(tmp_path / "choice.json") is None


def test_whoever_takes_the_module_gets_its_own_answers(bert):
    by_torch, encoder = pair(bert, "text")
    assert np.abs(encoder.encode(TEXTS, "text") - by_torch.encode(TEXTS, "text")).max() > 0
    encoder.module()
    np.testing.assert_array_equal(encoder.encode(TEXTS, "text"), by_torch.encode(TEXTS, "text"))


def test_no_such_backend(bert):
    with pytest.raises(EncoderError, match="no backend named 'tpu'; there are torch, onnx, auto"):
        load(str(bert), modality="text", backend="tpu")


def test_a_cache_that_cannot_be_written(bert, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(EncoderError, match=r"its ONNX file cannot be written \(.*file"):
        load(str(bert), modality="text", backend="onnx").encode(TEXTS, "text")
    auto = load(str(bert), modality="text", backend="auto")
    assert auto.fingerprint() == load(str(bert), modality="text").fingerprint()
    assert "the cache cannot be written" in str(auto._backend.chosen())


WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "onnxruntime" else PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [Without if one is PathFinder else one for one in sys.meta_path]
from mmsdk import EncoderError
from mmsdk_transformers.loader import load

assert load(sys.argv[1], modality="text", backend="auto").encode(["oak"], "text").shape == (1, 16)
try:
    load(sys.argv[1], modality="text", backend="onnx")
except EncoderError as error:
    print(error)
"""


def test_without_the_extra(bert):
    answer = subprocess.run([sys.executable, "-c", WITHOUT, bert], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == (
        f"transformers:{bert}: backend: onnx needs onnxruntime: pip install 'mmsdk-transformers[onnx]'"
    )
