"""FHIR R4 bundles to a table of cases: age, sex, observations, conditions, report and picture; nobody's name or number.

Each resource is validated by ``fhir.resources`` (its R4B models, which R4 resources of these kinds fit). What is
written is new: a table, and copies of the pictures under names that say nothing.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, DataError, Problem, atomic_folder, cache_home
from mmsdk_recipe_triage.attached import MOST_BYTES, Places, picture_of, pictures_of_study, scans_of
from mmsdk_recipe_triage.loinc import column_of, in_usual_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MOST_FILES, MOST_ENTRIES = 20_000, 20_000
WRITTEN = b"2"  # what is made of bundles; one more makes the tables in the cache again
NOT_READ = "not_read.json"
KINDS = ("Patient", "Observation", "Condition", "DiagnosticReport", "Media", "DocumentReference", "ImagingStudy")
WRONG = ("entered-in-error", "cancelled", "not-done", "superseded")
FIRST = ("case", "patient", "age", "sex", "picture", "report", "conditions")


def is_bundles(data: Path) -> bool:
    """Return whether data are bundles: a folder, or a file that ends in ``.json``."""
    return data.is_dir() or data.suffix.lower() == ".json"


def table_of(data: Path) -> Path:
    """Write the table of the bundles, unless it is there, and return its path.

    One row a patient and bundle. It lies in mmsdk's cache, in a folder named by the hash of the bundles.

    :raises ConfigError: ``fhir.resources`` is not installed.
    :raises DataError: no bundle, one too large, or resources that are not valid; names file, entry and place, no value.
    """
    files = _files(data)
    digest = hashlib.blake2b(WRITTEN, digest_size=16)
    for file in files:
        digest.update(hashlib.blake2b(file.read_bytes()).digest())
    for file in sorted(data.rglob("*")) if data.is_dir() else ():
        digest.update(f"{file.relative_to(data)} {file.stat().st_size} {file.stat().st_mtime_ns}".encode())
    folder = cache_home() / "triage" / digest.hexdigest()
    if not (folder / "cases.csv").is_file():
        with atomic_folder(folder) as partial:
            _write(files, data if data.is_dir() else data.parent, partial)
    return folder / "cases.csv"


def not_read(table: Path) -> dict[str, str]:
    """Return what of the bundles behind a table was not read -> how many, in words."""
    file = table.parent / NOT_READ
    counts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {what: f"{count:,} in the bundles" for what, count in counts.items()}


def _files(data: Path) -> list[Path]:
    """Return the bundles, in order, none too large."""
    files = sorted(data.rglob("*.json")) if data.is_dir() else [data]
    if not files:
        raise DataError(f"{data} holds no FHIR bundle: expected files that end in .json")
    if len(files) > MOST_FILES:
        raise DataError(f"{data} holds {len(files):,} files, where {MOST_FILES:,} are read; split the folder")
    if large := [one for one in files if one.stat().st_size > MOST_BYTES]:
        raise DataError(f"{large[0].name} is larger than {MOST_BYTES >> 20} MiB, the most that is read of a bundle")
    return files


@dataclass(kw_only=True)
class _Case:
    """What was found of one patient in one bundle; of readings the latest counts."""

    row: dict[str, Any]
    born: date | None = None
    latest: str = ""
    times: dict[str, str] = field(default_factory=dict)

    def put(self, column: str, value: Any, time: str) -> None:
        """Keep a value, if none of its column is later."""
        if value is None or time < self.times.get(column, ""):
            return
        self.row[column], self.times[column] = value, time
        self.latest = max(self.latest, time)

    def add(self, column: str, text: str | None) -> None:
        """Add words to a column of text."""
        if text:
            self.row[column] = "; ".join(filter(None, [self.row.get(column), text.strip()]))

    def finished(self) -> dict[str, Any]:
        """Return the row, with the age on the day of the latest reading; nobody's birth date."""
        if self.born is not None and self.latest:
            day = datetime.fromisoformat(self.latest[:10]).date()
            self.row["age"] = day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))
        return self.row


