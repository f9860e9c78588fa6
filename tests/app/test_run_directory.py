"""What a fit writes and what a load reads: the files of a run, moved runs, refused runs, the same figures again."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys

import jsonschema
import pyarrow.parquet as pa_parquet
import pytest
from safetensors.numpy import load_file
from shop_data import ITEMS, application, recommender, rows

import mmsdk
from mmsdk.evaluate.schema import metrics_schema
from mmsdk.testing import installed, write_distribution

NO_PAGES = True  # see tests/conftest.py

FILES = {"card.md", "index", "metrics.json", "model.safetensors", "report.html", "run.json", "splits.parquet"}
QUICK = {"epochs": 2, "batch_size": 32}


def small(shop, **changed):
    """Return an application of two inputs and one task."""
    whole = application(shop, training=QUICK)
    inputs = {name: whole["inputs"][name] for name in ("text", "price")}
    return {**whole, "inputs": inputs, "tasks": {"kind": whole["tasks"]["kind"]}, **changed}


def document(run):
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def weights(run):
    return {name: array.tobytes() for name, array in load_file(run / "model.safetensors").items()}


def fit(out, app, **words):
    mmsdk.fit(app, out=out, quiet=True, **words).close()
    return out


def test_a_run_holds_what_it_should_and_nothing_else(shop_runs):
    assert {path.name for path in (shop_runs / "tasks").iterdir()} == FILES | {"predictions.parquet"}
    assert {path.name for path in (shop_runs / "recommender").iterdir()} == FILES | {"interactions.parquet"}
    assert sorted(path.name for path in shop_runs.iterdir()) == ["recommender", "tasks"]
    assert not [path for path in shop_runs.rglob("*") if path.suffix in {".pkl", ".pickle", ".pt", ".npy"}]


def test_files_can_be_read_by_whom_the_umask_lets(shop_runs):
    probe = shop_runs / "probe"
    probe.touch()
    wanted = probe.stat().st_mode
    probe.unlink()
    assert {path.name: path.stat().st_mode for path in (shop_runs / "tasks").iterdir() if path.is_file()} == {
        path.name: wanted for path in (shop_runs / "tasks").iterdir() if path.is_file()
    }


def test_run_json_says_what_made_it(shop_runs):
    found = document(shop_runs / "tasks")
    assert found["schema_version"] == 1
    assert found["application"]["fusion"]["dim"] == 24
    assert found["application"]["training"]["weight_decay"] == 0.01  # defaults are resolved
    assert {name: one["encoder"] for name, one in found["inputs"].items()} == {
        "photo": "colour-shape",
        "text": "ngrams",
        "price": "quantile",
        "material": "onehot",
        "added": "calendar",
    }
    assert all(one["fingerprint"] for one in found["inputs"].values())
    assert found["data"]["rows"] == ITEMS == sum(found["data"]["split"].values())
    assert found["data"]["fingerprint"]
    assert found["seed"] == 0
    assert {"python", "torch", "numpy"} <= set(found["versions"])


@pytest.mark.parametrize("run", ["tasks", "recommender"])
def test_metrics_keep_to_their_published_schema(shop_runs, run):
    metrics = json.loads((shop_runs / run / "metrics.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(metrics_schema()).validate(metrics)
    assert set(metrics) >= ({"kind", "tags", "grade"} if run == "tasks" else {"recommend"})
    assert all(parts["baselines"] for parts in metrics.values())


def test_predictions_are_those_of_the_test_rows(shop_runs, shop):
    table = pa_parquet.read_table(shop_runs / "tasks" / "predictions.parquet")
    assert table.column_names == [
        "sku",
        *(f"{task}{end}" for task in ("kind", "tags", "grade") for end in ("", "_confidence", "_abstained", "_set")),
        "inputs",
        "novelty",
    ]
    splits = pa_parquet.read_table(shop_runs / "tasks" / "splits.parquet").to_pydict()
    test = [name for name, part in zip(splits["id"], splits["split"], strict=True) if part == "test"]
    assert table["sku"].to_pylist() == test
    app = mmsdk.load(shop_runs / "tasks", quiet=True)
    answers = dict(zip((row["sku"] for row in rows()), app.predict(shop / "items.csv"), strict=True))
    assert table["kind"].to_pylist() == [answers[name].outputs["kind"].value for name in test]
    assert table["inputs"].to_pylist() == ["|".join(answers[name].modalities_used) for name in test]
    assert table["novelty"].to_pylist() == [answers[name].outputs["tags"].novelty for name in test]
    app.close()


def test_the_report_is_one_file_without_network(shop_runs):
    for run in ("tasks", "recommender"):
        html = (shop_runs / run / "report.html").read_text(encoding="utf-8")
        assert "http://" not in html.replace("http://www.w3.org/", "")
        assert "<script src" not in html
        assert "data:image/" in html
    assert "balanced_accuracy" in (shop_runs / "tasks" / "card.md").read_text(encoding="utf-8")


def test_a_moved_run_answers_the_same(shop_runs, tmp_path, shop):
    shutil.copytree(shop_runs / "tasks", tmp_path / "a b" / "run")
    moved, there = mmsdk.load(tmp_path / "a b" / "run", quiet=True), mmsdk.load(shop_runs / "tasks", quiet=True)
    assert moved.predict(shop / "items.csv") == there.predict(shop / "items.csv")
    assert [hit.id for hit in moved.search(id="000")] == [hit.id for hit in there.search(id="000")]
    moved.close()
    there.close()


def test_a_run_needs_no_data_to_be_used(shop, tmp_path):
    copied = tmp_path / "shop"
    shutil.copytree(shop, copied)
    run, query = fit(tmp_path / "run", small(copied)), {"text": "a lamp"}
    with mmsdk.load(run, quiet=True) as app:
        before = app.search(query), app.predict([query])
    shutil.rmtree(copied)
    with mmsdk.load(run, quiet=True) as app:
        assert (app.search(query), app.predict([query])) == before
    assert {"title", "price", "kind"} <= set(before[0][0].row)


def test_an_existing_run_is_kept_unless_told(shop, tmp_path):
    run = fit(tmp_path / "run", small(shop))
    before = weights(run)
    with pytest.raises(
        mmsdk.RunError, match=r"run exists already; choose another --out, or replace it with --overwrite"
    ):
        mmsdk.fit(small(shop), out=run, quiet=True)
    assert weights(run) == before
    fit(run, small(shop), seed=5, overwrite=True)
    assert document(run)["seed"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_no_run_is_never_replaced(shop, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mother.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(mmsdk.RunError, match="no run of mmsdk, so it is not replaced"):
        mmsdk.fit(small(shop), out=tmp_path / "letters", overwrite=True, quiet=True)
    assert (tmp_path / "letters" / "mother.txt").read_text(encoding="utf-8") == "dear"


def test_a_fit_that_fails_at_once_leaves_nothing(shop, tmp_path):
    broken = small(shop, inputs={"text": {"column": "tittle", "modality": "text"}})
    with pytest.raises(mmsdk.DataError, match="Did you mean 'title'"):
        mmsdk.fit(broken, out=tmp_path / "run", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_an_overwrite_that_fails_leaves_the_old_run_whole(shop, tmp_path):
    run = fit(tmp_path / "run", small(shop))
    before = weights(run)
    broken = small(shop, inputs={"photo": {"column": "title", "modality": "image"}})
    with pytest.raises(mmsdk.DataError):
        mmsdk.fit(broken, out=run, overwrite=True, quiet=True)
    assert weights(run) == before
    mmsdk.load(run, quiet=True).close()


def test_the_same_seed_gives_the_same_figures_and_another_does_not(shop, tmp_path):
    fits = {name: fit(tmp_path / name, small(shop), seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))}
    figures = {name: (run / "metrics.json").read_bytes() for name, run in fits.items()}
    assert weights(fits["a"]) == weights(fits["b"]) != weights(fits["c"])
    assert figures["a"] == figures["b"] != figures["c"]
    assert (
        document(fits["a"])["fingerprint"] == document(fits["b"])["fingerprint"] != document(fits["c"])["fingerprint"]
    )


def test_a_second_fit_encodes_nothing(shop, tmp_path, capsys):
    for name in ("first", "second"):
        mmsdk.fit(application(shop, training=QUICK, tasks={}), out=tmp_path / name).close()
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("embedded ")]
    assert len(notes) == 2
    assert "0 from the cache" in notes[0]
    assert ": 0 encoded" in notes[1]
    assert weights(tmp_path / "first") == weights(tmp_path / "second")


def test_a_run_of_another_encoder_is_refused(shop_runs, tmp_path):
    shutil.copytree(shop_runs / "tasks", tmp_path / "run")
    changed = document(tmp_path / "run")
    changed["inputs"]["photo"]["fingerprint"] = "0" * 64
    (tmp_path / "run" / "run.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(mmsdk.EncoderError, match=r"input 'photo' was embedded by 'colour-shape'.*fit again"):
        mmsdk.load(tmp_path / "run", quiet=True)


def test_an_index_of_another_run_is_refused(shop_runs, shop, tmp_path):
    run = fit(tmp_path / "run", small(shop))
    shutil.rmtree(run / "index")
    shutil.copytree(shop_runs / "tasks" / "index", run / "index")
    app = mmsdk.load(run, quiet=True)
    with pytest.raises(mmsdk.StoreError):
        app.search({"text": "a lamp"})
    app.close()


@pytest.mark.parametrize("damage", ["gone", "run.json", "model.safetensors", "torn", "schema", "splits"])
def test_a_damaged_run_is_one_sentence(shop_runs, tmp_path, damage):
    run = tmp_path / "run"
    if damage != "gone":
        shutil.copytree(shop_runs / "tasks", run)
    if damage in {"run.json", "model.safetensors"}:
        (run / damage).unlink()
    if damage == "torn":
        (run / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes()[:5000])
    if damage == "schema":
        (run / "run.json").write_text(json.dumps({**document(run), "schema_version": 99}), encoding="utf-8")
    if damage == "splits":
        (run / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(mmsdk.RunError, match=r"fit it again|no run|use the mmsdk"):
        mmsdk.load(run, quiet=True)


@pytest.mark.parametrize("kind", ["path", "dict", "frame", "records", "jsonl", "parquet"])
def test_data_of_every_kind_fits(shop, tmp_path, kind):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(shop / "items.csv", dtype=str)
    app = small(shop)
    data = {"path": str(shop / "items.csv"), "dict": None, "frame": frame, "records": rows()}.get(kind)
    if kind == "jsonl":
        data = tmp_path / "items.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    if kind == "parquet":
        data = tmp_path / "items.parquet"
        frame.to_parquet(data)
    if kind != "dict":
        app = {key: value for key, value in app.items() if key != "data"}
    fitted = mmsdk.fit(app, data, out=tmp_path / "run", quiet=True)
    assert len(fitted.index) == ITEMS
    assert fitted.search(id="007", k=1)[0].row["sku"].isdigit()
    fitted.close()


def test_an_application_file_names_its_files_from_its_own_folder(shop, tmp_path, monkeypatch):
    from mmsdk.config import write_yaml

    shutil.copytree(shop, tmp_path / "shop")
    app = copy.deepcopy(recommender(shop, training=QUICK))
    app["data"], app["interactions"]["file"] = "items.csv", "orders.csv"
    (tmp_path / "shop" / "app.yaml").write_text(write_yaml(app), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    fitted = mmsdk.fit("shop/app.yaml", out="run", quiet=True)
    assert fitted.recommend(["000"], k=1)
    fitted.close()


def test_without_out_the_run_lies_in_a_temporary_folder(shop):
    fitted = mmsdk.fit(small(shop), quiet=True)
    assert (fitted.folder / "report.html").is_file()
    fitted.close()
    shutil.rmtree(fitted.folder)


def test_no_data_is_said(shop):
    app = {key: value for key, value in small(shop).items() if key != "data"}
    with pytest.raises(mmsdk.ConfigError, match="no data: name the table"):
        mmsdk.fit(app, quiet=True)


def test_refit_false_keeps_the_scored_ranker(shop, tmp_path, shop_runs):
    block = recommender(shop)["interactions"]
    kept = fit(tmp_path / "kept", recommender(shop, interactions={**block, "refit": False}))
    metrics = [(run / "metrics.json").read_bytes() for run in (kept, shop_runs / "recommender")]
    assert metrics[0] == metrics[1]  # what is scored is the same model
    ours, theirs = (load_file(run / "model.safetensors")["ranker.degrees"] for run in (kept, shop_runs / "recommender"))
    assert ours.sum() < theirs.sum() == 24 * 6


def test_loading_imports_nothing_that_only_fitting_needs(shop, tmp_path):
    """Of an encoder that needs scikit-learn itself (ngrams) nobody can say so; photo and price do not."""
    whole = recommender(shop, training=QUICK)
    fit(tmp_path / "run", {**whole, "inputs": {name: whole["inputs"][name] for name in ("photo", "price")}})
    code = """
        import sys, mmsdk
        app = mmsdk.load(sys.argv[1])
        app.search({"price": 3}); app.recommend(["000"], query={"price": 9}); app.predict([{"price": 3}])
        heavy = {"matplotlib", "jinja2", "sklearn", "tensorboard", "transformers", "onnxruntime"}
        print(sorted({name.split(".")[0] for name in sys.modules} & heavy))
    """
    code = "\n".join(line.strip() for line in code.strip().splitlines())
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_the_public_evaluate_is_the_function(shop_runs):
    code = "import mmsdk.evaluate.schema, mmsdk; print(mmsdk.evaluate.__module__, mmsdk.fit.__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["mmsdk.app.evaluating", "fit"]


def test_the_report_comes_out_the_same(shop, tmp_path, drawn):
    origin = {"seed": 1}
    pages = [(fit(tmp_path / name, small(shop), **origin) / "report.html").read_text(encoding="utf-8") for name in "ab"]
    timed = re.compile(r"<div><dt>cost</dt>.*?</div>|<h2>What it cost</h2>.*?</table>", re.DOTALL)  # a clock's readings
    assert all(len(timed.findall(page)) == 2 for page in pages)
    assert timed.sub("", pages[0]) == timed.sub("", pages[1])


def test_a_run_that_another_process_fits_is_refused(tmp_path):
    from mmsdk.app.directory import new_run

    with new_run(tmp_path / "run", overwrite=False) as first:
        (first / "checkpoint").mkdir()
        with pytest.raises(mmsdk.RunError, match="another process"), new_run(tmp_path / "run", overwrite=False):
            pass
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == []


def test_what_an_interrupted_run_wrote_is_not_published(tmp_path):
    from mmsdk.app.directory import new_run

    old = tmp_path / "run.partial"
    (old / "checkpoint").mkdir(parents=True)
    (old / "predictions.parquet").write_text("of another application")
    with new_run(tmp_path / "run", overwrite=False) as partial:
        assert sorted(path.name for path in partial.iterdir()) == [".lock", "checkpoint"]


def test_a_plugin_that_takes_the_name_of_an_encoder_breaks_no_run(shop_runs, tmp_path):
    inputs = document(shop_runs / "tasks")["inputs"]
    taken = [inputs[name]["encoder"] for name in ("text", "price")]
    source = "from mmsdk import EncoderSpec, hookimpl\n@hookimpl\ndef mmsdk_encoders():\n" + "".join(
        f"    yield EncoderSpec(name={name!r}, modalities=('text',), dim=3, target='rude_plugin:Rude')\n"
        for name in taken
    )
    write_distribution(tmp_path, "mmsdk-rude", modules={"rude_plugin": source})
    with installed(tmp_path):
        with pytest.raises(mmsdk.PluginError, match="2 plugins declare an encoder named"):
            mmsdk.open_encoder(taken[0], "text")
        app = mmsdk.load(shop_runs / "tasks", quiet=True, allow_outside=True)
        assert app.predict([{"text": "a red lamp"}])[0].modalities_used
        app.close()


def test_a_run_needs_its_preset_no_more(shop, shop_runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(shop_runs / "tasks", run)
    made = document(run)
    made["application"]["preset"] = "of-a-plugin-that-is-gone"
    made["application"]["inputs"]["text"]["encoder"] = None  # as where the preset chose it
    (run / "run.json").write_text(json.dumps(made), encoding="utf-8")
    app = mmsdk.load(run, quiet=True)
    assert app.predict([{"text": "a red lamp"}])[0].modalities_used == ("text",)
    app.close()


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("splits.parquet", lambda app: app.parts()),
        ("splits.parquet", lambda app: app.index.add([{"sku": "new", "price": 1}])),
        ("interactions.parquet", lambda app: app.histories()),
    ],
)
def test_a_table_of_the_run_that_was_cut_short_is_refused(shop_runs, tmp_path, name, ask):
    run = tmp_path / "run"
    shutil.copytree(shop_runs / "recommender", run)
    (run / name).write_bytes((run / name).read_bytes()[:100])
    app = mmsdk.load(run, quiet=True, allow_outside=True)
    with pytest.raises(mmsdk.RunError) as caught:
        ask(app)
    app.close()
    assert str(caught.value).startswith(f"{run / name} cannot be read (")
    assert str(caught.value).endswith("): it is damaged; fit the run again")


def test_a_run_names_the_plugins_that_are_not_here(shop_runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(shop_runs / "tasks", run)
    made = document(run)
    assert {"mmsdk-text", "mmsdk-image", "mmsdk-table"} == set(made["plugins"])
    made["plugins"] |= {"mmsdk-ecg": "0.3.0", "mmsdk-trimmed": "1.0"}
    (run / "run.json").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(mmsdk.PluginError) as caught:
        mmsdk.load(run, quiet=True)
    assert str(caught.value) == (
        f"{run} was made with mmsdk-ecg 0.3.0 and mmsdk-trimmed 1.0, which are not installed here: "
        "pip install mmsdk-ecg==0.3.0 mmsdk-trimmed==1.0"
    )
