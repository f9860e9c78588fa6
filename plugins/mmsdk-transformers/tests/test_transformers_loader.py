"""The scheme transformers: every family against the library's own answer, every knob, every refusal."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from mmsdk_transformers.loader import load
from mmsdk_transformers.pixels import one_pass
from PIL import Image

from mmsdk import EncoderError

TEXTS = ["red lamp", "a table for the desk", "lamp"]
random = np.random.default_rng(0)
PICTURES = [random.integers(0, 255, size, np.uint8) for size in ((40, 60, 3), (32, 32, 3), (3, 50, 3))]


def check_encoder(encoder, samples, modality):
    """Assert what every encoder owes: shape, dtype, the same alone as in a batch; return the vectors."""
    vectors = encoder.encode(samples, modality)
    assert vectors.shape == (len(samples), encoder.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    alone = np.vstack([encoder.encode([sample], modality) for sample in samples])
    np.testing.assert_allclose(alone, vectors, atol=1e-5)
    return vectors


def copied(folder, to, *, without=()):
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(*without))
    return to


def test_text_mean_leaves_padding_out(bert):
    from transformers import AutoModel, AutoTokenizer

    vectors = check_encoder(load(str(bert), modality="text"), TEXTS, "text")
    model, tokenizer = AutoModel.from_pretrained(bert).eval(), AutoTokenizer.from_pretrained(bert)
    with torch.inference_mode():
        hidden = model(**tokenizer(TEXTS[2], return_tensors="pt")).last_hidden_state
    np.testing.assert_allclose(vectors[2], hidden[0].mean(0), atol=1e-5)


@pytest.mark.parametrize("pooling", ["cls", "pooler", "mean"])
def test_text_pooling(bert, pooling):
    from transformers import AutoModel, AutoTokenizer

    vector = load(str(bert), modality="text", pooling=pooling).encode(TEXTS[:1], "text")[0]
    model, tokenizer = AutoModel.from_pretrained(bert).eval(), AutoTokenizer.from_pretrained(bert)
    with torch.inference_mode():
        answer = model(**tokenizer(TEXTS[0], return_tensors="pt"))
    hidden = answer.last_hidden_state[0]
    expected = {"cls": hidden[0], "pooler": answer.pooler_output[0], "mean": hidden.mean(0)}[pooling]
    np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_text_length_is_cut_and_counted(bert):
    whole, short = load(str(bert), modality="text"), load(str(bert), modality="text", max_length=4)
    assert whole.length("red lamp") == 4
    assert whole.length("red " * 100) == 32
    assert short.length("red " * 100) == 4
    assert short.report() == {"truncated": (0, 0)}
    vectors = short.encode(["red lamp", "red lamp oak table"], "text")
    assert short.report() == {"truncated": (1, 2)}
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    assert np.abs(np.diff(whole.encode(["red lamp", "red lamp oak table"], "text"), axis=0)).max() > 1e-3


def test_normalize(bert, vit, clip):
    for folder, modality, samples in ((bert, "text", TEXTS), (vit, "image", PICTURES)):
        unit = load(str(folder), modality=modality, normalize=True).encode(samples, modality)
        np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)
        free = load(str(folder), modality=modality).encode(samples, modality)
        assert np.abs(np.linalg.norm(free, axis=1) - 1).max() > 0.01
    free = load(str(clip), modality="text", normalize=False).encode(TEXTS, "text")
    assert np.abs(np.linalg.norm(free, axis=1) - 1).max() > 0.01


def answer_of(folder, pictures):
    from transformers import AutoImageProcessor, AutoModel

    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    inputs = processor(images=[Image.fromarray(one) for one in pictures], return_tensors="pt")
    with torch.inference_mode():
        return AutoModel.from_pretrained(folder).eval()(**inputs)


def test_image_takes_the_trained_pooler(vit):
    vectors = check_encoder(load(str(vit), modality="image"), PICTURES, "image")
    np.testing.assert_allclose(vectors, answer_of(vit, PICTURES).pooler_output, atol=1e-5)


def test_image_never_takes_a_random_pooler(vit_without_pooler):
    vectors = check_encoder(load(str(vit_without_pooler), modality="image"), PICTURES, "image")
    hidden = answer_of(vit_without_pooler, PICTURES).last_hidden_state
    np.testing.assert_allclose(vectors, hidden[:, 0], atol=1e-5)
    encoder = load(str(vit_without_pooler), modality="image", pooling="pooler")
    with pytest.raises(EncoderError, match="needs a trained pooler, which the weights lack; use 'mean' or 'cls'"):
        encoder.encode(PICTURES, "image")


def test_image_pooling_by_name(vit):
    hidden = answer_of(vit, PICTURES).last_hidden_state
    for pooling, expected in (("cls", hidden[:, 0]), ("mean", hidden.mean(1))):
        vectors = load(str(vit), modality="image", pooling=pooling).encode(PICTURES, "image")
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_feature_map_is_averaged(tmp_path):
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    torch.manual_seed(0)
    ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])).save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    mean = check_encoder(load(str(tmp_path), modality="image", pooling="mean"), PICTURES, "image")
    auto = check_encoder(load(str(tmp_path), modality="image"), PICTURES, "image")
    np.testing.assert_allclose(mean, auto, atol=1e-5)
    with pytest.raises(EncoderError, match="pooling 'cls' needs a class token; the model answers with a feature map"):
        load(str(tmp_path), modality="image", pooling="cls").encode(PICTURES, "image")


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_joint_models_share_space_and_weights(family, request):
    from transformers import AutoModel, AutoTokenizer

    folder = request.getfixturevalue(family)
    texts, pictures = load(str(folder), modality="text"), load(str(folder), modality="image")
    words, looks = check_encoder(texts, TEXTS, "text"), check_encoder(pictures, PICTURES, "image")
    assert texts.dim == pictures.dim
    assert texts.module() is pictures.module()
    np.testing.assert_allclose(np.linalg.norm(np.vstack([words, looks]), axis=1), 1, atol=1e-5)
    padding = "max_length" if family == "siglip" else "longest"
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=padding, max_length=16, return_tensors="pt")
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(folder).eval().get_text_features(**tokens).pooler_output
    np.testing.assert_allclose(words, torch.nn.functional.normalize(expected, dim=1), atol=1e-5)


def test_large_batches_go_through_the_model_in_parts(vit):
    encoder = load(str(vit), modality="image")
    assert encoder.batch_size == 32
    many = [PICTURES[place % 3] for place in range(19)]
    whole, seen = encoder.encode(many, "image"), []
    np.testing.assert_allclose(whole[16:], encoder.encode(many[16:], "image"), atol=1e-6)
    handle = encoder.module().register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(len(kwargs["pixel_values"])), with_kwargs=True
    )
    np.testing.assert_array_equal(encoder.encode(many, "image"), whole)
    handle.remove()
    assert seen == [8, 8, 3]


def test_a_part_that_does_not_fit_is_halved(vit):
    encoder = load(str(vit), modality="image")
    many = [PICTURES[place % 3] for place in range(19)]
    whole, fits, seen = encoder.encode(many, "image"), 3, []

    def full(_, args, kwargs):
        seen.append(len(kwargs["pixel_values"]))
        if seen[-1] > fits:
            raise torch.OutOfMemoryError("no room")

    handle = encoder.module().register_forward_pre_hook(full, with_kwargs=True)
    np.testing.assert_allclose(encoder.encode(many, "image"), whole, atol=1e-6)
    assert seen[:4] == [8, 4, 2, 2]
    fits = 0
    with pytest.raises(torch.OutOfMemoryError):
        encoder.encode(many, "image")
    handle.remove()


PROCESSORS = ("CLIP", "ViT", "Siglip", "Bit", "DeiT", "MobileNetV2")


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("size", [(480, 640), (333, 257), (90, 700), (224, 224), (40, 30)])
def test_pixels_in_one_pass_are_those_of_the_processor(name, size):
    processor = getattr(transformers, f"{name}ImageProcessorPil")()
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    expected = processor(images=[Image.fromarray(picture)], return_tensors="np")["pixel_values"][0]
    pixels = one_pass(processor)
    np.testing.assert_array_equal(pixels.prepared(picture), expected)
    levels = torch.from_numpy(np.stack([pixels.levels(picture)]))
    assert levels.dtype == torch.uint8
    np.testing.assert_array_equal(pixels.scaled(levels, torch.float32)[0].numpy(), expected)


def test_pixels_that_the_device_scales_make_the_same_vectors(vit, monkeypatch):
    expected = load(str(vit), modality="image").encode(PICTURES, "image")
    encoder = load(str(vit), modality="image")
    monkeypatch.setattr(type(encoder), "_scales", True)  # as on CUDA
    handed = []
    handle = encoder.module().register_forward_pre_hook(lambda _, args, kwargs: handed.append(kwargs), with_kwargs=True)
    assert encoder._prepared(PICTURES, as_bytes=True)["pixel_values"].dtype == torch.uint8
    np.testing.assert_array_equal(encoder.encode(PICTURES, "image"), expected)
    assert handed[0]["pixel_values"].dtype == torch.float32
    handle.remove()


@pytest.mark.parametrize("name", ["ConvNext", "Siglip2", "Idefics3"])
def test_processors_that_do_more_stay(name):
    assert one_pass(getattr(transformers, f"{name}ImageProcessorPil")()) is None


def test_pieces_of_a_part_are_joined_where_they_are_alike(vit, monkeypatch):
    encoder = load(str(vit), modality="image")
    many = [PICTURES[place % 3].copy() for place in range(19)]
    expected = encoder.encode(many, "image")
    monkeypatch.setattr(type(encoder), "PART", {"cpu": 6})
    monkeypatch.setattr(type(encoder), "PIECE", 2)
    seen = []

    def note(_, args, kwargs):
        seen.append(len(kwargs["pixel_values"]))

    handle = encoder.module().register_forward_pre_hook(note, with_kwargs=True)
    np.testing.assert_allclose(encoder.encode(many, "image"), expected, atol=1e-6)
    assert seen == [6, 6, 6, 1]
    seen.clear()
    monkeypatch.setattr(type(encoder), "_scales", True)
    levels = encoder._pixels.levels

    def refuse(sample):
        if sample is many[3]:
            raise ValueError("too small to be cut")
        return levels(sample)

    monkeypatch.setattr(encoder._pixels, "levels", refuse)
    np.testing.assert_allclose(encoder.encode(many, "image"), expected, atol=1e-6)
    assert seen == [2, 2, 2, 6, 6, 1]  # bytes and numbers do not go together
    handle.remove()


def test_pictures_that_are_too_small_to_be_cut_are_left_to_the_processor(vit, tmp_path):
    shutil.copytree(vit, tmp_path, dirs_exist_ok=True)
    whole = load(str(vit), modality="image")
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text("utf-8"))
    side = settings["size"]["height"]
    settings |= {"do_resize": False, "do_center_crop": True, "crop_size": {"height": side, "width": side}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings), "utf-8")
    picture = np.full((side - 3, side - 2, 3), 200, np.uint8)
    found = load(str(tmp_path), modality="image").encode([picture] * 2, "image")
    assert np.isfinite(found).all()
    assert np.abs(found - whole.encode([picture] * 2, "image")).max() > 1e-4  # a black border instead of a resize


def test_fingerprint_follows_what_changes_the_vectors(bert, tmp_path):
    first = load(str(bert), modality="text").fingerprint()
    assert load(str(bert), modality="text").fingerprint() == first
    assert load(str(copied(bert, tmp_path / "same")), modality="text").fingerprint() == first
    for options in ({"pooling": "cls"}, {"max_length": 5}, {"normalize": True}):
        assert load(str(bert), modality="text", **options).fingerprint() != first
    other = copied(bert, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "hidden_act": "relu"}))
    assert load(str(other), modality="text").fingerprint() != first


def test_remote_code_runs_only_where_it_is_trusted(remote):
    encoder = load(str(remote), modality="text")
    with pytest.raises(
        EncoderError, match="comes with Python code of its own; read it, then set trust_remote_code: true"
    ):
        encoder.encode(TEXTS, "text")
    trusted = load(str(remote), modality="text", trust_remote_code=True)
    np.testing.assert_allclose(
        trusted.encode(["red"], "text")[0], np.mean([[8, 9, 10, 11], [24, 25, 26, 27], [12, 13, 14, 15]], 0)
    )
    assert trusted.fingerprint() != encoder.fingerprint()


def test_weights_of_another_model_are_refused(bert, tmp_path):
    folder = copied(bert, tmp_path / "grown")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(
        EncoderError, match=r"its weights lack 16 tensors of BertModel \(encoder.layer.2.*random numbers"
    ):
        load(str(folder), modality="text").encode(TEXTS, "text")


def test_damaged_weights_are_named(bert, tmp_path):
    folder = copied(bert, tmp_path / "torn")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderError, match=r"torn cannot be loaded \("):
        load(str(folder), modality="text").encode(TEXTS, "text")


@pytest.mark.parametrize(
    ("without", "modality", "reason"),
    [
        ("config.json", "text", "has no config.json; name a folder that holds config.json, model.safetensors and tok"),
        ("model.safetensors", "text", "has no model.safetensors; name a folder"),
        ("*token*", "text", "has no tokenizer.json, so text cannot be prepared"),
        ("nothing", "image", "has no preprocessor_config.json, so image cannot be prepared"),
    ],
)
def test_a_missing_file_is_named(bert, tmp_path, without, modality, reason):
    folder = copied(bert, tmp_path / "part", without=[without])
    with pytest.raises(EncoderError, match=reason):
        load(str(folder), modality=modality)


def test_pickled_weights_are_refused(bert, tmp_path):
    folder = copied(bert, tmp_path / "old", without=["model.safetensors"])
    (folder / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(EncoderError, match=r"pytorch_model.bin is a pickle and is not read: save the model again"):
        load(str(folder), modality="text")


def test_config_that_is_no_json(bert, tmp_path):
    folder = copied(bert, tmp_path / "bad")
    (folder / "config.json").write_text("{")
    with pytest.raises(EncoderError, match=r"config.json cannot be read"):
        load(str(folder), modality="text")
    (folder / "config.json").write_text("[]")
    with pytest.raises(EncoderError, match=r"config.json holds no JSON object"):
        load(str(folder), modality="text")


@pytest.mark.parametrize("reference", ["./nowhere", "/nowhere/at/all", "a/b/c", "not a name"])
def test_no_such_folder(reference):
    with pytest.raises(EncoderError, match=r"there is no folder .*; name a folder that holds .*, or a hub id"):
        load(reference, modality="text")


@pytest.mark.parametrize("reference", ["someone/some-model", "someone/some-model@main"])
def test_offline_says_which_files_to_put_where(reference, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("MMSDK_MODELS_DIR", str(tmp_path))
    with pytest.raises(EncoderError) as caught:
        load(reference, modality="image")
    assert str(caught.value) == (
        f"transformers:{reference}: HF_HUB_OFFLINE is set and its cache does not hold it; on a machine with a network "
        f"run `mmsdk encoders pull transformers:{reference} --to someone--some-model` (or `hf download "
        "someone/some-model --local-dir someone--some-model`) and copy that folder to "
        f"{tmp_path / 'someone--some-model'}, where it is looked for first: it must hold config.json, "
        "model.safetensors and preprocessor_config.json. MMSDK_MODELS_DIR names another place for such folders, "
        "HF_ENDPOINT a mirror of the hub"
    )


def test_hub_cache_is_read_offline_and_pinned(bert, monkeypatch, tmp_path):
    from huggingface_hub import constants

    repo = tmp_path / "models--someone--bert"
    commit = "ab" * 20
    copied(bert, repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    expected = load(str(bert), modality="text").fingerprint()
    assert load("someone/bert", modality="text").fingerprint() == expected
    assert load(f"someone/bert@{commit}", modality="text").fingerprint() == expected
    with pytest.raises(EncoderError, match="its cache does not hold it"):
        load("someone/bert@other", modality="text")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"modality": "text", "pooling": "max"}, "no pooling named 'max'; there are auto, pooler, cls, mean"),
        ({"modality": "text", "max_length": 0}, "max_length is 0, expected a whole number above 0"),
        ({"modality": "text", "max_length": True}, "max_length is True, expected a whole number above 0"),
    ],
)
def test_options_are_checked(bert, options, reason):
    with pytest.raises(EncoderError, match=reason):
        load(str(bert), **options)


def test_max_length_of_an_image(vit):
    with pytest.raises(EncoderError, match="max_length counts the tokens of texts; the input is an image"):
        load(str(vit), modality="image", max_length=9)


def test_moving_lets_the_old_model_go(vit):
    encoder = load(str(vit), modality="image")
    before = encoder.module()
    encoder.to("cpu")
    assert encoder.module() is not None
    assert before is not None
    assert next(encoder.module().parameters()).dtype == torch.float32


@pytest.mark.real
def test_real_weights_are_those_of_the_library(real):
    folder = real / "models" / "mobilenet-v2-1.0-224-tf2"
    photos = sorted((real / "data" / "ikea_products" / "images").iterdir())[:3]
    pictures = [np.asarray(Image.open(photo).convert("RGB")) for photo in photos]
    vectors = check_encoder(load(str(folder), modality="image"), pictures, "image")
    np.testing.assert_allclose(vectors, answer_of(folder, pictures).pooler_output.flatten(1), atol=1e-4)
    assert vectors.shape == (3, 1280)
