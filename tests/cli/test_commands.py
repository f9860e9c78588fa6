"""Every command, as a user types it: exit codes, what goes to stdout and stderr, and what is left alone."""

from __future__ import annotations

import codecs
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pa_parquet
import pytest
from shop_data import application, orders, rows, write_csv

import mmsdk
from mmsdk.cli.figures import print_metrics
from mmsdk.cli.runs import ids_of
from mmsdk.cli.shell import run
from mmsdk.config import read_yaml, write_yaml

NO_PAGES = True  # see tests/conftest.py

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
QUICK = {"training": {"epochs": 2, "batch_size": 32}}


@pytest.fixture
def here(shop_runs, shop, tmp_path, monkeypatch):
    """The working directory, with copies of the two runs and of the shop."""
    for name in ("tasks", "recommender"):
        shutil.copytree(shop_runs / name, tmp_path / name)
    shutil.copytree(shop, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 60)
    return tmp_path


@pytest.fixture
def app_file(here):
    whole = application(here / "shop", **QUICK)
    small = {**whole, "inputs": {"price": whole["inputs"]["price"]}, "tasks": {"kind": whole["tasks"]["kind"]}}
    (here / "app.yaml").write_text(write_yaml(small), encoding="utf-8")
    bare = [{"sku": f"n{row['sku']}", "image": row["image"], "title": row["title"]} for row in rows()[:9]]
    write_csv(here / "shop" / "bare.csv", bare)
    return "app.yaml"


def typed(capsys, *arguments, code=0):
    """Run a command and return stdout and stderr."""
    capsys.readouterr()
    found = run([str(one) for one in arguments])
    said = capsys.readouterr()
    assert found == code, said.err
    return said.out, said.err


def everything(folder):
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


JSON = {
    "recipe list": ["recipe", "list"],
    "inspect": ["inspect", "shop/items.csv"],
    "fit": ["fit", "app.yaml", "--out", "run"],
    "evaluate": ["evaluate", "tasks", "shop/items.csv", "--slice", "material"],
    "evaluate folds": ["evaluate", "app.yaml", "--folds", "2"],
    "worth": ["worth", "app.yaml"],
    "compare": ["compare", "tasks", "tasks", "--data", "shop/items.csv"],
    "predict": ["predict", "tasks", "shop/items.csv", "--out", "answers.csv"],
    "label": ["label", "tasks", "shop/bare.csv", "--out", "ask.csv", "-k", "3"],
    "search": ["search", "tasks", "--text", "lamp"],
    "recommend": ["recommend", "recommender", "--history", "000,003"],
    "index add": ["index", "add", "recommender", "shop/items.csv"],
    "index remove": ["index", "remove", "recommender", "--id", "000"],
    "index compact": ["index", "compact", "recommender"],
    "index info": ["index", "info", "recommender"],
    "interactions add": ["interactions", "add", "recommender", "shop/orders.csv", "--later"],
    "interactions learn": ["interactions", "learn", "recommender"],
    "interactions info": ["interactions", "info", "recommender"],
    "plugins list": ["plugins", "list"],
    "plugins list --kind": ["plugins", "list", "--kind", "encoder"],
    "cache info": ["cache", "info"],
    "cache prune": ["cache", "prune", "--max-size", "1GB"],
}


@pytest.mark.parametrize("name", JSON)
def test_json_is_one_document_and_quiet_is_quiet(here, app_file, capsys, name):
    out, err = typed(capsys, *JSON[name], "--json", "--quiet")
    json.loads(out)
    assert err == ""


