"""What is learned and answered on a GPU: fusions, heads, ways of training, alignments. Skipped without CUDA."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from shop_data import application, recommender, rows

import mmsdk
from mmsdk.app.device import device_of
from mmsdk.builtin import mmsdk_fusions
from mmsdk.embed.encoders import open_encoder
from mmsdk.embed.encoding import encode_batch
from mmsdk.repeatable import repeatable

NO_PAGES = True
DEVICE = "cuda"
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
ASKED = [
    {"price": 12.0, "description": "warm light for the evening"},
    {"price": None, "title": "wool rug number 3", "material": "wool"},
    {"title": "glass vase", "description": "holds flowers on the table", "price": 80.0, "added": "2026-03-11"},
    {},
]
FUSIONS = sorted(spec.name for spec in mmsdk_fusions() if not spec.joint)
HEADS = ("plain", "ensemble", "linear", "stacked", "blend", "boosting", "population")
LOSSES = (
    {"balance": "gradnorm", "unimodal": {"text": 0.5}},
    {"balance": "pcgrad", "unimodal": {"text": 0.5}},
    {"balance": "uncertainty"},
    {"match_loss": "sigmoid", "match": 1.0},
    {"match_loss": "triplet", "match": 1.0},
    {"mixup": 0.3, "imbalance": "focal"},
    {"imbalance": "logit_adjustment"},
)


def brief(shop, **changed):
    """Return the shop without photos: twelve epochs of three tasks."""
    whole = application(shop, **changed)
    del whole["inputs"]["photo"]
    return whole


def fit(app, folder):
    return mmsdk.fit(app, out=folder, device=DEVICE, quiet=True, allow_outside=True)


def said(app):
    """Return the probabilities of the kind, and the number of the other, of each row asked."""
    answers = app.predict(ASKED)
    kinds = [sorted(one.outputs["kind"].probabilities.items()) for one in answers]
    grades = [[one.outputs["grade"].value] for one in answers]
    return np.concatenate([[[value for _, value in one] for one in kinds], grades], axis=1)


def parity(app, folder):
    """It is there, it says so, and its run answers the same on a CPU and, to the last bit, on the same device."""
    assert app.pipeline.net.device.type == DEVICE
    assert json.loads((folder / "run.json").read_text("utf-8"))["device"].startswith(DEVICE)
    here = said(app)
    assert np.isfinite(here).all()
    assert np.array_equal(said(mmsdk.load(folder, device=DEVICE, quiet=True, allow_outside=True)), here)
    np.testing.assert_allclose(said(mmsdk.load(folder, device="cpu", quiet=True, allow_outside=True)), here, atol=2e-3)
    return here


def test_auto_takes_it_for_encoders_and_the_cpu_for_a_small_head(shop, tmp_path):
    assert device_of("auto") == DEVICE
    app = mmsdk.fit(application(shop), out=tmp_path / "run", quiet=True, allow_outside=True)
    assert (app.pipeline.device, app.pipeline.net.device.type) == (DEVICE, "cpu")
    assert json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["device"] == DEVICE
    assert np.isfinite(said(app)).all()
    assert app.explain({**rows()[3], "image": str(shop / rows()[3]["image"])}, task="kind").shares


@pytest.mark.parametrize("kind", FUSIONS)
def test_a_fusion(shop, tmp_path, kind):
    app = brief(shop, fusion={"type": kind, "dim": 24})
    first = parity(fit(app, tmp_path / "a"), tmp_path / "a")
    assert np.array_equal(said(fit(app, tmp_path / "b")), first)  # the same seed, the same answers


@pytest.mark.parametrize("kind", HEADS)
def test_a_head(shop, tmp_path, kind):
    if kind == "boosting":
        pytest.importorskip("lightgbm")
    app = brief(shop, head={"type": kind})
    app["tasks"] = {"kind": app["tasks"]["kind"], "grade": app["tasks"]["grade"]}
    parity(fit(app, tmp_path / "run"), tmp_path / "run")


@pytest.mark.parametrize("training", LOSSES, ids=lambda one: "-".join(f"{key}={one[key]}" for key in one))
def test_a_loss(shop, tmp_path, training):
    app = brief(shop, training={"epochs": 6, "batch_size": 16, "learning_rate": 0.005, **training})
    parity(fit(app, tmp_path / "run"), tmp_path / "run")


@pytest.mark.parametrize("kind", ["ridge", "procrustes", "cca", "contrastive", "whitening"])
def test_an_alignment(shop, tmp_path, kind):
    app = brief(shop, align={"type": kind, **({"target": "text"} if kind in ("ridge", "procrustes") else {})})
    parity(fit(app, tmp_path / "run"), tmp_path / "run")


def test_half_precision_is_close_to_single(shop, tmp_path):
    training = {"epochs": 12, "batch_size": 16, "learning_rate": 0.005}
    single = parity(fit(brief(shop, training={**training, "amp": False}), tmp_path / "a"), tmp_path / "a")
    half = fit(brief(shop, training={**training, "amp": True}), tmp_path / "b")
    answered = parity(half, tmp_path / "b")
    assert not np.array_equal(answered, single)
    wrong = sum(one.outputs["kind"].value != row["kind"] for one, row in zip(half.predict(rows()), rows(), strict=True))
    assert wrong <= 6


def test_photos_are_embedded_and_explained(shop, tmp_path):
    app = fit(application(shop), tmp_path / "run")
    row = {**rows()[3], "image": str(shop / rows()[3]["image"])}
    told = app.explain(row, task="kind")
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True, allow_outside=True).explain(row, task="kind")
    assert [one.input for one in told.shares] == [one.input for one in again.shares]
    np.testing.assert_allclose([one.value for one in told.shares], [one.value for one in again.shares], atol=5e-3)


def test_it_recommends(shop, tmp_path):
    app = fit(recommender(shop), tmp_path / "run")
    there = mmsdk.load(tmp_path / "run", device="cpu", quiet=True, allow_outside=True)
    hits, others = (one.recommend(["000", "003"], k=5) for one in (app, there))
    np.testing.assert_allclose([one.score for one in hits], [one.score for one in others], atol=5e-3)


def test_an_encoder_that_takes_all_memory_is_given_smaller_batches():
    """A batch that does not fit is halved until it does; here the allocator may take a hundredth of the device."""
    opened = open_encoder("ngrams", "text")
    heard = []

    class Hungry:
        """Takes a quarter of that hundredth for each sample: four fit."""

        def __getattr__(self, name):
            return getattr(opened.encoder, name)

        def encode(self, samples, modality):
            heard.append(len(samples))
            whole = torch.cuda.get_device_properties(0).total_memory
            held = torch.empty(int(whole * 0.0025) * len(samples), dtype=torch.uint8, device=DEVICE)
            del held
            return opened.encoder.encode(samples, modality)

    hungry = dataclasses.replace(opened, encoder=Hungry())
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        vectors, present = encode_batch(hungry, [(number, f"text {number}") for number in range(16)], str)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert len(vectors) == 16
    assert present.all()
    assert heard[0] == 16
    assert max(heard[1:]) < 16


def test_learning_leaves_torch_as_it_was():
    torch.manual_seed(3)
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    with repeatable(torch.device(DEVICE)):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cuda.flash_sdp_enabled()
        torch.rand(3)
        torch.rand(3, device=DEVICE)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])
