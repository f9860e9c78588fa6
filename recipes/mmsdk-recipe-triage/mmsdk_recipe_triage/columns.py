"""What each column of a table of cases is for: the answer, inputs, subgroups, and what must not be an input."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, column_says, column_words, guess_modality, inspect_table
from mmsdk_recipe_triage.fhir import is_bundles
from mmsdk_recipe_triage.identifiers import holds_media, identifiers, patients
from mmsdk_recipe_triage.words import (
    ADDRESSES,
    CIRCUMSTANCE,
    DOUBTFUL,
    EARLIER,
    LATER,
    NOT_LATER,
    OF_PATIENTS,
    ORDERS,
    ORIGINS,
    PICTURES,
    PLAIN,
    RECORDING,
    SIZES,
    SLICED,
    UMLAUTS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = ("number", "category", "date")
NOTE_WORDS = 4
AFTERWARDS = "known only afterwards, or another answer"
RECORDED = "how or where it was recorded, not how the patient is"
OBSERVED = "its code.text in small letters, _ between words, where it has no LOINC code"
SOMEBODY = "telephones, e-mails or long ids"  # as inspect_table says it
CODES = ("ids of something", "numbers the rows", SOMEBODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What was understood.

    :param task: block of the answer, as of an application file.
    :param inputs: blocks of the inputs.
    :param names: column -> what it says of a person; all of them are dropped, but the group, which is numbered.
    :param unread: column -> why it is no input.
    :param codes: columns of codes and of numbers of rows that nothing reads, and that may number people: dropped too.
    """

    task: dict[str, Any]
    inputs: dict[str, dict[str, Any]]
    id: str | None = None
    group: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()


def understand(table: Any, settings: Mapping[str, Any]) -> Columns:
    """Read the columns of a table of cases.

    :param settings: of the recipe; ``target`` at least.
    :raises ConfigError: ``target`` is not said, or a setting names a column that is not there.
    """
    target = settings.get("target")
    if target is None:
        raise ConfigError(
            "recipe triage: target is not set; name the column that holds the urgency, finding or outcome with "
            f"--set target=COLUMN. Columns: {', '.join(table.names)}"
        )
    chosen, kept = settings.get("slices", []), settings.get("keep", [])
    for key, names in (("target", [target]), ("slices", chosen), ("keep", kept)):
        _require(table, key, names)
    for key in ("id", "group"):
        _require(table, key, [settings[key]] if settings.get(key) else [])
    names = identifiers(table, keep=[*kept, target])
    group = settings.get("group") or patients(table)
    unread = {name: f"names a person: {what}" for name, what in names.items()}
    why = {name: no for name in table.names if name not in {target, *names} and (no := _no_input(table, name))}
    unread |= {name: no for name, no in why.items() if name not in kept}
    looked = inspect_table(table, target=target, without=[*unread, *([group] if group else [])])
    guessed = looked.application
    asked = [name for name in kept if looked.left_out.get(name, "").startswith(SOMEBODY)]
    inputs = guessed.get("inputs", {}) | {
        name: {"column": name, "modality": guess_modality(table, name)} for name in asked
    }
    slices = tuple(chosen) if chosen else tuple(one for one in _sliced(table, target, why) if one not in names)
    identity = settings.get("id") or guessed.get("id")
    return Columns(
        task=next(iter(guessed["tasks"].values())),
        inputs=_grouped(inputs, identity),
        id=identity,
        group=group if group != identity else None,
        names={name: what for name, what in names.items() if name != identity},
        slices=slices,
        unread=unread,
        codes=tuple(
            name for name, why in looked.left_out.items() if why.startswith(CODES) and name not in {*kept, *slices}
        ),
    )


def order_of(labels: list[str], said: list[str] | None) -> list[str] | None:
    """Return the labels from least to most urgent: as said, or as a known scale has them; ``None`` where neither.

    A scale may have labels that the table lacks, unless only two are left of it.

    :param said: the setting ``order``.
    :raises ConfigError: what is said does not name every label.
    """
    if said is not None:
        if missing := sorted(set(labels) - set(said)):
            raise ConfigError(f"recipe triage: order leaves out {', '.join(missing)}; name every label of the target")
        return list(said)
    plain = {_plain(label): label for label in labels}
    if len(plain) < len(labels):
        return None
    scales = [[_plain(one) for one in scale] for scale in ORDERS]
    found = next((scale for scale in scales if set(plain) == set(scale)), None)
    if found is None and len(plain) > 2:
        found = next((scale for scale in scales if set(plain) <= set(scale)), None)
    return None if found is None else [plain[one] for one in found if one in plain]


