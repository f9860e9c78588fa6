"""The shop as somebody else would have it: other names, broken photos, empty cells; and the example of recipe.yaml."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
from pathlib import Path

import pytest
from mmsdk_recipe_recommend.recipe import Recommend

import mmsdk
from mmsdk.testing import make_stranger

EXAMPLE = Path(__file__).parents[1] / "recipe.yaml"
ITEMS = 90


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The first items of the sample, and who took them."""
    folder = tmp_path_factory.mktemp("shop")
    Recommend().sample(folder, 0)
    kept = set()
    for name, column, most in (("items.csv", "sku", ITEMS), ("interactions.csv", "sku", None)):
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        rows = rows[:most] if most else [row for row in rows if row[column] in kept]
        kept = kept or {row[column] for row in rows}
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def recipe(*arguments):
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main(["recipe", "recommend", *map(str, arguments)])
    return left.value.code


def test_a_strangers_tables_go_through(shop, tmp_path, capsys):
    items = make_stranger(shop / "items.csv", tmp_path / "items.jsonl", media=["photo"], keep=["sku"])
    taken = make_stranger(shop / "interactions.csv", tmp_path / "taken.parquet", broken=0, empty=0)
    settings = {
        "id": items.columns["sku"],
        "interactions": str(taken.path),
        "user": taken.columns["shopper"],
        "item": taken.columns["sku"],
        "time": taken.columns["time"],
        "refit": False,
        "training.epochs": 1,
        "encoders.text": "ngrams",
    }
    words = ["--data", items.path, "--out", tmp_path / "run"]
    words += [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    assert recipe(*words) == 2
    said = capsys.readouterr().err
    assert any(name in said for name in items.broken)
    assert recipe(*words, "--on-bad-row", "skip", "--json") == 0
    printed = capsys.readouterr()
    figures = json.loads(printed.out)["metrics"]["recommend"]
    assert figures["test"]["recall@20"]["low"] > figures["baselines"]["popularity"]["recall@20"]["value"]
    for name in ("photo", "title", "price"):
        assert f"  {items.columns[name]}: input " in printed.err
    with contextlib.closing(mmsdk.load(tmp_path / "run", quiet=True)) as app:
        assert len(app.recommend(app.index.some_ids(2), k=5)) == 5
    assert f"{len(items.broken)} " in (tmp_path / "run" / "card.md").read_text(encoding="utf-8")


def test_the_example_of_recipe_yaml_is_understood(shop, tmp_path, capsys):
    shutil.copytree(shop / "photos", tmp_path / "photos")
    text = (shop / "items.csv").read_text(encoding="utf-8").splitlines()
    notes = ["internal_note", *(f"note {n % 7} of {n}" for n in range(len(text) - 1))]
    (tmp_path / "items.csv").write_text(
        "\n".join(f"{line},{note}" for line, note in zip(text, notes, strict=True)), encoding="utf-8"
    )
    taken = (shop / "interactions.csv").read_text(encoding="utf-8")
    orders = taken.replace("shopper", "customer", 1).replace("time", "ordered_at", 1)
    (tmp_path / "orders.csv").write_text(orders, encoding="utf-8")
    shutil.copy(EXAMPLE, tmp_path / "recipe.yaml")
    quick = ("--set", "encoders.text=ngrams")  # what comes beside the file is added to it
    assert recipe("--data", tmp_path / "items.csv", "--dry-run", "--json", *quick) == 0
    application = json.loads(capsys.readouterr().out)["application"]
    assert application["interactions"]["file"] == str(tmp_path / "orders.csv")
    assert application["interactions"]["weight"] == "quantity"
    assert "internal_note" not in json.dumps(application["inputs"])
    assert application["inputs"]["photo"]["encoder"] == "colour-shape"
