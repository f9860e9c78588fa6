"""Where a run computes: the encoders on the GPU that is there, a small head beside it on the CPU."""

from __future__ import annotations

import json

import pytest
from shop_data import application

import mmsdk
from mmsdk.app.device import SMALL_STEP, head_device
from mmsdk.app.pipeline import Pipeline
from mmsdk.config import load_application
from mmsdk.data import Policy

NO_PAGES = True


@pytest.fixture
def pipeline(shop, monkeypatch):
    """Return a function that makes a pipeline whose encoders are on a GPU, with vectors of a thousand numbers."""
    monkeypatch.setattr(Pipeline, "dims", lambda self: {"photo": 700, "text": 300})

    def make(training, **words):
        app = load_application(application(shop, training=training))
        return Pipeline(application=app, encoders={}, policy=Policy(), **words)

    return make


def test_a_small_step_is_left_to_the_cpu():
    assert head_device("cuda", SMALL_STEP - 1) == "cpu"
    assert head_device("cuda:1", SMALL_STEP) == "cuda:1"
    assert head_device("cpu", SMALL_STEP) == "cpu"


@pytest.mark.parametrize(
    ("training", "auto", "place"),
    [
        ({"batch_size": 64}, True, "cpu"),
        ({"batch_size": 512}, True, "cuda"),
        ({"batch_size": 64}, False, "cuda"),
        ({"batch_size": 64, "amp": True}, True, "cuda"),
    ],
)
def test_the_head_goes_by_the_numbers_of_a_batch_unless_a_device_was_asked_for(pipeline, training, auto, place):
    assert pipeline(training, device="cuda", auto=auto).head_device == place


@pytest.mark.parametrize(("asked", "auto"), [("auto", True), ("cpu", False)])
def test_fit_and_load_remember_whether_a_device_was_named(shop, tmp_path, asked, auto):
    app = application(shop)
    app["inputs"] = {"price": app["inputs"]["price"]}
    run = mmsdk.fit(app, out=tmp_path / "run", device=asked, quiet=True)
    assert run.pipeline.auto is auto
    document = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert document["head_device"] == run.pipeline.net.device.type


def test_what_was_decided_is_said(shop, tmp_path, monkeypatch, capsys):
    app = application(shop)
    app["inputs"] = {"price": app["inputs"]["price"]}
    monkeypatch.setattr(Pipeline, "head_device", property(lambda self: "cpu"))
    monkeypatch.setattr("mmsdk.app.fitting.device_of", lambda device: "cuda")
    mmsdk.fit(app, out=tmp_path / "run")
    assert "learning on the CPU, faster for so small a head; --device cuda learns there" in capsys.readouterr().err
