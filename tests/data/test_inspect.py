"""Guessing an application: inputs by content, labels by name, and nothing that gives the answer away."""

from __future__ import annotations

import dataclasses
import random
import re

import pytest

from mmsdk.config import load_application, read_yaml
from mmsdk.data import guess_application, inspect_table, read_table
from mmsdk.errors import DataError

WORDS = ["red", "green", "blue", "old", "new", "small", "large", "round", "soft", "warm", "cold", "plain"]


class Broken:
    """A modality whose guess raises."""

    asked = False

    def guess(self, values):
        Broken.asked = True
        raise ZeroDivisionError


@pytest.fixture
def shop(tmp_path):
    """Return 200 products with every kind of column, beside their pictures."""
    draw = random.Random(0)
    (tmp_path / "images").mkdir()
    rows = []
    for number in range(200):
        kind = ("lamp", "chair", "table", "shelf")[number % 4]
        (tmp_path / "images" / f"{number}.jpg").write_bytes(b"x")
        rows.append(
            {
                "sku": f"{number * 37 % 1000:05}",
                "photo": f"images/{number}.jpg",
                "title": " ".join(draw.choices(WORDS, k=6)),
                "price": f"{draw.uniform(1, 99):.2f}",
                "colour": draw.choice(WORDS[:5]),
                "added": f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
                "label": kind,
                "label_id": str(number % 4),
                "kind_german": {"lamp": "Lampe", "chair": "Stuhl", "table": "Tisch", "shelf": "Regal"}[kind],
                "made_of": f"{kind}-{draw.randint(1, 3)}",
                "row": str(number),
                "sku_again": f"A{number * 37 % 1000:05}",
                "url": f"https://shop.example/{number}",
                "country": "SE",
                "note": "",
                "split": ("train", "train", "val", "test")[draw.randint(0, 3)],
                "maker_group": f"m{number // 10}",
                **{f"f{place}": f"{draw.gauss(0, 1):.3f}" for place in range(8)},
            }
        )
    return tmp_path, rows


def guess(shop, modalities, drop=()):
    folder, rows = shop
    rows = [{key: value for key, value in row.items() if key not in drop} for row in rows]
    return inspect_table(read_table(rows, root=folder), modalities=modalities)


def test_each_kind_of_column_gets_its_modality(shop, modalities):
    found = guess(shop, modalities).application
    assert found["id"] == "sku"
    assert {name: (block["column"], block["modality"]) for name, block in found["inputs"].items()} == {
        "photo": ("photo", "image"),
        "f": ("f*", "vector"),
        "title": ("title", "text"),
        "price": ("price", "number"),
        "colour": ("colour", "category"),
        "added": ("added", "date"),
    }
    assert found["tasks"] == {"label": {"column": "label", "type": "classification"}}
    assert found["split"] == {"column": "split"}


def test_what_gives_the_answer_or_the_id_away_is_left_out_with_the_reason(shop, modalities):
    left_out = guess(shop, modalities).left_out
    assert left_out["label_id"] == "says the same as 'label'"
    assert left_out["kind_german"] == "gives 'label' away"
    assert left_out["made_of"] == "gives 'label' away"
    assert left_out["sku_again"] == "repeats 'sku'"
    assert left_out["row"] == "numbers the rows"
    assert left_out["url"] == "addresses"
    assert left_out["country"] == "always 'SE'"
    assert left_out["note"] == "empty"


def test_without_a_split_column_the_groups_split(shop, modalities):
    assert guess(shop, modalities, drop=["split"]).application["split"] == {"group": "maker_group"}


def test_a_text_that_holds_what_gives_the_answer_away_is_left_out_too(shop, modalities):
    for row in shop[1]:
        row["text"] = f"{row['title']} {row['made_of']}"
    assert guess(shop, modalities).left_out["text"] == "holds 'made_of', which gives 'label' away"


def test_the_yaml_is_the_application_and_can_be_loaded(shop, modalities):
    found = guess(shop, modalities)
    text = found.to_yaml()
    assert read_yaml(text, "guessed") == found.application
    assert load_application(found.application).id == "sku"
    assert "# label_id: says the same as 'label'" in text
    assert "photo: {column: photo, modality: image}  # .jpg, 200 different" in text


