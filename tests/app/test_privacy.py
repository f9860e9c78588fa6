"""The door: what of a table nobody may keep is in no file of the run and in no answer; the notice on every page."""

from __future__ import annotations

import pytest

import mmsdk
from mmsdk.config import load_application
from mmsdk.config.privacy import PrivacyConfig
from mmsdk.data import at_the_door, hidden_columns, read_table
from mmsdk.errors import ConfigError

NAMES = [f"Zyx{n}wv Qrst" for n in range(30)]
SAYS = ("chest pain", "cough")
NOTICE = "Decision support <under> evaluation"
PRIVACY = {
    "drop": ["name"],
    "number": ["patient"],
    "cap": {"age": 90},
    "mask": {"note": ["urgent", "routine"]},
    "contacts": ["note"],
}


def rows():
    return [
        {
            "case": f"c{n}",
            "name": NAMES[n // 2],
            "patient": f"MRN-{7700 + n // 2}",
            "age": str(40 + n),
            "note": f"{SAYS[n % 2]}, Urgent case, call 0171 5550 99{n:02d}, seen 2021-03-0{n % 9 + 1}",
            "urgency": "routine" if n % 2 else "urgent",
        }
        for n in range(60)
    ]


def application(**changed):
    return {
        "id": "case",
        "inputs": {
            "note": {"column": "note", "modality": "text", "encoder": "ngrams"},
            "age": {"column": "age", "modality": "number"},
        },
        "tasks": {"urgency": {"column": "urgency", "type": "classification"}},
        "split": {"group": "patient"},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 3},
        "privacy": PRIVACY,
        "notice": NOTICE,
        **changed,
    }


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
        app = mmsdk.fit(application(), rows(), tmp_path_factory.mktemp("run") / "run", quiet=True)
        yield app
        app.close()


def test_what_is_dropped_is_in_no_file_of_the_run(fitted):
    held = b"\0".join(file.read_bytes() for file in sorted(fitted.folder.rglob("*")) if file.is_file())
    for secret in (*NAMES, "MRN-77", "0171 5550", "2021-03-0"):
        assert secret.encode() not in held, secret
    assert b"chest pain" in held  # the search would have found what is kept


def test_rows_of_the_index_are_as_they_came_through_the_door(fitted):
    (row,) = fitted.index.rows(["c58"])
    assert "name" not in row
    assert row["patient"] in (30, "30")
    assert row["age"] == 90
    assert row["note"] == "chest pain, [MASK] case, call [MASK], seen [MASK]"


def test_a_group_that_is_numbered_still_holds_rows_together(fitted):
    import pyarrow.parquet as pa_parquet

    parts = pa_parquet.read_table(fitted.folder / "splits.parquet").to_pydict()
    of = dict(zip(parts["id"], parts["split"], strict=True))
    assert {of[f"c{n}"] == of[f"c{n + 1}"] for n in range(0, 60, 2)} == {True}
    assert len(set(of.values())) == 3


def test_a_row_in_use_may_carry_what_is_dropped_and_it_changes_nothing(fitted):
    plain = {"note": "chest pain", "age": "90"}
    named = {"note": "chest pain", "age": "97", "name": "Urgent Person", "patient": "MRN-1"}
    first, second = fitted.predict([plain, named])
    assert chances(first) == pytest.approx(chances(second), abs=1e-5)
    told, covered = fitted.predict([{"note": "a routine cough"}, {"note": "a [MASK] cough"}])
    assert chances(told) == pytest.approx(chances(covered), abs=1e-5)
    assert chances(told) != pytest.approx(chances(first), abs=1e-5)


def chances(answer):
    return answer.outputs["urgency"].probabilities


def test_evaluation_of_a_raw_table_knows_the_groups(fitted):
    found = mmsdk.evaluate(fitted, [{**row, "case": f"new{n}"} for n, row in enumerate(rows())])
    assert found["urgency"]["test"]["accuracy"]["n"] == 60