def _write(files: Sequence[Path], root: Path, folder: Path) -> None:
    """Write the table and the pictures of all bundles."""
    (folder / "files").mkdir()
    problems: list[Problem] = []
    rows: list[dict[str, Any]] = []
    scans, unread = scans_of(root), Counter[str]()
    for file in files:
        places = Places(beside=file.parent, root=root, scans=scans, folder=folder, unread=unread)
        rows += _rows(file, places, problems)
    if problems:
        raise DataError(f"{len(problems)} resources are not valid FHIR R4; mend them or leave them out", problems)
    if not rows:
        raise DataError(f"{root} holds bundles, but no Patient in any of them")
    columns = [*FIRST, *sorted({name for row in rows for name in row} - set(FIRST))]
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / NOT_READ).write_text(json.dumps(dict(sorted(unread.items()))), encoding="utf-8")


def _rows(file: Path, places: Places, problems: list[Problem]) -> list[dict[str, Any]]:
    """Return the cases of one bundle."""
    held: dict[str, bytes] = {}
    places = replace(places, held=held)
    resources = list(_resources(file, problems, places, held))
    cases: dict[str, _Case] = {}
    for address, kind, one in resources:
        if kind == "Patient":
            case = _case(one, file, places.root)
            cases |= {key: case for key in (f"Patient/{one.id}", address) if key}
    for _, kind, one in resources:
        case = _case_of(one, cases) if kind != "Patient" else None
        if case is not None:
            _READERS[kind](case, one, places)
        elif kind != "Patient":
            places.miss(f"{kind}: of no patient of its bundle")
    return [case.finished() for case in {id(case): case for case in cases.values()}.values()]


