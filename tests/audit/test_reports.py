"""What encoders count of the data is shown: cut texts, frames without a face, values that could not be read."""

from __future__ import annotations

import json

import pytest

import mmsdk
from mmsdk.audit import audit_reports
from mmsdk.embed import EmbedStats, InputStats


def stats(**report):
    counts = {"rows": 9, "missing": 0, "encoded": 9, "cached": 0, "duplicates": 0, "bad": 0, "seconds": 0.0}
    return EmbedStats(inputs={"notes": InputStats(encoder="e", fitted=False, report=report, **counts)})


@pytest.mark.parametrize(
    ("report", "title"),
    [
        ({"truncated": (1234, 5000), "onnx_speedup": 2.0}, "notes: 1,234 of 5,000 truncated"),
        ({"burnt_in_text": 2, "silent": 0}, "notes: 2 burnt in text"),
        ({"frames_without_a_face": (1, 2), "sound_cut": 3}, "notes: 1 of 2 frames without a face, 3 sound cut"),
        ({"truncated": (0, 9), "onnx": 1.0}, None),
    ],
)
def test_counts_are_findings_in_words(report, title):
    assert [one.title for one in audit_reports(stats(**report))] == ([title] if title else [])


def test_a_fit_says_so_on_stderr_and_in_its_report(tmp_path, capsys):
    rows = [{"id": f"r{n}", "size": n if n % 30 else "not weighed", "kind": "ab"[n % 2]} for n in range(60)]
    application = {
        "id": "id",
        "inputs": {"record": {"column": ["size"], "modality": "table"}},
        "tasks": {"kind": {"column": "kind", "type": "classification"}},
        "training": {"epochs": 1},
        "confidence": {"source": "validation"},
    }
    mmsdk.fit(application, data=rows, out=tmp_path / "run").close()
    said = "record: 2 of 60 unread"
    assert said in capsys.readouterr().err
    assert said in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["data"]["rows"] == 60
