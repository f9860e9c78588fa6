"""Rows that come in turn are measured within what was seen of their group: as a table of them, in the end."""

from __future__ import annotations

import numpy as np
import pytest
from moods_data import application, rows

import mmsdk
from mmsdk.embed.within import Tally

NO_PAGES = True  # see tests/conftest.py


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    """Return a run with a ``within`` and one without."""
    found = []
    for entry in ({"within": "who"}, {}):
        out = tmp_path_factory.mktemp("company") / "run"
        found.append(mmsdk.fit(application(**entry), rows(range(10), 0), out, device="cpu", quiet=True))
    yield found
    for app in found:
        app.close()


def samples(table):
    return [{"face": np.array(row["face"], np.float32)} for row in table]


def sure(answers):
    return [one.outputs["mood"].probabilities["glad"] for one in answers]


def test_what_was_seen_in_turn_answers_in_the_end_as_the_table_does(apps):
    table = rows([70, 71], 5)
    company = mmsdk.Company(apps[0])
    seen = [company.see([sample], [row["who"]]) for sample, row in zip(samples(table), table, strict=True)]
    answers = [answer for one in seen for answer in company.answer(one)]
    assert sure(answers) == pytest.approx(sure(apps[0].predict(table)), abs=1e-4)
    assert sure(answers) != pytest.approx(sure(apps[0].predict_samples(samples(table))), abs=0.05)
    assert np.mean([one.outputs["mood"].value == row["mood"] for one, row in zip(answers, table, strict=True)]) > 0.9
    assert company.rows("p70") == {"face": 20}


def test_in_a_stream_each_is_measured_by_what_came_before(apps):
    table = rows([70], 5)
    company = mmsdk.Company(apps[0])
    first, *others = [company.answer(company.see([sample], ["p70"]))[0] for sample in samples(table)]
    (lone,) = apps[0].predict_samples(samples(table[:1]))
    assert first == lone  # one row says nothing of a person: what is usual stands in
    right = [one.outputs["mood"].value == row["mood"] for one, row in zip(others, table[1:], strict=True)]
    assert np.mean(right[-10:]) > 0.8
    (unknown,) = apps[0].predict_samples(samples(table[-1:]))
    assert sure(others[-1:]) != pytest.approx(sure([unknown]), abs=0.01)


def test_rows_that_nobody_knows_count_for_nobody(apps):
    table = rows([70], 5)
    company = mmsdk.Company(apps[0])
    answers = company.answer(company.see(samples(table), [None] * len(table)))
    assert sure(answers) == pytest.approx(sure(apps[0].predict_samples(samples(table))), abs=1e-6)
    assert company.rows(None) == company.rows("p70") == {"face": 0}


def test_people_are_kept_apart(apps):
    table = rows([70, 71], 5)
    together, apart = mmsdk.Company(apps[0]), mmsdk.Company(apps[0])
    one = together.answer(together.see(samples(table), ["same"] * len(table)))
    two = apart.answer(apart.see(samples(table), [row["who"] for row in table]))
    assert sure(one) != pytest.approx(sure(two), abs=0.05)


def test_windows_that_overlap_are_few_rows(apps):
    table = rows([70], 5)
    company = mmsdk.Company(apps[0], weight=0.25)
    company.see(samples(table[:4]), ["p70"] * 4)  # four quarters: one row, which is not enough
    assert company.rows("p70") == {"face": 0}
    company.see(samples(table[4:5]), ["p70"])
    assert company.rows("p70") == {"face": 5}
    seen = company.see(samples(table[5:]), ["p70"] * 15)
    whole = mmsdk.Company(apps[0])
    whole.see(samples(table[:5]), ["p70"] * 5)
    assert sure(company.answer(seen)) != pytest.approx(sure(whole.answer(whole.see(samples(table[5:]), ["p70"] * 15))))


def test_a_missing_input_is_not_counted_and_a_run_without_within_answers_as_ever(apps):
    table = rows([70], 5)
    company = mmsdk.Company(apps[0])
    (answer,) = company.answer(company.see([{"face": None}], ["p70"]))
    assert answer.modalities_used == ()
    assert company.rows("p70") == {"face": 0}
    plain = mmsdk.Company(apps[1])
    assert plain.inputs == ()
    answers = plain.answer(plain.see(samples(table), ["p70"] * len(table)))
    assert answers == apps[1].predict_samples(samples(table))
    assert plain.rows("p70") == {}
    assert plain.answer(plain.see([], [])) == []


def test_what_cannot_be_is_said(apps):
    with pytest.raises(mmsdk.DataError, match="2 rows and 1 groups"):
        mmsdk.Company(apps[0]).see(samples(rows([70], 5)[:2]), ["p70"])
    with pytest.raises(mmsdk.DataError, match="Did you mean 'face'"):
        mmsdk.Company(apps[0]).see([{"faces": None}], [None])
    for weight in (0, 1.5, float("nan")):
        with pytest.raises(mmsdk.ConfigError, match="what a row counts"):
            mmsdk.Company(apps[0], weight=weight)


def test_a_tally_of_parts_is_that_of_the_whole():
    values = 1e4 + np.random.default_rng(0).normal(size=(50, 3))
    whole, parts = Tally.of(values), Tally.of(values[:1])
    for row in values[1:]:
        parts.add(Tally.of(row[None]))
    assert parts.weight == whole.weight == 50
    assert parts.mean == pytest.approx(whole.mean)
    assert parts.square == pytest.approx(whole.square, rel=1e-6)
