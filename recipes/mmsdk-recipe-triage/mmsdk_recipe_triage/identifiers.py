"""Which columns tell who somebody is: by their names in a few languages, and by what their cells look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# what -> a word of the column's name is one of these, or the name without separators holds one of the longer ones
WORDS = {
    "a name": (
        {"name", "names", "surname", "forename", "given", "family", "maiden", "vorname", "nachname", "nom", "prenom"},
        ("firstname", "lastname", "fullname", "patientname", "patientenname", "姓名", "名字"),
    ),
    "a birth date": (
        {"dob", "birth", "birthday", "geburtsdatum"},
        ("birthdate", "dateofbirth", "geburt", "出生", "生日"),
    ),
    "an address": (
        {"address", "street", "city", "town", "zip", "zipcode", "postcode", "postal", "adresse", "plz"},
        ("homeaddress", "postalcode", "地址", "邮编"),
    ),
    "a telephone": ({"phone", "telephone", "tel", "mobile", "cell", "fax"}, ("phonenumber", "telefon", "电话", "手机")),
    "an e-mail address": ({"email", "mail"}, ("emailaddress", "邮箱")),
    "a number of a person": (
        {"mrn", "ssn", "nhs", "insurance", "passport", "accession", "account", "chi", "pid", "aadhaar"},
        (
            "medicalrecord",
            "patientid",
            "patientnumber",
            "socialsecurity",
            "accessionnumber",
            "身份证",
            "病历号",
            "住院号",
        ),
    ),
    "a member of staff": (
        {"physician", "doctor", "nurse", "operator", "referrer", "radiologist", "clinician"},
        ("referringphysician", "医生"),
    ),
}
PATIENT = frozenset({"patient", "patients", "subject", "person", "mrn", "pid", "patientid", "subjectid", "personid"})
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
NUMBERS = {
    "an e-mail address": EMAIL,
    "a number of a person": re.compile(r"\d{3}-\d{2}-\d{4}|\d{3} \d{3} \d{4}|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    "a telephone": re.compile(r"(\+\d|0\d|\(\d{3}\)|\d{3}-)[\d ()/-]{6,}\d"),
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
    named = [name for name in table.names if PATIENT & {*words_of(name), "".join(words_of(name))}]
    named = [name for name in named if not {"name", "age", "sex"} & set(words_of(name))]
    counts = {name: len({str(cell) for cell in table.cells(name) if cell is not None}) for name in named}
    counts = {name: count for name, count in counts.items() if count > 1}
    return min(counts, key=lambda name: counts[name], default=None)


def words_of(name: str) -> list[str]:
    """Return the words of a column's name, lower case: ``patientName``, ``patient_name`` and ``Patient name`` alike."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", parted.lower()) if word]


def _by_name(name: str) -> str:
    """Return what a column's name says it holds of a person, or nothing."""
    words = words_of(name)
    whole = "".join(words)
    for what, (single, parts) in WORDS.items():
        if single & set(words) or any(part in whole for part in parts):
            return what
    return "a number of a person" if PATIENT & {*words, whole} and not {"age", "sex"} & set(words) else ""


def _by_cells(cells: list[Any]) -> str:
    """Return what most cells of a column look like, or nothing."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)][:LOOKED_AT]
    for what, pattern in NUMBERS.items() if texts else ():
        if sum(bool(pattern.fullmatch(text)) for text in texts) >= MOSTLY * len(texts):
            return what
    return ""
