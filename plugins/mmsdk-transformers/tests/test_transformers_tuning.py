"""Joint spaces, weights shared and private, vectors with gradients, dtypes, memory that runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmsdk_transformers import network as networks
from mmsdk_transformers.checkpoint import locate
from mmsdk_transformers.loader import load

from mmsdk import EncoderError, Sound

TEXTS = ["red lamp", "a table for the desk", "lamp"]
random = np.random.default_rng(0)
PICTURES = [random.integers(0, 255, size, np.uint8) for size in ((40, 60, 3), (32, 32, 3), (3, 50, 3))]
SOUNDS = [Sound(samples=random.standard_normal(8000).astype(np.float32), rate=16_000)]
CASES = [("bert", "text", TEXTS), ("vit", "image", PICTURES), ("clip", "text", TEXTS), ("clip", "image", PICTURES)]
CASES += [("dinov2", "image", PICTURES), ("siglip2", "image", PICTURES), ("wav2vec2", "audio", SOUNDS)]


def rows(encoder, samples, modality):
    answer = encoder.encode(samples, modality)
    return np.concatenate([one.values for one in answer]) if modality == "audio" else answer


@pytest.mark.parametrize(
    ("family", "other"), [("clip", "image"), ("siglip", "image"), ("siglip2", "image"), ("clap", "audio")]
)
def test_joint_models_are_in_memory_once_and_say_so(family, other, request):
    folder = str(request.getfixturevalue(family))
    texts, others = load(folder, modality="text"), load(folder, modality=other)
    assert texts._read() is others._read()
    assert texts.space() == others.space()
    assert texts.fingerprint() != others.fingerprint()
    assert texts.dim == others.dim


def test_other_models_have_a_space_of_their_own(bert, vit, clip):
    spaces = [load(str(bert), modality="text").space(), load(str(bert), modality="text", pooling="cls").space()]
    spaces += [load(str(vit), modality="image").space(), load(str(clip), modality="image").space()]
    assert len(set(spaces)) == 4
    assert load(str(bert), modality="text").space() == spaces[0]


@pytest.mark.parametrize(("family", "modality", "samples"), CASES)
def test_vectors_are_what_encode_answers_with_gradients(family, modality, samples, request):
    encoder = load(str(request.getfixturevalue(family)), modality=modality).private()
    expected = rows(encoder, samples, modality)
    encoder.module().requires_grad_(requires_grad=True)
    vectors = encoder.vectors(samples, modality)
    assert (vectors.dtype, vectors.requires_grad) == (torch.float32, True)
    np.testing.assert_allclose(vectors.detach(), expected, atol=1e-6)
    vectors.sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in encoder.module().parameters())


def test_weights_first_read_while_nobody_learns_can_be_tuned(vit):
    encoder = load(str(vit), modality="image").private()
    with torch.inference_mode():
        encoder.encode(PICTURES, "image")
    encoder.module().requires_grad_(requires_grad=True)
    encoder.vectors(PICTURES, "image").sum().backward()
    assert next(encoder.module().parameters()).grad is not None


@pytest.mark.parametrize(("family", "modality", "samples"), CASES)
def test_a_private_copy_leaves_the_others_alone(family, modality, samples, request):
    shared = load(str(request.getfixturevalue(family)), modality=modality)
    before = rows(shared, samples, modality)
    own = shared.private()
    assert own.module() is not shared.module()
    assert own.fingerprint() == shared.fingerprint()
    np.testing.assert_allclose(rows(own, samples, modality), before, atol=1e-6)
    with torch.no_grad():
        for weight in own.module().parameters():
            weight.mul_(1.5)
    assert np.abs(rows(own, samples, modality) - before).max() > 1e-3
    np.testing.assert_array_equal(rows(shared, samples, modality), before)
    np.testing.assert_array_equal(rows(load(shared_folder(shared), modality=modality), samples, modality), before)


def shared_folder(encoder):
    return encoder.module().config._name_or_path


def test_adapters_of_peft_act(bert):
    peft = pytest.importorskip("peft")
    encoder = load(str(bert), modality="text").private()
    before = encoder.encode(TEXTS, "text")
    peft.inject_adapter_in_model(peft.LoraConfig(target_modules=["value"], r=2, lora_alpha=16), encoder.module())
    np.testing.assert_allclose(encoder.encode(TEXTS, "text"), before, atol=1e-6)
    encoder.vectors(TEXTS, "text").sum().backward()
    with torch.no_grad():
        for name, weight in encoder.module().named_parameters():
            if "lora_B" in name:
                assert weight.grad.abs().sum() > 0
                weight.add_(1.0)
    assert np.abs(encoder.encode(TEXTS, "text") - before).max() > 1e-3


def test_a_private_count_of_texts(bert):
    encoder = load(str(bert), modality="text", max_length=4)
    encoder.encode(["red lamp oak table"], "text")
    own = encoder.private()
    own.encode(["red"], "text")
    assert (encoder.report(), own.report()) == ({"truncated": (1, 1)}, {"truncated": (0, 1)})


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(("family", "modality", "samples"), [CASES[0], CASES[1]])
def test_dtype(family, modality, samples, dtype, request):
    folder = str(request.getfixturevalue(family))
    wide, narrow = load(folder, modality=modality), load(folder, modality=modality, dtype=dtype)
    assert next(narrow.module().parameters()).dtype == getattr(torch, dtype)
    vectors = narrow.encode(samples, modality)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, wide.encode(samples, modality), atol=0.1)
    assert narrow.fingerprint() != wide.fingerprint()
    own = narrow.private(dtype="float32")
    assert next(own.module().parameters()).dtype == torch.float32
    assert own.fingerprint() == narrow.fingerprint()


def test_no_such_dtype(bert):
    with pytest.raises(EncoderError, match="no dtype named 'int8'; there are auto, float32, float16, bfloat16"):
        load(str(bert), modality="text", dtype="int8")
    with pytest.raises(EncoderError, match="no dtype named 'int8'"):
        load(str(bert), modality="text").private(dtype="int8")


def test_memory_that_runs_out_halves_what_is_computed_at_once(vit):
    encoder = load(str(vit), modality="image").private()
    expected = encoder.encode(PICTURES, "image")
    sizes = []

    def short_of_memory(model, arguments, inputs):
        sizes.append(len(inputs["pixel_values"]))
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("no room")

    encoder.module().register_forward_pre_hook(short_of_memory, with_kwargs=True)
    np.testing.assert_allclose(encoder.encode(PICTURES, "image"), expected, atol=1e-6)
    assert sizes == [3, 3, 2, 1, 1, 1]


def test_memory_that_is_never_enough_is_said_as_such(bert):
    """The core halves the batch on the error itself; a sentence in its place would end the run."""
    encoder = load(str(bert), modality="text").private()

    def full(*_arguments):
        raise torch.OutOfMemoryError("no room")

    encoder.module().register_forward_pre_hook(full)
    with pytest.raises(torch.OutOfMemoryError):
        encoder.encode(TEXTS, "text")


def test_cached_vectors_of_before_stay_good(bert, vit):
    """Options that came later leave no trace in the key while nobody uses them."""
    texts = locate("transformers", str(bert), "text", trusted=False)
    pictures = locate("transformers", str(vit), "image", trusted=False)
    common = {"version": 1, "pooling": "auto", "normalize": False}
    assert load(str(bert), modality="text").fingerprint() == texts.fingerprint(
        encoder="transformers-text", length=None, **common
    )
    assert load(str(vit), modality="image").fingerprint() == pictures.fingerprint(
        encoder="transformers-image", **common
    )


def test_tensors_keep_their_kind_when_moved():
    inputs = {"pixels": torch.ones(2, 3), "ids": torch.ones(2, 3, dtype=torch.int64)}
    found = networks.moved(inputs, "cpu", torch.float16)
    assert (found["pixels"].dtype, found["ids"].dtype) == (torch.float16, torch.int64)
