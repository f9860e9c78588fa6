"""What the terminal shows of many baselines, and of sets without a bound."""

from __future__ import annotations

import re

import pytest

from mmsdk.cli.figures import print_metrics


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


@pytest.mark.parametrize(("sets", "said"), [({"size": score(2.0)}, "mean size is 2"), ({}, "some have no bound")])
def test_sets_without_a_bound_are_said(capsys, sets, said):
    confidence = {"target": 0.9, "sets": {"coverage": score(0.9), **sets}}
    print_metrics({"price": {"test": {"r2": score(0.5)}, "confidence": confidence}}, {"price": "r2"})
    assert said in " ".join(capsys.readouterr().out.split())


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
