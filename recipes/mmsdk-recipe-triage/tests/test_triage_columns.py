"""What columns mean: who somebody is, vital signs and their floors, orders of urgency, words that tell the answer."""

from __future__ import annotations

import csv

import pytest
from mmsdk_recipe_triage.columns import AFTERWARDS, RECORDED, leaking_words, order_of, understand
from mmsdk_recipe_triage.identifiers import identifiers, patients
from mmsdk_recipe_triage.recipe import Triage
from mmsdk_recipe_triage.vitals import VITALS, floors
from mmsdk_recipe_triage.words import PERSONS
from PIL import Image

import mmsdk
from mmsdk.rules.conditions import columns_read
from mmsdk.rules.conditions import firing as fire


def table(**columns):
    return mmsdk.read_table([dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)])


NAMES = (
    "name surname first_name LastName patientName full-name maiden_name 姓名 dob birthDate date_of_birth Geburtstag "
    "出生日期 address home.address street city zip postal_code 地址 phone mobile tel fax PhoneNumber 电话 email e-mail "
    "mrn MRN medical_record_number ssn nhs_number insurance_no passport accession accessionNumber account_number "
    "phone2 MRNNumber patient patient_id PatientID subject 病历号 referring_physician Nurse radiologist "
    "患者姓名 联系人 出生日期 家庭住址 联系方式 手机号 微信号 身份证号 医保卡号 门诊号 住院号 患者编号 患者ID "
    "病人号 接诊医师 责任护士 家属 联系人 医保号 病案号 住址 主治医生 现住址 邮政编码 紧急联系方式 工作单位 "
    "Familienname Wohnort Hausarzt KVNR Geb.-Datum Versichertennummer Krankenkasse Arzt Straße STRASSE Anschrift Handy "
    "Mobilnummer Patientennummer Pat-ID PatID Pat.Nr. Fallnummer Fall-Nr. Angehörige Notfallkontakt Postleitzahl "
    "Einweisender_Arzt Ärztin Next.of.kin Unit_number GP Consultant Contact emergency_contact family given"
)
PLAIN = (
    "age sex spo2 temperature patient_age patient_sex notes image view crp weight filename_of_scan "
    "年龄 患者年龄 患者_性别 体温 主诉 现病史 胸片 住院天数 药品名称 检查项目 家族史 出生体重 家属病史 "
    "drug_name name_of_drug birth_weight Geburtsgewicht patient_weight Fall Fallzahl Hospital_id "
    "family_history fluids_given"
)


@pytest.mark.parametrize("column", NAMES.split())
def test_a_name_that_says_who_somebody_is(column):
    assert list(identifiers(table(**{column: ["x", "y"]}))) == [column]
    assert identifiers(table(**{column: ["x", "y"]}), keep=[column]) == {}


