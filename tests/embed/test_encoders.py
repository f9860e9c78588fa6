"""Encoders are opened by name or reference, once, and their fingerprint changes when their answers may."""

from __future__ import annotations

import gc

import pytest

from mmsdk.embed import open_encoder
from mmsdk.errors import EncoderError, PluginError


def test_opens_a_registered_name_bare_or_with_its_plugin():
    bare, whole = open_encoder("count", "text"), open_encoder("fakes/count", "text")
    assert (bare.name, bare.modality, bare.dim, bare.fitted, bare.ready) == ("count", "text", 4, False, True)
    assert bare.encoder is whole.encoder
    assert bare.origin == "fakes (mmsdk-fakes 1.0)"


def test_a_joint_encoder_is_opened_once_for_all_modalities(fakes):
    text, blob = open_encoder("count", "text"), open_encoder("count", "blob")
    assert text.encoder is blob.encoder
    assert text.lock is blob.lock
    assert fakes.Counting.made == 1
    assert open_encoder("count", "text", options={"scale": 2.0}).encoder is not text.encoder
    assert open_encoder("count", "text", device="cuda").encoder is not text.encoder


def test_an_encoder_nobody_holds_is_given_up(fakes):
    del_me = open_encoder("count", "text")
    del del_me
    gc.collect()
    open_encoder("count", "text")
    assert fakes.Counting.made == 2


def test_fitted_encoders_are_never_shared():
    first, second = open_encoder("scales", "text"), open_encoder("scales", "text")
    assert first.encoder is not second.encoder
    assert (first.fitted, first.ready) == (True, False)
    first.load_state({"mean": 1.0})
    assert first.ready
    assert first.dim == 1
    assert first.state() == {"mean": 1.0}


def test_the_device_is_handed_on():
    assert open_encoder("count", "text", device="cuda:1").encoder.device == "cuda:1"
    opened = open_encoder("made:some/model@main#x", "text", device="cuda:1", trust_remote_code=True)
    assert opened.encoder.opened_with == ("some/model@main#x", "text", "cuda:1", True)


def test_options_reach_the_encoder_and_the_loader():
    assert open_encoder("count", "text", options={"dim": 7}).dim == 7
    assert open_encoder("made:x", "text", options={"scale": 3.0}).encoder.scale == 3.0


def test_fingerprints_tell_options_references_versions_and_weights_apart(another_version, tmp_path):
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"one")

    def prints():
        opened = [open_encoder("count", "text", options=options) for options in ({}, {"scale": 2.0}, {"dim": 7})]
        opened += [open_encoder(f"made:{reference}", "text") for reference in ("x", "y", f"{weights}#out")]
        found = [one.fingerprint for one in opened]
        opened.clear()
        gc.collect()
        return found

    first = prints()
    assert len(set(first)) == 6
    assert prints() == first
    weights.write_bytes(b"two")
    assert [a == b for a, b in zip(prints(), first, strict=True)] == [True] * 5 + [False]
    another_version("2.0")
    assert not set(prints()) & set(first)


def test_an_encoder_with_a_fingerprint_of_its_own_keeps_it_over_versions(another_version, fakes, monkeypatch):
    monkeypatch.setattr(fakes.Counting, "fingerprint", lambda self: "weights", raising=False)
    first = open_encoder("count", "text").fingerprint
    another_version("2.0")
    assert open_encoder("count", "text").fingerprint == first
    monkeypatch.setattr(fakes.Counting, "fingerprint", lambda self: "others", raising=False)
    gc.collect()
    assert open_encoder("count", "text").fingerprint != first


@pytest.mark.parametrize(
    ("name", "modality", "options", "error", "message"),
    [
        ("cuont", "text", {}, PluginError, "no encoder named 'cuont'. Did you mean 'count'?"),
        ("maed:x", "text", {}, PluginError, "no encoder scheme named 'maed'. Did you mean 'made'?"),
        ("lengthy", "blob", {}, EncoderError, "encodes text, not blob. For blob there are: count"),
        ("made:x", "blob", {}, EncoderError, "encodes text, not blob. For blob there are: count"),
        (
            "count",
            "text",
            {"scael": 1},
            EncoderError,
            "no option named 'scael'. Did you mean 'scale'? Known: dim, scale",
        ),
        (
            "made:x",
            "text",
            {"scael": 1},
            EncoderError,
            "no option named 'scael'. Did you mean 'scale'? Known: reference",
        ),
        ("broken", "text", {}, EncoderError, "cannot be opened on cpu: OSError: no weights"),
        ("count", "text", {"dim": 0}, EncoderError, "dim must be a positive int once it is open, not 0"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(name, modality, options, error, message):
    with pytest.raises(error) as caught:
        open_encoder(name, modality, options=options)
    assert message in str(caught.value)
