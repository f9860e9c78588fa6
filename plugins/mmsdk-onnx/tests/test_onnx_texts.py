"""The scheme onnx with texts: a tokenizer beside the file, vectors of the graph or the mean of its tokens."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from mmsdk_onnx.loader import load
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from mmsdk import EncoderError

WORDS = ("[PAD]", "[UNK]", "red", "oak", "lamp", "table")
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 3)).astype(np.float32)
TEXTS = ["red lamp", "oak", "red oak table lamp", "table table"]
INPUTS = ("input_ids", "attention_mask")


def save_tokenizer(folder, *, length=None, said=None):
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if length:
        tokenizer.enable_truncation(length)
    tokenizer.save(str(folder / "tokenizer.json"))
    if said:
        (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": said}), "utf-8")


def save(folder, *, inputs=INPUTS, shape=("b", "t"), kind=TensorProto.INT64, pooled=False, outputs=("tokens",)):
    """Save a graph that looks words up, or (pooled) sums them over the mask; unused inputs are only declared."""
    folder.mkdir(exist_ok=True, parents=True)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens"])]
    if pooled:
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["floats", "last"], ["weights"]),
            helper.make_node("Mul", ["tokens", "weights"], ["masked"]),
            helper.make_node("ReduceSum", ["masked", "middle"], ["sum"], keepdims=0),
        ]
    shapes = {"tokens": [*shape, 3], "sum": [shape[0], 3]}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, list(shape)) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [
            numpy_helper.from_array(TABLE, "table"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    return str(folder / "model.onnx")


def looked_up(text, most=99):
    return TABLE[[WORDS.index(word) if word in WORDS else 1 for word in text.split()][:most]]


def check(encoder, expected):
    vectors = encoder.encode(TEXTS, "text")
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.dim)
    np.testing.assert_allclose(vectors, np.stack(expected), atol=1e-6)
    alone = np.vstack([encoder.encode([text], "text") for text in TEXTS])
    np.testing.assert_allclose(alone, vectors, atol=1e-6)


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("inputs", [INPUTS, ("input_ids",), (*INPUTS, "token_type_ids")])
def test_tokens_are_averaged_without_padding(tmp_path, inputs, kind):
    save_tokenizer(tmp_path)
    encoder = load(save(tmp_path, inputs=inputs, kind=kind), modality="text")
    check(encoder, [looked_up(text).mean(0) for text in TEXTS])


def test_a_vector_stays_as_it_is(tmp_path):
    save_tokenizer(tmp_path)
    check(
        load(save(tmp_path, pooled=True, outputs=("sum",)), modality="text"), [looked_up(one).sum(0) for one in TEXTS]
    )


@pytest.mark.parametrize("shape", [(3, "t"), (1, "t"), ("b", 6), (3, 6)])
def test_fixed_sizes_are_filled_up(tmp_path, shape):
    save_tokenizer(tmp_path)
    check(load(save(tmp_path, shape=shape), modality="text"), [looked_up(text).mean(0) for text in TEXTS])


def test_the_output_is_named(tmp_path):
    save_tokenizer(tmp_path)
    file = save(tmp_path, pooled=True, outputs=("tokens", "sum"))
    check(load(f"{file}#sum", modality="text"), [looked_up(text).sum(0) for text in TEXTS])
    check(load(f"{file}#tokens", modality="text"), [looked_up(text).mean(0) for text in TEXTS])
    with pytest.raises(EncoderError, match=r"name one output, as in onnx:.*#tokens; the file gives tokens float"):
        load(file, modality="text")
    with pytest.raises(EncoderError, match="no output named 'z' that texts can use; the file gives tokens float"):
        load(f"{file}#z", modality="text")


@pytest.mark.parametrize(
    ("tokenizer", "shape", "options", "limit"),
    [
        ({"length": 2}, ("b", "t"), {}, 2),
        ({"said": 3}, ("b", "t"), {}, 3),
        ({"said": 3, "length": 2}, ("b", "t"), {"max_length": 1}, 1),
        ({"said": 10**30}, ("b", "t"), {}, 512),
        ({}, ("b", 2), {}, 2),
    ],
)
def test_texts_are_cut_and_counted(tmp_path, tokenizer, shape, options, limit):
    save_tokenizer(tmp_path, **tokenizer)
    encoder = load(save(tmp_path, shape=shape), modality="text", **options)
    assert encoder.dim == 3
    assert encoder.report() == {"truncated": (0, 0)}
    assert encoder.length("red " * 600) == limit
    long = ("red oak lamp table " * 150).strip()
    vectors = encoder.encode(["red", long], "text")
    np.testing.assert_allclose(vectors[1], looked_up(long, limit).mean(0), atol=1e-5)
    assert encoder.report() == {"truncated": (1, 2)}


def test_the_fingerprint_covers_tokenizer_output_and_length(tmp_path):
    save_tokenizer(tmp_path)
    file = save(tmp_path, pooled=True, outputs=("tokens", "sum"))
    seen = {load(f"{file}#{output}", modality="text").fingerprint() for output in ("sum", "tokens", "sum")}
    seen.add(load(f"{file}#sum", modality="text", max_length=3).fingerprint())
    save_tokenizer(tmp_path, said=5)
    seen.add(load(f"{file}#sum", modality="text").fingerprint())
    assert len(seen) == 4


def test_the_tokenizer_of_a_hub_folder_lies_one_up(tmp_path):
    save_tokenizer(tmp_path)
    check(load(save(tmp_path / "onnx"), modality="text"), [looked_up(text).mean(0) for text in TEXTS])
    with pytest.raises(EncoderError, match=r"text needs the tokenizer.json of the model beside .*other.model.onnx"):
        load(save(tmp_path / "other"), modality="text")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"inputs": ("input_ids", "pixels")}, r"it takes input_ids .*, pixels .*; text can feed whole numbers"),
        ({"shape": ("b", "t", 2), "inputs": ("input_ids",)}, r"it takes input_ids int64 \(\?, \?, 2\); text can feed"),
    ],
)
def test_inputs_that_tokens_cannot_feed(tmp_path, how, reason):
    save_tokenizer(tmp_path)
    with pytest.raises(EncoderError, match=reason):
        load(save(tmp_path, **how), modality="text")


@pytest.mark.parametrize("length", [0, 2.5, True, "many"])
def test_no_such_length(tmp_path, length):
    save_tokenizer(tmp_path)
    with pytest.raises(EncoderError, match=r"max_length is .*, expected a whole number above 0"):
        load(save(tmp_path), modality="text", max_length=length)


def test_a_damaged_tokenizer(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(EncoderError, match=r"tokenizer\.json is no tokenizer, or is damaged"):
        load(save(tmp_path), modality="text").encode(TEXTS, "text")


def test_a_token_outside_the_table(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 77}, unk_token="[UNK]"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(EncoderError, match="onnxruntime failed"):
        load(save(tmp_path), modality="text").encode(TEXTS, "text")
