"""The evaluation block: each key adds what it says to metrics.json and the report, and nothing else changes."""

from __future__ import annotations

import copy
import json
from html import unescape

import jsonschema
import numpy as np
import pytest
from safetensors.numpy import load_file
from shop_data import application, rows, write_csv
from sklearn.metrics import balanced_accuracy_score

import mmsdk
from mmsdk.app.directory import split_ids
from mmsdk.app.efficiency import Meter, PackageEnergy
from mmsdk.evaluate.schema import metrics_schema

KEYS = {
    "slices": ["material", "price"],
    "learning_curve": True,
    "robustness": True,
    "label_noise": True,
}


@pytest.fixture(scope="module")
def table(shop, tmp_path_factory):
    """Four times the shop, some texts missing, six labels wrong."""
    folder = tmp_path_factory.mktemp("studied")
    found = [{**row, "sku": f"{copy}-{row['sku']}"} for copy in range(4) for row in rows(seed=copy)]
    for number, row in enumerate(found):
        if number % 4 == 0:
            row["title"] = row["description"] = ""
    for number in range(1, 240, 40):
        found[number]["kind"] = {"lamp": "vase", "vase": "rug", "rug": "lamp"}[found[number]["kind"]]
    return write_csv(folder / "items.csv", found), {found[number]["sku"] for number in range(1, 240, 40)}