@pytest.mark.parametrize(
    ("what", "word"), [(what, word) for what, (one, parts) in PERSONS.items() for word in sorted({*one, *parts})]
)
def test_every_word_says_what_it_is_under(what, word):
    """All words of the three languages, as they are and in capitals, of a table that has other columns too."""
    for column in (word, word.upper()):
        found = identifiers(table(**{column: ["x", "y"], "spo2": [97, 98]}))
        assert list(found) == [column], found


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("White cell count", [13.6, 4.2]),
        ("Cell", [3, 12]),
        ("Family", ["yes", "no"]),
        ("Given", [500, 250]),
        ("Mobile", ["ja", "nein"]),
        ("Nurse remark", ["fever since two days", "cough", "short of breath when lying flat"]),
        ("Doctor notes", ["cough 3", "fever since two days"]),
        ("GP visits", [3, 0, 5]),
        (
            "Arztbrief",
            ["stellt sich vor mit seit gestern zunehmender Luftnot", "klagt über starke Schmerzen seit heute"],
        ),
        ("护士记录", ["患者神志清楚，诉胸闷气促两小时", "生命体征平稳，无明显不适主诉"]),
        ("Doctor's pain score", [3, 7]),
        ("CHI score", [3, 7]),
        ("mobile CXR", ["a.png", "b.png"]),
        ("Patient image", ["a.png", "b.png"]),
        ("Patient height", [1.71, 1.82]),
        ("Angehörige anwesend", ["ja", "nein"]),
    ],
)
def test_cells_that_contradict_the_name(column, cells):
    assert identifiers(table(**{column: cells})) == {}
    assert patients(table(**{column: cells})) is None


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("Cell", [15551234567, 15557654321]),
        ("Nurse", ["Dr. med. Anna von Roth", "anna maria roth"]),
        ("Nurse note", ["Anna Roth", "Bo Lang"]),
        ("Consultant", [17, 23]),
        ("Arzt", [17, 23]),
        ("Next of kin", ["wife, lives in the same house, called twice today", "son, comes in the evening after work"]),
        ("Name", [1001, 1002]),
        ("Name and family history", ["Meier none", "Kunz none"]),
        ("PLZ", [24103, 89073]),
        ("Patient ID (age)", ["7-40", "8-50"]),
        ("Family", [None, None]),
        ("Angeho\u0308rige", ["x", "y"]),
    ],
)
def test_cells_that_do_not_contradict_the_name(column, cells):
    assert list(identifiers(table(**{column: cells}))) == [column]


@pytest.mark.parametrize("column", PLAIN.split())
def test_a_name_that_does_not(column):
    assert identifiers(table(**{column: ["1", "2"]})) == {}


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (["a@b.org", "c.d@e.example", ""], "an e-mail address"),
        (["123-45-6789", "987-65-4321", "900-11-2222"], "a number of a person"),
        (["943 476 5919", "943 476 5870", "401 023 2137"], "a number of a person"),
        (["11010119900101001X", "440301198502030012"], "a number of a person"),
        (["13800012345", "139 0001 2345", "186-0001-2345"], "a telephone"),
        (["+44 20 7946 0018", "(555) 123-4567", "030 1234567"], "a telephone"),
    ],
)
def test_cells_that_say_who_somebody_is(cells, what):
    assert identifiers(table(x=cells)) == {"x": what}


@pytest.mark.parametrize(
    "cells", [["120/80", "97", "1.5"], ["2024-01-02", "2024-03-01"], ["stable", "well"], ["0", "1"]]
)
def test_cells_that_do_not(cells):
    assert identifiers(table(x=cells)) == {}


def test_the_patient_is_the_coarsest_of_the_columns_that_number_one():
    rows = table(patient_name=["a", "b", "c", "d"], patient_id=["1", "1", "2", "3"], mrn=["1", "1", "2", "2"])
    assert patients(rows) == "mrn"
    assert patients(table(q=[1, 2])) is None
    assert patients(table(mrn=["1", "1"])) is None
    chinese = table(患者姓名=["a", "b", "c", "c"], 患者编号=["1", "1", "2", "3"], 患者年龄=["7", "7", "8", "8"])
    assert patients(chinese) == "患者编号"


NEWS2 = {  # Royal College of Physicians 2017, chart 1: readings that score 3, and those next to them
    "spo2": (96, [91, 85], [92, 99]),
    "resp_rate": (16, [8, 25, 40], [9, 24]),
    "sbp": (125, [90, 220], [91, 219]),
    "heart_rate": (80, [40, 131], [41, 130]),
    "temp": (37.0, [35.0, 33.9], [35.1, 41]),
}


def firing(rules, row):
    rows = mmsdk.read_table([row])
    return fire({one["when"]: columns_read(one["when"], rows.names, "x") for one in rules}, rows).met.any()


CHINESE = {
    "血氧饱和度": "spo2",
    "呼吸(次/分)": "resp_rate",
    "收缩压（mmHg）": "sbp",
    "心率": "heart_rate",
    "体温（℃）": "temp",
    "体温": "temp",
}


