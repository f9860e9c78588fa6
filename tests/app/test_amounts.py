"""Columns of amounts in runs: a unit is the column's, as training saw it, for inputs, answers, rules and filters."""

import copy

import pytest
from shop_data import write_csv

import mmsdk

APPLICATION = {
    "id": "id",
    "inputs": {
        "price": {"column": "price", "modality": "number"},
        "facts": {"column": ["oxygen", "heat"], "modality": "table"},
        "size": {"column": "size", "modality": "category"},
    },
    "tasks": {
        "urgency": {"column": "urgency", "type": "classification", "order": ["1级", "2级"]},
        "weight": {"column": "weight", "type": "regression"},
    },
    "rules": [{"name": "low", "task": "urgency", "when": "oxygen <= 91", "at_least": "2级"}],
    "fusion": {"dim": 8, "members": 1},
    "training": {"epochs": 2},
    "confidence": {"source": "validation"},
}


def rows(oxygen="{}", heat="{}℃", price="￥{}"):
    """Return rows as a program of China writes them."""
    return [
        {
            "id": f"{n:02d}",
            "price": price.format(100 + n),
            "oxygen": oxygen.format(92 + n % 7),
            "heat": heat.format(36 + n % 4 / 2),
            "size": f"{38 + n % 3}码",
            "weight": f"{n}00g" if n else None,
            "spare": f"{n % 5}件",
            "urgency": f"{1 + n % 2}级",
        }
        for n in range(30)
    ]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Return a run, loaded."""
    folder = tmp_path_factory.mktemp("amounts")
    table = write_csv(folder / "rows.csv", rows())
    mmsdk.fit(copy.deepcopy(APPLICATION), table, out=folder / "run", quiet=True).close()
    loaded = mmsdk.load(folder / "run", quiet=True)
    yield loaded
    loaded.close()


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ({"price": "101"}, {"price": "￥１０１"}),
        ({"price": "101"}, {"price": "101元"}),
        ({"heat": "36.5"}, {"heat": "36.5 °C"}),
        ({"oxygen": "95"}, {"oxygen": "９５"}),
        ({"oxygen": "95"}, {"oxygen": "95%"}),
    ],
)
def test_a_number_is_the_same_with_its_unit_and_without(app, plain, written):
    given = {"price": "110", "oxygen": "94", "heat": "37"}
    first, second, typed = (
        app.predict([{**given, **one}])[0]
        for one in (plain, written, {name: float(one) for name, one in plain.items()})
    )
    assert first.modalities_used == second.modalities_used == ("price", "facts")
    assert second.outputs["weight"].value == pytest.approx(first.outputs["weight"].value, rel=1e-6)
    assert typed.outputs["weight"].value == pytest.approx(first.outputs["weight"].value, rel=1e-6)
    assert second.outputs["weight"].value != pytest.approx(app.predict([given])[0].outputs["weight"].value, rel=1e-6)


@pytest.mark.parametrize("cell", ["80", "８０", "80%", "80 ％"])
def test_a_rule_fires_on_what_a_reader_reads(app, cell):
    (answer,) = app.predict([{"price": "1", "oxygen": cell}])
    assert answer.outputs["urgency"].value == "2级"
    assert answer.outputs["urgency"].rules == ("low",)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"price": "$101"}, r"'\$101': has the unit '\$', where training had '¥'; write it as training had it"),
        ({"price": "1.2万"}, r"is not a number \('1.2万'\); write it out in full"),
        ({"heat": "98F"}, "'98F': has the unit 'F', where training had '°C'"),
        ({"oxygen": "80mmHg"}, "has the unit 'mmHg', where training had numbers without a unit"),
        ({"oxygen": "120/80"}, "it holds two numbers: make a column of each"),
    ],
)
def test_a_number_of_something_else_is_refused(app, cells, why):
    with pytest.raises(mmsdk.DataError, match=why):
        app.predict([{"price": "1", **cells}])


def test_where_it_is_passed_over_it_is_missing_and_no_rule_is_silent(app):
    skipping = mmsdk.load(app.folder, on_bad_row="skip", quiet=True)
    (odd, none) = skipping.predict([{"price": "1", "oxygen": "80mmHg"}, {"price": "1"}])
    assert odd.modalities_used == none.modalities_used == ("price",)
    assert odd.outputs["urgency"].unjudged == ("low",)


def test_a_word_counts_as_empty_as_before(app):
    (word, none) = app.predict([{"oxygen": "95", "heat": "未测"}, {"oxygen": "95", "heat": None}])
    assert word.outputs["weight"].value == pytest.approx(none.outputs["weight"].value, rel=1e-6)


def test_a_percentage_is_no_share():
    described = copy.deepcopy(APPLICATION)
    app = mmsdk.fit(described, rows(oxygen="{}%"), quiet=True)
    assert app.predict([{"oxygen": "80"}])[0].outputs["urgency"].rules == ("low",)
    for share in ("0.8", 0.8):
        with pytest.raises(mmsdk.DataError, match=r"may be 0\.8 % or 80 %, where training had percents"):
            app.predict([{"oxygen": share}])
    mixed = [{**row, "price": f"{n}%" if n % 2 else f"0.{n + 1:02d}"} for n, row in enumerate(rows())]
    with pytest.raises(mmsdk.DataError, match=r"'1%'.*no 5% beside 0.05"):
        mmsdk.fit(described, mixed, quiet=True)


def test_labels_and_words_stay_as_they_are(app):
    assert app.predict([{"size": "38码"}])[0].outputs["urgency"].value in {"1级", "2级"}
    hit = app.search({"size": "38码"}, k=1, where="size = '38码' and spare >= 3 and price > 120 and heat < 37")[0]
    assert hit.row["size"] == "38码"
    assert hit.row["price"] > 120
    assert hit.row["heat"] < 37
    assert hit.row["spare"] >= 3


def test_what_is_taken_for_granted_is_said_once(app, capsys):
    told = mmsdk.load(app.folder)
    for _ in range(2):
        told.predict([{"price": "1", "oxygen": "80%"}])
    assert (
        capsys.readouterr().err.count("oxygen: '80%' is read as 80, as the numbers of training, which had no unit") == 1
    )
