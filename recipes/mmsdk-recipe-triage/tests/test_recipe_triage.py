"""The recipe: its sample, a stranger's table end to end, who somebody is gone at the door, settings."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmsdk_recipe_triage.recipe import NOTICE, Triage
from mmsdk_recipe_triage.sections import _interval
from triage_cases import (
    BROKEN,
    CHINESE_NAMES,
    ENGLISH_NAMES,
    QUICK,
    SECRETS,
    SETTINGS,
    chinese_case,
    command,
    english_case,
    sets,
    words_of,
    write_named_cases,
)

import mmsdk
from mmsdk.app.recipes import plan_recipe
from mmsdk.testing import parametrize_with_checks


def test_a_share_of_one_case_stands_without_an_interval():
    assert _interval({"value": 0.5, "low": None, "high": None, "n": 1}) == "50%"
    assert _interval({"value": 0.5, "low": 0.4, "high": 0.6, "n": 90}) == "50% [40%, 60%]"


@parametrize_with_checks("triage")
def test_conforms(check):
    check()


def test_the_sample_is_the_same_bytes_in_every_process(tmp_path):
    Triage().sample(tmp_path / "a", 0)
    code = "import sys; from pathlib import Path; from mmsdk_recipe_triage.recipe import Triage as T"
    code += "; T().sample(Path(sys.argv[1]), 0)"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, env=environment)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def digests(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_sample_has_gaps_and_names_that_go(tmp_path):
    application = Triage().sample(tmp_path, 0)
    table = mmsdk.read_table(tmp_path / "cases.csv")
    for column in ("picture", "spo2", "notes"):
        assert 0.05 < 1 - table.present(column).mean() < 0.3
    assert set(application["privacy"]["drop"]) == {"patient_name", "birth_date", "phone", "e-mail", "address"}
    assert application["privacy"]["number"] == ["mrn"]
    assert application["tasks"]["urgency"]["order"] == ["routine", "urgent", "emergency"]
    assert len(application["rules"]) == 8
    assert application["evaluation"]["slices"] == ["age", "sex", "view", "site"]
    assert application["notice"] == NOTICE
    assert application["confidence"]["abstain"] == {"error": 0.2}


# -- a stranger's table ----------------------------------------------------------------------------------------------


def test_a_strangers_table_is_understood(strange):
    application = planned(strange)
    assert {name: one["modality"] for name, one in application["inputs"].items()} == {
        "Röntgenbild": "image",
        "record": "table",
        "notes": "text",
    }
    assert application["inputs"]["record"]["column"] == ["Alter", "Geschlecht", "SpO2"]
    assert application["split"]["group"] == "MRN"
    assert set(application["privacy"]["drop"]) == set(SECRETS) - {"MRN"}
    assert application["privacy"]["number"] == ["MRN"]
    assert application["privacy"]["cap"] == {"Alter": 90}
    assert application["privacy"]["mask"] == {"Befund-Text": ["gelb", "grün", "rot"]}
    assert application["rules"][0]["when"] == "SpO2 <= 91 and (Alter is null or Alter >= 16)"
    assert application["rules"][0]["at_least"] == "gelb"
    assert application["confidence"]["abstain"]["error"] == 0.2
    assert application["evaluation"]["slices"] == ["Geschlecht", "Haus"]


def test_a_broken_picture_is_named(strange, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(strange)
    words = ["--data", "fälle.tsv", "--out", tmp_path / "run", "--quiet", *sets(SETTINGS | QUICK)]
    assert command("recipe", "triage", *words) == 2
    said = capsys.readouterr().err
    assert all(f"bilder/{number}.png" in said for number in BROKEN)
    assert "--on-bad-row skip" in said


def test_who_somebody_is_stands_nowhere_in_the_run(fitted, strange):
    raw = (strange / "fälle.tsv").read_bytes()
    held = words_of(fitted)
    for column, secret in SECRETS.items():
        assert secret.encode() in raw, column
        assert secret.encode() not in held, column
    assert b"030 5551234" not in held
    assert b"F001" in held


@pytest.mark.parametrize(
    ("case", "names", "encoding", "target"),
    [
        (chinese_case, CHINESE_NAMES, "gb18030", "分诊级别"),
        (english_case, [last for name in ENGLISH_NAMES for last in (name, name.split()[1])], "utf-8", "urgency"),
    ],
)
def test_names_in_notes_tags_and_all_other_columns_stand_nowhere_in_the_run(
    case, names, encoding, target, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
    whole = [name for name in names if name in {*CHINESE_NAMES, *ENGLISH_NAMES}]
    write_named_cases(tmp_path / "cases.csv", case, whole, encoding)
    words = ["--data", "cases.csv", "--out", "run", "--quiet", "--on-bad-row", "skip"]
    assert command("recipe", "triage", *words, *sets({"target": target, "id": "case"} | QUICK)) == 0
    app = mmsdk.load(tmp_path / "run", quiet=True)
    kinds = {one.modality for one in app.application.inputs.values()}
    assert kinds == {"text", "tags", "table"}, "names stood in all of them"
    words = ("triage", "run", "cases.csv", "--out", "run/worklist.html")
    assert command(*words) == 0
    held = words_of(tmp_path / "run").lower()
    assert b"[mask]" in held
    raw = (tmp_path / "cases.csv").read_text(encoding)
    for name in names:
        assert name in raw
        assert name.lower().encode() not in held, name
    app.close()


def test_the_run_answers_and_declines_with_any_input_missing(fitted, strange):
    app = mmsdk.load(fitted, quiet=True)
    rows = [
        {"Röntgenbild": "bilder/0.png", "SpO2": "97", "Befund-Text": "stabil"},
        {"Röntgenbild": "bilder/0.png"},
        {"SpO2": "85"},
        {"Befund-Text": "ruhig", "Patientenname": "Vorzyx Nachqrs1"},
        {},
    ]
    answers = [one.outputs["urgency"] for one in app.predict(rows, root=strange)]
    assert all(one.prediction_set for one in answers)
    assert set(answers[2].prediction_set) <= {"gelb", "rot"}  # the floor holds, whether or not it declines
    assert answers[2].probabilities["grün"] == 0
    app.close()


def test_the_report_says_what_it_is(fitted):
    for page in ("report.html", "card.md"):
        text = (fitted / page).read_text(encoding="utf-8")
        assert "not a medical device" in text
        assert "不是医疗器械" in text
    metrics = json.loads((fitted / "metrics.json").read_text(encoding="utf-8"))["urgency"]
    assert {one["column"] for one in metrics["slices"]} >= {"Geschlecht", "Haus"}
    assert metrics["test"]["balanced_accuracy"]["value"] > 0.5
    assert "risk" in metrics["confidence"]


def test_predict_answers_from_the_saved_run_alone(fitted, strange, tmp_path):
    out = tmp_path / "a.csv"
    words = ("predict", fitted, strange / "fälle.tsv", "--out", out, "--on-bad-row", "skip", "--quiet")
    assert command(*words) == 0
    text = out.read_text(encoding="utf-8")
    assert text.count("\n") == 121
    assert not any(secret in text for secret in SECRETS.values())


# -- settings --------------------------------------------------------------------------------------------------------


def planned(strange, **changed):
    """Return the application that settings make of the stranger's table."""
    given = {key: value for key, value in (SETTINGS | changed).items() if value is not None}
    plan = plan_recipe("triage", data=str(strange / "fälle.tsv"), settings=given)
    return plan.application.model_dump(mode="json")


