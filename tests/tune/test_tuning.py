"""Tuning the last layers with the head: it learns what frozen vectors do not say, is saved, resumed, and refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import mmsdk
from mmsdk.embed import open_encoder
from mmsdk.tune import Adapter, TunedEncoder
from mmsdk.tune.lora import fold, inject, last_layers

NO_PAGES = True  # see tests/conftest.py

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnop"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A BERT of three layers with random weights: its frozen mean says little of the order of words."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("bert")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=24,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "words.txt").write_text("\n".join(WORDS), "utf-8")
    BertTokenizerFast(vocab=str(folder / "words.txt"), model_max_length=24).save_pretrained(folder)
    return folder


def rows(count=160, hard=True):
    """Sentences of the same letters; the class is whether ``a`` comes before ``b`` (hard) or which letter is there."""
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        letters = [str(one) for one in random.permutation(list("cdefgh"))[:4]]
        first, second = sorted(random.choice(6, size=2, replace=False))
        label = number % 2 == 0
        for place, letter in ((first, "a" if label else "b"), (second, "b" if label else "a")):
            letters.insert(place, letter)
        if not hard:
            letters = ["a" if label else "b"]
        part = ("train", "train", "val", "test")[number // 2 % 4]
        found.append({"text": " ".join(letters), "label": str(label), "part": part})
    return found


def application(bert, **tune):
    return {
        "inputs": {
            "text": {
                "column": "text",
                "modality": "text",
                "encoder": f"transformers:{bert}",
                **({"tune": tune} if tune else {}),
            }
        },
        "tasks": {"label": {"column": "label", "type": "classification"}},
        "split": {"column": "part"},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 10, "batch_size": 16},
    }


LORA = {"mode": "lora", "epochs": 20, "learning_rate": 0.005, "rank": 4, "batch_size": 8}


def fit(bert, folder, data=None, **tune):
    return mmsdk.fit(application(bert, **tune), data or rows(), folder, device="cpu", quiet=True)


def accuracy(app):
    found = json.loads((app.folder / "metrics.json").read_text())
    return found["label"]["test"]["accuracy"]["value"]


@pytest.fixture(scope="module")
def runs(bert, tmp_path_factory):
    """A frozen and a tuned run."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(folder / "cache"))
        return fit(bert, folder / "frozen"), fit(bert, folder / "tuned", **LORA)


def test_tuning_learns_what_frozen_vectors_do_not_say(runs):
    frozen, tuned = runs
    assert accuracy(frozen) < 0.65
    assert accuracy(tuned) > accuracy(frozen) + 0.15


def test_a_tuned_run_is_loaded_as_it_was(runs):
    _, tuned = runs
    again = mmsdk.load(tuned.folder, device="cpu", quiet=True)
    asked = [{"text": "c a d b"}, {"text": "b e a"}, {"text": None}]
    assert np.array_equal(tuned.embed(asked), again.embed(asked))
    made = tuned.document["inputs"]["text"]["tuned"]
    assert made["rank"] == 4
    assert {name.split(".")[2] for name in made["modules"]} == {"0", "1", "2"}


def test_its_vectors_are_not_those_of_the_frozen_encoder(runs):
    frozen, tuned = runs
    fingerprints = [app.document["inputs"]["text"]["fingerprint"] for app in runs]
    assert fingerprints[0] != fingerprints[1]
    encoders = [app.pipeline.encoders["text"].encoder for app in (frozen, tuned)]
    first, second = (one.encode(["c a d b"], "text") for one in encoders)
    assert first.shape == second.shape
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize(
    "changes", [{"layers": 1}, {"rank": 2}, {"epochs": 1}, {"learning_rate": 1e-3}, {"batch_size": 4}], ids=str
)
def test_every_key_of_tuning_acts(bert, tmp_path, changes):
    few = rows(32)
    plain = {**LORA, "epochs": 2}
    both = [fit(bert, tmp_path / str(n), few, **{**plain, **extra}) for n, extra in enumerate(({}, changes))]
    first, second = (app.document["inputs"]["text"]["fingerprint"] for app in both)
    assert first != second


