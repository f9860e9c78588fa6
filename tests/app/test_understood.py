"""What becomes of each column, said before anything is read: every role it can have, and why it has none."""

from __future__ import annotations

from mmsdk.app.understood import KEPT, told, understand
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
        "AU02_c": (KEPT, ""),
        "title": ("input words (text)", ""),
        "body": ("input words (text)", ""),
        "mood": ("answer mood (classification)", ""),
        "maximum": ("condition of a rule", ""),
        "max": (KEPT, ""),
        "part": ("part of the split", ""),
        "person": ("group within which input face is taken, group of the split", "privacy: numbered"),
        "site": ("slice of the scores", ""),
        "phone": ("not read", "privacy: taken out"),
    }


def test_the_reason_of_a_column_that_is_read_is_not_told():
    found = roles(AU02_c="says yes or no", sku="every row has its own")
    assert found["AU02_c"] == (KEPT, "says yes or no")
    assert found["sku"] == ("id", "")


def test_the_lines_for_a_terminal():
    lines = list(told(understand(APPLICATION, ("sku", "max", "phone"), {"phone": "a number", "Visit": "3 resources"})))
    assert lines == [
        "  sku: id",
        "  not learned from; kept in the index and in hits: max",
        "  not read: phone (privacy: taken out), Visit (3 resources)",
    ]


def test_why_a_column_is_kept_is_told_beside_what_is_covered_in_it():
    application = load_application(APPLICATION.model_dump() | {"privacy": {"contacts": ["note"]}})
    (one,) = understand(application, ["note"], {"note": "always 'x'"})
    assert (one.role, one.why) == (KEPT, "always 'x'; privacy: addresses, dates and long numbers covered")