def test_a_table_in_a_file_is_named(tmp_path, modalities):
    (tmp_path / "t.csv").write_text("id,title\n1,a red lamp of brass\n2,a small chair of oak\n3,a soft bed of pine\n")
    found = guess_application(read_table(tmp_path / "t.csv"), modalities=modalities)
    assert found["data"] == str(tmp_path / "t.csv")
    assert found["id"] == "id"
    assert found["inputs"] == {"title": {"column": "title", "modality": "text"}}


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        ([str(n / 7) for n in range(100)], {"type": "regression"}),
        ([str(n % 3) for n in range(100)], {"type": "classification"}),
        ([("red|round", "red", "soft|round|red", "soft")[n % 4] for n in range(100)], {"type": "multilabel"}),
        ([("a;b", "b;c", "a;c", "c;b")[n % 4] for n in range(100)], {"type": "multilabel", "separator": ";"}),
        (
            [("红、绿", "绿、蓝", "红、蓝", "蓝、绿")[n % 4] for n in range(100)],
            {"type": "multilabel", "separator": "、"},
        ),
    ],
)
def test_a_label_gets_its_type(cells, task, modalities):
    draw = random.Random(1)
    rows = [{"title": " ".join(draw.choices(WORDS, k=5)), "target": cell} for cell in cells]
    found = guess_application(read_table(rows), modalities=modalities)
    assert found["tasks"] == {"target": {"column": "target", **task}}
    load_application(found)


def test_files_nothing_reads_or_that_are_not_there_are_left_out(tmp_path, modalities):
    rows = [{"a": f"{n}.wav", "b": f"{n}.png", "t": f"a text of {n} words"} for n in range(5)]
    left_out = inspect_table(read_table(rows, root=tmp_path), modalities=modalities).left_out
    assert left_out["a"] == "audio files (.wav), which no installed modality reads"
    assert left_out["b"] == "names files (.png) that are not there"


def test_pictures_held_by_the_table_itself(modalities):
    rows = [{"p": {"bytes": b"\x89PNG" + bytes([n]), "path": None}} for n in range(3)]
    found = guess_application(read_table(rows), modalities=modalities)
    assert found["inputs"] == {"p": {"column": "p", "modality": "image"}}


def test_lists_of_numbers_are_vectors_and_names_are_made_fit(modalities):
    rows = [{"my.vec / 1": [float(n), 1.0], "x": str(n % 2)} for n in range(6)]
    found = guess_application(read_table(rows), modalities=modalities)
    assert found["inputs"]["my_vec_1"] == {"column": "my.vec / 1", "modality": "vector"}
    load_application(found)


def test_hostile_columns_only_get_left_out_or_guessed(modalities):
    rows = [
        {"a\n#b: [": "x" * 100_000 + str(n), "\x00\x07": "\x00" * 3, "c": None, "d": float("nan")} for n in range(4)
    ]
    found = inspect_table(read_table(rows), modalities=modalities)
    assert {"inputs": {}} | found.application == read_yaml(found.to_yaml(), "guessed")
    assert "id" not in found.application
    assert found.left_out["c"] == "empty"
    assert found.left_out["d"] == "empty"


@pytest.mark.parametrize(
    "column", [":x", "2024-01-31", "no", "null", "1e3", "é 日本", "a: b", "x #y", "-", "\U0001f600", "\x85"]
)
def test_any_column_name_survives_the_yaml(column, modalities):
    rows = [{column: f"some words of text {n}"} for n in range(3)]
    found = inspect_table(read_table(rows), modalities=modalities)
    assert read_yaml(found.to_yaml(), "guessed") == found.application
    assert load_application(found.application).inputs


def test_a_guess_that_raises_counts_as_no_fit(modalities):
    odd = dataclasses.replace(modalities["text"], name="odd", target=f"{__name__}:Broken")
    gone = dataclasses.replace(odd, name="gone", target="no_such_module:Gone")
    table = read_table([{"t": "some words of text"}])
    found = inspect_table(table, modalities={"odd": odd, "gone": gone, **modalities})
    assert Broken.asked
    assert found.application["inputs"]["t"]["modality"] == "text"


def test_dates_that_differ_in_every_row_are_dates_not_ids(modalities):
    rows = [{"sku": f"s{n:02}", "added": f"2026-{1 + n % 12:02}-{1 + n // 12:02}", "price": n * 1.5} for n in range(60)]
    table = read_table(rows)
    assert guess_application(table, modalities=modalities)["inputs"]["added"]["modality"] == "date"


