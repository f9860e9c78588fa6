"""What the terminal shows of many baselines, and of sets without a bound."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from mmsdk.cli.figures import next_commands, print_metrics
from mmsdk.cli.shell import run
from mmsdk.config import write_yaml
from mmsdk.errors import ConfigError
from mmsdk.files import check_output


def score(value):
    """Return a figure as metrics.json holds it."""
    return {"value": value, "low": value, "high": value, "n": 9}


@pytest.mark.parametrize(("count", "shown"), [(5, [0, 1, 2, 3, 4]), (7, [0, 2, 3, 5, 6])])
def test_of_many_baselines_those_that_are_hardest_to_beat_are_shown(capsys, count, shown):
    ahead = [0.1, 0.9, 0.3, 0.0, 0.8, -0.2, 0.5]
    baselines = {f"b{place}": {"recall": score(0.5)} for place in range(count)}
    paired = {f"b{place}": {"recall": score(ahead[place])} for place in range(count)}
    parts = {"test": {"recall": score(0.6)}, "baselines": baselines, "paired": paired}
    print_metrics({"recommend": parts}, {"*": "recall"})
    out = capsys.readouterr().out
    assert re.findall(r"^  (b\d) ", out, re.MULTILINE) == [f"b{place}" for place in shown]
    assert ("2 easier baselines in the report" in out) == (count == 7)


def test_one_row_has_figures_without_an_interval_and_tells_nothing_apart(capsys):
    one = {"value": 0.047, "low": None, "high": None, "n": 1}
    print_metrics(
        {"p": {"test": {"mae": one}, "baselines": {"mean": {"mae": one}}, "paired": {"mean": {"mae": one}}}},
        {"p": "mae"},
    )
    out = " ".join(capsys.readouterr().out.split())
    assert "this run 0.047 mean 0.047" in out
    assert "by 0.047: not told apart by these rows" in out


@pytest.mark.parametrize(("sets", "said"), [({"size": score(2.0)}, "mean size is 2"), ({}, "some have no bound")])
def test_sets_without_a_bound_are_said(capsys, sets, said):
    confidence = {"target": 0.9, "sets": {"coverage": score(0.9), **sets}}
    print_metrics({"price": {"test": {"r2": score(0.5)}, "confidence": confidence}}, {"price": "r2"})
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_run_that_declines_every_row_is_said_to(tmp_path, capsys):
    rows = "x,kind\n" + "".join(f"{n % 7},{'ab'[n % 2]}\n" for n in range(80))
    (tmp_path / "rows.csv").write_text(rows, "utf-8")
    app = {
        "data": str(tmp_path / "rows.csv"),
        "inputs": {"x": {"column": "x", "modality": "number"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "training": {"epochs": 1},
        "confidence": {"abstain": {"below": 0.999}},
    }
    (tmp_path / "app.yaml").write_text(write_yaml(app), "utf-8")
    assert run(["fit", str(tmp_path / "app.yaml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert "every row is declined: give more rows to calibrate on" in " ".join(capsys.readouterr().out.split())
    asked = [str(tmp_path / "run"), str(tmp_path / "rows.csv"), "--out", str(tmp_path / "answers.csv")]
    assert run(["predict", *asked]) == 0
    assert "kind: 80 of 80 rows declined, their answer left empty" in capsys.readouterr().out
    assert '"80",,0.' in (tmp_path / "answers.csv").read_text("utf-8")


@pytest.mark.parametrize("place", ["file.json/x.json", "folder.json"])
def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path, place):
    (tmp_path / "file.json").write_text("{}", "utf-8")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ConfigError, match="no file can be written there"):
        check_output(tmp_path / place, (".json",))
    assert check_output(tmp_path / "new" / "x.json", (".json",)) == tmp_path / "new" / "x.json"


def test_the_weak_slice_and_the_harmful_input_are_told(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    slices = [
        {
            "column": "unit",
            "value": "north wing of the old house",
            "n": 40,
            "score": score(0.4),
            "judged": True,
            "worse": True,
        },
        {"column": "unit", "value": "south", "n": 41, "score": score(0.5), "judged": True, "worse": False},
    ]
    subsets = {name: {"r2": score(value)} for name, value in {"a": 0.5, "b": 0.2, "a+b": 0.4}.items()}
    parts = {"test": {"r2": score(0.4)}, "subsets": subsets, "slices": slices}
    parts |= {"added": {"b": {"a": {"r2": score(-0.1)}}}, "worse": {"b": ["a"]}}
    print_metrics({"stay": parts}, {"stay": "r2"}, details=True)
    out = capsys.readouterr().out
    assert "    a  0.500 [0.500, 0.500]\n    b  0.200 [0.200, 0.200]\n  worse" in out
    assert "worse for one more input: b added to a: r2 -0.100" in " ".join(out.split())
    assert "*unit = north wing" in out
    assert "    unit = south (41 rows)  0.500" in out
    assert max(map(len, out.splitlines())) <= 60
    print_metrics({"stay": parts}, {"stay": "r2"})
    assert "north" not in capsys.readouterr().out  # a fit has its report


@pytest.mark.parametrize("details", [False, True])
def test_figures_that_are_those_of_another_task_are_printed_once(capsys, details):
    def ways(**more):
        return {"test": {"recall": score(0.6)}, "baselines": {"EASE": {"recall": score(0.5)}}, **more}

    other = {**ways(), "test": {"recall": score(0.7)}}
    slices = [{"column": "site", "value": "north", "n": 40, "score": score(0.4), "judged": True, "worse": False}]
    metrics = {"recommend": ways(), "over_time": ways(), "next": other, "sliced": ways(slices=slices)}
    print_metrics(metrics, {"*": "recall"}, details=details)
    out = capsys.readouterr().out
    assert "over_time: the same figures as recommend\n" in out
    assert "next: recall on test" in out
    assert ("sliced: the same figures" in out) is not details  # slices are printed with the details alone
    assert out.count("EASE") == (3 if details else 2)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"title": "韩版米色连衣裙"}, "韩版米色连衣裙"),
        (
            {"title": " ", "about": "Lamp  in solid oak, oiled by hand and waxed twice"},
            "Lamp in solid oak, oiled by hand and",
        ),
        ({"title": "长" * 60}, "长" * 40),
        ({"title": None}, "something warm"),
    ],
)
def test_what_to_try_next_is_asked_in_words_of_the_table(tmp_path, row, words):
    text = {"modality": "text"}
    app = SimpleNamespace(
        folder=tmp_path,
        document={"tasks": {}, "inputs": {"words": text}},
        application=SimpleNamespace(
            data=None, inputs={"words": SimpleNamespace(kind="text", columns=["title", "about"])}
        ),
        index=SimpleNamespace(some_ids=lambda count: ["a"][:count], rows=lambda ids: [row for _ in ids]),
    )
    assert ("search", tmp_path, "--text", words) in list(next_commands(app))
    app.index.some_ids = lambda count: []
    assert list(next_commands(app)) == [("search", tmp_path, "--text", "something warm")]
