"""A run answers in use what its fit scored: whatever is fitted, and whichever way the rows come."""

from __future__ import annotations

import copy
import csv
import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet
import pytest
from PIL import Image
from scipy.io import wavfile
from shop_data import write_csv

import mmsdk
from mmsdk.app.predictions import predicted

NO_PAGES = True  # see tests/conftest.py

ROWS = 60
PARTS = ("train", "train", "train", "val", "test")
TEXT = {"column": ["title", "note"], "modality": "text", "encoder": "ngrams"}
PRICE = {"column": "price", "modality": "number"}
CODE = {"column": "code", "modality": "category"}
KIND = {"column": "kind", "type": "classification"}
GRADE = {"column": "grade", "type": "regression"}
MARKS = {"column": "marks", "type": "multilabel"}


def row_of(number, folder):
    """Return a row of typed cells, its files written; the kind shows in every input, and some cells are empty."""
    random = np.random.default_rng(number)
    kind, slip = number % 3, int(random.random() < 0.1)
    shown = (kind + slip) % 3
    pixels = np.clip(np.eye(3)[shown] * 150 + random.normal(40, 20, (16, 16, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{number}.png")
    tone = np.sin(np.arange(4000 + 10 * number) * (0.1 + 0.2 * shown)) * np.linspace(0, 20000, 4000 + 10 * number)
    wavfile.write(folder / f"{number}.wav", 16000, tone.astype(np.int16))
    angle = (shown - 1) * np.linspace(0, 5, 8 + number % 5)
    price = float(np.round(20 * shown + random.uniform(0, 15), 2))
    return {
        "id": f"{number:03d}",
        "photo": f"{number}.png",
        "sound": None if number % 14 == 9 else f"{number}.wav",
        "title": None if number % 11 == 5 else f"{('oak', 'glass', 'wool')[shown]} piece {number}",
        "note": ("warm light", "holds flowers", "soft feet")[shown],
        "price": None if number % 13 == 4 else price,
        "count": int(random.integers(5)) + 3 * shown,
        "code": None if number % 17 == 9 else 100 + shown * 7 + int(random.integers(2)),
        "sold": bool(random.random() < 0.2 + 0.3 * shown),
        "made": f"2026-0{1 + 3 * shown}-1{number % 10}T1{number % 10}:30",
        "labels": "|".join(["all", ("a", "b", "c")[shown], *(["odd"] if number % 2 else [])]),
        "vec": [float(np.round(one, 3)) for one in random.normal(np.eye(3)[shown], 0.3)],
        "AU1": float(np.round(random.normal(shown), 3)),
        "AU2": float(np.round(random.normal(-shown), 3)),
        "track": json.dumps(np.stack([np.cos(angle), np.sin(angle)], 1).round(3).tolist()),
        "who": f"person {number // 4}",
        "kind": None if number % 19 == 4 else ("lamp", "vase", "rug")[kind],
        "marks": None if number % 23 == 4 else "|".join([("x", "y", "z")[kind], *(["dear"] if price > 30 else [])]),
        "grade": None if number % 29 == 4 else price / 10,
        "part": PARTS[number % 5],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of the table and its files."""
    return tmp_path_factory.mktemp("rows")


@pytest.fixture(scope="module")
def table(folder):
    """Return the rows, typed."""
    return [row_of(number, folder) for number in range(ROWS)]


def as_text(rows):
    """Return rows as the cells of a CSV."""
    return [{name: _written(cell) for name, cell in row.items()} for row in rows]


def _written(cell):
    return "" if cell is None else json.dumps(cell) if isinstance(cell, list) else str(cell)


def application(**changes):
    """Return an application that fits in a second; ``changes`` replace whole blocks."""
    return {
        "id": "id",
        "inputs": {"text": TEXT, "price": PRICE, "code": CODE},
        "tasks": {"kind": KIND},
        "split": {"column": "part"},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 4, "batch_size": 16, "learning_rate": 0.01},
        "confidence": {"source": "validation"},
        **changes,
    }


def one(modality, column, **more):
    """Return an application of one input beside the price."""
    return {"inputs": {"it": {"column": column, "modality": modality, **more}, "price": PRICE}}


CASES = {
    "text": one("text", "note", encoder="ngrams"),
    "texts": {},
    "number": one("number", "count"),
    "number: true, false": one("number", "sold"),
    "category: a code with gaps": one("category", "code"),
    "category: true, false": one("category", "sold"),
    "text of numbers": one("text", ["code", "count", "price"], encoder="ngrams"),
    "date": one("date", "made"),
    "tags": one("tags", "labels"),
    "tags: separator": one("tags", "labels", decode={"separator": "|"}),
    "tags of two columns": one("tags", ["labels", "code"]),
    "table": one("table", ["price", "code", "sold", "made", "count"]),
    "table: kinds": one("table", ["code", "count"], options={"kinds": ["category", "number"], "bins": 4}),
    "vector": one("vector", "vec"),
    "vector of columns": one("vector", "AU*"),
    "vector: quantiles": one("vector", "vec", encoder="quantiles"),
    "vector: series": one("vector", "vec", encoder="series"),
    "image": one("image", "photo"),
    "audio": one("audio", "sound", decode={"max_seconds": 0.2, "trim": True}),
    "gesture": one("gesture", "track"),
    "gesture: pool": one("gesture", "track", encoder="landmarks", pool="mean-std"),
    "gesture: trainable": one("gesture", "track", encoder="landmarks", trainable={"type": "tcn", "steps": 6}),
    "within": one("vector", "AU*", within="who"),
    "align": {"align": {"type": "cca", "dim": 2, "inputs": ["text", "code"]}},
    "joint": {"align": {"type": "cca", "dim": 4}, "fusion": {"type": "joint"}},
    **{f"fusion: {name}": {"fusion": {"type": name, "dim": 16, "members": 2}} for name in ("concat", "late", "mixed")},
    **{
        f"head: {name}": {"head": name} for name in ("ensemble", "linear", "stacked", "blend", "boosting", "population")
    },
    "fp32": {"precision": "fp32"},
    "refit": {"training": {"epochs": 3, "refit": True}, "confidence": {"folds": 2}},
    **{
        f"calibration: {name}": {"confidence": {"source": "validation", "calibration": name, "sets": sets}}
        for name, sets in (("none", "lac"), ("temperature", "aps"), ("vector", "raps"), ("isotonic", "none"))
    },
    "abstain": {"confidence": {"source": "validation", "abstain": {"below": 0.6, "novelty": 0.9}}},
    "coverage by": {"confidence": {"source": "validation", "by": "sold"}},
    "privacy": {
        "privacy": {"mask": {"title": ["oak"]}, "drop": ["who"], "cap": {"price": 30}, "own": {"note": ["who"]}}
    },
    "groups": {"split": {"group": "who"}},
    "tasks": {
        "tasks": {
            "kind": {**KIND, "weight": 2.0},
            "marks": MARKS,
            "grade": GRADE,
            "count": {**GRADE, "column": "count"},
        },
    },
    "rules": {
        "tasks": {"kind": {**KIND, "order": ["lamp", "rug", "vase"]}, "marks": MARKS, "grade": GRADE},
        "rules": [
            {"task": "kind", "when": "price > 35", "at_least": "rug"},
            {"task": "marks", "when": "sold = true", "always": ["x"]},
            {"task": "grade", "when": "code is null", "at_most": 2.0},
        ],
    },
}
COMPANY = {"within"}  # rows given together are one another's company


@pytest.fixture(params=CASES, scope="module")
def case(request):
    """Return the name of a case."""
    return request.param


@pytest.fixture(scope="module")
def app(case, table, folder, tmp_path_factory):
    """Return a run of the case, fitted on a CSV and loaded from another place."""
    run = tmp_path_factory.mktemp("runs") / "run"
    source = write_csv(folder / "rows.csv", as_text(table))
    mmsdk.fit(application(**copy.deepcopy(CASES[case])), source, out=run, quiet=True).close()
    loaded = mmsdk.load(shutil.move(run, run.with_name("moved")), quiet=True)
    yield loaded
    loaded.close()


@pytest.fixture
def tests(app, table):
    """Return the test rows of the run."""
    return [row for row in table if app.parts()[row["id"]] == "test"]


def test_a_table_is_answered_as_the_fit_answered_it(app, case, table, tests, folder):
    told = pa_parquet.read_table(app.folder / "predictions.parquet").to_pydict()
    write_csv(folder / "test.csv", as_text(tests))
    if case in COMPANY:  # so all of it is asked for, and the test rows are looked at
        found = predicted(app, write_csv(folder / "all.csv", as_text(table)))
        found = found.filter(pc.is_in(found["id"], pa.array(told["id"]))).to_pydict()
    else:
        found = predicted(app, folder / "test.csv").to_pydict()
    assert list(found) == list(told)
    for name, cells in told.items():
        assert same(found[name], cells), name


def same(one, other):
    """Return whether two columns of answers agree."""
    numbers = [cell for cell in (*one, *other) if cell is not None]
    if all(isinstance(cell, int | float) for cell in numbers):
        return [cell is None for cell in one] == [cell is None for cell in other] and np.allclose(
            [cell or 0 for cell in one], [cell or 0 for cell in other], rtol=1e-4, atol=1e-5
        )
    return all(a == b or _near(a, b) for a, b in zip(one, other, strict=True))


def _near(one, other):
    """Return whether two intervals, written as texts, agree."""
    try:
        return np.allclose([float(a) for a in one.split("|")], [float(b) for b in other.split("|")], rtol=1e-4)
    except (AttributeError, ValueError):
        return False


def test_its_figures_are_those_of_the_fit(app, table, folder):
    written = json.loads((app.folder / "metrics.json").read_text("utf-8"))
    found = mmsdk.evaluate(app, write_csv(folder / "all.csv", as_text(table)))
    assert set(found) <= set(written)
    for task in app.tasks:
        assert figures(found[task]["test"]) == pytest.approx(figures(written[task]["test"]), rel=1e-4, abs=1e-5)
        for subset, scores in found[task]["subsets"].items():
            assert figures(scores) == pytest.approx(figures(written[task]["subsets"][subset]), rel=1e-4, abs=1e-5)


def figures(scores):
    """Return metric -> value."""
    return {name: float("nan" if (value := one["value"]) is None else value) for name, one in scores.items()}


def test_whichever_way_the_rows_come(app, case, tests, folder):
    told = chances(app, folder / "test.csv")
    text, named = as_text(tests), folder / "odd.csv"
    write_csv(named, [{"AU9": "7", "spare": "x", **dict(reversed(row.items()))} for row in text])
    pd.DataFrame(tests).to_parquet(folder / "test.parquet")
    pd.DataFrame(tests).to_csv(folder / "pandas.csv", index=False)
    ways = {
        "columns in another order, and further ones": named,
        "texts": text,
        "typed rows": tests,
        "a DataFrame": pd.DataFrame(tests),
        "Parquet": folder / "test.parquet",
    }
    if case != "text of numbers":  # pandas writes 107.0 where a column has gaps, and as text that is another word
        ways["a CSV of pandas"] = folder / "pandas.csv"
    if case != "privacy":
        ways["only what is read"] = [{name: row[name] for name in read(app)} for row in tests]
    for name, way in ways.items():
        assert close(chances(app, way, folder), told), name
    backwards = chances(app, tests[::-1], folder)[::-1]
    assert close(backwards, told)
    if case not in COMPANY:
        assert close([chances(app, [row], folder)[0] for row in tests], told)
        assert close([chances(app, [row], folder)[0] for row in text], told)


def test_shares_add_up_to_the_answer_and_a_row_is_found_where_it_lies(app, case, tests, folder):
    for row in tests[:8:3]:
        (answer,) = app.predict([row], root=folder)
        for task, out in answer.outputs.items():
            found = app.explain(row, task=task, evidence=False, root=folder)
            told = out.probabilities[found.label] if out.probabilities else out.value
            assert found.base + sum(share.value for share in found.shares) == pytest.approx(found.score, abs=1e-5)
            assert case == "rules" or found.score == pytest.approx(told, abs=1e-4)  # what was said before any rule
            if case not in COMPANY:
                by_id = app.explain(id=row["id"], task=task, evidence=False, root=folder)
                assert by_id.score == pytest.approx(found.score, abs=1e-4)
        if case not in COMPANY:
            hits = app.search(row, k=5, exclude=[row["id"]], root=folder)
            assert [one.score for one in hits] == pytest.approx(
                [one.score for one in app.search(id=row["id"], k=5)], abs=2e-3
            )


def read(app):
    """Return the columns that the inputs, rules and groups of a run read."""
    entries = app.application.inputs.values()
    found = {column for entry in entries for column in (*entry.columns, *([entry.within] if entry.within else ()))}
    by = app.application.confidence.by
    return found | {column for rule in app.pipeline.rules.rules for column in rule.columns} | ({by} if by else set())


def chances(app, rows, root=None):
    """Return of each row what it was answered from, and of each task the value and the probabilities."""
    return [
        (
            one.modalities_used,
            {name: (out.value, out.probabilities, out.prediction_set) for name, out in one.outputs.items()},
        )
        for one in app.predict(rows, root=root)
    ]


def close(found, told):
    """Return whether answers agree."""
    if len(found) != len(told):
        return False
    for (used, answers), (inputs, others) in zip(found, told, strict=True):
        if used != inputs:
            return False
        for name, (value, probabilities, held) in others.items():
            mine, also, sets = answers[name]
            if isinstance(value, float):
                if not np.allclose([mine, *sets], [value, *held], rtol=1e-4, atol=1e-4):
                    return False
            elif mine != value or sets != held:
                return False
            if probabilities and not all(abs(also[label] - one) < 1e-5 for label, one in probabilities.items()):
                return False
    return True


def test_an_input_called_as_another_column_is_read_from_its_own(table, folder):
    described = application(inputs={"kind": TEXT, "price": {"column": "count", "modality": "number"}})
    by_rows = mmsdk.fit(described, table, quiet=True)
    by_file = mmsdk.fit(described, write_csv(folder / "named.csv", as_text(table)), quiet=True)
    told = chances(by_file, folder / "named.csv")
    assert close(chances(by_rows, table), told)
    assert close(chances(by_file, table), told)
    assert close(chances(by_file, [dict(reversed(row.items())) for row in table]), told)
    meant = [{"kind": [row["title"], row["note"]], "price": row["count"]} for row in table]
    assert close(chances(by_file, meant), told)


def test_groups_stay_with_their_rows_where_a_row_is_skipped(table, folder, tmp_path):
    described = application(split={"group": "who"})
    mmsdk.fit(described, table, out=tmp_path / "run", quiet=True).close()
    app = mmsdk.load(tmp_path / "run", on_bad_row="skip", quiet=True)
    new = [{**row, "id": f"new {row['id']}"} for row in table]
    assert mmsdk.evaluate(app, [{**new[7], "id": None}, *new]) == mmsdk.evaluate(app, new)


def european(rows):
    """Return rows as a program of most of Europe writes them."""
    return [
        {**row, "price": row["price"].replace(".", ","), "AU1": row["AU1"].replace(".", ",")} for row in as_text(rows)
    ]


@pytest.mark.parametrize("commas", [True, False])
def test_decimal_commas_of_a_few_rows_are_read_as_training_read_them(table, folder, commas):
    rows = [{**row, "labels": ("12", "12,13", "12,13,14", "x")[number % 4]} for number, row in enumerate(table)]
    described = application(
        inputs={
            "labels": {"column": "labels", "modality": "tags"},
            "all": {"column": ["AU1", "code"], "modality": "table"},
            "price": PRICE,
        }
    )
    app = mmsdk.fit(
        described, write(folder / "all.csv", european(rows) if commas else as_text(rows), commas), quiet=True
    )
    told = chances(app, write_csv(folder / "points.csv", as_text(rows)))
    alone = [chances(app, write(folder / "one.csv", european([row]), True))[0] for row in rows[:8]]
    assert close(alone, told[:8])
    odd = [{**row, "AU1": "n/a", "price": "", "labels": "12,13"} for row in european(rows[8:10])]
    assert close(chances(app, write(folder / "odd.csv", [*european(rows[:8]), *odd], True))[:8], told[:8])


def write(path, rows, semicolons):
    """Write a CSV as Excel does: a byte order mark, and both characters at the end of a line."""
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=";" if semicolons else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_cell_that_is_no_text_spoils_no_other_row(table):
    app = mmsdk.fit(application(), table, on_bad_row="skip", quiet=True)
    told = chances(app, table[:8])
    assert close(chances(app, [*table[:8], {**table[8], "note": b"bytes", "title": b"bytes"}])[:8], told)
    assert close(chances(app, [*table[:8], {**table[8], "note": ["a"], "code": "x", "price": "n/a"}])[:8], told)
    with pytest.raises(mmsdk.DataError, match=r"row 9 .*holds 5 bytes, where a text is expected"):
        mmsdk.load(app.folder, quiet=True).predict([*table[:8], {**table[8], "note": b"bytes"}])


@pytest.mark.parametrize("german", [True, False])
def test_thousands_of_one_row_are_read_as_training_read_them(table, folder, german):
    def thousands(rows):
        marks = str.maketrans(",.", ".,") if german else {}
        prices = [None if row["price"] is None else f"{100 * row['price']:,.3f}".translate(marks) for row in rows]
        return [{**row, "price": price} for row, price in zip(as_text(rows), prices, strict=True)]

    dear = [{**row, "price": None if row["price"] is None else 100 * row["price"]} for row in table]
    described = application(inputs={"price": PRICE, "all": {"column": ["price", "code"], "modality": "table"}})
    app = mmsdk.fit(described, write(folder / "all.csv", thousands(table), german), quiet=True)
    told = chances(mmsdk.fit(described, dear, quiet=True), dear[:20])
    assert close(chances(app, thousands(table)[:20]), told)
    assert close([chances(app, [row])[0] for row in thousands(table)[:20]], told)
    rows = [write(folder / "one.csv", [row], german) for row in thousands(table)[:1]]
    assert close(chances(app, rows[0]), told[:1])


def test_signs_and_units_are_read_as_training_read_them(table, folder):
    wide = str.maketrans("0123456789.", "０１２３４５６７８９．")

    def chinese(rows):
        return [
            {
                **row,
                "price": row["price"] and f"{'￥¥'[number % 2]}{row['price']}",
                "AU1": row["AU1"].translate(wide),
                "count": f"{row['count']}件",
                "grade": row["grade"] and f"{row['grade']}分",
            }
            for number, row in enumerate(as_text(rows))
        ]

    described = application(
        inputs={
            "price": PRICE,
            "all": {"column": ["count", "AU1"], "modality": "table"},
            "words": {"column": "code", "modality": "category"},
        },
        tasks={"kind": KIND, "grade": GRADE},
        rules=[{"task": "grade", "when": "count >= 6", "at_most": 1.0}],
    )
    app = mmsdk.fit(described, write_csv(folder / "chinese.csv", chinese(table)), out=folder / "chinese", quiet=True)
    told = chances(mmsdk.fit(described, table, quiet=True), table[:20])
    loaded = mmsdk.load(app.folder, quiet=True)
    for run in (app, loaded):
        assert close(chances(run, chinese(table)[:20]), told)
        assert close(chances(run, table[:20]), told)
        assert close([chances(run, [row])[0] for row in chinese(table)[:20]], told)
    hits = loaded.search(id=table[0]["id"], k=50, where="count >= 6 and price > 40")
    assert {hit.id for hit in hits} == {
        row["id"] for row in table[1:] if row["count"] >= 6 and (row["price"] or 0) > 40
    }