def test_a_table_with_nothing_to_learn_from_says_so(modalities):
    found = inspect_table(read_table([{"id": "a"}, {"id": "b"}]), modalities=modalities)
    assert "inputs" not in found.application
    assert "inputs: {}  # found none: name a column and its modality" in found.to_yaml()


def test_one_row_is_enough_to_guess(modalities):
    assert inspect_table(read_table([{"t": "some words of text"}]), modalities=modalities).to_yaml()


@pytest.mark.real
@pytest.mark.parametrize(
    ("manifest", "inputs", "tasks", "kept_out"),
    [
        (
            "ikea_products/manifest.csv",
            {"image": "image", "name": "text", "color": "text", "size": "text", "description": "text"},
            {"label"},
            {"item_id", "type", "text", "group", "split"},
        ),
        ("grocery_baskets/manifest.csv", {"image": "image"}, {"label"}, {"coarse", "basket_item", "group"}),
        (
            "covid_cxr_record/manifest.csv",
            {"image": "image", "age": "number", "sex": "category"},
            {"label", "label_icu", "label_survival", "label_intubated"},
            {"finding", "group", "src_file", "source_url"},
        ),
        (
            "ravdess_av_emotion/manifest.csv",
            {"sex": "category"},
            {"label"},
            {"label_id", "feature_row", "actor", "group"},
        ),
        (
            "ravdess_5cv_fusion_bench/manifest.csv",
            {"AU_r": "vector", "AU_c": "vector"},
            {"label"},
            {"label_id", "group", "split"},
        ),
        ("voice_gesture_digits/manifest.csv", {"image": "image"}, {"label"}, {"text", "speaker", "src_image", "group"}),
        ("voice_gesture_motion/finger_motion.csv", {"x": "vector", "y": "vector"}, {"label"}, {"label_id", "group"}),
        ("voice_gesture_motion/hand_pose.csv", {"x": "vector", "y": "vector"}, {"label"}, {"label_id", "group"}),
    ],
)
def test_real_tables_get_a_sensible_application(real, modalities, manifest, inputs, tasks, kept_out):
    found = inspect_table(read_table(real / "data" / manifest), modalities=modalities).application
    guessed = {name: block["modality"] for name, block in found["inputs"].items()}
    assert inputs.items() <= guessed.items()
    assert set(found["tasks"]) == tasks
    assert not kept_out & set(guessed)
    load_application(found)


def cases(n=60):
    draw = random.Random(0)
    return read_table(
        [
            {
                "who": f"Person {n_ // 2}",
                "urgency": ("low", "high")[n_ % 2],
                "label_died": draw.choice(["Y", "N"]),
                "code": ("A", "B")[n_ % 2],
                "spo2": f"{draw.uniform(80, 100):.1f}",
            }
            for n_ in range(n)
        ]
    )


def test_the_answer_may_be_said_whatever_it_is_called():
    found = inspect_table(cases(), target="urgency")
    assert found.application["tasks"] == {"urgency": {"column": "urgency", "type": "classification"}}
    assert set(found.application["inputs"]) == {"who", "spo2"}
    assert found.left_out["code"] == "gives 'urgency' away"
    assert found.left_out["label_died"] == "named as another answer"
    assert set(guess_application(cases(), target="spo2")["tasks"]) == {"spo2"}
    assert guess_application(cases(), target="spo2")["tasks"]["spo2"]["type"] == "regression"


def test_labels_of_a_thing_are_no_answer():
    rows = [{"text": f"{WORDS[n % 5]} {WORDS[n % 7]} {n % 9}", "颜色标签": "红绿蓝"[n * n % 7 % 3]} for n in range(60)]
    assert "tasks" not in guess_application(read_table(rows))
    named = [{**row, "标签": "ab"[n % 2]} for n, row in enumerate(rows)]
    found = inspect_table(read_table(named))
    assert set(found.application["tasks"]) == {"标签"}
    assert "颜色标签" in found.application["inputs"]
    assert "tasks" not in found.notes


