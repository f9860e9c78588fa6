"""Which columns tell who somebody is: by their names in a few languages, and by what their cells look like."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from mmsdk import DataError, column_numbers, column_words, guess_modality
from mmsdk_recipe_triage.words import (
    BESIDE,
    BESIDE_PARTS,
    NOTES,
    NUMBER,
    NUMBERING,
    PERSONS,
    THINGS,
    WEAK,
    WEAK_OF_READINGS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENT = frozenset({"patient", "patients", "subject", "person", "mrn", "pid", "patientid", "subjectid", "personid"})
PATIENT |= {"patienten", "patientin", "proband", "probanden", "kvnr", "患者", "病人", "受试者", "就诊人"}
ADMISSIONS = frozenset(["身份证", "病历", "病案", "住院", "门诊", "登记", "就诊卡", "医保", "医保卡", "社保卡"])
ADMITTED = frozenset(["pat", "fall", "aufnahme", "akten", "versicherten"])  # a number of one names a patient
NUMBERED = re.compile("(编号|编码|代码|号码?|nummer|number|nr|no|id)$")  # 患者编号: what numbers the thing before it
THING = re.compile(f"({THINGS})names?|names?of(the)?({THINGS})s?")
YES_NO = frozenset(["yes", "no", "y", "n", "ja", "nein", "j", "true", "false", "是", "否", "有", "无"])
TITLES = frozenset(["dr", "med", "prof", "dipl", "von", "van", "der", "de", "und", "and"])
LOWER, LOWER_OF_NOTES = 3.5, 1.5  # so many words that are no names in a cell are a note; fewer of what is called one
READING = 100_000  # numbers from here on are ids
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
NUMBERS = {
    "an e-mail address": EMAIL,
    "a number of a person": re.compile(
        r"\d{3}-\d{2}-\d{4}|\d{3} \d{3} \d{4}|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]|\d{17}[\dXx]"
    ),
    "a telephone": re.compile(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}|(\+\d|0\d|\(\d{3}\)|\d{3}-)[\d ()/-]{6,}\d"),
}
LOOKED_AT, MOSTLY = 200, 0.6
PLAIN_CELLS = ("number", "category", "date", "text", "tags")


def identifiers(table: Any, keep: Iterable[str] = ()) -> dict[str, str]:
    """Return column -> what it seems to say of a person (``mrn`` -> ``a number of a person``).

    Columns that name the patient only to hold rows together (``patient``, ``subject``) count too: see :func:`patients`.

    :param table: of :func:`mmsdk.read_table`.
    :param keep: columns that are none, whatever they look like.
    """
    kept = set(keep)
    found = {name: what for name in table.names if name not in kept and (what := _by_name(table, name))}
    for name in table.names:
        if name not in kept and name not in found and (what := _by_cells(table.cells(name))):
            found[name] = what
    return found


def patients(table: Any) -> str | None:
    """Return the column that says which rows are of one patient; the one with the fewest values where several do."""
    named = [name for name in table.names if _names_patient(table, name) and "name" not in column_words(name)]
    counts = {name: len({str(cell) for cell in table.cells(name) if cell is not None}) for name in named}
    counts = {name: count for name, count in counts.items() if count > 1}
    return min(counts, key=lambda name: counts[name], default=None)


def _names_patient(table: Any, name: str) -> bool:
    """Return whether a column says which patient it is: ``patient_id``, ``Pat-ID``, ``患者编号``, ``住院号``.

    ``patient_age`` and ``Patient weight`` do not, nor does a column of notes, pictures or measurements.
    """
    words = column_words(name)
    whole = "".join(words)
    stem = NUMBERED.sub("", whole)
    numbered = bool(NUMBERING & set(words))
    if stem in PATIENT | ADMISSIONS or (stem != whole and stem in ADMITTED) or ("pat" in words and numbered):
        return True
    if not PATIENT & {*words, whole}:
        return False
    return numbered or not (_beside(words) or is_written(table, name) or _measured(table, name))


def _by_name(table: Any, name: str) -> str:
    """Return what a column's name says it holds of a person, unless its cells contradict, or nothing."""
    words = column_words(unicodedata.normalize("NFC", name))
    whole = "".join(words)
    for what, (single, parts) in PERSONS.items():
        said = (single & set(words)) | {part for part in parts if part in whole}
        if said and not THING.fullmatch(whole) and not _contradicted(table, name, what, said):
            return what
    return NUMBER if _names_patient(table, name) else ""


def _contradicted(table: Any, name: str, what: str, said: set[str]) -> bool:
    """Return whether a column that is called like a person's (``said``) holds something else by its cells."""
    if _says_yes_or_no(table.cells(name), numbers=what != NUMBER):
        return True
    if said - WEAK - WEAK_OF_READINGS:
        return False
    if _beside(column_words(name)) or is_written(table, name):
        return True
    return said <= WEAK_OF_READINGS and _readings(table.cells(name), READING)


def _beside(words: list[str]) -> bool:
    """Return whether a word of the name says that it is about the state of the patient."""
    return bool(BESIDE & set(words)) or any(part in "".join(words) for part in BESIDE_PARTS)


def _says_yes_or_no(cells: list[Any], *, numbers: bool) -> bool:
    """Return whether all cells say yes or no; with ``numbers``, 0 and 1 do too."""
    held = {str(cell).strip().lower() for cell in cells if cell is not None} - {""}
    return bool(held) and held <= YES_NO | ({"0", "1", "0.0", "1.0"} if numbers else set())


def is_written(table: Any, name: str) -> bool:
    """Return whether a column holds pictures or other media, or sentences: no name is so long."""
    if holds_media(table, name):
        return True
    texts = [cell for cell in table.cells(name) if isinstance(cell, str) and cell.strip()][:LOOKED_AT]
    called = any(word in "".join(column_words(name)) for word in NOTES)
    return bool(texts) and sum(map(_lower_words, texts)) >= (LOWER_OF_NOTES if called else LOWER) * len(texts)


def _lower_words(text: str) -> float:
    """Return how many words of a text are no names by their first letter; three characters of Chinese are one."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if word[0].islower() and word not in TITLES]
    return len(words) + len(re.findall("[\u3400-\u9fff]", text)) / 3


def holds_media(table: Any, name: str) -> bool:
    """Return whether the cells of a column are media or name files of some that an installed modality reads."""
    try:
        return guess_modality(table, name) not in PLAIN_CELLS
    except DataError:  # fits none
        return False


def _readings(cells: list[Any], below: float) -> bool:
    """Return whether all cells are numbers that are no ids by their size."""
    held = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
    found = column_numbers(held)
    return bool(held) and len(found) == len(held) and max(map(abs, found)) < below


def _measured(table: Any, name: str) -> bool:
    """Return whether a column is numbers with a fraction, as no id is."""
    found = column_numbers(table.cells(name))
    return _readings(table.cells(name), READING) and any(one % 1 for one in found)


def _by_cells(cells: list[Any]) -> str:
    """Return what most cells of a column look like, or nothing."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)][:LOOKED_AT]
    for what, pattern in NUMBERS.items() if texts else ():
        if sum(bool(pattern.fullmatch(text)) for text in texts) >= MOSTLY * len(texts):
            return what
    return ""
