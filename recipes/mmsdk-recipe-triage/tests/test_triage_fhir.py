"""FHIR bundles: read into cases, without anybody's name; hostile and invalid ones refused without quoting them."""

from __future__ import annotations

import base64
import csv
import io
import json
import random

import numpy as np
import pytest
from mmsdk_recipe_triage import fhir
from mmsdk_recipe_triage.fhir import is_bundles, table_of
from mmsdk_recipe_triage.loinc import COLUMNS, column_of, in_usual_unit
from PIL import Image
from triage_cases import QUICK, command, sets

import mmsdk
from mmsdk.app.recipes import plan_recipe

pytest.importorskip("fhir.resources", reason="mmsdk-recipe-triage[fhir] is not installed")

LOINC = "http://loinc.org"


def picture(shade):
    pixels = np.random.default_rng(shade).normal(shade, 9, (24, 24)).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def observation(code, value, time, unit=None, **more):
    quantity = {"value": value} | ({"code": unit, "unit": unit} if unit else {})
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/zyx1"},
        "effectiveDateTime": time,
        "valueQuantity": quantity,
    } | more


def patient(**more):
    return {
        "resourceType": "Patient",
        "id": "zyx1",
        "name": [{"family": "Nachqrs", "given": ["Vorzyx"]}],
        "identifier": [{"system": "urn:mrn", "value": "MRN-8812"}],
        "telecom": [{"system": "phone", "value": "+49 30 7712345"}],
        "address": [{"line": ["Beispielweg 3"], "city": "Qrsstadt"}],
        "birthDate": "1950-06-15",
        "gender": "female",
    } | more


def report(**form):
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "chest"},
        "subject": {"reference": "Patient/zyx1"},
        "effectiveDateTime": "2024-06-14T10:00:00Z",
        "conclusion": "Shadow in the left lung.",
        "presentedForm": [{"contentType": "image/png"} | form],
    }


def bundle(*resources):
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(resources)],
    }