def _plain(label: str) -> str:
    """Return a label as it is looked for: ``Non_urgent`` and ``non-urgent``, ``GRÜN`` and ``gruen`` are one."""
    words = unicodedata.normalize("NFC", label).lower().translate(UMLAUTS)
    return re.sub(r"[\W_]+", " ", words).strip()


def leaking_words(labels: list[str], target: str, notes: list[Any]) -> list[str]:
    """Return the words of the labels, and of the name of the answer, that stand in the notes: they tell it.

    :param notes: the cells of the text columns.
    """
    words = {label.replace("_", " ").strip() for label in labels}
    words |= {word for label in labels for word in re.split(r"[\W_]+", label) if _weight(word) >= NOTE_WORDS}
    words |= {word for word in column_words(target) if word not in PLAIN}
    words = {word for word in words if _weight(word) > 2}
    texts = " \n ".join(str(note).lower() for note in notes if note is not None)
    return sorted(word for word in words if word.lower() in texts)


def _weight(word: str) -> int:
    """Return how many letters a word has; a Chinese one counts as two."""
    return len(word) + sum("\u3400" <= mark <= "\u9fff" for mark in word)


def _no_input(table: Any, name: str) -> str:
    """Return why a column is never an input, by its name, or nothing; a picture is one wherever its file lies."""
    if _is_later(name):
        return AFTERWARDS
    taken_from = column_says(name, ADDRESSES) and column_says(name, ORIGINS)
    return RECORDED if _is_circumstance(table, name) and (taken_from or not holds_media(table, name)) else ""


def _is_later(name: str) -> bool:
    """Return whether a column is known only afterwards: ``discharge``, not ``ventilation rate`` or ``prior ICU``."""
    words = set(column_words(name))
    said = {word for word in LATER if column_says(name, [word])}
    return bool(said) and not EARLIER & words and any(not NOT_LATER.get(word, frozenset()) & words for word in said)


def _is_circumstance(table: Any, name: str) -> bool:
    """Return whether a column says how or where a case was recorded: ``site``, ``CT device``, not ``Oxygen device``."""
    said = {word for word in CIRCUMSTANCE if column_says(name, [word])}
    if said - DOUBTFUL:
        return True
    return _of_recording(name) if said else _is_size(table, name)


def _of_recording(name: str) -> bool:
    """Return whether a name has no word but of recording."""
    rest = [word for word in column_words(name) if word not in DOUBTFUL | RECORDING and not word.isdigit()]
    known = "|".join(sorted((word for word in DOUBTFUL | RECORDING if not word.isascii()), key=len, reverse=True))
    return not any(re.sub(known, "", word) for word in rest)


def _is_size(table: Any, name: str) -> bool:
    """Return whether a column is the width or height of a picture, not of a patient."""
    words = column_words(name)
    if not set(SIZES) & set(words):
        return False
    other = [SIZES[1 - SIZES.index(word)] if word in SIZES else word for word in words]
    return bool(PICTURES & set(words)) or other in [column_words(one) for one in table.names]


def _sliced(table: Any, target: str, why: Mapping[str, str]) -> list[str]:
    """Return the columns by which the figures are told apart: sex, age, view, site.

    :param why: column -> why it is no input by its name.
    """
    recorded = {name for name, one in why.items() if one == RECORDED}
    of_patients = {name for name in table.names if column_says(name, OF_PATIENTS) and why.get(name) != AFTERWARDS}
    by = of_patients | {name for name in recorded if column_says(name, SLICED)}
    return [name for name in table.names if name in by - {target}]


def _grouped(inputs: Mapping[str, Any], identity: str | None) -> dict[str, dict[str, Any]]:
    """Return few inputs of many columns: each picture, one record, one text of notes; others as they are."""
    found: dict[str, dict[str, Any]] = {}
    record, notes = [], []
    for name, block in inputs.items():
        columns = [block["column"]] if isinstance(block["column"], str) else list(block["column"])
        if identity in columns:
            continue
        if block["modality"] in TABLE:
            record += columns
        elif block["modality"] == "text":
            notes += columns
        else:
            found[name] = dict(block)
    if record:
        found["record"] = {"column": record, "modality": "table"}
    if notes:
        found["notes"] = {"column": notes if len(notes) > 1 else notes[0], "modality": "text"}
    return found


def _require(table: Any, key: str, names: list[str]) -> None:
    """Refuse a setting that names a column that is not there."""
    for name in names:
        if name not in table.names:
            of_bundles = f", nor an Observation of that name ({OBSERVED})" if is_bundles(Path(table.name)) else ""
            raise ConfigError(
                f"recipe triage: --set {key}: {table.name} has no column {name!r}{of_bundles}; it has: "
                f"{', '.join(table.names)}"
            )