@pytest.mark.parametrize("page", ["report.html", "card.md", "explanation"])
def test_the_notice_stands_on_every_page(fitted, tmp_path, page):
    if page == "explanation":
        from mmsdk.app.explained_page import write_page

        write_page(fitted, fitted.explainer.explain(None, id="c3", evidence=False), tmp_path / "why.html")
        text = (tmp_path / "why.html").read_text(encoding="utf-8")
    else:
        text = (fitted.folder / page).read_text(encoding="utf-8")
    assert "Decision support &lt;under" in text
    assert "<under>" not in text


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("inputs.note", {}),
        ("split.group", {"privacy": {"drop": ["patient"]}}),
        ("tasks.urgency", {"privacy": {"drop": ["urgency"]}}),
        ("id", {"privacy": {"drop": ["case"]}}),
        ("evaluation.slices", {"privacy": {"drop": ["sex"]}, "evaluation": {"slices": ["sex"]}}),
        ("confidence.by", {"privacy": {"drop": ["site"]}, "confidence": {"by": "site"}}),
    ],
)
def test_a_column_that_is_read_cannot_be_dropped(key, changes):
    changed = application(**({"privacy": {"drop": ["note"]}} | changes))
    with pytest.raises(ConfigError, match=f"drops column .*{key} reads it"):
        load_application(changed)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("inputs.note", {"privacy": {"number": ["note"]}}),
        ("tasks.urgency", {"privacy": {"number": ["urgency"]}}),
        ("id", {"privacy": {"number": ["case"]}}),
        ("split.column", {"privacy": {"number": ["part"]}, "split": {"column": "part"}}),
        ("split.time", {"privacy": {"number": ["seen"]}, "split": {"time": "seen"}}),
        ("confidence.by", {"privacy": {"number": ["site"]}, "confidence": {"by": "site"}}),
    ],
)
def test_a_column_that_is_numbered_is_a_group_and_no_more(key, changes):
    with pytest.raises(ConfigError, match=f"numbers column .*{key} reads it"):
        load_application(application(**changes))


def test_a_rule_cannot_read_what_is_numbered():
    rule = {"name": "first", "task": "urgency", "when": "patient = '1'", "always": ["urgent"]}
    with pytest.raises(ConfigError, match=r"rules: first: when: reads patient, which privacy.number numbers anew"):
        mmsdk.fit(application(rules=[rule]), rows(), quiet=True)


def test_a_cap_keeps_the_same_number_of_a_text_and_of_a_number():
    settings = PrivacyConfig(cap={"fee": 1234567, "age": 89.5})
    typed, text = ([{"fee": of(2_000_000), "age": of(95)}, {"fee": of(3), "age": of(40)}] for of in (int, str))
    for rows in (typed, text):
        table = at_the_door(read_table(rows), settings)
        assert [[float(cell) for cell in table.cells(name)] for name in ("fee", "age")] == [[1234567, 3], [89.5, 40]]


def table(**columns):
    return read_table([dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to a.b+c@clinic-x.example.org today", "write to [MASK] today"),
        ("see https://pacs.example/?p=1 or www.x.de/y", "see [MASK] or [MASK]"),
        ("born 03/05/1961, 1961-05-03, 3.5.61", "born [MASK], [MASK], [MASK]"),
        ("call +49 (30) 1234-567 or 555-123-4567", "call [MASK] or [MASK]"),
        ("record 00812345", "record [MASK]"),
        ("于2026-11-26入院，2026年3月1日复诊，3月2号出院", "于[MASK]入院，[MASK]复诊，[MASK]出院"),
        (
            "家属电话138 0001 2345，请发到zhang@x.cn或查看https://x.cn/a。谢谢",
            "家属电话[MASK]，请发到[MASK]或查看[MASK]。谢谢",
        ),
        ("身份证11010119900101001X，住院3月", "身份证[MASK]，住院3月"),
        ("BP 120/80, pulse 97 88 102, 37.8 C, 12000 cells, day 14", None),
    ],
)
def test_contacts_are_covered_and_readings_are_not(text, left):
    made = at_the_door(table(note=[text]), PrivacyConfig(contacts=["note"]))
    assert made.cells("note") == [left or text]


def test_words_are_covered_whole_and_in_any_case():
    words = PrivacyConfig(mask={"note": ["ICU", "COVID-19", "died", "重症"]})
    made = at_the_door(table(note=["icu, Covid-19; (Died) rediscovered circuit", "转入重症监护", None]), words)
    assert made.cells("note") == ["[MASK], [MASK]; ([MASK]) rediscovered circuit", "转入[MASK]监护", None]