def written(folder, document, name="Vorzyx_Nachqrs.json"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return folder


def rows(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


PRESSURE = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
    "subject": {"reference": "urn:uuid:0"},
    "effectiveDateTime": "2024-06-14T09:00:00Z",
    "component": [
        {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": {"value": value}}
        for code, value in (("8480-6", 118), ("8462-4", 76))
    ],
}
WHOLE = bundle(
    patient(),
    observation("59408-5", 90, "2024-06-14T08:00:00Z"),
    observation("2708-6", 97, "2024-06-13T08:00:00Z"),
    observation("8310-5", 101.3, "2024-06-14T08:00:00Z", "[degF]"),
    observation("8867-4", 300, "2024-06-14T09:00:00Z", status="entered-in-error"),
    observation("99999-9", 4, "2024-06-14T08:00:00Z"),
    PRESSURE,
    {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Triage level"},
        "valueCodeableConcept": {"coding": [{"display": "urgent"}]},
    },
    {
        "resourceType": "Condition",
        "code": {"text": "Asthma"},
        "subject": {"reference": "https://server.example/fhir/Patient/zyx1"},
    },
    {
        "resourceType": "Condition",
        "code": {"text": "Gout"},
        "verificationStatus": {"coding": [{"code": "refuted"}]},
        "subject": {"reference": "Patient/zyx1"},
    },
    report(data=base64.b64encode(picture(90)).decode()),
    {"resourceType": "Encounter", "nonsense": True},
)


def test_a_bundle_becomes_a_case(tmp_path):
    path = table_of(written(tmp_path / "b", WHOLE))
    (row,) = rows(path)
    expected = {
        "age": "73",  # a day before the birthday
        "sex": "female",
        "spo2": "90.0",
        "temperature": "38.5",
        "systolic": "118.0",
        "diastolic": "76.0",
        "loinc_99999_9": None,
        "triage_level": "urgent",
        "conditions": "Asthma",
        "report": "Shadow in the left lung.",
    }
    for column, value in expected.items():
        assert row.get(column) == value, column
    assert row["loinc_99999-9"] == "4.0"
    assert "pulse" not in row
    assert (path.parent / row["picture"]).read_bytes() == picture(90)


def test_who_somebody_is_is_not_in_what_is_written(tmp_path):
    path = table_of(written(tmp_path / "b", WHOLE))
    held = b"\0".join(file.read_bytes() + str(file).encode() for file in path.parent.rglob("*") if file.is_file())
    for secret in ("Nachqrs", "Vorzyx", "MRN-8812", "7712345", "Beispielweg", "Qrsstadt", "1950", "zyx1"):
        assert secret.encode() not in held, secret


def test_the_same_patient_in_two_bundles_is_one_group_of_two_cases(tmp_path):
    folder = written(tmp_path / "b", WHOLE)
    written(folder / "later", bundle(patient(id="zyx1"), patient(id="zyx2")))
    found = rows(table_of(folder))
    assert len({row["case"] for row in found}) == 3
    assert len({row["patient"] for row in found}) == 2


def test_one_file_is_a_bundle_too_and_is_written_once(tmp_path):
    file = written(tmp_path / "b", WHOLE) / "Vorzyx_Nachqrs.json"
    assert is_bundles(file)
    assert is_bundles(file.parent)
    assert not is_bundles(tmp_path / "cases.csv")
    path = table_of(file)
    before = path.stat().st_mtime_ns
    assert table_of(file) == path
    assert path.stat().st_mtime_ns == before


def test_a_picture_of_a_file_beside_it(tmp_path):
    folder = written(tmp_path / "b", bundle(patient(), report(url="images/x.png")))
    (folder / "images").mkdir()
    (folder / "images" / "x.png").write_bytes(picture(120))
    path = table_of(folder)
    assert (path.parent / rows(path)[0]["picture"]).read_bytes() == picture(120)


def scan(shade, uid="1.2.3.4"):
    """Return a DICOM file as a scanner writes it, with a person's name in it."""
    import pydicom
    from pydicom.dataset import FileMetaDataset

    made = pydicom.Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPInstanceUID = uid
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    made.SOPInstanceUID, made.Modality = uid, "CR"
    made.PatientName, made.PatientID, made.InstitutionName = "Nachqrs^Vorzyx", "MRN-8812", "Qrsstadt"
    made.Rows = made.Columns = 8
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.PixelData = bytes([shade] * 64)
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def study(*uids):
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "subject": {"reference": "Patient/zyx1"},
        "started": "2024-06-14T10:00:00Z",
        "series": [
            {
                "uid": "1.2.3",
                "modality": {"code": "CR"},
                "instance": [{"uid": uid, "sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2"}}],
            }
            for uid in uids
        ],
    }


def media(**content):
    return {
        "resourceType": "Media",
        "status": "completed",
        "subject": {"reference": "Patient/zyx1"},
        "content": content,
    }


def document(kind, data):
    attachment = {"contentType": kind, "data": base64.b64encode(data).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/zyx1"},
        "content": [{"attachment": attachment}],
    }


def test_the_files_of_an_imaging_study_are_found_by_their_uids_and_lose_who_it_is(tmp_path):
    import mmsdk_image.dicom

    folder = written(tmp_path / "b", bundle(patient(), study("1.2.3.4")))
    (folder / "scans").mkdir()
    (folder / "scans" / "1.2.3.4.dcm").write_bytes(scan(200))
    path = table_of(folder)
    (row,) = rows(path)
    found = (path.parent / row["picture"]).read_bytes()
    assert bytes([200] * 64) in found
    for secret in (b"Nachqrs", b"MRN-8812", b"Qrsstadt", b"1.2.3.4"):
        assert secret not in found
    assert mmsdk_image.dicom.read_dicom(found, window=None, frame=1, most=100).pixels.shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("resource", "held"),
    [
        (media(contentType="image/png", data=base64.b64encode(picture(70)).decode()), picture(70)),
        (media(contentType="image/png", url="Binary/p1"), picture(80)),
        (media(contentType="image/png", url="urn:uuid:1"), picture(80)),
        (document("application/dicom", scan(40)), bytes([40] * 64)),
    ],
)
def test_pictures_of_media_binaries_and_documents(tmp_path, resource, held):
    binary = {"resourceType": "Binary", "id": "p1", "data": base64.b64encode(picture(80)).decode()}
    path = table_of(written(tmp_path / "b", bundle(patient(), binary, resource)))
    assert held in (path.parent / rows(path)[0]["picture"]).read_bytes()
    assert fhir.not_read(path) == {}