@pytest.mark.parametrize("asking", ["是否退货", "is_returned", "hasReturned"])
def test_columns_that_ask_are_named_beside_a_guessed_answer(asking):
    draw = random.Random(0)
    kinds = ("lamp", "chair", "table")
    rows = [{"price": draw.uniform(1, 99), "category": draw.choice(kinds), asking: n * n % 7 % 2} for n in range(60)]
    yaml = inspect_table(read_table(rows)).to_yaml()
    assert f"tasks:  # might be {asking} (mmsdk inspect --task COLUMN)\n  category: " in yaml
    bare = inspect_table(read_table([{"price": row["price"], asking: row[asking]} for row in rows])).to_yaml()
    assert f"\n# tasks: might be {asking} (mmsdk inspect --task COLUMN)\n" in bare
    none = inspect_table(read_table([{"price": row["price"]} for row in rows])).to_yaml()
    assert "\n# tasks: found none (mmsdk inspect --task COLUMN takes one)\n" in none
    assert "# tasks" not in inspect_table(read_table(rows), tasks=False).to_yaml()


def test_columns_may_be_said_to_be_nothing():
    found = inspect_table(cases(), target="urgency", without=["who", "not there"])
    assert set(found.application["inputs"]) == {"spo2"}
    assert found.left_out["who"] == "said to be left out"


@pytest.mark.parametrize(
    ("column", "said"),
    [("urgencyy", "Did you mean 'urgency'"), ("who", "cannot be learned: it holds 1 different values in 9 rows")],
)
def test_an_answer_that_is_none_is_refused(column, said):
    with pytest.raises(DataError, match=said):
        inspect_table(cases(n=1000) if column == "urgencyy" else read_table([{"who": "x", "a": 1}] * 9), target=column)


@pytest.mark.parametrize("column", ["anon_patient_id", "study subject code", "PatientenID", "source_speaker_id"])
def test_a_number_of_somebody_is_a_group_whatever_stands_before_it(column):
    rows = [{column: f"p{n // 2}", "age": 40 + n % 31 / 2, "label": "ab"[n % 3 % 2]} for n in range(60)]
    assert guess_application(read_table(rows))["split"] == {"group": column}


HOW = ["patient_age", "Patient weight", "患者_身高", "speaker_age", "Größe Proband", "person_capacity", "person_rating"]
HOW += ["participant_score", "Teilnehmer Punkte", "subject line"]


@pytest.mark.parametrize("column", HOW)
def test_how_somebody_is_makes_no_group_of_rows(column):
    rows = [{column: 40 + n % 31 / 2, "patient": f"p{n // 2}", "label": "ab"[n % 3 % 2]} for n in range(60)]
    found = guess_application(read_table(rows))
    assert [one["column"] for one in found["inputs"].values()] == [column]
    assert found["split"] == {"group": "patient"}


PEOPLE = ["actor", "Speaker ID", "subject", "Person", "person_id", "participant", "Sprecher", "Sprecherin", "Proband"]
PEOPLE += [
    "Proband Nr.",
    "Teilnehmerin",
    "speakerName",
    "patient_first_name",
    "Patient 2",
    "患者_姓名",
    "患者编号",
    "受试者",
    "受试者ID",
    "被试编号",
    "说话人",
    "讲话人",
    "演员",
]


@pytest.mark.parametrize("column", PEOPLE)
def test_who_it_is_groups_the_rows_in_three_languages(column):
    rows = [{"value": n * 7 % 31 / 3, column: f"W{n // 3}", "label": "ab"[n % 2]} for n in range(60)]
    found = inspect_table(read_table(rows))
    assert found.application["split"] == {"group": column}
    assert found.group == column