def _resources(
    file: Path, problems: list[Problem], places: Places, held: dict[str, bytes]
) -> Iterator[tuple[str, str, Any]]:
    """Yield full address, kind and validated resource of each entry that is read; keep the bytes of a ``Binary``."""
    models = _models()
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file.name} is no JSON: {type(error).__name__}") from None
    if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
        raise DataError(f"{file.name} is no FHIR bundle: expected an object with resourceType Bundle")
    entries = document.get("entry") or []
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise DataError(f"{file.name}: expected a list of at most {MOST_ENTRIES:,} entries")
    for place, entry in enumerate(entries, 1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind == "Binary":
            held |= _binary(entry)
        if kind not in KINDS:
            if kind != "Binary":
                places.miss(f"{kind if isinstance(kind, str) and kind.isalpha() else 'entries without a kind'}")
            continue
        try:
            yield str(entry.get("fullUrl") or ""), kind, models[kind].model_validate(resource)
        except (ValueError, TypeError, RecursionError) as error:
            problems.append(Problem(row=place, column=kind, reason=f"{file.name}: {_places(error)}"))


def _binary(entry: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the bytes that a ``Binary`` holds, by the addresses that may name it."""
    one = entry["resource"]
    try:
        content = base64.b64decode(one.get("data") or "", validate=True)
    except (ValueError, TypeError):
        return {}
    return {address: content for address in (f"Binary/{one.get('id')}", str(entry.get("fullUrl") or "")) if content}


def _places(error: Exception) -> str:
    """Return where a resource is wrong; never the values, which may be a person's."""
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return type(error).__name__
    found = [".".join(map(str, one["loc"])) + f" ({one['type']})" for one in errors()[:3]]
    return "not valid at " + ", ".join(found)


def _models() -> dict[str, Any]:
    """Return the models of the resources that are read.

    :raises ConfigError: they are not installed.
    """
    try:
        from fhir.resources.R4B.condition import Condition
        from fhir.resources.R4B.diagnosticreport import DiagnosticReport
        from fhir.resources.R4B.documentreference import DocumentReference
        from fhir.resources.R4B.imagingstudy import ImagingStudy
        from fhir.resources.R4B.media import Media
        from fhir.resources.R4B.observation import Observation
        from fhir.resources.R4B.patient import Patient
    except ImportError as error:
        raise ConfigError(
            "FHIR bundles need fhir.resources: pip install 'mmsdk-recipe-triage[fhir]'; or name a table with --data"
        ) from error
    models = (Patient, Observation, Condition, DiagnosticReport, Media, DocumentReference, ImagingStudy)
    return dict(zip(KINDS, models, strict=True))


def _case(patient: Any, file: Path, root: Path) -> _Case:
    """Return the case of a patient: age and sex only, and a number that says nothing without the bundles."""
    name = hashlib.blake2b(str(patient.id).encode(), digest_size=6).hexdigest()
    place = hashlib.blake2b(f"{file.relative_to(root)}\0{patient.id}".encode(), digest_size=6).hexdigest()
    born = patient.birthDate if isinstance(patient.birthDate, date) else None
    return _Case(row={"case": f"c{place}", "patient": f"p{name}", "sex": patient.gender}, born=born)


def _case_of(resource: Any, cases: Mapping[str, _Case]) -> _Case | None:
    """Return whose a resource is; one that names nobody belongs to the only patient there is."""
    reference = getattr(getattr(resource, "subject", None), "reference", None)
    if reference is None:
        return next(iter(cases.values())) if len({id(one) for one in cases.values()}) == 1 else None
    return cases.get(reference) or cases.get("/".join(reference.split("/")[-2:]))


def _observation(case: _Case, one: Any, _places: Places) -> None:
    """Put a reading and its components into their columns."""
    if one.status in WRONG:
        return
    time = str(one.effectiveDateTime or one.issued or "")
    for part in (one, *(one.component or ())):
        column, value = _coded(part.code), _value(part)
        if column and value is not None:
            unit = getattr(part.valueQuantity, "code", None) or getattr(part.valueQuantity, "unit", None) or ""
            case.put(column, in_usual_unit(column, value, unit) if isinstance(value, float) else value, time)


def _value(part: Any) -> Any:
    """Return the value of an observation as a number or a word."""
    if part.valueQuantity is not None and part.valueQuantity.value is not None:
        return float(part.valueQuantity.value)
    if part.valueInteger is not None:
        return float(part.valueInteger)
    return part.valueString or (_words(part.valueCodeableConcept) if part.valueCodeableConcept else None)


def _coded(concept: Any) -> str:
    """Return the column of a code; LOINC first."""
    coding = sorted(concept.coding or (), key=lambda one: one.system != "http://loinc.org")
    if coding and coding[0].code:
        return column_of(coding[0].code, coding[0].system or "", concept.text or coding[0].display or "")
    return column_of("", "", concept.text or "")


def _words(concept: Any) -> str | None:
    """Return a concept in words."""
    said = (one.display or one.code for one in concept.coding or ())
    return concept.text or next((words for words in said if words), None)


def _condition(case: _Case, one: Any, _places: Places) -> None:
    """Add a condition by its words."""
    status = one.verificationStatus.coding[0].code if one.verificationStatus and one.verificationStatus.coding else ""
    if one.code is not None and status not in ("refuted", "entered-in-error"):
        case.add("conditions", _words(one.code))


def _report(case: _Case, one: Any, places: Places) -> None:
    """Add a report's conclusion, and its picture where it has one."""
    if one.status in WRONG:
        return
    time = str(one.effectiveDateTime or "")
    case.latest = max(case.latest, time)
    case.add("report", one.conclusion)
    for form in one.presentedForm or ():
        case.put("picture", picture_of(form, "DiagnosticReport", places), time)


def _media(case: _Case, one: Any, places: Places) -> None:
    """Put the picture of a photo or scan."""
    if one.status not in WRONG:
        case.put("picture", picture_of(one.content, "Media", places), str(one.createdDateTime or one.issued or ""))


def _document(case: _Case, one: Any, places: Places) -> None:
    """Put a DICOM file; any other document may be a scan of a letter or of a card, with a name on it."""
    for content in one.content if one.status not in WRONG and one.docStatus not in WRONG else ():
        if str(content.attachment.contentType or "").lower().startswith("application/dicom"):
            case.put("picture", picture_of(content.attachment, "DocumentReference", places), str(one.date or ""))
        else:
            places.miss("DocumentReference: documents that are no DICOM; a scan may show a name")


def _study(case: _Case, one: Any, places: Places) -> None:
    """Put the last picture of a study whose files lie in the folder."""
    for name in pictures_of_study(one, places) if one.status not in WRONG else ():
        case.put("picture", name, str(one.started or ""))


_READERS = {
    "Observation": _observation,
    "Condition": _condition,
    "DiagnosticReport": _report,
    "Media": _media,
    "DocumentReference": _document,
    "ImagingStudy": _study,
}