def test_what_is_not_read_is_counted_and_said_in_the_plan(tmp_path, capsys):
    people = []
    for n in range(20):
        person = {"reference": f"Patient/zyx{n}"}
        level = {"resourceType": "Observation", "status": "final", "subject": person, "code": {"text": "urgency"}}
        people += [
            patient(id=f"zyx{n}"),
            level | {"valueString": "urgent" if n % 2 else "routine"},
            observation("59408-5", 86 + n % 7, "2024-06-14T08:00:00Z", subject=person),
        ]
    others = [
        {"resourceType": "Encounter", "status": "finished"},
        {"resourceType": "Encounter", "status": "finished"},
        study("9.9.9"),
        document("image/png", picture(3)),
        document("application/dicom", b"broken"),
        media(contentType="image/png", url="https://elsewhere.example/Vorzyx.png"),
        report(data="JVBERg==", contentType="application/pdf"),
        {"resourceType": "Condition", "code": {"text": "Gout"}, "subject": {"reference": "Patient/nobody"}},
    ]
    folder = written(tmp_path / "b", bundle(*people, *others))
    assert fhir.not_read(table_of(folder)) == {
        "Condition: of no patient of its bundle": "1 in the bundles",
        "DiagnosticReport: attachments that are no PNG, JPEG or DICOM": "1 in the bundles",
        "DocumentReference: damaged DICOM files": "1 in the bundles",
        "DocumentReference: documents that are no DICOM; a scan may show a name": "1 in the bundles",
        "Encounter": "2 in the bundles",
        "ImagingStudy: pictures not in the folder (looked for as UID.dcm)": "1 in the bundles",
        "Media: attachments that lie elsewhere; nothing is fetched": "1 in the bundles",
    }
    words = sets({"target": "urgency"} | {"encoders.text": "ngrams"})
    assert command("recipe", "triage", "--data", folder, *words, "--dry-run") == 0
    said = capsys.readouterr().err
    assert "Encounter (2 in the bundles)" in said
    assert "ImagingStudy: pictures not in the folder (looked for as UID.dcm) (1 in the bundles)" in said
    assert "Vorzyx" not in said


@pytest.mark.parametrize("where", ["folder", "file"])
def test_an_answer_that_no_observation_gives_is_asked_for_in_words_of_the_bundles(tmp_path, where):
    folder = written(tmp_path / "b", bundle(patient(), observation("59408-5", 90, "2024-06-14T08:00:00Z")), "one.json")
    data = folder if where == "folder" else folder / "one.json"
    with pytest.raises(mmsdk.ConfigError) as refused:
        plan_recipe("triage", data=str(data), settings={"target": "urgency"})
    said = str(refused.value)
    assert f"{data} has no column 'urgency', nor an Observation of that name (its code.text" in said
    assert "spo2" in said
    assert "cases.csv" not in said


