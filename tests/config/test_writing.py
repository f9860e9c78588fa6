"""The schema, the reference page and the defaults: made from the models, and never stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmsdk.config import (
    application_schema,
    describe_defaults,
    dump_yaml,
    keys,
    load_application,
    reference_page,
    schema_text,
)

ROOT = Path(__file__).resolve().parents[2]
APP = {"inputs": {"a": {"column": "a", "modality": "text"}}}


@pytest.mark.parametrize("place", ["mmsdk/config/application.schema.json", "docs/application.schema.json"])
def test_the_schema_file_is_fresh(place):
    assert (ROOT / place).read_text(encoding="utf-8") == schema_text(), "run python -m mmsdk.config"


def test_the_reference_page_is_fresh():
    assert (ROOT / "docs/application.md").read_text(encoding="utf-8") == reference_page(), "run python -m mmsdk.config"


def test_every_key_is_described_in_schema_and_docs():
    page = (ROOT / "docs/application.md").read_text(encoding="utf-8")
    found = dict(keys())
    assert {"inputs.NAME.column", "split.group", "training.match", "interactions.said", "index.type"} <= set(found)
    for key, field in found.items():
        assert field.description, f"{key} has no description"
        assert field.description.endswith("."), key
        assert f"| `{key}` |" in page


def test_the_schema_refuses_unknown_keys_and_describes_known_ones():
    schema = application_schema()
    blocks = [schema, *schema["$defs"].values()]
    assert all(block["additionalProperties"] is False for block in blocks)
    assert all("description" in key for block in blocks for key in block["properties"].values())


def test_what_was_chosen_by_default_is_said_and_what_the_user_chose_is_not():
    lines = describe_defaults(load_application({**APP, "fusion": {"dim": 8}}))
    assert "fusion.dim = 8" not in lines
    assert 'fusion.type = "gated"' in lines
    assert "split.seed = 0" in lines
    assert not any(line.startswith("inputs") for line in lines)


def test_dumped_yaml_keeps_the_order_and_names_every_default():
    text = dump_yaml(load_application(APP))
    assert text.index("inputs:") < text.index("split:") < text.index("fusion:")
    assert "precision: fp16" in text


def test_the_schema_takes_a_block_of_one_word_as_reading_does():
    import jsonschema

    for one in ({"align": "cca", "fusion": "joint"}, {"align": {"type": "cca"}}):
        jsonschema.validate({**APP, **one}, application_schema())
        assert load_application({**APP, **one}).align.type == "cca"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**APP, "align": 3}, application_schema())
