"""One table with every modality: it fits, predicts, bears any subset missing, and embeds each input exactly once."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mmsdk
from mmsdk.embed import branch

NO_PAGES = True  # see tests/conftest.py

av = pytest.importorskip("av")
pydicom = pytest.importorskip("pydicom")
soundfile = pytest.importorskip("soundfile")

ROWS = 16


def clip(colour: int, seed: int, folder: Path) -> None:
    """Write a video of a colour with a tone."""
    with av.open(str(folder), "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=10)
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        tone = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(5):
            pixels = np.full((32, 32, 3), 30 + seed, np.uint8)
            pixels[..., colour] = 200
            pixels[number, :] = 255
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(picture.encode())
        samples = np.sin(2 * np.pi * (300 + 40 * seed) * np.arange(8_000) / 16_000).astype(np.float32)[None] / 2
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
        container.mux(tone.encode(frame))
        container.mux(tone.encode())


def scan(bright: bool, seed: int) -> bytes:
    """Return a DICOM file."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    values = (np.arange(256, dtype=np.uint16).reshape(16, 16) * (8 if bright else 2)) + seed
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    found.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{seed + 1}"
    found.PhotometricInterpretation, found.SamplesPerPixel = "MONOCHROME2", 1
    found.Rows, found.Columns = values.shape
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 16, 15, 0
    found.WindowCenter, found.WindowWidth = 1000, 2000
    found.PixelData = values.tobytes()
    stream = io.BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def row_of(number: int, folder: Path) -> dict[str, str]:
    """Write the files of one row and return its cells; the class shows in every input."""
    kind = number % 2
    pixels = np.full((24, 24, 3), 20 + number, np.uint8)
    pixels[..., kind] = 220
    Image.fromarray(pixels).save(folder / f"{number}.png")
    samples = 0.4 * np.sin(2 * np.pi * (400, 1500)[kind] * np.arange(6_000 + 10 * number) / 16_000)
    soundfile.write(folder / f"{number}.wav", samples.astype(np.float32), 16_000)
    clip(kind, number, folder / f"{number}.mp4")
    (folder / f"{number}.dcm").write_bytes(scan(kind == 1, number))
    angle = (1, -1)[kind] * np.linspace(0, 5, 12)
    track = np.stack([np.cos(angle), np.sin(angle) + number / 50], axis=1).round(4)
    return {
        "id": f"row{number}",
        "photo": f"{number}.png",
        "words": f"{('a red lamp', 'the green table')[kind]} number {number}",
        "sound": f"{number}.wav",
        "clip": f"{number}.mp4",
        "track": json.dumps(track.tolist()),
        "scan": f"{number}.dcm",
        "price": str(10 * kind + number / 10),
        "colour": ("warm", "cold")[kind],
        "made": f"2024-0{1 + kind}-1{number % 10}",
        "vector": json.dumps([kind + number / 100, 1.0, -kind]),
        "kind": ("lamp", "table")[kind],
        "grade": str(kind + number / 100),
        "part": ("train", "train", "val", "test")[number // 2 % 4],
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Return the CSV, its files beside it; three rows lack something."""
    folder = tmp_path_factory.mktemp("table")
    rows = [row_of(number, folder) for number in range(ROWS)]
    for number, columns in ((0, ("sound", "scan")), (3, ("clip",)), (5, ("photo", "words", "track", "price"))):
        rows[number] |= dict.fromkeys(columns, "")
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "rows.csv"


def application(**changes) -> dict:
    """Return an application of every modality; the video is read by two inputs."""
    video = {"column": "clip", "modality": "video", "decode": {"frames": 3}}
    return {
        "id": "id",
        "inputs": {
            "photo": {"column": "photo", "modality": "image"},
            "words": {"column": "words", "modality": "text", "encoder": "ngrams"},
            "sound": {"column": "sound", "modality": "audio"},
            "look": {**video, "encoder": "frames:colour-shape"},
            "noise": {**video, "encoder": "sound:mel-stats"},
            "hand": {
                "column": "track",
                "modality": "gesture",
                "encoder": "landmarks",
                "trainable": {"type": "tcn", "steps": 12},
            },
            "scan": {"column": "scan", "modality": "image"},
            "price": {"column": "price", "modality": "number"},
            "colour": {"column": "colour", "modality": "category"},
            "made": {"column": "made", "modality": "date"},
            "vector": {"column": "vector", "modality": "vector"},
        },
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "split": {"column": "part"},
        "fusion": {"dim": 32, "members": 2},
        "training": {"epochs": 8},
        "confidence": {"source": "validation"},
        **changes,
    }


@pytest.fixture
def encoded(monkeypatch) -> list[tuple[str, str]]:
    """Count the samples of each input that reach a frozen encoder while a table is embedded."""
    seen: list[tuple[str, int]] = []
    real = branch.encode_batch

    def counted(opened, batch, place):
        if not opened.fitted:
            seen.extend((f"{opened.name} {opened.modality}", place(number)) for number, _ in batch)
        return real(opened, batch, place)

    monkeypatch.setattr(branch, "encode_batch", counted)
    return seen


def test_it_fits_predicts_and_embeds_each_input_once(table, tmp_path, encoded):
    monkey = pytest.MonkeyPatch()
    monkey.setenv("MMSDK_CACHE_DIR", str(tmp_path / "cache"))
    with monkey.context():
        app = mmsdk.fit(application(), table, tmp_path / "run", device="cpu", quiet=True)
        counts = {name: sum(one == name for one, _ in encoded) for name in {one for one, _ in encoded}}
        assert counts == {
            "colour-shape image": 2 * ROWS - 2,  # photos and scans
            "ngrams text": ROWS - 1,
            "mel-stats audio": ROWS - 1,
            "frames:colour-shape video": ROWS - 1,
            "sound:mel-stats video": ROWS - 1,
            "landmarks gesture": ROWS - 1,
        }
        assert len(set(encoded)) == len(encoded)
        encoded.clear()
        second = application(
            tasks={"grade": {"column": "grade", "type": "regression"}},
            fusion={"type": "concat", "dim": 16, "members": 1},
        )
        mmsdk.fit(second, table, tmp_path / "second", device="cpu", quiet=True).close()  # another head
        mmsdk.fit(application(), table, tmp_path / "again", device="cpu", quiet=True).close()
        assert encoded == []
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())["kind"]["test"]["accuracy"]["value"]
    assert found >= 0.8
    _any_subset(app, table)


def _any_subset(app: mmsdk.App, table: Path) -> None:
    """Give each input alone, each pair, and nothing."""
    with table.open(encoding="utf-8") as stream:
        row = list(csv.DictReader(stream))[6]
    columns = {"look": "clip", "noise": "clip", "hand": "track"}
    names = [name for name in app.application.inputs if name != "noise"]  # which comes with look: one file holds both
    subsets = [(), *((one,) for one in names), *itertools.combinations(names, 2), tuple(names)]
    given = [{name: row[columns.get(name, name)] for name in subset} for subset in subsets]
    answers = app.predict(given, root=table.parent)
    for subset, answer in zip(subsets, answers, strict=True):
        assert {*subset, *(["noise"] if "look" in subset else [])} == set(answer.modalities_used)
        assert answer.outputs["kind"].value in ("lamp", "table")


SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import test_one_table as here
import mmsdk
from mmsdk.app import fitting
from mmsdk.embed import branch
seen = []
real = branch.encode_batch
def counted(opened, batch, place):
    if not opened.fitted:
        seen.extend(f"{opened.name} {opened.modality} {place(number)}" for number, _ in batch)
    return real(opened, batch, place)
branch.encode_batch = counted
print("ready", flush=True)
sys.stdin.readline()
described = here.application()
described["training"] = {"epochs": 1}
fitting.RESAMPLES = 20
fitting.render_report = lambda data: data.title
mmsdk.fit(described, sys.argv[2], sys.argv[3], device="cpu", quiet=True).close()
print(json.dumps(seen))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")
def test_two_processes_at_the_same_time_embed_each_input_once_between_them(table, tmp_path):
    environment = {**os.environ, "MMSDK_CACHE_DIR": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(table), str(tmp_path / name)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for one in both:
        assert one.stdout.readline() == "ready\n", one.stderr.read()
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    answers = [one.communicate(timeout=170) for one in both]
    assert [one.returncode for one in both] == [0, 0], answers
    seen = [json.loads(out) for out, _ in answers]
    together = seen[0] + seen[1]
    assert len(together) == len(set(together)) == 2 * ROWS - 2 + 5 * (ROWS - 1)