def test_the_answer_is_the_observation_of_that_name(tmp_path):
    for n in range(12):
        level = {"code": {"text": "Triage level"}, "valueString": ["low", "high"][n % 5 % 2]}
        answer = {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/zyx1"}, **level}
        readings = (observation("8867-4", 70 + n % 7, "2024-06-14T08:00:00Z"), answer)
        written(tmp_path / "b", bundle(patient(), *readings), f"{n}.json")
    found = plan_recipe("triage", data=str(tmp_path / "b"), settings={"target": "triage_level"}).application
    assert found.tasks["urgency"].column == "triage_level"
    assert found.tasks["urgency"].order == ["low", "high"]


@pytest.mark.parametrize("url", ["https://elsewhere.example/x.png", "file:///etc/passwd"])
def test_nothing_is_fetched(tmp_path, url):
    (row,) = rows(table_of(written(tmp_path / "b", bundle(patient(), report(url=url)))))
    assert row["picture"] == ""


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ({"resourceType": "Patient"}, "no FHIR bundle"),
        ([1], "no FHIR bundle"),
        ({"resourceType": "Bundle", "entry": {"a": 1}}, "a list of at most"),
        (bundle(), "no Patient"),
        (bundle(patient(), report(url="../../outside.png")), "outside the folder"),
        (bundle(patient(), report(url="nowhere.png")), "not there"),
        (bundle(patient(), media(contentType="image/png", url="../x.png")), "outside the folder"),
        (bundle(patient(birthDate="Vorzyx-born")), "Patient"),
        (bundle(patient(gender=7)), "not valid at gender"),
        (bundle(patient(), {"resourceType": "Observation", "status": "final"}), "Observation"),
    ],
)
def test_what_is_no_bundle_is_refused_without_being_quoted(tmp_path, document, said):
    folder = written(tmp_path / "b", document, name="x.json")
    with pytest.raises(mmsdk.DataError, match=said) as caught:
        table_of(folder)
    assert "Vorzyx" not in str(caught.value)
    assert not list((mmsdk.cache_home() / "triage").glob(".*"))


def test_limits_hold(tmp_path, monkeypatch):
    folder = written(tmp_path / "b", WHOLE)
    monkeypatch.setattr(fhir, "MOST_BYTES", 100)
    with pytest.raises(mmsdk.DataError, match="is larger than"):
        table_of(folder)
    monkeypatch.setattr(fhir, "MOST_FILES", 0)
    with pytest.raises(mmsdk.DataError, match="split the folder"):
        table_of(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(mmsdk.DataError, match="holds no FHIR bundle"):
        table_of(tmp_path / "empty")


def test_codes_and_units():
    assert column_of("8867-4", LOINC, "") == "pulse"
    assert column_of("1-1", LOINC, "x") == "loinc_1-1"
    assert column_of("c", "urn:own", "Emergency Severity (ESI)") == "emergency_severity_esi"
    assert in_usual_unit("temperature", 98.6, "[degF]") == 37
    assert in_usual_unit("temperature", 37.0, "Cel") == 37
    assert len(set(COLUMNS.values())) == len(COLUMNS) - 1  # two codes of oxygen saturation


def test_bundles_go_through_end_to_end(tmp_path, capsys):
    draw, folder = random.Random(0), tmp_path / "bundles"
    for number in range(60):
        urgent = number % 3 == 0
        resources = [
            patient(id=f"zyx{number}"),
            observation("59408-5", 86 if urgent else 97, "2024-06-14T08:00:00Z", subject=None),
            observation("8867-4", draw.randint(70, 90) + 30 * urgent, "2024-06-14T08:00:00Z", subject=None),
        ]
        level = {"coding": [{"display": "urgent" if urgent else "routine"}]}
        code = {"text": "urgency"}
        resources.append(
            {"resourceType": "Observation", "status": "final", "code": code, "valueCodeableConcept": level}
        )
        if number % 4:
            data = base64.b64encode(picture(60 + 60 * urgent + number % 5)).decode()
            resources.append(report(data=data, title="x") | {"subject": None, "conclusion": None})
        written(
            folder, bundle(*({k: v for k, v in one.items() if v is not None} for one in resources)), f"{number}.json"
        )
    run, out = tmp_path / "run", tmp_path / "list.json"
    quick = {key: value for key, value in QUICK.items() if key != "encoders.text"}
    words = ("--data", folder, "--out", run, "--quiet", "--json", *sets({"target": "urgency", "risk": 0.3} | quick))
    assert command("recipe", "triage", *words) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["urgency"]["test"]["accuracy"]["value"] > 0.8
    assert command("triage", run, folder, "--out", out, "--evidence", 0) == 0
    cases = json.loads(out.read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 60
    assert [case["level"] for case in cases[:20]] == ["urgent"] * 20
    assert all(case["fired"] for case in cases[:20])