@pytest.mark.parametrize("name", JSON)
def test_a_narrow_terminal(here, app_file, capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr("mmsdk.cli.runs.on_terminal", lambda: True)
    out, err = typed(capsys, *JSON[name], "--quiet")
    assert err == "" or name == "inspect"  # whose audit is what it says on stderr
    assert out.strip()
    wide = [
        line
        for line in out.splitlines()
        if len(line) > 50 and name not in {"inspect", "predict", "cache info", "cache prune"}
    ]
    commands = ("mmsdk search", "mmsdk recommend", "mmsdk predict")  # are copied, and stay in a line
    paths = (str(here), "fingerprint", "why", "0.1.0", *commands)
    assert [line for line in wide if not any(path in line for path in paths)] == []


@pytest.mark.parametrize("name", ["fit", "predict", "search", "index info", "evaluate", "recommend"])
def test_help(here, capsys, name):
    words = [
        word
        for word in JSON[name]
        if word.isalpha() and word in {"fit", "predict", "search", "index", "info", "evaluate", "recommend"}
    ]
    out, _ = typed(capsys, *words[: 2 if name.startswith("index") else 1], "--help")
    assert "Usage: mmsdk" in out


def test_the_page_of_commands_is_fresh(tmp_path):
    """In a process of its own: click keeps the help option that a command was first asked with."""
    subprocess.run([sys.executable, "-m", "mmsdk.cli.document", str(tmp_path / "cli.md")], check=True, timeout=120)
    fresh = (tmp_path / "cli.md").read_text(encoding="utf-8")
    assert DOCS.read_text(encoding="utf-8") == fresh, "run: python -m mmsdk.cli.document docs/cli.md"


def test_inspect_takes_the_column_to_learn(here, capsys):
    out, _ = typed(capsys, "inspect", "shop/items.csv", "--task", "material", "--json")
    assert json.loads(out)["application"]["tasks"] == {"material": {"column": "material", "type": "classification"}}
    _, err = typed(capsys, "inspect", "shop/items.csv", "--task", "materials", code=2)
    assert "Did you mean 'material'?" in err


# -- fit, evaluate, predict -------------------------------------------------------------------------------------------


def test_fit_prints_its_figures_its_folder_and_what_to_try(here, app_file, capsys):
    out, err = typed(capsys, "fit", app_file, "--data", "shop/items.csv", "--out", "runs/mine")
    assert "kind: balanced_accuracy on test (95 % interval)" in out
    assert "majority" in out
    assert "runs/mine/report.html" in out
    assert "every setting: runs/mine/run.json" in err
    assert "by default, training:" in err  # a log; a terminal has the few that matter
    for line in out.partition("Try next:")[2].strip().splitlines():
        typed(capsys, *shlex.split(line)[1:])
    out, _ = typed(capsys, "fit", app_file, "--json", code=0)
    assert json.loads(out)["run"] == "runs/app"
    _, err = typed(capsys, "fit", app_file, code=2)
    assert "runs/app exists already" in err
    typed(capsys, "fit", app_file, "--overwrite", "--seed", "3", "--set", "fusion.dim=8")
    document = json.loads((here / "runs/app/run.json").read_text(encoding="utf-8"))
    assert document["seed"] == document["application"]["split"]["seed"] == 3
    assert document["application"]["fusion"]["dim"] == 8
    assert document["command"].split()[0]


def test_a_dry_run_touches_nothing(here, app_file, capsys, monkeypatch):
    before = everything(here)
    out, err = typed(capsys, "fit", app_file, "--dry-run", "--set", "fusion.dim=8", "--preset", "builtin")
    assert everything(here) == before
    assert err == ""
    assert read_yaml(out, "plan")["fusion"]["dim"] == 8
    assert "price: quantile" in out
    out, _ = typed(capsys, "fit", app_file, "--dry-run", "--json")
    assert json.loads(out)["encoders"]["price"]["encoder"] == "quantile"


def test_evaluate_and_predict(here, capsys):
    out, err = typed(capsys, "evaluate", "tasks", "shop/items.csv")
    assert "kind: balanced_accuracy on test" in out
    assert "left out" in err
    words = ["evaluate", "tasks", "shop/items.csv", "--quiet", "--slice", "material", "--slice", "line"]
    out, _ = typed(capsys, *words, "--out", "new/figures.json")
    weakest = "on slices (weakest first, too few rows to judge any):"
    for line in (
        "by some of the inputs alone:",
        "    all but photo  ",
        weakest,
        "material = oak (4 rows)",
    ):
        assert line in out
    assert "7 more with --json" in out
    printed, _ = typed(capsys, *words, "--json")
    assert (here / "new/figures.json").read_text(encoding="utf-8") == printed
    assert len(json.loads(printed)["kind"]["slices"]) == 13
    _, err = typed(capsys, *words, "--out", "figures.csv", code=2)
    assert "cannot write '.csv'; expected .json" in err
    for ending in ("csv", "tsv", "jsonl", "parquet"):
        out, _ = typed(capsys, "predict", "tasks", "shop/items.csv", "--out", f"a.{ending}")
        assert "60 rows written" in out
    assert (
        (here / "a.csv")
        .read_text(encoding="utf-8")
        .splitlines()[0]
        .replace('"', "")
        .startswith("sku,kind,kind_confidence,kind_abstained,kind_set,tags")
    )
    assert pa_parquet.read_table(here / "a.parquet")["sku"][7].as_py() == "007"
    assert json.loads((here / "a.jsonl").read_text(encoding="utf-8").splitlines()[7])["sku"] == "007"
    _, err = typed(capsys, "predict", "tasks", "shop/items.csv", "--out", "a.xlsx", code=2)
    assert ".xlsx" in err
    _, err = typed(capsys, "predict", "recommender", "shop/items.csv", "--out", "b.csv", code=2)
    assert "no task" in err
    assert not (here / "b.csv").exists()
    before = (here / "shop/items.csv").read_bytes()
    _, err = typed(capsys, "predict", "tasks", "shop/items.csv", "--out", "shop/../shop/items.csv", code=2)
    assert "would be lost" in err
    assert (here / "shop/items.csv").read_bytes() == before


def test_predict_counts_rows_that_hold_nothing(here, capsys):
    table = here / "shop/some.csv"
    table.write_text("sku,title,price\na,oak lamp,12\nb,,\nc,,\n", encoding="utf-8")
    out, _ = typed(capsys, "predict", "tasks", table, "--out", "a.csv")
    assert "2 of 3 rows hold none of the inputs (photo, text, price, material, added)" in out
    assert "declined" not in out
    table.write_text("sku,title,price\na,oak lamp,12\n", encoding="utf-8")
    out, _ = typed(capsys, "predict", "tasks", table, "--out", "a.csv")
    assert "hold none" not in out


def test_predict_marks_what_excel_is_to_read(here, capsys):
    (here / "shop/lamp.csv").write_text("sku,title\n灯,oak lamp\n", encoding="utf-8")
    for words, mark in (((), b""), (("--excel",), codecs.BOM_UTF8)):
        typed(capsys, "predict", "tasks", "shop/lamp.csv", "--out", "a.csv", *words)
        content = (here / "a.csv").read_bytes()
        assert content.startswith(mark + b'"sku"')
        assert "灯" in content.decode("utf-8-sig")


@pytest.mark.parametrize("group", ["recipe", "index"])
def test_a_group_by_itself_prints_its_commands_and_no_error(here, capsys, group):
    _, err = typed(capsys, group, code=2)
    assert err.startswith(f"Usage: mmsdk {group}")
    assert "Commands:" in err
    assert "See `" not in err


def test_a_device_that_is_none_is_one_sentence(here):
    with pytest.raises(mmsdk.ConfigError, match=r"--device gpu: no such device; expected auto, cpu, cuda or cuda:N"):
        mmsdk.load(here / "tasks", device="gpu")


def test_a_setting_nobody_knows_is_told_each_known_one_once(here, capsys):
    _, err = typed(capsys, "recipe", "recommend", "--set", "idd=sku", code=2)
    known = err.partition("Known: ")[2].strip().split(", ")
    assert "id" in known
    assert len(known) == len(set(known))


# -- search, recommend, index -----------------------------------------------------------------------------------------


def test_search_by_words_picture_and_id(here, capsys):
    out, _ = typed(capsys, "search", "tasks", "--text", "soft under bare feet", "-k", "3")
    assert len(out.splitlines()) == 3
    out, _ = typed(capsys, "search", "tasks", "--image", "shop/photos/004.png", "-k", "4", "--json")
    assert sum(hit["row"]["kind"] == "vase" for hit in json.loads(out)) >= 3
    out, _ = typed(capsys, "search", "tasks", "--id", "004", "--where", "price < 0")
    assert out.strip() == "Nothing found."
    _, err = typed(capsys, "search", "tasks", "--audio", "shop/orders.csv", code=2)
    assert "has no audio input; it has: photo (image)" in err
    for words in ([], ["--text", "a", "--id", "004"]):
        _, err = typed(capsys, "search", "tasks", *words, code=2)
        assert "expected --id, or one or more of" in err


def test_a_run_that_reads_no_text_says_which_line_makes_it_read_one(here, app_file, capsys):
    typed(capsys, "fit", app_file)
    _, err = typed(capsys, "search", "runs/app", "--text", "lamp", code=2)
    assert "has no text input; it has: price (number)" in err
    line = err.strip().partition("under inputs, ")[2]
    assert line == "title: {column: title, modality: text}"
    described = read_yaml((here / app_file).read_text(encoding="utf-8"), app_file)
    described["inputs"] |= read_yaml(line, "line")
    (here / app_file).write_text(write_yaml(described), encoding="utf-8")
    typed(capsys, "fit", app_file, "--overwrite")
    out, _ = typed(capsys, "search", "runs/app", "--text", "lamp", "-k", "2")
    assert len(out.splitlines()) == 2
    _, err = typed(capsys, "search", "runs/app", "--audio", "shop/orders.csv", code=2)
    assert "under inputs, NAME: {column: COLUMN, modality: audio}" in err


def test_recommend_by_history_and_by_what_is_asked(here, capsys):
    out, _ = typed(capsys, "recommend", "recommender", "--history", "000, 003", "-k", "5", "--json")
    hits = json.loads(out)
    assert len(hits) == 5
    assert not {"000", "003"} & {hit["id"] for hit in hits}
    out, _ = typed(capsys, "recommend", "recommender", "--text", "holds flowers on the table vase", "-k", "5", "--json")
    assert {hit["row"]["kind"] for hit in json.loads(out)} == {"vase"}
    out, _ = typed(capsys, "recommend", "recommender", "--image", "shop/photos/005.png", "-k", "5", "--json")
    assert sum(hit["row"]["kind"] == "rug" for hit in json.loads(out)) >= 4
    _, err = typed(capsys, "recommend", "recommender", "--history", "nobody", code=2)
    assert "'nobody'" in err
    _, err = typed(capsys, "recommend", "tasks", "--history", "000", code=2)
    assert "without interactions" in err


def test_what_is_picked_among_the_ranked(here, capsys):
    words = ["recommend", "recommender", "--history", "002,005", "-k", "6", "--json"]
    kinds = [hit["row"]["kind"] for hit in json.loads(typed(capsys, *words, "--per", "kind", "--at-most", "2")[0])]
    assert sorted(kinds) == ["lamp", "lamp", "rug", "rug", "vase", "vase"]
    hits = json.loads(typed(capsys, *words, "--candidates", "008,011,014", "--exclude", "011")[0])
    assert {hit["id"] for hit in hits} == {"008", "014"}
    plain = [hit["id"] for hit in json.loads(typed(capsys, *words)[0])]
    assert [hit["id"] for hit in json.loads(typed(capsys, *words, "--diversity", "0.9")[0])] != plain
    asked = [*words, "--like", "000", "--text", "lamp", "--query-weight", "1", "--where", "price < 60"]
    hits = json.loads(typed(capsys, *asked)[0])
    assert {hit["row"]["kind"] for hit in hits} == {"lamp"}
    assert "expected" in typed(capsys, *words, "--where", "kind", code=2)[1]
    found = json.loads(typed(capsys, "search", "recommender", "--id", "000", "--per", "kind", "--json")[0])
    assert len(found) == 3
    like = [
        json.loads(typed(capsys, "search", "recommender", "--id", "000", "--by", by, "--json")[0])
        for by in ("all", "behaviour")
    ]
    assert like[0] != like[1]
    assert "give --id" in typed(capsys, "search", "recommender", "--text", "a", "--by", "all", code=2)[1]
    (first, *_) = json.loads(typed(capsys, *words, "--why")[0])
    assert sum(one["value"] for one in first["why"]["reasons"]) == pytest.approx(first["score"], abs=1e-4)
    assert "with 00" in typed(capsys, *words[:-1], "--why")[0]


def test_a_run_learns_from_later_orders(here, capsys):
    more = [{"customer": f"x{n}", "sku": sku, "at": "2027-01-01"} for n in range(3) for sku in ("000", "001")]
    write_csv(here / "shop/more.csv", [*more, {"customer": "x9", "sku": "nobody", "at": "2027-01-01"}])
    words = ["interactions", "add", "recommender", "shop/more.csv"]
    assert "is no id of the item table" in typed(capsys, *words, code=2)[1]
    before = typed(capsys, "recommend", "recommender", "--history", "000", "--json")[0]
    out, err = typed(capsys, *words, "--on-bad-row", "skip", "--later")
    assert "6 added, 0 known, 1 left out" in out
    assert "left out: row 7" in err
    assert typed(capsys, "recommend", "recommender", "--history", "000", "--json")[0] == before
    assert "added since: 6 (6 not learned from yet)" in typed(capsys, "interactions", "info", "recommender")[0]
    assert "generation 1 recommends now" in typed(capsys, "interactions", "learn", "recommender")[0]
    assert typed(capsys, "recommend", "recommender", "--history", "000", "--json")[0] != before
    out, _ = typed(capsys, *words, "--on-bad-row", "skip")
    assert "0 added, 6 known, 1 left out" in out
    assert "generation 2 recommends now" in out
    assert "without interactions" in typed(capsys, "interactions", "learn", "tasks", code=2)[1]


def test_the_index_grows_and_shrinks(here, capsys):
    write_csv(here / "shop/new.csv", [{**rows()[0], "sku": "n1"}, {**rows()[1], "sku": "n2"}])
    assert "2 rows added; 62 in all" in typed(capsys, "index", "add", "recommender", "shop/new.csv")[0]
    assert '"n1"' in typed(capsys, "search", "recommender", "--id", "000", "-k", "2", "--json")[0]
    removed = typed(capsys, "index", "remove", "recommender", "--id", "n1,nobody,none")[0]
    assert removed == "1 rows removed; 61 left; not there: nobody, none\n"
    facts = json.loads(typed(capsys, "index", "remove", "recommender", "--id", "nobody", "--json")[0])
    assert facts == {"removed": 0, "absent": ["nobody"], "count": 61}
    assert "compacted; 61 rows" in typed(capsys, "index", "compact", "recommender")[0]
    assert "fused: 61 rows x 24 (cosine), flat" in typed(capsys, "index", "info", "recommender")[0]


@pytest.mark.parametrize(
    "command", [["search", "nowhere", "--text", "a"], ["index", "info", "nowhere"], ["recommend", "nowhere"]]
)
def test_no_run_lies_there(here, capsys, command):
    _, err = typed(capsys, *command, code=2)
    assert "nowhere is no run" in err


# -- recipes ----------------------------------------------------------------------------------------------------------

SHOP = [
    "--data",
    "shop/items.csv",
    "--set",
    "interactions=shop/orders.csv",
    "--set",
    "user=customer",
    "--set",
    "time=at",
]


def planned(capsys, *words, code=0):
    out, err = typed(capsys, "recipe", "recommend", *SHOP, "--dry-run", "--json", *words, code=code)
    return json.loads(out)["application"] if code == 0 else err


def test_settings_of_a_recipe(here, capsys):
    spelt = ("--set", "encoders.text=ngrams")  # opened by a dry run sooner than a transformer
    plain = planned(capsys, *spelt)
    assert plain["id"] == plain["interactions"]["item"] == "sku"
    assert plain["interactions"]["file"] == str(here / "shop/orders.csv")
    assert plain["inputs"]["image"]["modality"] == "image"
    chosen = planned(
        capsys,
        "--set",
        "inputs.words=[title, description]",
        "--set",
        "inputs.made=material",
        "--set",
        "ignore=[image, grade]",
    )
    words = chosen["inputs"]["words"]
    assert (words["column"], words["modality"], words["encoder"]) == (["title", "description"], "text", None)
    assert chosen["inputs"]["made"]["modality"] == "category"
    assert not {"image", "grade"} & set(chosen["inputs"])
    image = ("--set", "encoders.image=transformers:some/model")
    named = planned(capsys, *spelt, *image, "--set", "refit=false", "--seed", "4")
    assert named["inputs"]["image"]["encoder"] == "transformers:some/model"
    assert named["interactions"]["refit"] is False
    assert named["training"]["seed"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "usr=x"], "Did you mean 'user'?"),
        (["--set", "fusion.dims=3"], "Did you mean 'dim'?"),
        (["--set", "fusion.dim=wide"], "fusion.dim"),
        (["--set", "ignore=[foto]"], "no input or column named 'foto'"),
        (["--set", "inputs.made=matter"], "matter"),
        (["--set", "encoders.audio=x"], "The inputs are of"),
        (["--set", "novalue"], "expected KEY=VALUE"),
        (["--preset", "smal"], "no preset named 'smal'"),
    ],
)
def test_a_setting_that_means_nothing(here, capsys, words, message):
    assert message in planned(capsys, *words, code=2)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ((0.062, 0.012, 0.109), "ahead of the best baseline, EASE, by 0.062 [0.012, 0.109]: beyond chance"),
        ((-0.3, -0.575, -0.082), "behind the best baseline, EASE, by 0.300 [0.082, 0.575]: beyond chance"),
        ((-0.1, -0.2, 0.05), "behind the best baseline, EASE, by 0.100 [-0.050, 0.200]: not told apart by these rows"),
    ],
)
def test_a_run_that_is_worse_is_said_to_be_behind(capsys, monkeypatch, value, line):
    monkeypatch.setenv("COLUMNS", "200")
    one = dict(zip(("value", "low", "high"), value, strict=True))
    scored = {"test": {"recall@20": {**one, "value": 0.5}}, "baselines": {"EASE": {"recall@20": one}}}
    print_metrics({"items": {**scored, "paired": {"EASE": {"recall@20": one}}}}, {"*": "recall@20"})
    assert f"  {line}\n" in capsys.readouterr().out


