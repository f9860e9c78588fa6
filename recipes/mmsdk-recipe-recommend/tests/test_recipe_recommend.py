"""The recommend recipe: its sample, a stranger's table, a recipe.yaml, its sections of the report."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmsdk_recipe_recommend.recipe import Recommend
from PIL import Image

import mmsdk
from mmsdk.testing import parametrize_with_checks

WORDS = ("rot", "fein", "alt", "neu")
QUICK = {"training.epochs": 1, "encoders.text": "ngrams"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@parametrize_with_checks("recommend")
def test_conforms(check):
    check()


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_sample_is_the_same_bytes_in_every_process(tmp_path):
    recipe = Recommend()
    recipe.sample(tmp_path / "a", 0)
    code = "import sys; from pathlib import Path; from mmsdk_recipe_recommend.recipe import Recommend as R"
    code += "; R().sample(Path(sys.argv[1]), 0)"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "b")], check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    recipe.sample(tmp_path / "c", 1)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a").keys() == digests(tmp_path / "c").keys()
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_the_sample_never_sells_what_is_not_in_the_catalogue(tmp_path):
    application = Recommend().sample(tmp_path, 0)
    items = set(mmsdk.read_table(Path(application["data"])).cells("sku"))
    orders = mmsdk.read_table(Path(application["interactions"]["file"]))
    assert set(orders.cells("sku")) <= items
    assert orders.cells("time") == sorted(orders.cells("time"))


# -- a stranger's table ----------------------------------------------------------------------------------------------


@pytest.fixture
def strange(tmp_path):
    """Other names, baskets in one cell, no time, a fifth of the pictures missing, some broken."""
    draw = random.Random(0)
    folder = tmp_path / "their data"
    (folder / "img").mkdir(parents=True)
    kinds = {"Tee": (200, 40, 40), "Topf": (40, 160, 60), "Tuch": (40, 60, 190)}
    rows = []
    for number in range(60):
        kind = list(kinds)[number % 3]
        path = f"img/{number}.jpg"
        pixels = np.random.default_rng(number).normal(kinds[kind], 20, (24, 24, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / path)
        if number in {7, 31}:
            (folder / path).write_bytes((folder / path).read_bytes()[:150])
        rows.append(
            {
                "Artikel-Nr.": f"00{number}",
                "Bild": "" if number % 5 == 4 else path,
                "Name": f"{kind} {draw.choice(WORDS)} Größe {draw.randrange(99)} {draw.choice('abcdefg')}",
                "Preis (€)": f"{draw.uniform(2, 60):.2f}",
            }
        )
    with (folder / "artikel.tsv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    with (folder / "körbe.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Korb", "Artikel"])
        for basket in range(40):
            own = [f"00{number}" for number in range(basket % 3, 54, 3)]
            writer.writerow([f"K{basket}", ";".join(draw.sample(own, 5))])
    return folder


SETTINGS = {"id": "Artikel-Nr.", "interactions": "körbe.csv", "user": "Korb", "item": "Artikel", "separator": ";"}


def recipe(*arguments):
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main(["recipe", "recommend", *map(str, arguments)])
    return left.value.code


def sets(settings):
    return [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]


def test_a_strangers_table_becomes_a_recommender(strange, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(strange)
    words = ["--data", "artikel.tsv", "--out", tmp_path / "run", "--quiet", *sets(SETTINGS | QUICK)]
    assert recipe(*words) == 2
    said = capsys.readouterr().err
    assert "img/7.jpg" in said
    assert "img/31.jpg" in said
    assert "--on-bad-row skip" in said
    assert recipe(*words, "--on-bad-row", "skip", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["synthetic"] is False
    assert answer["metrics"]["recommend"]["test"]["recall@20"]["value"] > 0.5
    assert "recommend_over_time" not in answer["metrics"]
    app = mmsdk.load(tmp_path / "run", quiet=True)
    hits = app.recommend(["000", "003", "006"], k=8)
    assert {hit.row["Name"].split()[0] for hit in hits} == {"Tee"}
    why = app.why(hits[0].id, ["000", "003", "006"])
    assert sum(one.value for one in why.reasons) == pytest.approx(hits[0].score, abs=1e-4)
    assert app.interactions.add([{"Korb": "neu", "Artikel": "000;001;004"}]).added == 3
    assert app.histories()["neu"] == ["000", "001", "004"]
    assert app.recommend(["000"], k=3)
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "For a newcomer" in html
    assert "What nobody has taken yet" in html
    assert "shown to" in html.partition("What nobody has taken yet")[2]
    app.close()


def test_a_recipe_file_beside_the_table_says_the_same(strange, tmp_path, capsys, monkeypatch):
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in SETTINGS.items()]
    (strange / "recipe.yaml").write_text(
        "\n".join([*lines, "training: {epochs: 1}", "ignore: [Bild]", "encoders: {text: ngrams}"]), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)  # files in it are relative to it
    words = ["--data", strange / "artikel.tsv", "--dry-run", "--json"]
    assert recipe(*words, "--set", "user=Korb", "--set", "fusion.dim=32") == 0
    application = json.loads(capsys.readouterr().out)["application"]
    assert application["interactions"]["file"] == str(strange / "körbe.csv")
    assert application["interactions"]["separator"] == ";"
    assert application["training"]["epochs"] == 1
    assert application["fusion"]["dim"] == 32
    assert "Bild" not in json.dumps(application["inputs"], ensure_ascii=False)
    assert recipe(*words, "--set", "fusion.dim=16") == 0  # the command line wins
    assert json.loads(capsys.readouterr().out)["application"]["fusion"]["dim"] == 16


def shop_of(folder, items, orders):
    """Return what builds the application of 40 items and 90 orders, whose columns are named."""
    cells = {"EAN": "{n}4000", "Artikelnummer": "A{n}", "Name": "lamp {n} of oak", "Preis": "{n}", "Kunde": "K{n}"}
    for name, columns, rows in (("items.csv", items, range(40)), ("orders.csv", orders, range(90))):
        lines = [",".join(cells[column].format(n=n % 40) for column in columns) for n in rows]
        (folder / name).write_text("\n".join([",".join(columns), *lines]), encoding="utf-8")
    settings = {"interactions": str(folder / "orders.csv"), "user": "Kunde"}
    return lambda **more: Recommend().application(folder / "items.csv", {**settings, **more})


def test_of_several_ids_it_is_the_one_that_both_tables_have(tmp_path):
    made = shop_of(tmp_path, ["EAN", "Artikelnummer", "Name", "Preis"], ["Kunde", "Preis", "Artikelnummer"])
    assert made()["id"] == made()["interactions"]["item"] == "Artikelnummer"
    assert made(id="EAN", item="Artikelnummer")["id"] == made(item="Artikelnummer")["id"] == "EAN"
    both = shop_of(tmp_path, ["EAN", "Artikelnummer", "Name"], ["Kunde", "Artikelnummer", "EAN"])
    assert both()["id"] == "EAN"  # the guess: which one is nobody's to say
    assert both(weight="EAN")["id"] == "Artikelnummer"


@pytest.mark.parametrize("items", [["EAN", "Name", "Preis"], ["Preis", "EAN", "Name"]])
def test_a_column_of_both_tables_that_is_no_id_is_not_taken_for_one(tmp_path, items):
    made = shop_of(tmp_path, items, ["Kunde", "Artikelnummer", "Preis"])
    with pytest.raises(mmsdk.ConfigError, match="has no column 'EAN' for item; name it with --set item=COLUMN"):
        made()
    assert made(item="Artikelnummer")["id"] == "EAN"


@pytest.mark.parametrize("key", ["interactions", "user", "id"])
def test_what_is_not_said_is_asked_for(strange, capsys, monkeypatch, key):
    monkeypatch.chdir(strange)
    given = {name: value for name, value in SETTINGS.items() if name != key}
    code = recipe("--data", "artikel.tsv", "--dry-run", *sets(given), "--set", "encoders.text=ngrams")
    said = capsys.readouterr()
    if key == "id":  # it is guessed, and said in the plan
        assert code == 0
        assert "Artikel-Nr." in said.out
    else:
        assert code == 2
        assert f"--set {key}=" in said.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"user": None}, "user is not set; name it with --set user=COLUMN; körbe.csv has: Korb, Artikel\n"),
        ({"user": "Kunde"}, "körbe.csv has no column 'Kunde' for user; name it with --set user=COLUMN"),
        ({"item": None}, "körbe.csv has no column 'Artikel-Nr.' for item; name it with --set item=COLUMN"),
        ({"id": "SKU"}, "artikel.tsv has no column 'SKU' for id; name it with --set id=COLUMN; artikel.tsv has: "),
    ],
)
def test_a_column_that_is_not_there_is_asked_for_in_its_own_file(strange, capsys, monkeypatch, settings, said):
    monkeypatch.chdir(strange)
    settings = {key: value for key, value in (SETTINGS | settings).items() if value is not None}
    assert recipe("--data", "artikel.tsv", "--dry-run", *sets(settings)) == 2
    assert said in capsys.readouterr().err


def test_the_plan_says_which_columns_of_the_interactions_are_not_read(strange, capsys, monkeypatch):
    monkeypatch.chdir(strange)
    lines = (strange / "körbe.csv").read_text("utf-8").splitlines()
    dated = [
        f"{line},{'Kaufdatum' if not place else f'2026-03-{place % 27 + 1:02d}'},x" for place, line in enumerate(lines)
    ]
    (strange / "körbe.csv").write_text("\n".join(dated) + "\n", "utf-8")
    words = ["--data", "artikel.tsv", "--dry-run", "--on-bad-row", "skip", *sets(SETTINGS | QUICK)]
    assert recipe(*words) == 0
    left = "not read: Kaufdatum (looks like a time: --set 'interactions.time=Kaufdatum'), x"
    assert f"columns of körbe.csv: user from Korb, item from Artikel; {left}\n" in capsys.readouterr().err
    assert recipe(*words, "--set", "interactions.time=Kaufdatum") == 0
    assert "item from Artikel, time from Kaufdatum; not read: x\n" in capsys.readouterr().err


def test_a_plan_refuses_interactions_that_name_no_item_as_a_fit_does(strange, capsys, monkeypatch):
    monkeypatch.chdir(strange)
    (strange / "fremd.csv").write_text("Korb,Artikel\n" + "".join(f"K{n},Z{n}\n" for n in range(40)), "utf-8")
    words = ["--data", "artikel.tsv", "--on-bad-row", "skip", *sets(SETTINGS | QUICK | {"interactions": "fremd.csv"})]
    assert recipe(*words, "--dry-run") == 2
    planned = capsys.readouterr().err.splitlines()[-1]
    assert recipe(*words, "--out", "run", "--quiet") == 2
    assert capsys.readouterr().err.splitlines()[-1] == planned


def test_a_setting_of_the_table_needs_a_table(capsys):
    assert recipe("--set", "user=customer", "--dry-run") == 2
    assert "--data" in capsys.readouterr().err


def test_a_misspelled_setting(strange, capsys, monkeypatch):
    monkeypatch.chdir(strange)
    assert recipe("--data", "artikel.tsv", *sets(SETTINGS), "--set", "seperator=;") == 2
    assert "Did you mean 'separator'?" in capsys.readouterr().err
