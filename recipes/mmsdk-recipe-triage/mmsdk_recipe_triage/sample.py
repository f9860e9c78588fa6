"""The synthetic sample: made-up cases with a drawn chest-like picture, vital signs, notes and an urgency.

Illness has two parts: one shows in the picture as shadows, the other in the vital signs. A case with one of them is
urgent, with both an emergency, so that neither picture nor record alone can know; the notes tell a little. About an
eighth of the cases lack the picture, as many the record, a sixth the notes. One patient may come twice. Names, numbers
and addresses are made up too, so that one sees them go at the door. Nothing in it is like a real patient.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from mmsdk import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

PATIENTS, PIXELS = 360, 96
MISSING = {"picture": 0.12, "record": 0.12, "notes": 0.16}
SHARES = (0.5, 0.3, 0.2)
ORDER = ("routine", "urgent", "emergency")
COMPLAINTS = (
    ("check before surgery", "cough for two weeks", "follow-up, feels well", "chest wall pain after a fall"),
    ("fever and cough", "short of breath on stairs", "chest pain when breathing in", "productive cough, tired"),
    ("very short of breath", "confused and clammy", "cannot speak in sentences", "collapsed at home"),
)
CAME = ("came alone", "came with family", "by ambulance", "sent by the practice")
HEADER = (
    *(
        "case",
        "picture",
        "patient_name",
        "mrn",
        "birth_date",
        "phone",
        "e-mail",
        "address",
        "age",
        "sex",
        "view",
        "site",
    ),
    *("spo2", "respiration_rate", "systolic", "pulse", "temperature", "crp", "notes", "urgency"),
)
FINE = ("temperature", "crp")  # written with a decimal
RECORD = ("age", "spo2", "respiration_rate", "systolic", "pulse", "temperature", "crp")


def write_sample(folder: Path, seed: int) -> None:
    """Write ``pictures/`` and ``cases.csv`` in ``folder``; the same seed, the same bytes."""
    rng = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for patient in range(PATIENTS):
        person = _person(patient, rng)
        for _ in range(1 + int(rng.random() < 0.2)):
            rows.append(_case(len(rows), person, folder, rng))
    with atomic_write(folder / "cases.csv") as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _person(number: int, rng: np.random.Generator) -> dict[str, str]:
    """Return a made-up patient."""
    age = int(np.clip(rng.normal(58, 18), 18, 97))
    first, last = (rng.choice(names) for names in (("Ada", "Bo", "Cy", "Dea", "Eli"), ("Moor", "Nash", "Orr", "Pike")))
    return {
        "patient_name": f"{first} {last}-{number}",
        "mrn": f"M{900000 + 7 * number}",
        "birth_date": f"{2026 - age}-{1 + number % 12:02d}-{1 + number % 28:02d}",
        "phone": f"+00 555 {100000 + 31 * number}",
        "e-mail": f"p{number}@example.org",
        "address": f"{1 + number} Example Road",
        "age": str(age),
        "sex": str(rng.choice(["F", "M"])),
        "site": str(rng.choice(["north", "south"])),
    }


def _case(number: int, person: dict[str, str], folder: Path, rng: np.random.Generator) -> dict[str, str]:
    """Return one case and draw its picture; a part of it may be missing."""
    level = int(rng.choice(3, p=SHARES))
    high = [level == 2, level == 2] if level != 1 else list(rng.permutation([True, False]))
    seen, felt = (float(np.clip(rng.normal(1.5 if one else 0.3, 0.25), 0, 2.4)) for one in high)
    vitals = _vitals(felt, rng)
    if vitals["spo2"] <= 91 or vitals["respiration_rate"] >= 25 or vitals["systolic"] <= 90:
        level = max(level, 1)
    gone = {part for part, share in MISSING.items() if rng.random() < share}
    gone -= {"record"} if {"picture", "record"} <= gone else set()
    view = str(rng.choice(["AP", "PA"], p=[0.3 + 0.2 * (level == 2), 0.7 - 0.2 * (level == 2)]))
    row = {**person, "case": f"C{number:04d}", "picture": f"pictures/C{number:04d}.png", "view": view}
    row |= {
        name: f"{value:.1f}" if name in ("temperature", "crp") else f"{value:.0f}" for name, value in vitals.items()
    }
    heard = int(np.clip(round(level + rng.normal(0, 0.7)), 0, 2))
    row["notes"] = f"{rng.choice(COMPLAINTS[heard])}, {rng.choice(CAME)}"
    row["urgency"] = ORDER[level]
    _draw(folder / row["picture"], seen, rng, keep="picture" not in gone)
    row |= {"picture": ""} if "picture" in gone else {}
    row |= dict.fromkeys(RECORD, "") if "record" in gone else {}
    return row | ({"notes": ""} if "notes" in gone else {})


def _vitals(felt: float, rng: np.random.Generator) -> dict[str, float]:
    """Return vital signs and a laboratory value, the worse the more is felt."""
    return {
        "spo2": float(np.clip(98.5 - 4 * felt + rng.normal(0, 0.7), 72, 100)),
        "respiration_rate": float(np.clip(13 + 5 * felt + rng.normal(0, 1.2), 9, 44)),
        "systolic": float(np.clip(132 - 5 * felt + rng.normal(0, 13), 68, 210)),
        "pulse": float(np.clip(74 + 11 * felt + rng.normal(0, 6), 42, 170)),
        "temperature": float(np.clip(36.8 + 0.4 * felt + rng.normal(0, 0.4), 35.2, 41)),
        "crp": float(np.clip(np.exp(1.5 + 0.8 * felt + rng.normal(0, 0.6)), 0.3, 400)),
    }


def _draw(path: Path, seen: float, rng: np.random.Generator, *, keep: bool) -> None:
    """Draw two dark lungs in a lighter body, with as many soft shadows as are seen; the file only where it is kept."""
    image = Image.new("L", (PIXELS, PIXELS), 18)
    draw = ImageDraw.Draw(image)
    shift = [int(v) for v in rng.integers(-3, 4, 4)]
    draw.rounded_rectangle((8 + shift[0], 4, 88 + shift[1], 95), 22, fill=150 + 4 * shift[2])
    for left in (18, 52):
        draw.ellipse((left + shift[2], 16 + shift[3], left + 27 + shift[2], 80 + shift[3]), fill=52)
    draw.rectangle((45 + shift[2], 10, 51 + shift[2], 92), fill=176)
    shadows = Image.new("L", (PIXELS, PIXELS), 0)
    brush = ImageDraw.Draw(shadows)
    for _ in range(round(4 * seen)):
        x, y, size = rng.choice([25, 62]) + rng.integers(0, 14), rng.integers(26, 74), rng.integers(6, 9)
        brush.ellipse((int(x - size), int(y - size), int(x + size), int(y + size)), fill=int(rng.integers(90, 120)))
    shadows = shadows.filter(ImageFilter.GaussianBlur(2.5))
    pixels = np.asarray(image, np.float32) + np.asarray(shadows, np.float32) + rng.normal(0, 5, (PIXELS, PIXELS))
    if keep:
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, "PNG")
