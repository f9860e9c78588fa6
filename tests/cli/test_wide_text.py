"""Text as wide as a terminal shows it."""

from __future__ import annotations

from types import SimpleNamespace

from mmsdk.cli.details import aligned
from mmsdk.cli.explain import _bar
from mmsdk.cli.runs import print_hits
from mmsdk.cli.text import clipped, padded, shortened, shown_width


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
    monkeypatch.setattr("mmsdk.cli.runs.on_terminal", lambda: True)
    rows = [("货1", "厨房用手工红色餐盘，适合日常使用" * 3), ("A1", "plate")]
    print_hits([SimpleNamespace(id=one, score=0.5, row={"名称": name}) for one, name in rows], as_json=False)
    first, second = capsys.readouterr().out.splitlines()
    assert shown_width(first) <= 50
    assert first.endswith("…")
    assert shown_width(first[: first.index("0.5")]) == shown_width(second[: second.index("0.5")])


def test_a_path_is_shortened_in_its_middle():
    assert shortened("https://shop.example/large/lamp-17-front.jpg", 22) == "https:/…p-17-front.jpg"
    assert shortened("photos/1.png", 12) == "photos/1.png"
    assert shown_width(shortened("照片/厨房用手工红色餐盘-正面.jpg", 13)) <= 13


URL = "https://cdn.example.com/catalogue/pictures/2024/large/item-00297-front-view.jpg"
LONG_ID = "https://shop.example.com/" + "x" * 60


def told(capsys, id, row):
    """Return the line of a hit."""
    print_hits([SimpleNamespace(id=id, score=0.5, row=row)], as_json=False)
    return capsys.readouterr().out.rstrip("\n")


def test_a_long_path_leaves_room_for_the_rest_of_the_row(capsys, monkeypatch):
    row = {"photo": URL, "title": "warm floor lamp", "about": "a\nb " * 4}
    whole = told(capsys, "sku-1", row)
    assert URL in whole
    assert whole.endswith("a b a b")
    assert "\n" not in whole
    monkeypatch.setattr("mmsdk.cli.runs.width", lambda: 70)
    monkeypatch.setattr("mmsdk.cli.runs.on_terminal", lambda: True)
    line = told(capsys, "sku-1", row)
    assert shown_width(line) == 70
    assert line.endswith("  https…-view.jpg, warm floor lamp, a b a b a b a b")
    assert told(capsys, "sku-1", {"photo": URL[-30:]}).endswith(URL[-30:])  # where there is room nothing is shortened
    line = told(capsys, "sku-1", row | {"about": "b " * 40})
    assert shown_width(line) == 70
    assert "  http…iew.jpg, warm floor lamp, b b" in line
    assert line.endswith("…")


def test_an_id_stays_whole(capsys, monkeypatch):
    monkeypatch.setattr("mmsdk.cli.runs.width", lambda: 50)
    monkeypatch.setattr("mmsdk.cli.runs.on_terminal", lambda: True)
    assert told(capsys, LONG_ID, {"title": "lamp"}).strip() == f"1. {LONG_ID}    0.500"
