"""Which rows to label next: unsure and far from what is known; learning from them beats learning from random ones."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

import mmsdk
from mmsdk.app.labelling import as_flat
from mmsdk.app.resolving import resolve_application
from mmsdk.cli.shell import run as command
from mmsdk.data.table import as_id
from mmsdk.evaluate.labelling import choose_rows, uncertainty
from mmsdk.protocols import Output
from mmsdk.tasks import Multilabel

NO_PAGES = True  # see tests/conftest.py

RARE = 8  # small clusters that random rows hardly meet


def pool(seed, count=360):
    """Nine rows of ten lie in two large clusters that are known; the rest in small ones, whose labels are not."""
    random = np.random.default_rng(seed)
    centres = 4 * np.linalg.qr(np.random.default_rng(9).normal(size=(RARE + 2, RARE + 2)))[0]
    found = []
    for row in range(count):
        rare = row % 10 == 0
        cluster = 2 + (row // 10) % RARE if rare else row % 2
        vector = centres[cluster] + 0.4 * random.normal(size=RARE + 2)
        found.append({"id": f"r{row}", "seen": vector.tolist(), "mood": ("calm", "glad")[cluster % 2], "rare": rare})
    return found


APPLICATION = {
    "id": "id",
    "inputs": {"seen": {"column": "seen", "modality": "vector"}},
    "tasks": {"mood": {"column": "mood", "type": "classification"}},
    "split": {"column": "part"},
    "fusion": {"dim": 16, "members": 2},
    "training": {"epochs": 12, "learning_rate": 0.01},
    "confidence": {"source": "validation"},
}


def known_first(rows):
    """Return the rows, of which a few of the large clusters are labelled: a start as people make it."""
    start = [place for place, row in enumerate(rows) if not row["rare"]][:24]
    return [
        {**row, "mood": row["mood"] if place in start else "", "part": "val" if place in start[::4] else "train"}
        for place, row in enumerate(rows)
    ]


def learned(rows, out):
    return mmsdk.fit(APPLICATION, rows, out, device="cpu", quiet=True)


def accuracy(app, seed):
    """Return the share of right answers on new rows of the small clusters."""
    fresh = [row for row in pool(seed + 1000, 800) if row["rare"]]
    answers = app.predict([{"seen": row["seen"]} for row in fresh])
    return np.mean([one.outputs["mood"].value == row["mood"] for one, row in zip(answers, fresh, strict=True)])


def test_learning_from_the_chosen_rows_beats_learning_from_random_ones(tmp_path):
    gains = []
    for seed in range(3):
        rows = pool(seed)
        truth = {row["id"]: row["mood"] for row in rows}
        start = known_first(rows)
        app = learned(start, tmp_path / f"start{seed}")
        asked = mmsdk.label(app, start, k=16)
        chosen = asked.column("id").to_pylist()
        unlabelled = [row["id"] for row in start if not row["mood"]]
        drawn = np.random.default_rng(seed).choice(unlabelled, 16, replace=False)
        scores = []
        for name, ids in (("chosen", chosen), ("drawn", drawn.tolist())):
            filled = [{"id": one, "mood": truth[one]} for one in ids]
            table = mmsdk.fill_labels(app, start, filled)
            again = learned(table.to_pylist(), tmp_path / f"{name}{seed}")
            scores.append(accuracy(again, seed))
        gains.append(scores[0] - scores[1])
    assert min(gains) > 0.05
    assert np.mean(gains) > 0.15


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        rows = known_first(pool(0, 120))
        return learned(rows, tmp_path_factory.mktemp("run") / "run"), rows


def test_the_file_to_fill_in(started):
    app, rows = started
    found = mmsdk.label(app, rows, k=10)
    assert found.column_names == ["id", "seen", "mood", "rare", "part", "mood_guess", "mood_confidence", "label_score"]
    labelled = {row["id"] for row in rows if row["mood"]}
    assert found.num_rows == 10
    assert not labelled & set(found.column("id").to_pylist())
    assert found.column("mood").to_pylist() == [None] * 10
    scores = found.column("label_score").to_pylist()
    assert scores == sorted(scores, reverse=True)
    answers = app.predict([{"seen": one} for one in found.column("seen").to_pylist()])
    assert [one.outputs["mood"].value for one in answers] == found.column("mood_guess").to_pylist()
    assert mmsdk.label(app, rows, k=10).equals(found)
    assert mmsdk.label(app, rows, k=1000).num_rows == 120 - len(labelled)


def test_a_guess_is_there_where_the_run_would_decline(started, tmp_path):
    _, rows = started
    cautious = {**APPLICATION, "confidence": {"source": "validation", "abstain": {"below": 0.9999}}}
    declining = mmsdk.fit(cautious, rows, tmp_path / "run", device="cpu", quiet=True)
    found = mmsdk.label(declining, rows, k=10)
    answers = declining.predict([{"seen": one} for one in found.column("seen").to_pylist()])
    outputs = [one.outputs["mood"] for one in answers]
    assert all(one.abstained and one.value is None for one in outputs)
    likeliest = [max(one.probabilities, key=one.probabilities.get) for one in outputs]
    assert found.column("mood_guess").to_pylist() == likeliest
    assert found.column("mood_confidence").to_pylist() == pytest.approx([one.confidence for one in outputs], abs=1e-6)


def test_without_a_column_of_labels_those_the_run_knows_are_left_out(started):
    app, rows = started
    bare = [{"id": row["id"], "seen": row["seen"]} for row in rows]
    labelled = {row["id"] for row in rows if row["mood"]}
    found = mmsdk.label(app, bare, k=1000)
    assert set(found.column("id").to_pylist()) == {row["id"] for row in rows} - labelled
    assert "mood" in found.column_names


def test_from_the_command_line_and_back(started, tmp_path, monkeypatch, capsys):
    app, rows = started
    monkeypatch.chdir(tmp_path)
    pa_csv.write_csv(as_flat(pa.Table.from_pylist(rows)), "pool.csv")
    ask = ["label", str(app.folder), "pool.csv", "-k", "5", "--quiet", "--out"]
    assert command([*ask, "pool.csv"]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert command([*ask, "ask.csv"]) == 0
    assert capsys.readouterr().out == "5 rows written to ask.csv\nfill in: mood\n"
    with open("ask.csv", newline="") as stream:  # noqa: PTH123 - as a person would
        asked = list(csv.DictReader(stream))
    assert len(asked) == 5
    for row in asked:
        row["mood"] = row["mood_guess"]
    with open("ask.csv", "w", newline="") as stream:  # noqa: PTH123
        writer = csv.DictWriter(stream, list(asked[0]))
        writer.writeheader()
        writer.writerows(asked)
    words = ["label", str(app.folder), "pool.csv", "--filled", "ask.csv", "--quiet", "--out"]
    assert command([*words, "more.csv"]) == 0
    assert command([*words, "pool.csv"]) == 0  # every row of the table is in it
    assert Path("pool.csv").read_bytes() == Path("more.csv").read_bytes()
    more = {row["id"]: row["mood"] for row in pa_csv.read_csv("more.csv").to_pylist()}
    assert len(more) == 120
    assert all(more[row["id"]] == row["mood"] for row in asked)
    assert sum(map(bool, more.values())) == 24 + 5
    mmsdk.fit(APPLICATION, "more.csv", tmp_path / "again", device="cpu", quiet=True).close()


@pytest.mark.parametrize("ids", [("r0", "r1", "r2"), (0, 1, 2), (0.0, 1.0, 2.0)])
def test_labels_that_are_there_stay_as_they_are(ids):
    tasks = {
        "price": {"column": "price", "type": "regression"},
        "tags": {"column": "tags", "type": "multilabel", "separator": ";"},
    }
    inputs = {"seen": {"column": "seen", "modality": "vector"}}
    app = SimpleNamespace(application=resolve_application({"id": "id", "inputs": inputs, "tasks": tasks}), tasks={})
    rows = [
        {"id": ids[0], "price": 12345678.25, "tags": ["red", "wood"]},
        {"id": ids[1], "price": 0.123456789012, "tags": []},
        {"id": ids[2], "price": None, "tags": None},
    ]
    found = mmsdk.fill_labels(app, rows, [{"id": as_id(ids[2]), "price": "7.00000001", "tags": "red;oak"}]).to_pylist()
    assert [float(row["price"]) for row in found] == [12345678.25, 0.123456789012, 7.00000001]
    task = Multilabel(separator=";")
    task.prepare([["red", "wood", "oak"]])
    values, labelled, _ = task.encode([row["tags"] for row in found])
    assert labelled.all()  # a row of no label is not one that nobody has labelled
    assert values.tolist() == [[0, 1, 1], [0, 0, 0], [1, 1, 0]]  # oak, red, wood


def test_what_cannot_be_asked_is_said(started):
    app, rows = started
    with pytest.raises(mmsdk.ConfigError, match=r"no task named 'mod'\. Did you mean 'mood'"):
        mmsdk.label(app, rows, task="mod")
    with pytest.raises(mmsdk.ConfigError, match="cannot choose 0 rows"):
        mmsdk.label(app, rows, k=0)
    with pytest.raises(mmsdk.DataError, match=r"every row of .* has a label"):
        mmsdk.label(app, [row for row in rows if row["mood"]])
    with pytest.raises(mmsdk.DataError, match="no row with the id 'x'"):
        mmsdk.fill_labels(app, rows, [{"id": "x", "mood": "calm"}])
    with pytest.raises(mmsdk.DataError, match="holds no label: fill in mood"):
        mmsdk.fill_labels(app, rows, [{"id": "r1", "mood": ""}])


def test_an_id_that_excel_wrote_otherwise_is_found_where_one_row_may_be_meant(started, capsys):
    app, _ = started
    rows = [{"id": name, "mood": ""} for name in ("000280", "000281", "7", "007")]
    found = mmsdk.fill_labels(app, rows, [{"id": 280, "mood": "calm"}, {"id": "007", "mood": "glad"}])
    assert found.column("mood").to_pylist() == ["calm", None, None, "glad"]
    assert "1 id found as another program writes them, as Excel does: 280 is 000280" in capsys.readouterr().err
    mmsdk.fill_labels(app, rows, [{"id": "000280", "mood": "calm"}])
    assert capsys.readouterr().err == ""
    with pytest.raises(mmsdk.DataError, match=r"row 1: .* has no row with the id '07'"):
        mmsdk.fill_labels(app, rows, [{"id": "07", "mood": "calm"}])


def test_labels_that_the_run_never_saw_are_said_and_kept(started, capsys):
    app, rows = started
    filled = [{"id": f"r{n}", "mood": mood} for n, mood in enumerate(("calmm", "new", "calmm", "glad"))]
    found = mmsdk.fill_labels(app, rows, filled)
    assert found.column("mood").to_pylist()[:4] == ["calmm", "new", "calmm", "glad"]
    told = capsys.readouterr().err.splitlines()
    assert [line.partition("column ")[2] for line in told] == [
        "'mood', 'calmm' (2 rows): no training row has this label. Did you mean 'calm'?",
        "'mood', 'new': no training row has this label.",
    ]


def test_a_run_without_a_task_has_nothing_to_label(recommender_app, shop):
    with pytest.raises(mmsdk.RunError, match="nothing to label"):
        mmsdk.label(recommender_app, shop / "items.csv")


def test_without_ids_filled_rows_cannot_be_found(started, tmp_path):
    _, rows = started
    bare = mmsdk.fit({**APPLICATION, "id": None}, rows, tmp_path / "run", device="cpu", quiet=True)
    assert mmsdk.label(bare, rows, k=3).column_names[0] == "id"
    with pytest.raises(mmsdk.ConfigError, match="no id column"):
        mmsdk.fill_labels(bare, rows, rows)


def test_uncertainty_of_each_kind_of_answer():
    sure = Output(value="a", probabilities={"a": 1.0, "b": 0.0, "c": 0.0})
    torn = Output(value="a", probabilities={"a": 0.4, "b": 0.4, "c": 0.2})
    tags = Output(value=("a",), probabilities={"a": 0.5, "b": 1.0})
    number = Output(value=3.0)
    assert uncertainty([sure, torn, tags, number]) == pytest.approx([0.0, 1.0, 0.5, 1.0], abs=1e-9)


def test_the_next_row_is_unsure_and_far():
    angles = np.radians([0.0, 5.0, 90.0, 95.0, 180.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    unsure = np.array([1.0, 1.0, 1.0, 0.9, 0.001])
    chosen, scores = choose_rows(vectors, unsure, vectors[:1], 3)
    assert chosen[0] == 2  # the farthest, at 180 degrees, is sure; 95 is less unsure than 90 by more than it is farther
    assert chosen.tolist()[1:] == [4, 1]  # 95 is next to 90 now
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert choose_rows(vectors, unsure, np.zeros((0, 2)), 99)[0].tolist()[0] == 0
