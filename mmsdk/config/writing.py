"""An application as YAML, as JSON Schema, and as a reference page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from mmsdk.config.application import Application
from mmsdk.config.shape import keys, section_at
from mmsdk.config.text import write_yaml

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def dump_yaml(app: Application) -> str:
    """Return the whole application, defaults included, as YAML that :func:`load_application` reads back equal."""
    return write_yaml(app.model_dump(exclude_none=True))


def application_schema() -> dict[str, Any]:
    """Return the JSON Schema of the application file, as shipped for editors in ``application.schema.json``."""
    schema = Application.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "mmsdk application file"
    for name, shown in schema["properties"].items():
        section = section_at((name,))
        if section is not None and section.shorthand is not None:  # a block may be the one word it is known by
            ways = shown.pop("anyOf", None) or [{"$ref": shown.pop("$ref")}]
            shown["anyOf"] = [*ways, {"type": "string", "minLength": 1}]
    return schema


def schema_text() -> str:
    """Return the text of ``application.schema.json``."""
    return json.dumps(application_schema(), indent=2, ensure_ascii=False) + "\n"


def reference_page() -> str:
    """Return the page of docs that lists every key, its default and what it does."""
    rows = [f"| `{key}` | {_default(field)} | {_cell(field.description)} |" for key, field in keys()]
    return "\n".join(
        [
            "# The application file: every key",
            "",
            "Made from the code by `python -m mmsdk.config`; do not edit. `NAME` is a name of your choice. The same as",
            "a [JSON Schema](application.schema.json), for editors. An unknown key is an error.",
            "",
            "| key | default | what it says |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _cell(text: str | None) -> str:
    """Return text for a cell of a Markdown table."""
    return (text or "").replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    """Return a field's default for the reference page."""
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or field.default is None:
        return ""
    return _cell(f"`{json.dumps(field.default)}`")