@pytest.mark.parametrize(("column", "english"), CHINESE.items())
def test_floors_know_the_chinese_names_of_vital_signs(column, english):
    usual, severe, mild = NEWS2[english]
    rules = floors(table(**{column: [usual] * 3, "年龄（岁）": [40, 50, 60]}), "urgency", "urgent")
    assert all(firing(rules, {column: one, "年龄（岁）": 40}) for one in severe)
    assert not any(firing(rules, {column: one, "年龄（岁）": 40}) for one in mild)
    assert not any(firing(rules, {column: one, "年龄（岁）": 12}) for one in severe)


@pytest.mark.parametrize("column", NEWS2)
def test_floors_fire_where_news2_scores_three(column):
    usual, severe, mild = NEWS2[column]
    rules = floors(table(**{column: [usual] * 3, "age": [40, 50, 60]}), "urgency", "urgent")
    (vital,) = [one for one in VITALS if one.named.fullmatch(column.replace("_", ""))]
    assert len(rules) == sum(bound is not None for bound in (vital.low, vital.high))
    for age in (40, None, 16):
        assert all(firing(rules, {column: one, "age": age}) for one in severe)
        assert not any(firing(rules, {column: one, "age": age}) for one in mild)
    assert not any(firing(rules, {column: one, "age": 12}) for one in severe)
    assert not firing(rules, {column: None, "age": 40})


@pytest.mark.parametrize(
    ("column", "cells"),
    [("temp", [98.6, 99.1]), ("spo2", [0.97, 0.91]), ("pulse", ["strong", "weak"]), ("rr", [16.0, 400.0, 500.0])],
)
def test_readings_in_another_unit_make_no_floor(column, cells):
    assert floors(table(**{column: cells}), "urgency", "urgent") == []


def test_readings_with_their_units_make_floors_for_adults_too():
    readings = {
        "血氧饱和度": ["94", "99%", "９８％"],
        "体温": ["３６．５", "36.6℃", "未测"],
        "年龄": ["59岁", "94岁", "不详"],
    }
    whens = [rule["when"] for rule in floors(table(**readings), "urgency", "urgent")]
    assert whens == [
        "血氧饱和度 <= 91 and (年龄 is null or 年龄 >= 16)",
        "体温 <= 35 and (年龄 is null or 年龄 >= 16)",
    ]
    assert floors(table(体温=["36.6℃", "97.9°F"]), "urgency", "urgent") == []


def test_a_column_of_two_words_is_quoted():
    (rule,) = floors(table(**{"O2 sat": [97, 98]}), "urgency", "urgent")
    assert rule["when"] == "`O2 sat` <= 91"
    assert firing([rule], {"O2 sat": 80})


@pytest.mark.parametrize(
    "order",
    [
        "routine urgent Emergency",
        "green yellow orange red",
        "green yellow red",
        "Non_urgent Urgent Immediate",
        "nicht dringend|normal|dringend|sehr dringend|sofort",
        "Nicht-dringend|Dringend|Notfall",
        "normal dringend Sofort",
        "elektiv dringlich Notfall",
        "nicht dringend|dringend",
        "blau grün gelb orange rot",
        "GRÜN Gelb Rot",
        "gruen gelb rot",
        "gru\u0308n gelb rot",
        "niedrig mittel hoch",
        "常规 紧急 危急",
        "绿 黄 橙 红",
        "绿色 黄色 红色",
        "低危 高危 极高危",
    ],
)
def test_scales_that_are_known_have_an_order(order):
    labels = order.split("|") if "|" in order else order.split()
    assert order_of(sorted(labels), None) == labels
    assert order_of(labels[::-1], None) == labels


@pytest.mark.parametrize("labels", ["阴性 阳性", "Y N", "rot grün", "gelb weiß rot", "rot Rot grün", "red"])
def test_other_labels_have_none_unless_it_is_said(labels):
    assert order_of(labels.split(), None) is None
    assert order_of(labels.split(), labels.split()) == labels.split()


