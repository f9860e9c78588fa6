"""The scheme onnx: pictures and numbers through tiny graphs, and everything a file may not be."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from mmsdk_onnx.loader import load
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from mmsdk import EncoderError

random = np.random.default_rng(0)
PICTURES = [random.integers(0, 255, size, np.uint8) for size in ((40, 60, 3), (8, 8, 3), (9, 5, 3))]
TABLE = random.normal(size=(4, 3)).astype(np.float32)


def save(path, nodes, inputs, outputs, weights=()):
    """Save a graph; ports are (name, shape) or (name, shape, type)."""

    def port(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        nodes,
        "tiny",
        [port(*one) for one in inputs],
        [port(*one) for one in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def mean_of_channels(path, shape, axes=(2, 3), kind=TensorProto.FLOAT):
    """Save a graph that averages a picture over its pixels: the prepared colours come out."""
    node = helper.make_node("ReduceMean", ["pixels"], ["colour"], axes=list(axes), keepdims=0)
    channels = shape[6 - sum(axes)]
    return save(path, [node], [("pixels", shape, kind)], [("colour", [shape[0], channels], kind)])


def product(path, shape=("batch", 4), outputs=1):
    """Save a graph that multiplies vectors by TABLE, and gives the double where two outputs are asked for."""
    nodes = [helper.make_node("MatMul", ["x", "table"], ["y"]), helper.make_node("Add", ["y", "y"], ["twice"])][
        :outputs
    ]
    ports = [("y", [shape[0], 3]), ("twice", [shape[0], 3])][:outputs]
    return save(path, nodes, [("x", list(shape))], ports, [("table", TABLE)])


def test_vectors(tmp_path):
    encoder = load(str(product(tmp_path / "net.onnx")), modality="vector")
    samples = [random.normal(size=4).astype(np.float32) for _ in range(300)]
    vectors = encoder.encode(samples, "vector")
    np.testing.assert_allclose(vectors, np.stack(samples) @ TABLE, atol=1e-5)
    assert vectors.dtype == np.float32
    assert encoder.dim == 3


@pytest.mark.parametrize("fixed", [1, 2])
def test_a_fixed_batch_is_filled_up(tmp_path, fixed):
    encoder = load(str(product(tmp_path / "net.onnx", (fixed, 4))), modality="vector")
    samples = [random.normal(size=4).astype(np.float32) for _ in range(5)]
    np.testing.assert_allclose(encoder.encode(samples, "vector"), np.stack(samples) @ TABLE, atol=1e-5)


def test_numbers(tmp_path):
    node = helper.make_node("Concat", ["x", "x"], ["y"], axis=1)
    encoder = load(str(save(tmp_path / "n.onnx", [node], [("x", ["b", 1])], [("y", ["b", None])])), modality="number")
    assert encoder.dim == 2
    np.testing.assert_array_equal(encoder.encode([2.5, -1.0], "number"), [[2.5, 2.5], [-1, -1]])


def test_max_length_is_for_texts(tmp_path):
    with pytest.raises(EncoderError, match="max_length counts the tokens of texts; the input is vector"):
        load(str(product(tmp_path / "net.onnx")), modality="vector", max_length=3)


def test_wrong_length(tmp_path):
    encoder = load(str(product(tmp_path / "net.onnx")), modality="vector")
    with pytest.raises(ValueError, match="vector 2 holds 3 numbers, where x takes 4"):
        encoder.encode([np.zeros(4, np.float32), np.zeros(3, np.float32)], "vector")


def test_the_output_is_named_or_the_only_one(tmp_path):
    file = str(product(tmp_path / "net.onnx", outputs=2))
    samples = [np.ones(4, np.float32)]
    np.testing.assert_allclose(
        load(f"{file}#twice", modality="vector").encode(samples, "vector"),
        2 * load(f"{file}#y", modality="vector").encode(samples, "vector"),
    )
    with pytest.raises(
        EncoderError, match=r"name one output, as in onnx:.*net.onnx#y; the file gives y float \(\?, 3\), tw"
    ):
        load(file, modality="vector")
    with pytest.raises(
        EncoderError, match=r"no output named 'z'; the file gives y float \(\?, 3\), twice float \(\?, 3\)"
    ):
        load(f"{file}#z", modality="vector")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [(["b", 3, 8, 8], (2, 3)), (["b", 8, 8, 3], (1, 2)), (["b", 3, "h", "w"], (2, 3)), ([1, 3, 8, 8], (2, 3))],
)
def test_pictures_without_a_preprocessor_are_resized_and_scaled(tmp_path, shape, axes):
    encoder = load(str(mean_of_channels(tmp_path / "net.onnx", shape, axes)), modality="image")
    side = (224, 224) if "h" in shape else (8, 8)
    expected = [np.asarray(Image.fromarray(one).resize(side, 2)).mean((0, 1)) / 255 for one in PICTURES]
    np.testing.assert_allclose(encoder.encode(PICTURES, "image"), expected, atol=1e-5)
    assert encoder.dim == 3


@pytest.mark.parametrize(("pixels", "low", "high"), [("unit", 0, 1), ("signed", -1, 1), ("raw", 0, 255)])
def test_pixels_say_what_pictures_are_scaled_to(tmp_path, pixels, low, high):
    file = str(mean_of_channels(tmp_path / "net.onnx", ["batch", 3, 8, 8]))
    encoder = load(file, modality="image", pixels=pixels)
    black, white = encoder.encode([np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8)], "image")
    assert np.allclose(black, low, atol=1e-4)
    assert np.allclose(white, high, atol=1e-3)
    assert encoder.fingerprint() != load(file, modality="image").fingerprint()


def test_pixels_are_refused_where_they_say_nothing(tmp_path):
    file = str(mean_of_channels(tmp_path / "net.onnx", ["batch", 3, 8, 8]))
    with pytest.raises(EncoderError, match="expected unit, signed, raw"):
        load(file, modality="image", pixels="grey")
    with pytest.raises(EncoderError, match="pixels scales pictures; the input is vector"):
        load(str(product(tmp_path / "table.onnx")), modality="vector", pixels="raw")
    (tmp_path / "preprocessor_config.json").write_text("{}")
    with pytest.raises(EncoderError, match="says so already"):
        load(file, modality="image", pixels="raw")


def test_one_grey_channel(tmp_path):
    encoder = load(str(mean_of_channels(tmp_path / "net.onnx", ["b", 1, 8, 8])), modality="image")
    expected = [[np.asarray(Image.fromarray(one).convert("L").resize((8, 8), 2)).mean() / 255] for one in PICTURES]
    np.testing.assert_allclose(encoder.encode(PICTURES, "image"), expected, atol=1e-5)


def test_half_precision(tmp_path):
    encoder = load(
        str(mean_of_channels(tmp_path / "net.onnx", ["b", 3, 8, 8], kind=TensorProto.FLOAT16)), modality="image"
    )
    vectors = encoder.encode(PICTURES, "image")
    assert vectors.dtype == np.float32
    assert 0.3 < vectors.mean() < 0.7


CONFIG = {
    "size": {"shortest_edge": 12},
    "crop_size": {"height": 8, "width": 8},
    "do_center_crop": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.3, 0.4],
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "resample": 3,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"do_normalize": False},
        {"do_rescale": False, "do_normalize": False},
        {"rescale_factor": 1 / 127.5},
        {"size": {"height": 8, "width": 8}, "do_center_crop": False},
        {"do_resize": False},
        {"size": {"shortest_edge": 6}},
        {"resample": 2},
    ],
)
def test_preprocessor_is_followed_as_transformers_does(tmp_path, changes):
    transformers = pytest.importorskip("transformers")
    config = {**CONFIG, **changes}
    node = helper.make_node("Flatten", ["pixels"], ["flat"], axis=1)
    save(tmp_path / "net.onnx", [node], [("pixels", ["b", 3, 8, 8])], [("flat", ["b", 192])])
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    reference = transformers.MobileNetV2ImageProcessorPil(**config)
    expected = reference(images=[Image.fromarray(one) for one in PICTURES], return_tensors="np")["pixel_values"]
    vectors = load(str(tmp_path / "net.onnx"), modality="image").encode(PICTURES, "image")
    np.testing.assert_allclose(vectors, expected.reshape(3, -1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("{", "preprocessor_config.json cannot be used"),
        ({**CONFIG, "crop_size": 9}, "makes pictures of 9 x 9, where the input takes 8 x 8; set its size or crop_size"),
        ({**CONFIG, "do_center_crop": False}, "makes pictures of different sizes; give it a crop_size"),
        ({**CONFIG, "image_mean": [0.5]}, "image_mean and image_std have 1 numbers, the model has 3 channels"),
        ({**CONFIG, "size": {"shortest_edge": 8, "longest_edge": 9}}, "both shortest_edge and longest_edge"),
        ({**CONFIG, "size": {"height": 8}}, "cannot be used .'width'."),
    ],
)
def test_preprocessor_that_cannot_be_used(tmp_path, config, reason):
    mean_of_channels(tmp_path / "net.onnx", ["b", 3, 8, 8])
    (tmp_path / "preprocessor_config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(EncoderError, match=reason):
        load(str(tmp_path / "net.onnx"), modality="image")


@pytest.mark.parametrize(
    ("inputs", "modality", "reason"),
    [
        (
            [("x", ["b", 4])],
            "category",
            "the onnx scheme feeds audio, image, text, vector and number, not category; write an encoder plugin",
        ),
        (
            [("x", ["b", 4])],
            "image",
            r"it takes x float \(\?, 4\); image can feed one float input of shape \(batch, 3, h, w",
        ),
        ([("x", ["b", 5, 8, 8])], "image", r"it takes x float \(\?, 5, 8, 8\); image can feed"),
        (
            [("x", ["b", 3, 8, 8])],
            "vector",
            r"it takes x float \(\?, 3, 8, 8\); vector can feed one float input of shape",
        ),
        (
            [("x", ["b", 4])],
            "number",
            r"it takes x float \(\?, 4\); number can feed one float input of shape \(batch, 1\)",
        ),
        (
            [("x", ["b", 4]), ("state", [2])],
            "vector",
            r"it takes x float \(\?, 4\), state float \(2\); vector can feed",
        ),
        (
            [("x", ["b", 4], TensorProto.INT64)],
            "vector",
            r"it takes x int64 \(\?, 4\); vector can feed one float input",
        ),
        ([("x", None)], "vector", "it takes x float of unknown shape; vector can feed"),
    ],
)
def test_inputs_that_cannot_be_fed(tmp_path, inputs, modality, reason):
    file = save(tmp_path / "net.onnx", [helper.make_node("Identity", ["x"], ["y"])], inputs, [("y", ["b", 4])])
    with pytest.raises(EncoderError, match=reason):
        load(str(file), modality=modality)


def test_output_that_is_no_row_a_sample(tmp_path):
    node = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)
    file = save(tmp_path / "net.onnx", [node], [("x", ["b", 4])], [("y", None)])
    encoder = load(f"{file}#y", modality="vector")
    with pytest.raises(EncoderError, match=r"output y has the shape \(1, 1\) for a batch of 2, expected \(batch, n\)"):
        encoder.encode([np.ones(4, np.float32)] * 2, "vector")


def test_a_failing_graph_is_named(tmp_path):
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    weights = [("shape", np.array([7, 7], np.int64))]
    file = save(tmp_path / "net.onnx", [node], [("x", ["b", 4])], [("y", ["b", 4])], weights)
    with pytest.raises(EncoderError, match=r"onnx:.*net.onnx: onnxruntime failed \("):
        load(str(file), modality="vector").encode([np.ones(4, np.float32)], "vector")


def test_files_that_are_no_model(tmp_path):
    with pytest.raises(
        EncoderError, match=r"there is no file .*none.onnx; write onnx:FILE.onnx or onnx:FILE.onnx#OUTPUT"
    ):
        load(str(tmp_path / "none.onnx"), modality="vector")
    for data in (b"", b"hello, world", product(tmp_path / "net.onnx").read_bytes()[:40]):
        (tmp_path / "bad.onnx").write_bytes(data)
        with pytest.raises(EncoderError, match=r"bad.onnx is no ONNX model, or is damaged"):
            load(str(tmp_path / "bad.onnx"), modality="vector")


def test_weights_in_a_file_beside(tmp_path):
    model = onnx.load(product(tmp_path / "net.onnx"))
    onnx.save(model, tmp_path / "big.onnx", save_as_external_data=True, location="big.data", size_threshold=0)
    encoder = load(str(tmp_path / "big.onnx"), modality="vector")
    first = encoder.fingerprint()
    np.testing.assert_allclose(encoder.encode([np.ones(4, np.float32)], "vector")[0], TABLE.sum(0), atol=1e-5)
    data = tmp_path / "big.data"
    data.write_bytes(bytes(len(data.read_bytes())))
    assert load(str(tmp_path / "big.onnx"), modality="vector").fingerprint() != first
    data.unlink()
    with pytest.raises(EncoderError, match=r"keeps weights in .*big.data, which does not exist; copy it there"):
        load(str(tmp_path / "big.onnx"), modality="vector")


def test_fingerprint_follows_file_output_and_preprocessing(tmp_path):
    file = product(tmp_path / "net.onnx", outputs=2)
    prints = {load(f"{file}#{output}", modality="vector").fingerprint() for output in ("y", "twice", "y")}
    picture = mean_of_channels(tmp_path / "picture.onnx", ["b", 3, 8, 8])
    prints.add(load(str(picture), modality="image").fingerprint())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(CONFIG))
    prints.add(load(str(picture), modality="image").fingerprint())
    assert len(prints) == 4


def test_threads_are_those_of_torch(tmp_path):
    import torch

    encoder = load(str(product(tmp_path / "net.onnx")), modality="vector")
    options = encoder._session.started().get_session_options()
    assert options.intra_op_num_threads == torch.get_num_threads()
    before = encoder._session.started()
    encoder.to("cpu")
    assert encoder._session.started() is not before


def test_declaring_imports_nothing_heavy():
    heavy = "{'numpy', 'torch', 'onnx', 'onnxruntime', 'PIL'}"
    code = f"import sys, mmsdk_onnx as m; list(m.mmsdk_encoder_loaders()); print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"


@pytest.mark.real
def test_the_same_weights_by_transformers_and_by_onnx_agree(real):
    loader = pytest.importorskip("mmsdk_transformers.loader")
    photos = sorted((real / "data" / "ikea_products" / "images").iterdir())[:9]
    pictures = [np.asarray(Image.open(photo).convert("RGB")) for photo in photos] + PICTURES
    models = real / "models"
    expected = loader.load(str(models / "mobilenet-v2-1.0-224-tf2"), modality="image").encode(pictures, "image")
    encoder = load(f"{models}/mobilenet-v2-1.0-224-onnx/model.onnx#pooler_output", modality="image")
    vectors = encoder.encode(pictures, "image")
    assert vectors.shape == (12, encoder.dim) == (12, 1280)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "modality", "reason"),
    [
        ("mobilenet-v2-1.0-224-onnx/model.onnx", "image", r"the file gives pooler_output float \(\?, 1280\), logits"),
        (
            "silero-vad-onnx/silero_vad.onnx",
            "vector",
            r"it takes input float \(\?, \?\), state .*, sr int64 \(\); vector can",
        ),
        ("ultraface-onnx/version-RFB-320.onnx", "image", r"name one output, .*#scores; the file gives scores"),
    ],
)
def test_real_files_say_what_they_take_and_give(real, file, modality, reason):
    with pytest.raises(EncoderError, match=reason):
        load(str(real / "models" / file), modality=modality)