def test_groups_are_named_beside_a_column_of_parts_unless_that_cuts_through_them():
    rows = [{"value": n * 7 % 31 / 3, "part": ("train", "train", "val", "test")[n // 15]} for n in range(60)]
    whole = inspect_table(read_table([{**row, "speaker": f"S{n // 5}"} for n, row in enumerate(rows)]))
    assert whole.application["split"] == {"column": "part", "group": "speaker"}
    assert whole.notes["split"] == "holds test, train, val; 12 groups, each on one side"
    cut = inspect_table(read_table([{**row, "speaker": f"S{n % 7}"} for n, row in enumerate(rows)]))
    assert cut.application["split"] == {"column": "part"}
    assert cut.notes["split"] == "holds test, train, val"
    assert (whole.group, cut.group) == ("speaker", "speaker")


def test_the_subject_of_a_mail_is_text_and_nobody():
    rows = [
        {"subject": f"{WORDS[n % 5]} {WORDS[n % 7]} of my order {n % 9} again", "value": n * 3 % 17} for n in range(60)
    ]
    found = inspect_table(read_table(rows))
    assert found.group is None
    assert found.application["inputs"]["subject"]["modality"] == "text"


def test_so_is_a_subject_of_two_words_and_that_of_a_study_has_no_spaces():
    rows = [{"value": n * 3 % 17, "subject": ("Re: order", "Hello", "Invoice due")[n % 3]} for n in range(60)]
    found = inspect_table(read_table(rows))
    assert found.group is None
    assert "subject" in found.application["inputs"]
    assert inspect_table(read_table([{**row, "subject": f"S{n % 9}"} for n, row in enumerate(rows)])).group == "subject"


def test_what_may_name_the_rows_is_said_surest_first():
    rows = [{"page": n + 7, "ean": n + 4000, "sku": f"A{n}", "code": n % 5, "value": n * 3 % 17} for n in range(40)]
    found = inspect_table(read_table(rows))
    assert found.ids == ("ean", "sku")
    assert found.application["id"] == "ean"
    bare = [{key: row[key] for key in ("page", "value")} for row in rows]
    assert inspect_table(read_table(bare)).ids == ("page",)
    assert inspect_table(read_table([{"value": n * 3 % 17} for n in range(40)])).ids == ()


@pytest.mark.parametrize(
    ("column", "modality"),
    [
        *(
            (name, "text")
            for name in ("note", "Notes 2", "doctorComment", "Bemerkung", "备注", "病情描述", "主诉", "最新评价2")
        ),
        *((name, "tags") for name in ("review keywords", "评价关键词", "materials", "症状")),
    ],
)
def test_what_people_write_into_is_text_however_its_words_come_again(column, modality):
    cells = [f"{'红绿蓝'[n % 3]}，{'圆方'[n % 2]}" for n in range(60)]
    found = guess_application(read_table([{column: cell, "y": n % 2 + n % 5} for n, cell in enumerate(cells)]))
    (block,) = (one for one in found["inputs"].values() if one["column"] == column)
    assert block["modality"] == modality


def test_a_title_that_names_two_other_columns_says_more_than_they_do():
    rows = [
        {"colour": ("white", "grey", "rose")[n % 3], "kind": ("lamp", "chair", "table")[n // 2 % 3]} for n in range(60)
    ]
    for n, row in enumerate(rows):
        row["title"] = f"{row['kind']} {WORDS[n % 5]} {n % 7}0 cm, {row['colour']}"
    found = inspect_table(read_table(rows)).application
    assert found["inputs"]["title"]["modality"] == "text"
    for row in rows:
        row["title"] = f"{row['kind']} ({row['colour']})"
    assert inspect_table(read_table(rows)).left_out["title"] == "repeats colour, kind"


def test_a_category_whose_values_are_folders_too_is_an_input_and_folders_of_rows_are_none(tmp_path):
    kinds = ("cat", "dog", "bird")
    for name in (*kinds, "clips/a", "clips/b", *(f"take{n}" for n in range(60))):
        (tmp_path / name).mkdir(parents=True)
    rows = [
        {"value": n * 3 % 17, "species": kinds[n * n % 5 % 3], "clip": f"clips/{'ab'[n // 7 % 2]}", "take": f"take{n}"}
        for n in range(60)
    ]
    found = inspect_table(read_table(rows, root=tmp_path))
    assert found.application["inputs"]["species"]["modality"] == "category"
    assert found.left_out["clip"].startswith("names folders, ")
    assert found.left_out["take"].startswith("names folders, ")


def repeating(name, cell, n=100, repeats=4):
    """Return a table whose column of that name would name its rows, if the last ones did not repeat the first ones."""
    numbers = [*range(n), *range(repeats)]
    return read_table([{name: cell(k), "note": f"words on the case {k} here"} for k in numbers])


@pytest.mark.parametrize(("name", "cell"), [("Ticket #", "T-{}".format), ("order id", int), ("sku", str)])
def test_a_column_that_would_name_the_rows_but_for_repeats_is_said_and_is_no_input(name, cell):
    found = inspect_table(repeating(name, cell))
    told = f"{name!r} would be the id but for 4 repeats (row 101 = row 1)"
    assert found.notes["inputs"] == f"no column names the rows: they are numbered; {told}"
    assert found.left_out[name] == "ids of something"
    assert "but for 1 repeat (row 101 = row 1)" in inspect_table(repeating(name, cell, repeats=1)).notes["inputs"]


@pytest.mark.parametrize(
    ("name", "cell", "repeats"),
    [("Ticket #", "T-{}".format, 20), ("patient", "P-{}".format, 4), ("price", float, 4), ("name", "x".__mul__, 4)],
)
def test_many_repeats_groups_amounts_and_words_would_name_no_rows(name, cell, repeats):
    assert "would be" not in inspect_table(repeating(name, cell, repeats=repeats)).notes["inputs"]


def test_amounts_with_signs_are_numbers_and_no_ids(tmp_path):
    rows = [
        {
            "编号": f"{n:03d}",
            "价格": f"￥{500 - n}",
            "折扣": f"{50 + n % 9}%",
            "尺寸": f"{n % 3 + 38}码",
            "类别": f"{n % 2}级",
        }
        for n in range(40)
    ]
    application = guess_application(read_table(rows, root=tmp_path))
    assert {name: one["modality"] for name, one in application["inputs"].items()} == {
        "价格": "number",
        "折扣": "number",
        "尺寸": "category",
    }
    assert application["tasks"] == {"类别": {"column": "类别", "type": "classification"}}


def test_a_column_of_which_a_third_are_no_numbers_is_none(tmp_path):
    rows = [{"id": f"a{n}", "x": f"{n % 9}.5万" if n % 3 == 0 else str(7000 + n % 40), "w": n % 7} for n in range(60)]
    found = inspect_table(read_table(rows, root=tmp_path))
    assert "number" not in {one["modality"] for name, one in found.application["inputs"].items() if name == "x"}
    assert "write it out in full, without '万'" in found.notes.get("inputs.x", "") + found.left_out.get("x", "")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["4.{n}", "4.{n}", "-", "3.{n}"], "numbers but for '-': empty those cells and take number"),
        (["{n}0{n}g", "{n}kg"], "'1kg': strip the unit"),
        (["1{n}2/9{n}"], "it holds two numbers: make a column of each"),
        (["{n} red", "a green {n}", "blue"], ""),
    ],
)
def test_what_keeps_a_column_from_being_numbers_is_said(cells, told, tmp_path):
    rows = [{"id": f"a{n}", "x": cells[n % len(cells)].format(n=n % 10)} for n in range(60)]
    found = inspect_table(read_table(rows, root=tmp_path))
    said = found.notes.get("inputs.x", "") + found.left_out.get("x", "")
    assert re.search(told, said)
    assert (";" in said) == bool(told)


@pytest.mark.parametrize(
    ("column", "cell", "left_out"),
    [
        ("x", lambda n: 13800000000 + n * 7919 if n % 7 else None, True),  # beside gaps it was a number
        ("x", lambda n: 13800000000 + n // 2 * 7919, False),  # a number that comes again may be an amount
        ("x", lambda n: 13800000000 + max(n, 1) * 7919, True),
        ("x", lambda n: float(13800000000 + n * 7919) if n % 7 else None, True),
        ("x", lambda n: f"+49 (151) 2345{n:03d}-{n % 10}", True),
        ("x", lambda n: f"11010119900101{n:03d}X", True),
        ("x", lambda n: f"u{n % 20}@qq.com", True),
        ("x", lambda n: f"1{n:02d} 2{n:02d} 3{n:02d} 4{n:02d}", False),  # a box in a picture
        ("x", lambda n: f"{n}.75 by 12345678901", False),
        ("x", lambda n: f"￥{13800000000 + n * 7919}", False),  # an amount by its sign
        ("x", lambda n: 1234567890 + n * 7919, False),  # ten digits: seconds
        ("x", lambda n: -13800000000 - n * 7919 + 0.5, False),
        ("手机", lambda n: str(13800000000 + n // 3 * 7919) if n % 3 else "无", True),
        ("Telefon privat", lambda n: f"030 1234{n // 4}", True),
        ("联系电话", lambda n: f"0571-8800{n // 4:04d}", True),
        ("mobile", lambda n: n % 3, False),
        ("phones at home", lambda n: n * 1.5, False),
    ],
)
def test_telephones_and_other_numbers_of_somebody_are_no_input(column, cell, left_out):
    draw = random.Random(0)
    rows = [{"name": f"n{n}", column: cell(n), "y": draw.choice("ab")} for n in range(100)]
    said = "telephones, e-mails or long ids; privacy.drop takes them out"
    assert (inspect_table(read_table(rows), target="y").left_out.get(column) == said) is left_out
