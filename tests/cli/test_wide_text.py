"""Text as wide as a terminal shows it."""

from __future__ import annotations

from types import SimpleNamespace

from mmsdk.cli.details import aligned
from mmsdk.cli.explain import _bar
from mmsdk.cli.runs import print_hits
from mmsdk.cli.text import clipped, padded, shown_width


def test_a_chinese_character_takes_two_columns():
    assert [shown_width(text) for text in ("abc", "中文", "ｆ", "e\u0301")] == [3, 4, 2, 1]
    assert padded("中文", 6) + "|" == "中文  |"
    assert [clipped("中文ab", width) for width in (1, 2, 3, 5, 9)] == ["", "中", "中", "中文a", "中文ab"]


def test_scores_stand_under_each_other_whatever_the_names_are(capsys, monkeypatch):
    lines = list(aligned({"this run": "0.9", "linear: 胸片": "0.8"}))
    assert shown_width(lines[0]) == shown_width(lines[1])
    monkeypatch.setattr("mmsdk.cli.explain.width", lambda: 60)
    starts = [
        shown_width(line[: line.index("+")]) for line in (_bar("血氧饱和度" * 9, 0.5, 1.0), _bar("age", 0.5, 1.0))
    ]
    assert starts[0] == starts[1]


def test_hits_are_no_wider_than_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr("mmsdk.cli.runs.width", lambda: 50)
    rows = [("货1", "厨房用手工红色餐盘，适合日常使用" * 3), ("A1", "plate")]
    print_hits([SimpleNamespace(id=one, score=0.5, row={"名称": name}) for one, name in rows], as_json=False)
    first, second = capsys.readouterr().out.splitlines()
    assert shown_width(first) <= 50
    assert first.endswith("…")
    assert shown_width(first[: first.index("0.5")]) == shown_width(second[: second.index("0.5")])
