"""Which columns tell who somebody is: by their names in a few languages, and by what their cells look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmsdk import column_words
from mmsdk_recipe_triage.words import PERSONS

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENT = frozenset({"patient", "patients", "subject", "person", "mrn", "pid", "patientid", "subjectid", "personid"})
PATIENT |= {"患者", "病人", "受试者", "就诊人"}
ADMISSIONS = frozenset(["身份证", "病历", "病案", "住院", "门诊", "登记", "就诊卡"])  # their numbers name a patient
NUMBERED = re.compile("(编号|编码|代码|号码?|id)$")  # 患者编号: what numbers the thing before it
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
NUMBERS = {
    "an e-mail address": EMAIL,
    "a number of a person": re.compile(
        r"\d{3}-\d{2}-\d{4}|\d{3} \d{3} \d{4}|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]|\d{17}[\dXx]"
    ),
    "a telephone": re.compile(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}|(\+\d|0\d|\(\d{3}\)|\d{3}-)[\d ()/-]{6,}\d"),
}
LOOKED_AT, MOSTLY = 200, 0.6


def identifiers(table: Any, keep: Iterable[str] = ()) -> dict[str, str]:
    """Return column -> what it seems to say of a person (``mrn`` -> ``a number of a person``).

    Columns that name the patient only to hold rows together (``patient``, ``subject``) count too: see :func:`patients`.

    :param table: of :func:`mmsdk.read_table`.
    :param keep: columns that are none, whatever they look like.
    """
    kept = set(keep)
    found = {name: what for name in table.names if name not in kept and (what := _by_name(name))}
    for name in table.names:
        if name not in kept and name not in found and (what := _by_cells(table.cells(name))):
            found[name] = what
    return found


def patients(table: Any) -> str | None:
    """Return the column that says which rows are of one patient; the one with the fewest values where several do."""
    named = [name for name in table.names if _names_patient(name)]
    named = [name for name in named if not {"name", "age", "sex", "年龄", "性别"} & set(column_words(name))]
    counts = {name: len({str(cell) for cell in table.cells(name) if cell is not None}) for name in named}
    counts = {name: count for name, count in counts.items() if count > 1}
    return min(counts, key=lambda name: counts[name], default=None)


def _names_patient(name: str) -> bool:
    """Return whether a column says which patient it is: ``patient_id``, ``患者``, ``患者编号``, ``住院号``."""
    words = column_words(name)
    whole = "".join(words)
    return bool(PATIENT & {*words, whole}) or NUMBERED.sub("", whole) in PATIENT | ADMISSIONS


def _by_name(name: str) -> str:
    """Return what a column's name says it holds of a person, or nothing."""
    words = column_words(name)
    whole = "".join(words)
    for what, (single, parts) in PERSONS.items():
        if single & set(words) or any(part in whole for part in parts):
            return what
    return "a number of a person" if _names_patient(name) and not {"age", "sex", "年龄", "性别"} & set(words) else ""


def _by_cells(cells: list[Any]) -> str:
    """Return what most cells of a column look like, or nothing."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)][:LOOKED_AT]
    for what, pattern in NUMBERS.items() if texts else ():
        if sum(bool(pattern.fullmatch(text)) for text in texts) >= MOSTLY * len(texts):
            return what
    return ""