ACTING = [
    ({"target": "Haus", "order": None}, ("tasks", "finding", "column"), "Haus"),
    ({"order": ["rot", "gelb", "grün"]}, ("tasks", "urgency", "order"), ["rot", "gelb", "grün"]),
    ({"group": "Geburtsdatum"}, ("privacy", "number"), ["Geburtsdatum"]),
    ({"id": None}, ("id",), "Fall"),
    ({"id": "accession_no"}, ("id",), "accession_no"),
    ({"risk": 0.03}, ("confidence", "abstain", "error"), 0.03),
    ({"risk": None}, ("confidence", "abstain", "error"), 0.1),
    ({"slices": ["Alter"]}, ("evaluation", "slices"), ["Alter"]),
    ({"slices": None}, ("evaluation", "slices"), ["Alter", "Geschlecht", "Haus"]),
    ({"rules": [{"name": "mine", "task": "urgency", "never": "grün"}]}, ("rules", 0, "name"), "mine"),
    ({"floor": "none"}, ("rules",), []),
    ({"floor": "rot"}, ("rules", 0, "at_least"), "rot"),
    ({"keep": ["erreichbar"]}, ("inputs", "notes", "column"), ["Befund-Text", "erreichbar"]),
]


@pytest.mark.parametrize(("changed", "where", "expected"), ACTING)
def test_every_setting_acts(strange, changed, where, expected):
    found = planned(strange, **changed)
    for key in where:
        found = found[key]
    assert found == expected


