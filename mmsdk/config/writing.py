"""An application as YAML, as JSON Schema, as a reference page, and what of it was chosen by default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mmsdk.config.application import Application
from mmsdk.config.shape import keys, section_at
from mmsdk.config.text import write_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def describe_defaults(app: Application) -> list[str]:
    """Return ``key = value`` for every key that the user left out and that has a value, in the order of the file."""
    return list(_defaults(app, "", chosen=False))


def _defaults(section: BaseModel, prefix: str, *, chosen: bool) -> Iterator[str]:
    """Yield the unset keys below ``section``; ``chosen``: the whole section was left out."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        unset = chosen or name not in section.model_fields_set
        if isinstance(value, BaseModel):
            yield from _defaults(value, f"{prefix}{name}.", chosen=unset)
        elif isinstance(value, dict) and any(isinstance(entry, BaseModel) for entry in value.values()):
            for key, entry in value.items():
                yield from _defaults(entry, f"{prefix}{name}.{key}.", chosen=unset)
        elif unset and value is not None and value not in ({}, []):
            yield f"{prefix}{name} = {json.dumps(value, ensure_ascii=False)}"


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