def test_the_price_said_before_is_that_of_one_step_times_all(bert, tmp_path, monkeypatch, capsys):
    timed = []
    monkeypatch.setattr("mmsdk.tune.training.timed", lambda act, place: timed.append((act(), place)) or 60.0)
    mmsdk.fit(application(bert, **LORA | {"epochs": 2}), rows(), tmp_path / "run", device="cpu")
    assert [place for _, place in timed] == [torch.device("cpu")]
    assert "tuning text: about 23 min (80 rows x 2 epochs" in capsys.readouterr().err  # 2 x (10 + 5 / 3)


def test_the_same_seed_tunes_the_same(bert, tmp_path):
    few = rows(32)
    both = [fit(bert, tmp_path / name, few, **{**LORA, "epochs": 2}) for name in ("one", "two")]
    assert both[0].document["inputs"]["text"]["fingerprint"] == both[1].document["inputs"]["text"]["fingerprint"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_tunes(bert, tmp_path):
    app = mmsdk.fit(application(bert, **LORA), rows(), tmp_path / "run", device="cuda", quiet=True)
    assert accuracy(app) > 0.65  # frozen it is below
    there = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    np.testing.assert_allclose(app.embed(rows(8)), there.embed(rows(8)), atol=2e-2)


def test_an_interrupted_tuning_goes_on(bert, tmp_path, monkeypatch):
    import mmsdk.tune.training as training

    few, tune = rows(32), {**LORA, "epochs": 3}
    whole = fit(bert, tmp_path / "whole", few, **tune)
    real, ran = training._epoch, []

    def killed(work, train, placed, number):
        if number == 3 and len(ran) < 3:
            ran.append("killed")
            raise KeyboardInterrupt
        ran.append(number)
        real(work, train, placed, number)

    monkeypatch.setattr(training, "_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(bert, tmp_path / "cut", few, **tune)
    assert ran == [1, 2, "killed"]
    resumed = fit(bert, tmp_path / "cut", few, **tune)
    assert ran == [1, 2, "killed", 3]
    assert resumed.document["inputs"]["text"]["fingerprint"] == whole.document["inputs"]["text"]["fingerprint"]


def test_auto_tunes_where_it_helps_and_not_where_it_does_not(bert, tmp_path, capsys):
    auto = {**LORA, "mode": "auto"}
    helped = mmsdk.fit(application(bert, **auto), rows(), tmp_path / "helped", device="cpu")
    said = capsys.readouterr().err
    assert "tuning text: about" in said  # the price, before anything
    assert helped.document["inputs"]["text"]["tuned"]["probe"].endswith(": tuning")
    easy = mmsdk.fit(application(bert, **{**auto, "epochs": 1}), rows(80, hard=False), tmp_path / "easy", device="cpu")
    assert "the encoder stays frozen" in capsys.readouterr().err
    assert easy.document["inputs"]["text"]["tuned"] is None


def test_auto_draws_whole_groups(bert, tmp_path, monkeypatch):
    """Validation rows of two writers are less than as many rows of their own."""
    import mmsdk.tune.deciding as deciding

    real, drawn = deciding.paired, []
    monkeypatch.setattr(deciding, "paired", lambda *scores, **how: drawn.append(how["groups"]) or real(*scores, **how))
    data = [{**row, "writer": f"{row['part']} {number // 16}"} for number, row in enumerate(rows(32))]
    app = application(bert, **{**LORA, "mode": "auto", "epochs": 1})
    app["split"] = {"column": "part", "group": "writer"}
    mmsdk.fit({**app, "training": {"epochs": 1}}, data, tmp_path / "run", device="cpu", quiet=True).close()
    assert [list(one) for one in drawn] == [["val 0"] * 4 + ["val 1"] * 4]


def test_auto_without_validation_rows_stays_frozen(bert, tmp_path, capsys):
    data = [{**row, "part": "train" if row["part"] == "val" else row["part"]} for row in rows(32)]
    app = mmsdk.fit(application(bert, **{**LORA, "mode": "auto"}), data, tmp_path / "run", device="cpu")
    assert "no validation rows to decide by" in capsys.readouterr().err
    assert app.document["inputs"]["text"]["tuned"] is None


def test_auto_beside_a_tuned_encoder_is_judged_by_validation_rows_alone(bert, tmp_path, capsys):
    """So few rows would be judged by folds, whose rows the tuned encoder has seen."""
    app = {**application(bert, **{**LORA, "epochs": 1}), "head": {"type": "auto"}, "training": {"epochs": 1}}
    tuned = mmsdk.fit(app, rows(48), tmp_path / "tuned", device="cpu")
    assert tuned.document["choice"]["judged_by"] == "validation"
    assert "judging by validation rows alone: tuned encoders" in capsys.readouterr().err
    assert tuned.document["choice"]["chosen"].startswith("gated + ")


@pytest.mark.parametrize("choosing", [{"head": {"type": "auto"}}, {"search": {"trials": 2}}])
def test_nothing_is_chosen_by_rows_that_a_tuned_encoder_knows(bert, tmp_path, choosing):
    data = [{**row, "part": "train" if row["part"] == "val" else row["part"]} for row in rows(32)]
    with pytest.raises(mmsdk.ConfigError, match=r"inputs\.text\.tune: auto and search would be judged by folds"):
        mmsdk.fit({**application(bert, **LORA), **choosing}, data, tmp_path / "run", device="cpu", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda app: app["inputs"]["text"].update(encoder="ngrams"), "encoder 'ngrams' .* cannot be tuned"),
        (lambda app: app.pop("tasks"), "needs a task whose labels"),
        (lambda app: app.update(fusion={"type": "joint"}), "would leave the space"),
    ],
)
def test_what_cannot_be_tuned_is_said_at_once(bert, tmp_path, change, message):
    described = application(bert, **LORA)
    change(described)
    with pytest.raises(mmsdk.MmsdkError, match=message):
        mmsdk.fit(described, rows(32), tmp_path / "run", device="cpu", quiet=True)