def test_every_setting_is_in_the_test_above():
    from mmsdk_recipe_triage import mmsdk_recipes

    (spec,) = mmsdk_recipes()
    assert set(spec.settings) == {key for changed, _, _ in ACTING for key in changed}


def test_rules_of_a_file(strange, tmp_path, monkeypatch):
    (tmp_path / "my.yaml").write_text("- {name: alt, when: 'Alter > 80', task: urgency, at_least: gelb}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert [one["name"] for one in planned(strange, rules="my.yaml")["rules"]] == ["alt"]
    (tmp_path / "my.yaml").write_text("rules: [{when: 'Alter > 80', task: urgency, at_least: rot}]\n", "utf-8")
    assert planned(strange, rules="my.yaml")["rules"][0]["at_least"] == "rot"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": None}, "--set target=COLUMN"),
        ({"target": "Drinlichkeit"}, "has no column 'Drinlichkeit'"),
        ({"group": "nobody"}, "has no column 'nobody'"),
        ({"order": ["grün", "rot"]}, "order leaves out gelb"),
        ({"risk": 1.5}, "risk is 1.5"),
        ({"risk": "low"}, "risk is 'low'"),
        ({"floor": "blau"}, "which is no label"),
        ({"target": "Haus", "floor": "gelb", "order": None}, "floor needs order"),
        ({"rules": "nowhere.yaml"}, "cannot be read"),
        ({"targget": "x"}, "Did you mean 'target'?"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(strange, changed, said):
    with pytest.raises(mmsdk.ConfigError, match=re.escape(said)):
        planned(strange, **changed)


@pytest.mark.parametrize(
    ("text", "said"), [("just words", "holds no list of rules"), ("#" * 1048578, "is longer than")]
)
def test_rules_that_are_none(strange, tmp_path, text, said):
    (tmp_path / "my.yaml").write_text(text, "utf-8")
    with pytest.raises(mmsdk.ConfigError, match=said):
        planned(strange, rules=str(tmp_path / "my.yaml"))


def test_the_risk_may_be_set_for_the_sample():
    plan = plan_recipe("triage", data=None, settings={"risk": 0.02})
    assert plan.application.confidence.abstain.error == 0.02
    assert plan.synthetic


def test_a_table_without_inputs_is_refused_and_says_what_it_left_out(tmp_path):
    file = tmp_path / "t.csv"
    lines = [f"{'high' if n % 7 % 2 else 'low'},{n % 9},{'ab'[n % 2]},same" for n in range(40)]
    file.write_text("urgency,mrn,site,always\n" + "\n".join(lines), "utf-8")
    with pytest.raises(mmsdk.ConfigError, match=r"t\.csv has no column that can be an input") as refused:
        plan_recipe("triage", data=str(file), settings={"target": "urgency"})
    said = str(refused.value)
    assert "site (how or where it was recorded, not how the patient is)" in said
    assert "mrn (names a person: a number of a person)" in said
    assert "always (always 'same')" in said
    assert "--set inputs.NAME=COLUMN" in said
    assert "urgency (" not in said
    found = plan_recipe("triage", data=str(file), settings={"target": "urgency", "inputs.place": "site"})
    assert found.application.inputs["place"].column == "site"
    found = plan_recipe("triage", data=str(file), settings={"target": "urgency", "keep": ["site"]})
    assert found.application.inputs["record"].column == ["site"]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_pages_name_every_setting_and_say_what_it_is(page):
    from mmsdk_recipe_triage import mmsdk_recipes

    (spec,) = mmsdk_recipes()
    text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert list(rows) == list(spec.settings)
    said = {
        key: one.what + (f" (default {one.default})" if one.default is not None else "")
        for key, one in spec.settings.items()
    }
    assert "zh" in page or rows == said
    assert ("不是医疗器械" if "zh" in page else "not a medical device") in text.split("##")[0]


def test_the_example_of_settings_is_read(strange):
    example = mmsdk.read_yaml((Path(__file__).parents[1] / "recipe.yaml").read_text(encoding="utf-8"), "recipe.yaml")
    from mmsdk_recipe_triage import mmsdk_recipes

    (spec,) = mmsdk_recipes()
    assert {"target", "order", "group", "risk", "slices"} <= set(example) & set(spec.settings)
