"""A promise that rows show to be broken is said: in the report, the card, when a fit ends, and by evaluate."""

from __future__ import annotations

import numpy as np
import pytest

import mmsdk
from mmsdk.cli.shell import run
from mmsdk.report.promises import broken_lines

BROKEN = "the limit set to hold 90% of the truth held"


def score(value, low, high, n=200):
    return {"value": value, "low": low, "high": high, "n": n}


def metrics(sets, *, target=0.9, units=1000, scored=200, **more):
    return {"confidence": {"sets": sets, "target": target, "units": units, "scored": scored, **more}}


def test_the_limit_is_judged_by_itself_where_the_answer_hides_it():
    held = {"coverage": score(0.95, 0.9, 0.98), "strict": score(0.5, 0.4, 0.6), "size": score(1.0, 1.0, 1.0)}
    assert len(broken_lines(metrics(held))) == 1
    assert "held 0.500 [0.400, 0.600] of 200 rows" in broken_lines(metrics(held))[0]
    assert broken_lines(metrics({"coverage": score(0.5, 0.4, 0.6)})), "of numbers there is nothing else"
    assert not broken_lines(metrics({**held, "strict": score(0.85, 0.8, 0.91)}))
    assert not broken_lines({})
    assert not broken_lines({"confidence": {"method": "none"}})


@pytest.mark.parametrize(("units", "broken"), [(1000, True), (100, False), (8, False)])
def test_a_limit_of_few_rows_may_have_had_bad_luck(units, broken):
    held = {"strict": score(0.85, 0.83, 0.87, 5000)}
    assert bool(broken_lines(metrics(held, units=units))) is broken
    random = np.random.default_rng(0)  # what limits of so many uniform scores hold: as low as this or not
    limits = np.sort(random.random((4000, units)))[:, min(units, int(np.ceil((units + 1) * 0.9))) - 1]
    assert bool(np.quantile(limits, 0.025) > 0.87) is broken


def test_few_rows_and_one_or_two_groups_prove_nothing():
    held, answered = {"strict": score(0.0, 0.0, 0.3, 40)}, {"error": score(1.0, 0.6, 1.0, 40)}
    assert len(broken_lines(metrics(held, answered=answered, error_asked=0.05))) == 2
    assert not broken_lines(metrics(held, answered=answered, error_asked=0.05, scored=2))
    for one in (held["strict"], answered["error"]):
        one["n"] = 20
    assert not broken_lines(metrics(held, answered=answered, error_asked=0.05))


def test_of_numbers_the_intervals_are_not_to_be_relied_on():
    assert "rely on no interval" in broken_lines(metrics({"coverage": score(0.5, 0.4, 0.6)}))[0]


def test_errors_beyond_those_asked_for_are_said():
    answered = {"share": score(0.5, 0.4, 0.6), "error": score(0.2, 0.12, 0.3)}
    (line,) = broken_lines(metrics({}, answered=answered, error_asked=0.1))
    assert "err 0.1 of the time at most and did so 0.200 [0.120, 0.300]" in line
    assert not broken_lines(metrics({}, answered=answered, error_asked=0.15))
    assert not broken_lines(metrics({}, answered=answered)), "nobody asked for an error"


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory):
    """`told` is what another model says: of the rows it had learned the truth, of others often not."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("heart")
    rows = []
    for n in range(600):
        kind, part = int(random.integers(0, 2)), ("train", "train", "test")[n % 3]
        said = kind if part == "train" or random.random() < 0.7 else 1 - kind
        rows.append({"told": float(said) + 0.01 * random.normal(), "kind": "ab"[kind], "part": part})
    described = {
        "inputs": {"told": {"column": "told", "modality": "number"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "split": {"column": "part"},
        "training": {"epochs": 5},
        "confidence": {"abstain": {"error": 0.1}},
    }
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (folder / "rows.csv").write_text("\n".join(lines), "utf-8")
    return described, rows, folder


def test_a_fit_says_it_and_so_do_its_report_and_its_card(by_heart, capsys):
    described, rows, folder = by_heart
    mmsdk.fit(described, rows, out=folder / "run")
    said = capsys.readouterr().err
    assert f"kind breaks a promise: {BROKEN}" in said
    assert "answers given were to err 0.1 of the time at most" in said
    assert f'<p class="bad">Broken: {BROKEN}' in (folder / "run" / "report.html").read_text("utf-8")
    assert f"- **A broken promise**: {BROKEN}" in (folder / "run" / "card.md").read_text("utf-8")
    assert run(["evaluate", str(folder / "run"), str(folder / "rows.csv")]) == 0
    assert f"a broken promise: {BROKEN}" in " ".join(capsys.readouterr().out.split())


def test_a_promise_that_is_kept_is_not_spoken_of(by_heart, capsys):
    described, rows, folder = by_heart
    kept = [{**row, "told": row["told"] + 0.3 * np.random.default_rng(n).normal()} for n, row in enumerate(rows)]
    kept = [row | {"part": ("train", "train", "test")[n % 3]} for n, row in enumerate(kept) if row["part"] == "train"]
    mmsdk.fit({**described, "confidence": {}}, kept, out=folder / "kept")
    assert "promise" not in capsys.readouterr().err
    assert "romise**" not in (folder / "kept" / "card.md").read_text("utf-8")
    assert "Broken" not in (folder / "kept" / "report.html").read_text("utf-8")