def test_a_guessed_order_is_said_and_one_that_is_given_is_not(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("mmsdk_recipe_triage.recipe.note", said.append)
    rows = [{"puls": 60 + n % 37, "dringlichkeit": ("sofort", "normal", "dringend")[n % 3]} for n in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("puls,dringlichkeit\n" + "".join(f"{r['puls']},{r['dringlichkeit']}\n" for r in rows), "utf-8")
    made = Triage().application(path, {"target": "dringlichkeit", "risk": 0.1})
    assert made["tasks"]["urgency"]["order"] == ["normal", "dringend", "sofort"]
    (line,) = said
    assert "dringlichkeit is taken to go from normal to dringend to sofort" in line
    Triage().application(path, {"target": "dringlichkeit", "risk": 0.1, "order": ["normal", "dringend", "sofort"]})
    (tmp_path / "sample").mkdir()
    Triage().sample(tmp_path / "sample", 0)
    assert len(said) == 1


def test_words_of_the_answer_in_the_notes():
    notes = ["COVID-19 likely, moved to ICU", "no_finding seen", None, "other pneumonia"]
    assert leaking_words(["Y", "N"], "label_icu", notes) == ["icu"]
    found = leaking_words(["covid", "no_finding", "other_pneumonia"], "label", notes)
    assert found == ["covid", "finding", "other", "other pneumonia", "pneumonia"]
    found = leaking_words(["常规", "危急", "急"], "紧急程度", ["考虑危急，转抢救室", "急性起病，紧急程度高", None])
    assert found == ["危急", "紧急程度"], "two characters of Chinese are a word, one is not"


def test_a_chinese_table_is_understood_as_an_english_one_is():
    rows = [
        {
            "病例号": f"B{n:03d}",
            "患者编号": f"ZY{n // 2:03d}",
            "患者姓名": "王秀英",
            "年龄": 30 + n % 40,
            "院区": "东院" if n % 3 else "西院",
            "接诊医师": f"李医师{n % 4}",
            "血氧饱和度": 90 + n % 9,
            "主诉": f"{'发热伴咳嗽已经三天，活动后气促' if n % 2 else '一般情况可以，睡眠尚好'}，第{n}次就诊",
            "出院诊断": "肺炎" if n % 2 else "健康",
            "紧急程度": "紧急" if n % 2 else "常规",
        }
        for n in range(60)
    ]
    found = understand(mmsdk.read_table(rows), {"target": "紧急程度"})
    assert (found.id, found.group, found.slices) == ("病例号", "患者编号", ("年龄", "院区"))
    assert found.inputs["record"]["column"] == ["年龄", "血氧饱和度"]
    assert found.inputs["notes"] == {"column": "主诉", "modality": "text"}
    assert set(found.names) == {"患者编号", "患者姓名", "接诊医师"}
    assert found.unread["出院诊断"] == "known only afterwards, or another answer"
    assert found.unread["院区"] == "how or where it was recorded, not how the patient is"


def cases(folder, /, **columns):
    """Write a table of 40 cases with the columns given, each a function of the row's number, and read it."""
    rows = [{name: cell(n) for name, cell in columns.items()} | {"urgency": "ab"[n % 7 % 2]} for n in range(40)]
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return mmsdk.read_table(folder / "cases.csv")


PICTURES = (
    "XR file",
    "DICOM file",
    "dicom path",
    "CXR path",
    "ct_url",
    "XRay_path",
    "胸片路径",
    "source",
    "view",
    "mobile CXR",
    "Patient scan",
)


@pytest.mark.parametrize("column", PICTURES)
def test_a_picture_is_one_whatever_its_column_is_called(column, tmp_path):
    for n in range(40):
        Image.new("L", (8, 8), n).save(tmp_path / f"{n}.png")
    rows = cases(tmp_path, **{column: lambda n: f"{n}.png", "age": lambda n: 30 + n % 11})
    found = understand(rows, {"target": "urgency"})
    assert column not in found.unread
    assert [one["modality"] for one in found.inputs.values() if one["column"] == column] == ["image"]
    assert column not in found.slices


@pytest.mark.parametrize("column", ["report_path", "报告路径", "source file", "folder"])
def test_where_something_else_lies_is_a_circumstance(column, tmp_path):
    rows = cases(tmp_path, **{column: lambda n: f"reports/{n}.txt", "age": lambda n: 30 + n % 11})
    assert understand(rows, {"target": "urgency"}).unread == {column: RECORDED}


CLINICAL = {  # an English and a German table of what is asked and measured; the words are those of people and places
    "White cell count": lambda n: 4 + n % 13 / 3,
    "Family history": lambda n: ["none", "asthma", "diabetes"][n % 3],
    "Given fluids": lambda n: 250 * (n % 3),
    "Nurse remark": lambda n: f"short of breath when lying flat since {n} days",
    "Height (cm)": lambda n: 150 + n % 17 * 3,
    "Oxygen device": lambda n: ["mask", "room air", "cannula"][n % 3],
    "Source of infection": lambda n: ["skin", "lung", "urine"][n % 3],
    "Body position": lambda n: ["sitting", "lying"][n % 2],
    "Ventilation rate": lambda n: 12 + n % 9,
    "Prior ICU": lambda n: ["yes", "no"][n % 2],
    "Wound discharge": lambda n: ["clear", "none"][n % 2],
    "Patient weight": lambda n: 60.5 + n % 17,
    "Mobile": lambda n: ["yes", "no"][n % 2],
    "QRS width": lambda n: 80 + n % 19,
    "Angehörige anwesend": lambda n: ["ja", "nein"][n % 2],
    "Geburtsgewicht": lambda n: 2.5 + n % 10 / 10,
    "Arztbrief": lambda n: f"klagt seit {n} Tagen über zunehmende und starke Schmerzen",
    "感染来源": lambda n: ["皮肤", "肺", "尿路"][n % 3],
    "吸氧设备": lambda n: ["面罩", "鼻导管"][n % 2],
}


@pytest.mark.parametrize("column", CLINICAL)
def test_what_is_asked_and_measured_is_an_input(column, tmp_path):
    found = understand(cases(tmp_path, **{column: CLINICAL[column]}), {"target": "urgency"})
    assert found.unread == found.names == {}
    assert found.group is None
    assert [one["column"] in (column, [column]) for one in found.inputs.values()] == [True]


NO_INPUTS = {
    RECORDED: "site study_site hospital ward scanner X-ray_device device_model position view data_source station split "
    "image_width ImageHeight 体位 胸片体位 数据来源 设备型号 院区 Standort Gerät Krankenhaus Röntgen_Quelle folder",
    AFTERWARDS: "ventilation icu los discharge_date diagnosis outcome_death dead Diagnose Liegedauer verstorben "
    "出院诊断 mechanical_ventilation finding",
}


@pytest.mark.parametrize(("why", "column"), [(why, one) for why, names in NO_INPUTS.items() for one in names.split()])
def test_how_it_was_recorded_and_what_came_later_are_no_inputs_unless_kept(why, column, tmp_path):
    cells = {column: lambda n: ["left", "right", "both"][n % 3], "age": lambda n: 30 + n % 11}
    rows = cases(tmp_path, **cells)
    assert understand(rows, {"target": "urgency"}).unread == {column: why}
    kept = understand(rows, {"target": "urgency", "keep": [column]})
    assert kept.unread == {}
    assert understand(rows, {"target": "urgency"}).inputs["record"]["column"] == ["age"]
    if column != "split":  # the core reads it as the parts of the table
        assert kept.inputs["record"]["column"] == [column, "age"]


def test_width_and_height_side_by_side_are_those_of_a_picture(tmp_path):
    size = {"width": lambda n: 512 + n % 5, "height": lambda n: 600 + n % 7, "age": lambda n: 30 + n % 11}
    assert list(understand(cases(tmp_path, **size), {"target": "urgency"}).unread) == ["width", "height"]
    del size["width"]
    assert understand(cases(tmp_path, **size), {"target": "urgency"}).unread == {}


def test_where_a_picture_was_taken_from_is_a_circumstance_too(tmp_path):
    cells = {"source_url": lambda n: f"https://example.invalid/{n}.png", "age": lambda n: 30 + n % 11}
    assert understand(cases(tmp_path, **cells), {"target": "urgency"}).unread == {"source_url": RECORDED}


def test_codes_that_nothing_reads_are_dropped_unless_kept_or_read_by_a_rule(tmp_path):
    cells = {"Fall": lambda n: f"F{n}", "Ziffer": lambda n: f"Z{n:03d}", "Lauf": lambda n: 5000 + n}
    cases(tmp_path, **cells, age=lambda n: 30 + n % 11)
    dropped = {}
    rule = {"name": "r", "when": "Ziffer = 'Z001'", "task": "finding", "never": "a"}
    for what, more in (("all", {}), ("kept", {"keep": ["Ziffer"]}), ("ruled", {"rules": [rule]})):
        made = Triage().application(tmp_path / "cases.csv", {"target": "urgency", "risk": 0.1, **more})
        assert made["id"] == "Fall"
        assert made["inputs"] == {"record": {"column": ["age"], "modality": "table"}}
        dropped[what] = made["privacy"]["drop"]
    assert dropped == {"all": ["Ziffer", "Lauf"], "kept": ["Lauf"], "ruled": ["Lauf"]}


AGES = {
    "years": lambda n: f"{5 + 3 * n % 91}岁",
    "months too": lambda n: f"{n}岁" if n % 3 else f"{n}月",
    "groups": lambda n: "60-69",
}


@pytest.mark.parametrize("ages", AGES)
def test_ages_are_years_for_cap_and_floors_or_it_is_said_that_they_are_not(ages, tmp_path, capsys):
    columns = {
        "Fall": lambda n: f"F{n}",
        "年龄": AGES[ages],
        "SpO2": lambda n: f"{90 + n % 10}%",
        "体温": lambda n: "36.5℃",
    }
    cases(tmp_path, **columns)
    made = Triage().application(
        tmp_path / "cases.csv", {"target": "urgency", "risk": 0.1, "order": ["a", "b"], "floor": "b"}
    )
    said = (
        "no years can be read from 年龄, so that ages above 89 are not capped and there are no floors for vital signs"
    )
    assert (said in capsys.readouterr().err) is (ages != "years")
    assert made["privacy"]["cap"] == ({"年龄": 90} if ages == "years" else {})
    adult = " and (年龄 is null or 年龄 >= 16)"
    whens = [f"SpO2 <= 91{adult}", f"体温 <= 35{adult}"] if ages == "years" else []
    assert [rule["when"] for rule in made["rules"]] == whens


def test_an_empty_age_and_rules_of_ones_own_leave_the_floors_alone(tmp_path, capsys):
    cases(tmp_path, age=lambda n: "", spo2=lambda n: 90 + n % 10)
    settings = {"target": "urgency", "risk": 0.1, "order": ["a", "b"]}
    made = Triage().application(tmp_path / "cases.csv", settings | {"floor": "b"})
    assert [rule["when"] for rule in made["rules"]] == ["spo2 <= 91"]
    assert "no years" not in capsys.readouterr().err
    cases(tmp_path, age=lambda n: "60-69", spo2=lambda n: 90 + n % 10)
    rule = {"name": "r", "when": "spo2 < 90", "task": "urgency", "at_least": "b"}
    assert Triage().application(tmp_path / "cases.csv", settings | {"rules": [rule]})["rules"] == [rule]
    assert "ages above 89 are not capped; write years" in capsys.readouterr().err
