"""A stranger's table of cases: other names, broken and missing pictures, people's data in it; and how tests run it."""

from __future__ import annotations

import csv
import json
import random

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

LEVELS = ("grün", "gelb", "rot")
SECRETS = {  # column -> what its cells hold; none of it may stand anywhere in a run
    "Patientenname": "Vorzyx Nachqrs",
    "MRN": "MRN-88",
    "Geburtsdatum": "1955-0",
    "Telefon": "+49 30 77",
    "E-Mail": "@example.invalid",
    "Adresse": "Beispielweg",
    "accession_no": "ACC-99",
    "Dr. referring physician": "Dr. Qwertz",
    "erreichbar": "person-",  # known by its cells alone
    "Familienname": "Zwirbelquast",
    "Geb.-Datum": ".03.1955",
    "Wohnort": "Hinterpfuiteufel",
    "KVNR": "Q98765",
    "Hausarzt": "Pillendreher",
    "Kennziffer": "KZ-77",  # known by nothing: codes that nothing reads
}
SETTINGS = {
    "target": "Dringlichkeit",
    "order": list(LEVELS),
    "id": "Fall",
    "slices": ["Geschlecht", "Haus"],
    "risk": 0.2,
}
QUICK = {
    "encoders.text": "ngrams",
    "training.epochs": 1,
    "fusion.dim": 16,
    "confidence.folds": 2,
    "head.options.penalty": 1.0,
    "head.options.folds": 2,
}
BROKEN = (7, 31, 66)


def write_cases(folder):
    """Write 120 cases of 80 patients: 3 % of the pictures broken, a fifth of pictures and of records gone."""
    draw = random.Random(0)
    (folder / "bilder").mkdir()
    rows = []
    for number in range(120):
        level = draw.choice([0, 0, 1, 2])
        path, person = f"bilder/{number}.png", number * 2 // 3
        pixels = np.random.default_rng(number).normal(60 + 60 * level, 12, (24, 24)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / path)
        if number in BROKEN:
            (folder / path).write_bytes((folder / path).read_bytes()[:60])
        low = level == 2 or draw.random() < 0.05
        said = (
            f"{draw.choice(['stabil', 'ruhig'])} seit {draw.randrange(90)} Stunden, {draw.choice(['allein', 'spät'])}"
        )
        said = f"Patient Zwirbelquast{person} {said}" if number % 4 == 1 else said
        said = said if number % 3 else f"{said}, nach Gefühl {LEVELS[level]}, 030 5551234"
        rows.append(
            {
                "Fall": f"F{number:03d}",
                "Röntgenbild": "" if number % 5 == 4 else path,
                "Patientenname": f"Vorzyx Nachqrs{person}",
                "MRN": f"MRN-88{person:03d}",
                "Geburtsdatum": f"1955-0{person % 9 + 1}-11",
                "Telefon": f"+49 30 77{person:05d}",
                "E-Mail": f"p{person}@example.invalid",
                "Adresse": f"Beispielweg {person}",
                "accession_no": f"ACC-99{number:04d}",
                "Dr. referring physician": f"Dr. Qwertz {person % 5}",
                "erreichbar": f"person-{person}@clinic.example",
                "Familienname": f"Zwirbelquast{person}",
                "Geb.-Datum": f"{person % 28 + 1:02d}.03.1955",
                "Wohnort": f"Hinterpfuiteufel {person % 3}",
                "KVNR": f"Q98765{person:04d}",
                "Hausarzt": f"Dr. Pillendreher {person % 4}",
                "Kennziffer": f"KZ-77{number:03d}",
                "Alter": str(30 + person % 70),
                "Geschlecht": draw.choice("mw"),
                "Haus": draw.choice(["Nord", "Süd"]),
                "SpO2": "" if number % 5 == 1 else str(88 if low else 97),
                "Befund-Text": said,
                "outcome_death": draw.choice("01"),
                "Dringlichkeit": LEVELS[max(level, int(low))],
            }
        )
    with (folder / "fälle.tsv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


CHINESE_NAMES = [first + last for first in "王李张刘陈" for last in ("伟", "芳", "秀英", "敏", "静")]
ENGLISH_NAMES = [f"{first} {last}" for first in ("Ann", "Bob") for last in ("Weber", "Kowalski", "Ngata", "Oduya")]


def chinese_case(name, level, draw):
    """Return cells that all say the name: as a sentence, a tag, a category, a column not read, a date that is none."""
    sick = draw.choice(["咳嗽三天", "发热伴胸闷", "腹痛两天"])
    return {
        "姓名": name,
        "身份证号": f"1101011967010{draw.randrange(10000, 99999)}",
        "病情描述": f"{sick}，{draw.choice(['无既往史', '糖尿病史'])}。{name}主诉：{['轻微不适', '持续加重'][level]}",
        "备注": f"{sick}，{draw.choice(['青霉素过敏', '既往体健'])}，{name}",
        "伴随": f"{draw.choice(['乏力', '头晕', '恶心'])}、{draw.choice(['心悸', '皮疹'])}、{name}",
        "陪同": f"{name}的{draw.choice(['儿子', '女儿'])}",
        "就诊日期": "2026年3月12日" if draw.random() < 0.9 else f"3月12日{name}",
        "离院": f"{draw.choice(['出院', '住院'])}，{name}",
        "分诊级别": ["常规", "紧急"][level],
    }


def english_case(name, level, draw):
    """Return cells that all say the name, or a word of it, between commas."""
    sick, last = draw.choice(["cough", "fever", "belly pain"]), name.split()[1]
    return {
        "name": name,
        "mrn": f"M-{draw.randrange(1000, 9999)}",
        "note": f"{sick} for {draw.randrange(9)} days, {name}, {['mild', 'getting worse'][level]}, no allergies",
        "symptoms": f"{sick},{draw.choice(['nausea', 'rash'])},{last}",
        "came with": f"{last}'s {draw.choice(['son', 'wife'])}",
        "heart rate": str(draw.randrange(60, 120)) if draw.random() < 0.9 else f"{last} 80",
        "discharge": f"{draw.choice(['home', 'ward'])}, {last.upper()}",
        "urgency": ["routine", "urgent"][level],
    }


def write_named_cases(path, case, names, encoding):
    """Write 120 cases whose every column says who the patient is."""
    draw = random.Random(3)
    rows = [{"case": f"F{n:03d}"} | case(draw.choice(names), draw.randrange(2), draw) for n in range(120)]
    with path.open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def words_of(folder):
    """Return all that the files of a run hold, as they are and as tables and JSON are read."""
    held = []
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        held.append(path.read_bytes())
        if path.suffix == ".parquet":
            held.append(str(parquet.read_table(path).to_pylist()).encode())
        if path.suffix == ".json":
            held.append(json.dumps(json.loads(held[-1]), ensure_ascii=False).encode())
    return b"\0".join(held)


def sets(settings):
    """Return settings as words of the command line."""
    return [
        part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value, ensure_ascii=False)}")
    ]


def command(*arguments):
    """Run ``mmsdk`` in this process and return its exit code."""
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main([str(one) for one in arguments])
    return left.value.code
