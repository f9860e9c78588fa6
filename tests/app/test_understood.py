"""What becomes of each column, said before anything is read: every role it can have, and why it has none."""

from __future__ import annotations

from mmsdk.app.understood import told, understand
from mmsdk.config import load_application

APPLICATION = load_application(
    {
        "id": "sku",
        "inputs": {
            "face": {"column": "AU*_r", "modality": "vector", "within": "person"},
            "words": {"column": ["title", "body"], "modality": "text"},
        },
        "tasks": {"mood": {"column": "mood", "type": "classification", "order": ["a", "b"]}},
        "rules": [
            {"when": "maximum > 3", "task": "mood", "never": "a"},
            {"when": "not ( a filter", "task": "mood", "never": "b", "name": "broken"},
        ],
        "split": {"column": "part", "group": "person"},
        "evaluation": {"slices": ["site"]},
        "privacy": {"drop": ["phone"], "number": ["person"]},
    }
)
COLUMNS = ("sku", "AU01_r", "AU02_c", "title", "body", "mood", "maximum", "max", "part", "person", "site", "phone")


def roles(**unread):
    return {one.column: (one.role, one.why) for one in understand(APPLICATION, COLUMNS, unread)}


def test_every_role_is_named():
    assert roles() == {
        "sku": ("id", ""),
        "AU01_r": ("input face (vector)", ""),
        "AU02_c": ("not read", ""),
        "title": ("input words (text)", ""),
        "body": ("input words (text)", ""),
        "mood": ("answer mood (classification)", ""),
        "maximum": ("condition of a rule", ""),
        "max": ("not read", ""),
        "part": ("part of the split", ""),
        "person": ("group within which input face is taken, group of the split", "privacy: numbered"),
        "site": ("slice of the scores", ""),
        "phone": ("not read", "privacy: taken out"),
    }


def test_the_reason_of_a_column_that_is_read_is_not_told():
    found = roles(AU02_c="says yes or no", sku="every row has its own")
    assert found["AU02_c"] == ("not read", "says yes or no")
    assert found["sku"] == ("id", "")


def test_the_lines_for_a_terminal():
    lines = list(told(understand(APPLICATION, ("sku", "max", "phone"))))
    assert lines == ["  sku: id", "  not read: max, phone (privacy: taken out)"]