@pytest.fixture(scope="module")
def fitted(table, shop, tmp_path_factory):
    """A run with everything, and one with nothing."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
        patch.setattr("mmsdk.app.studies.REPEATS", 1)
        for name, block in (("all", KEYS), ("none", {})):
            mmsdk.fit({**small(shop, table), "evaluation": block}, out=folder / name, quiet=True).close()
    return folder


def small(shop, table):
    whole = application(shop, fusion={"dim": 8, "members": 1}, training={"epochs": 5, "learning_rate": 0.02})
    return {
        **whole,
        "data": str(table[0]),
        "inputs": {"text": whole["inputs"]["text"], "price": whole["inputs"]["price"]},
        "tasks": {"kind": whole["tasks"]["kind"], "grade": whole["tasks"]["grade"]},
        "split": {"test": 0.3},
    }


def metrics(run):
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def test_every_key_of_the_evaluation_block_acts(fitted):
    asked, plain = metrics(fitted / "all"), metrics(fitted / "none")
    jsonschema.validate(asked, metrics_schema())
    for task in ("kind", "grade"):
        assert "learning_curve" in asked[task]
        assert "robustness" in asked[task]
        assert not {"learning_curve", "robustness", "label_noise"} & set(plain[task])
    assert "label_noise" in asked["kind"]
    assert "label_noise" not in asked["grade"]
    assert {one["column"] for one in asked["kind"]["slices"]} == {"material", "price", "input text"}
    assert {one["column"] for one in plain["kind"]["slices"]} == {"input text"}


def test_the_weights_are_those_of_a_run_without_studies(fitted):
    one, two = (load_file(fitted / name / "model.safetensors") for name in ("all", "none"))
    assert all((one[name] == two[name]).all() for name in two)
    assert metrics(fitted / "all")["kind"]["test"] == metrics(fitted / "none")["kind"]["test"]


def test_robustness_is_of_the_calibrated_answers(tmp_path):
    """Training weighs the rare kind up, and a vector calibration answers otherwise: another balanced accuracy."""
    random = np.random.default_rng(0)
    kinds = (random.random(240) < 0.2).astype(int)
    table = [{"a": (random.normal(size=3) + kind).tolist(), "kind": f"k{kind}"} for kind in kinds]
    app = {
        "inputs": {"a": {"column": "a", "modality": "vector"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "fusion": {"dim": 8, "members": 1},
        "training": {"epochs": 6, "learning_rate": 0.02},
        "split": {"test": 0.4, "validation": 0.2},
        "confidence": {"source": "validation", "calibration": "vector"},
        "evaluation": {"robustness": True},
    }
    run = mmsdk.fit(app, table, tmp_path / "run", device="cpu", quiet=True)
    found = metrics(tmp_path / "run")["kind"]
    whole = found["test"]["balanced_accuracy"]["value"]
    for kind in found["robustness"]["a"].values():
        assert kind["points"][0]["value"] == pytest.approx(whole)
    bare = copy.copy(run)
    bare.confidence = None
    tests = [row for row, part in zip(*split_ids(run.folder), strict=True) if part == "test"]
    asked = [table[int(row)] for row in tests]
    said = [one.outputs["kind"].value for one in bare.predict([{"a": row["a"]} for row in asked])]
    assert balanced_accuracy_score([row["kind"] for row in asked], said) != pytest.approx(whole, abs=0.01)


def test_rows_without_the_text_are_the_weak_slice(fitted):
    found = metrics(fitted / "none")["kind"]["slices"]
    assert found[0]["value"] == "missing"
    assert found[0]["gap"]["value"] < -0.3
    assert sum(one["n"] for one in found) == metrics(fitted / "none")["kind"]["test"]["accuracy"]["n"]


def test_wrong_labels_are_among_the_suspects(fitted, table):
    found = metrics(fitted / "all")["kind"]["label_noise"]
    assert found["checked"] == 240
    listed = [one["id"] for one in found["rows"]]
    assert len(table[1] & set(listed)) >= 5  # of six
    assert len(listed) < 100  # at random a hundred of 240 would find two or three
    assert {one["part"] for one in found["rows"]} <= {"train", "val", "test"}
    assert all(one["given"] != one["suspected"] for one in found["rows"])


def test_the_curve_counts_labelled_training_rows(fitted):
    curve = metrics(fitted / "all")["grade"]["learning_curve"]
    document = json.loads((fitted / "all" / "run.json").read_text(encoding="utf-8"))
    sizes = [one["rows"] for one in curve["points"]]
    assert sizes[-1] == document["data"]["split"]["train"]
    assert np.diff(sizes) == pytest.approx(sizes[-1] / 5, abs=3)
    assert curve["metric"] == "mae"


def test_the_report_tells_it(fitted):
    page = unescape((fitted / "all" / "report.html").read_text(encoding="utf-8"))
    said = metrics(fitted / "all")["kind"]["learning_curve"]["sentence"]
    for text in ("Slices", "When an input gets worse", "What more rows would bring", said[1:], "Labels to look at"):
        assert text in page
    plain = (fitted / "none" / "report.html").read_text(encoding="utf-8")
    assert "When an input gets worse" not in plain
    assert "What it cost" in plain


def test_run_json_says_what_it_cost(fitted):
    cost = json.loads((fitted / "all" / "run.json").read_text(encoding="utf-8"))["efficiency"]
    assert {"embed", "tune", "learn", "score"} <= set(cost["seconds"])
    assert cost["seconds"]["score"] > 0
    assert cost["encode_ms"]["text"] > 0
    assert 0 < cost["answer_ms"]["among_many"] < cost["answer_ms"]["alone"]
    assert cost["peak_memory_mb"] > 50
    assert cost["gpu_memory_mb"] is None
    assert "to fit" in (fitted / "all" / "card.md").read_text(encoding="utf-8")


def test_a_slice_column_that_is_not_there_is_refused(shop, table, tmp_path):
    app = {**small(shop, table), "evaluation": {"slices": ["colour"]}}
    with pytest.raises(mmsdk.DataError, match="colour"):
        mmsdk.fit(app, out=tmp_path / "run", quiet=True)


def test_few_groups_leave_the_curve_out_say_so_and_look_for_wrong_labels_in_fewer_folds(shop, tmp_path, capsys):
    few = [{**row, "line": f"line {number % 4}"} for number, row in enumerate(rows())]
    app = {
        **small(shop, (write_csv(tmp_path / "few.csv", few),)),
        "split": {"group": "line"},
        "evaluation": {"learning_curve": True, "label_noise": True},
    }
    mmsdk.fit(app, out=tmp_path / "run").close()
    said = capsys.readouterr().err
    assert "no learning curve: cannot make 5 folds" in said
    assert "learning_curve" not in metrics(tmp_path / "run")["kind"]
    assert metrics(tmp_path / "run")["kind"]["label_noise"]["checked"] == 60


def test_aligned_inputs_are_aligned_anew_in_every_fold(tmp_path):
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, 80)
    means = random.normal(size=(2, 2, 6)) * 2
    table = [
        {"a": (means[0, kind] + random.normal(size=6)).tolist(), "b": (means[1, kind] + random.normal(size=6)).tolist(),
         "kind": f"k{kind}"}
        for kind in kinds
    ]  # fmt: skip
    app = {
        "inputs": {name: {"column": name, "modality": "vector"} for name in "ab"},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "align": {"type": "cca", "dim": 2},
        "fusion": {"dim": 8, "members": 1},
        "training": {"epochs": 10, "learning_rate": 0.03},
        "split": {"test": 0.3},
        "confidence": {"source": "validation"},
        "evaluation": {"label_noise": True},
    }
    mmsdk.fit(app, table, tmp_path / "run", quiet=True).close()
    assert metrics(tmp_path / "run")["kind"]["label_noise"]["checked"] == 80
    found = mmsdk.cross_validate(app, table, folds=2, resamples=10, quiet=True)
    assert found.metrics["kind"]["pooled"]["accuracy"]["value"] > 0.8


def test_energy_is_read_where_the_counters_can_be_read(tmp_path):
    def count(name, number):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "energy_uj").write_text(str(number), encoding="ascii")
        (tmp_path / name / "max_energy_range_uj").write_text("100000000000", encoding="ascii")  # 100 kJ

    assert PackageEnergy(tmp_path).joules is None
    clock = iter([0.0, 10.0, 20.0, 30.0, 1000.0])
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        count(name, 99_999_000_000)
    energy = PackageEnergy(tmp_path, lambda: next(clock))
    count("intel-rapl:0", 99_999_500_000)
    energy.read()
    assert energy.joules == pytest.approx(0.5)
    count("intel-rapl:1", 2_000_000)  # began anew
    count("intel-rapl:0:0", 77)  # a part of a package
    energy.read()
    assert energy.joules == pytest.approx(0.5 + 3.0)
    energy.read()
    assert energy.joules == pytest.approx(3.5)
    energy.read()  # after sixteen minutes, in which 500 W go round the counter
    assert energy.joules is None
    broken = PackageEnergy(tmp_path, lambda: 0.0)
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("no number", encoding="ascii")
    broken.read()
    assert broken.joules is None
    assert PackageEnergy(tmp_path).joules is None


def test_a_meter_reads_energy_at_every_stage(tmp_path):
    (tmp_path / "intel-rapl:0").mkdir()
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    (tmp_path / "intel-rapl:0" / "max_energy_range_uj").write_text("9000000000", encoding="ascii")
    counter.write_text("8000000000", encoding="ascii")
    meter = Meter("cpu", tmp_path)
    for number in ("1000000000", "3000000000", "2000000000"):  # round the counter twice
        with meter.stage("learn"):
            counter.write_text(number, encoding="ascii")
    assert meter._packages.joules == pytest.approx(2000 + 2000 + 8000)


def test_stages_add_up(tmp_path, monkeypatch):
    clock = iter([0.0, 2.0, 10.0, 13.0, 20.0, 20.5])
    monkeypatch.setattr("mmsdk.app.efficiency.time.perf_counter", lambda: next(clock))
    meter = Meter("cpu", tmp_path)
    for _ in range(2):
        with meter.stage("learn"):
            pass
    with pytest.raises(ValueError, match="stopped"), meter.stage("score"):
        raise ValueError("stopped")
    assert meter.seconds == {"learn": 5.0, "score": 0.5}
