"""``align``: vectors of several inputs in one space, in training and in use, saved, and searched without training."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

import mmsdk

NO_PAGES = True  # see tests/conftest.py

PHOTO, WORDS = 12, 8
KINDS = ("lamp", "vase", "rug")


def rows(count=240, seed=0):
    """Photos and words of one meaning in two spaces that have nothing in common; the words lie far off."""
    told, random = np.random.default_rng(7), np.random.default_rng(seed)
    ways = told.normal(size=(4, PHOTO)), told.normal(size=(4, WORDS))
    centres = 1.5 * told.normal(size=(3, 4))
    found = []
    for number in range(count):
        kind = number % 3
        meaning = centres[kind] + random.normal(size=4)
        photo, words = (meaning @ way + 0.05 * random.normal(size=way.shape[1]) for way in ways)
        found.append(
            {"sku": f"{seed}-{number}", "photo": photo.tolist(), "words": (words + 5).tolist(), "kind": KINDS[kind]}
        )
    return found


def application(**changes):
    inputs = {name: {"column": name, "modality": "vector"} for name in ("photo", "words")}
    return {
        "id": "sku",
        "inputs": inputs,
        "split": {"validation": 0.2, "test": 0.2},
        "precision": "fp32",
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 3},
        **changes,
    }


TASK = {"kind": {"column": "kind", "type": "classification"}}
JOINT = {"fusion": {"type": "joint"}}


def fitted(folder, data=None, **changes):
    return mmsdk.fit(application(**changes), rows() if data is None else data, folder, device="cpu", quiet=True)


QUICK = {"type": "contrastive", "options": {"epochs": 15, "learning_rate": 0.01, "dropout": 0.0}}


@pytest.mark.parametrize("align", ["cca", {"type": "ridge", "target": "words"}, QUICK], ids=["cca", "ridge", "learned"])
def test_words_find_photos_without_a_shared_encoder(tmp_path, align):
    """The index holds photos alone, none of them learned from, and is asked by words alone."""
    app = fitted(tmp_path / "run", align=align, **JOINT)
    assert app.document["training"]["epochs"] == 0
    fresh = rows(60, seed=1)
    app.index.add([{"sku": row["sku"], "photo": row["photo"]} for row in fresh])
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    first = []
    for row in fresh:
        hits = app.search({"words": row["words"]}, k=3, where="sku >= '1-'")
        assert [hit.id for hit in again.search({"words": row["words"]}, k=3, where="sku >= '1-'")] == [
            h.id for h in hits
        ]
        first.append(hits[0].id == row["sku"])
    assert np.mean(first) > 0.5
    assert app.application.fusion.dim == app.embed([fresh[0]]).shape[1] == app.document["align"]["dims"]["photo"]


def test_without_align_two_spaces_are_refused(tmp_path):
    with pytest.raises(mmsdk.ConfigError, match=r"bring all into one space \(align: cca\)"):
        fitted(tmp_path / "run", **JOINT)


@pytest.mark.parametrize(
    "align", [{"type": "whitening"}, {"type": "cca", "inputs": ["photo", "words"]}], ids=["unpaired", "not all"]
)
def test_what_gives_no_one_space_is_refused(tmp_path, align):
    third = {"third": {"column": "words", "modality": "vector"}} if align["type"] == "cca" else {}
    inputs = {**application()["inputs"], **third}
    with pytest.raises(mmsdk.ConfigError, match="share one space"):
        fitted(tmp_path / "run", align=align, inputs=inputs, **JOINT)


def test_aligned_vectors_are_what_the_net_learns_from_and_a_run_keeps_the_maps(tmp_path):
    app = fitted(tmp_path / "run", align={"type": "cca", "dim": 4}, tasks=TASK)
    arrays = load_file(tmp_path / "run" / "model.safetensors")
    assert {name for name in arrays if name.startswith("align.")} == {
        f"align.{name}.{part}" for name in ("photo", "words") for part in ("centre", "0.weight", "0.bias")
    }
    assert arrays["align.photo.0.weight"].shape == (PHOTO, 4)
    assert app.pipeline.net.projector.dims == {"photo": 4, "words": 4}
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    asked = rows(9, seed=2)
    asked[0].pop("words")
    for row in asked:
        del row["sku"]
    assert np.array_equal(app.embed(asked), again.embed(asked))
    assert [one.outputs["kind"].value for one in app.predict(asked)] == [
        one.outputs["kind"].value for one in again.predict(asked)
    ]
    assert app.predict(asked)[0].modalities_used == ("photo",)


def test_only_training_rows_teach(tmp_path):
    """Rows that are held out may say what they like; that lone rows teach nothing is a promise of every aligner."""
    data = rows()
    for number, row in enumerate(data):
        row["part"] = ("train", "train", "train", "val", "test")[number % 5]
    noisy = [dict(row) for row in data]
    for row in noisy:
        if row["part"] != "train":
            row["photo"] = [100.0] * PHOTO
    split = {"split": {"column": "part"}, "align": {"type": "ridge", "options": {"regularisation": 0.1}}}
    found = []
    for name, one in (("data", data), ("noisy", noisy)):
        fitted(tmp_path / name, one, **split, tasks=TASK).close()
        arrays = load_file(tmp_path / name / "model.safetensors")
        found.append({key: array for key, array in arrays.items() if key.startswith("align.")})
    assert found[0].keys() == found[1].keys()
    assert all(np.array_equal(found[0][key], found[1][key]) for key in found[0])


def test_the_maps_are_in_the_fingerprint(tmp_path):
    prints = {
        json.loads(
            (
                fitted(
                    tmp_path / str(power),
                    align={"type": "cca", "options": {"power": power, "regularisation": 0.1}},
                    **JOINT,
                ).folder
                / "run.json"
            ).read_text()
        )["fingerprint"]
        for power in (0, 1)
    }
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("align", "said"),
    [
        ({"type": "cca", "inputs": ["photo", "wrods"]}, "align.inputs: no input named 'wrods'. Did you mean 'words'"),
        ({"type": "cca", "inputs": ["photo"]}, "align needs two inputs or more"),
        ({"type": "cca", "target": "photo"}, "takes no option named 'target'"),
        ({"type": "ridge", "target": "photos"}, "no input named 'photos' is aligned. Did you mean 'photo'"),
        ({"type": "ridge", "options": {"target": "photo"}}, "write align.target"),
        ({"type": "ridge", "options": {"seed": 3}}, "write training.seed"),
        ({"type": "cca", "options": {"powr": 1}}, "no option named 'powr'. Did you mean 'power'"),
        ({"type": "cca", "options": {"power": -1}}, "align.options.power is -1"),
        ({"type": "cca", "options": {"regularisation": "some"}}, "expected auto or a number above 0"),
        ({"type": "cca", "dim": 9}, "align.dim is 9, and input 'words' has only 8 dims"),
        ({"type": "coral"}, "coral needs inputs of one length; here: photo 12, words 8"),
        ({"type": "contrastive", "options": {"loss": "infonec"}}, "no loss named 'infonec'. Did you mean 'infonce'"),
        ({"type": "contrastive", "options": {"layers": 3}}, "expected 1 or 2"),
        ({"type": "contrastive", "options": {"stop": "never"}}, "expected recall or loss"),
        ({"type": "contrastive", "options": {"dropout": 1.0}}, "expected less than 1"),
        ({"type": "contrastive", "options": {"learning_rate": 1e9}}, "lower align.options.learning_rate"),
    ],
)
def test_what_cannot_be_is_an_error(tmp_path, align, said):
    with pytest.raises(mmsdk.ConfigError) as caught:
        fitted(tmp_path / "run", align=align)
    assert said in str(caught.value)


def test_an_unknown_aligner_is_an_error(tmp_path):
    with pytest.raises(mmsdk.PluginError, match=r"no aligner named 'cac'\. Did you mean 'cca'"):
        fitted(tmp_path / "run", align="cac")


def test_rows_that_are_never_together_are_an_error(tmp_path):
    data = [{**row, ("photo" if number % 2 else "words"): None} for number, row in enumerate(rows(40))]
    with pytest.raises(mmsdk.DataError, match="fewer than two training rows have input 'photo' together with another"):
        fitted(tmp_path / "run", data, align="cca")
    with pytest.raises(mmsdk.DataError, match="fewer than two training rows have two of the inputs"):
        fitted(tmp_path / "other", data, align="contrastive")


def test_what_alignment_brought_stands_in_metrics_and_on_the_page(tmp_path, capsys, drawn):
    import jsonschema

    from mmsdk.cli.figures import print_run
    from mmsdk.evaluate import metrics_schema

    app = fitted(tmp_path / "run", align={"type": "cca", "dim": 4}, tasks=TASK)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    jsonschema.validate(metrics, metrics_schema())
    entry = metrics["align photo+words"]
    assert app.document["align"]["pairs"] == {"align photo+words": "recall@1"}
    assert entry["test"]["recall@1"]["value"] > 0.3
    assert entry["test"]["recall@1"]["n"] == 48
    assert entry["baselines"]["before"]["canonical_correlation"]["value"] > 0.3
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Before and after cca" in page
    assert "photo and words of one row" in page
    print_run(app, as_json=False)
    assert "align photo+words: recall@1 on test" in capsys.readouterr().out
    held = mmsdk.evaluate(app, rows())["align photo+words"]
    jsonschema.validate({"align photo+words": held}, metrics_schema())
    assert held["test"]["recall@1"]["value"] == entry["test"]["recall@1"]["value"]
    assert held["paired"]["before"]["cka"]["value"] == pytest.approx(entry["paired"]["before"]["cka"]["value"])
    assert "canonical_correlation" not in held["test"]
    fresh = mmsdk.evaluate(app, rows(60, seed=1))["align photo+words"]["test"]["recall@1"]
    assert (fresh["n"], fresh["value"] > 0.3) == (60, True)


def test_an_aligned_run_without_a_task_is_evaluated_by_its_alignment(tmp_path):
    app = fitted(tmp_path / "run", align="cca", **JOINT)
    found = mmsdk.evaluate(app, rows(60, seed=1))
    assert list(found) == ["align photo+words"]
    assert found["align photo+words"]["test"]["recall@1"]["n"] == 60


def test_unpaired_alignment_is_judged_by_what_needs_no_cosine(tmp_path, drawn):
    fitted(tmp_path / "run", align="whitening", tasks=TASK).close()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["align photo+words"]["test"]) == {"cka", "canonical_correlation"}
    assert "Before and after whitening" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_every_fold_of_a_cross_validation_aligns_anew(tmp_path, monkeypatch):
    import sys

    seen = []
    original = sys.modules["mmsdk.app.fitting"].align_inputs

    def watched(draft):
        original(draft)
        seen.append(draft.pipeline.maps["photo"].centre)

    monkeypatch.setattr(sys.modules["mmsdk.app.fitting"], "align_inputs", watched)
    found = mmsdk.cross_validate(
        application(tasks=TASK, align={"type": "cca", "dim": 3, "options": {"regularisation": 0.1}}),
        rows(90),
        folds=2,
        resamples=5,
        device="cpu",
        quiet=True,
    )
    assert len(seen) == 2
    assert not np.array_equal(seen[0], seen[1])
    assert found.metrics["kind"]


def test_an_aligned_run_is_explained(tmp_path):
    app = fitted(tmp_path / "run", align={"type": "cca", "dim": 4}, tasks=TASK)
    row = {name: value for name, value in rows(1, seed=3)[0].items() if name in ("photo", "words")}
    told = app.explain(row)
    assert {one.method for one in told.evidence} == {
        "occlusion"
    }  # a part of the vector is no part of what the net sees
    again = mmsdk.load(tmp_path / "run", device="cpu", quiet=True)
    assert again.explain(row).shares == told.shares