def test_an_unknown_recipe_and_an_unknown_command(here, capsys):
    assert "no recipe named 'recomend'. Did you mean 'recommend'?" in typed(capsys, "recipe", "recomend", code=2)[1]
    assert "no command named 'serch'. Did you mean 'search'?" in typed(capsys, "serch", code=2)[1]
    assert "--hstory" in typed(capsys, "recommend", "recommender", "--hstory", "a", code=2)[1]


def test_a_recipe_fits_and_fits_on_a_screen(here, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    words = [
        "--set",
        "ignore=[image, title, grade, line, description, tags, kind]",
        "--set",
        "training.epochs=1",
        "--out",
        "run",
    ]
    out, err = typed(capsys, "recipe", "recommend", *SHOP, *words, "--quiet")
    assert err == ""
    lines = out.splitlines()
    assert len(lines) <= 45
    assert [line for line in lines if len(line) > 60 and str(here) not in line] == []
    said = re.findall("(ahead of|behind) the best baseline|: the same figures as", out)
    assert len(said) == 3  # leave-one-out, over time, and what is taken next
    assert "easier baselines in the report" in out
    assert "synthetic" not in out
    for line in out.partition("Try next:")[2].strip().splitlines():
        typed(capsys, *shlex.split(line)[1:])


# -- in a process of its own ------------------------------------------------------------------------------------------


def process(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "mmsdk", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_a_process_answers_on_stdout_and_leaves_with_its_code(here):
    found = process("search", "tasks", "--text", "lamp", "-k", "2", "--json")
    assert found.returncode == 0
    assert len(json.loads(found.stdout)) == 2
    assert found.stderr == ""
    missing = process("search", "nowhere", "--text", "lamp")
    assert missing.returncode == 2
    assert missing.stdout == ""
    assert len(missing.stderr.splitlines()) == 1


def test_a_bug_is_told_as_one(here, capsys):
    broken = json.loads((here / "tasks/run.json").read_text(encoding="utf-8"))
    del broken["tasks"]["kind"]["state"]
    (here / "tasks/run.json").write_text(json.dumps(broken), encoding="utf-8")
    found = run(["search", "tasks", "--text", "lamp"])
    assert found in {2, 70}
    assert ("Traceback" in capsys.readouterr().err) == (found == 70)


def test_ids_are_told_apart_by_the_commas_of_chinese_too():
    assert ids_of("000001，000002, 000003、000004，") == ["000001", "000002", "000003", "000004"]


def test_orders_are_what_the_tests_think():
    assert len(orders()) == 24 * 6