def test_without_peft_one_sentence_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(mmsdk.EncoderError, match=r"needs peft, which is not installed: pip install 'mmsdk\[tune\]'"):
        inject(torch.nn.Linear(2, 2), ["x"], 2)


def test_a_loss_that_is_no_number_is_said(bert, tmp_path):
    with pytest.raises(
        mmsdk.ConfigError, match=r"inputs.text.tune: the loss is nan in epoch .*lower its learning_rate"
    ):
        fit(bert, tmp_path / "run", rows(32), **{**LORA, "learning_rate": 1e18})


def test_updates_go_into_the_last_layers_of_the_tower_that_answers(bert):
    encoder = open_encoder(f"transformers:{bert}", "text").encoder.private(dtype="float32")
    names = last_layers(encoder, "a b", "text", 2)
    assert {name.split(".")[2] for name in names} == {"1", "2"}
    assert all(isinstance(encoder.module().get_submodule(name), torch.nn.Linear) for name in names)


def test_folding_changes_the_private_copy_alone(bert):
    opened = open_encoder(f"transformers:{bert}", "text")
    before = opened.encoder.encode(["a b"], "text")
    twin = opened.encoder.private(dtype="float32")
    names = last_layers(twin, "a b", "text", 1)
    random = np.random.default_rng(0)  # equal numbers would shift every feature alike, which a norm takes away
    arrays = {
        key: random.normal(size=one.shape).astype(np.float32) for key, one in inject(twin.module(), names, 2).items()
    }
    adapter = Adapter(modules=names, rank=2, arrays=arrays)
    after = TunedEncoder(opened.encoder, adapter).encode(["a b"], "text")
    assert np.abs(after - before).max() > 1e-3
    assert np.array_equal(opened.encoder.encode(["a b"], "text"), before)
    other = Adapter(modules=names[:1], rank=2, arrays=arrays)
    with pytest.raises(mmsdk.EncoderError, match="do not fit the encoder"):
        fold(opened.encoder.private(dtype="float32").module(), other)