def test_a_word_beside_chinese_is_covered():
    made = at_the_door(table(note=["转入ICU治疗", "ICUs"]), PrivacyConfig(mask={"note": ["ICU"]}))
    assert made.cells("note") == ["转入[MASK]治疗", "ICUs"]


def test_what_a_row_says_of_a_person_is_covered_in_its_text():
    columns = {
        "name": ["Ada Moor-12", "王秀英", None, "Bo Li"],
        "mrn": ["M900007", "7", "4711", 8812],
        "note": [
            "Ms MOOR (m900007), Ada's sister came; adapted",
            "患者王秀英，7天前发热，王医生接诊",
            "case 4711 of 47110",
            "Bo Li, no 8812, Ada",
        ],
    }
    privacy = PrivacyConfig(own={"note": ["name", "mrn", "gone"]}, drop=["name"])
    made = at_the_door(table(**columns), privacy)
    assert made.names == ("mrn", "note")
    assert made.cells("note") == [
        "Ms [MASK] ([MASK]), [MASK]'s sister came; adapted",
        "患者[MASK]，7天前发热，王医生接诊",
        "case [MASK] of 47110",
        "[MASK], no [MASK], Ada",
    ]
    assert at_the_door(made, privacy).cells("note") == made.cells("note")
    assert hidden_columns(privacy)["note"] == "name, mrn, gone of its row covered"


def test_what_is_covered_in_one_column_is_still_known_in_the_next():
    columns = {"staff": ["Weiß, for Ada Moor"], "name": ["Ada Moor"], "note": ["WEISS and Weiß say ada, no mask"]}
    privacy = PrivacyConfig(own={"staff": ["name"], "note": ["staff"]})
    made = at_the_door(table(**columns), privacy)
    assert made.cells("staff") == ["Weiß, for [MASK]"]
    assert made.cells("note") == ["[MASK] and [MASK] say [MASK], no mask"]


def test_the_texts_of_a_list_and_of_a_dict_are_covered_as_a_text_is():
    columns = {
        "name": ["Ada Moor", "王秀英"],
        "tags": [["cough", "MOOR"], ["咳嗽", "王秀英 urgent"]],
        "said": [{"by": "Ada", "lines": ["tel 0171 555099"]}, {"by": None, "lines": []}],
    }
    privacy = PrivacyConfig(
        own={one: ["name"] for one in ("tags", "said")}, mask={"tags": ["urgent"]}, contacts=["said"], drop=["name"]
    )
    made = at_the_door(table(**columns), privacy)
    assert made.cells("tags") == [["cough", "[MASK]"], ["咳嗽", "[MASK] [MASK]"]]
    assert made.cells("said") == [{"by": "[MASK]", "lines": ["tel [MASK]"]}, {"by": None, "lines": []}]


def test_caps_keep_the_kind_of_a_cell_and_gaps_stay_gaps():
    ages = ["93", "89", "", "old", "90.5", "94岁", "59岁", "９５ years"]
    made = at_the_door(table(age=ages, n=[93.5, 10.0, None, 90.0, 91.0, 1.0, 1.0, 1.0]), privacy_caps())
    assert made.cells("age") == ["90", "89", None, "old", "90", "90", "59岁", "90"]
    assert made.cells("n") == [90.0, 10.0, None, 90.0, 90.0, 1.0, 1.0, 1.0]


def privacy_caps():
    return PrivacyConfig(cap={"age": 90, "n": 90})


def test_the_door_is_the_same_when_passed_twice():
    privacy = PrivacyConfig(**PRIVACY)
    once = at_the_door(read_table(rows()), privacy)
    assert at_the_door(once, privacy).columns.equals(once.columns)
    assert at_the_door(once, None) is once


def test_what_happened_is_told_in_words():
    told = hidden_columns(PrivacyConfig(**PRIVACY))
    assert told["name"] == "taken out"
    assert told["patient"] == "numbered"
    assert told["age"] == "no higher than 90"
    assert told["note"] == "2 words covered, addresses, dates and long numbers covered"
    assert hidden_columns(None) == {}
