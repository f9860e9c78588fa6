"""The shape of the application file: which block stands at a key, and every key with its description."""

from __future__ import annotations

import types
import typing

from mmsdk.config.application import Application
from mmsdk.config.section import Section

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.fields import FieldInfo


def section_at(path: Sequence[str | int]) -> type[Section] | None:
    """Return the block at a path (``("inputs", "photo")`` is :class:`InputConfig`), or None where a value stands."""
    place: object = Application
    for part in path:
        if isinstance(place, type) and issubclass(place, Section):
            field = place.model_fields.get(str(part))
            place = _unwrapped(field.annotation) if field is not None else None
        elif typing.get_origin(place) in (dict, list):
            place = _unwrapped(typing.get_args(place)[-1])
        else:
            return None
    return place if isinstance(place, type) and issubclass(place, Section) else None


def keys(section: type[Section] = Application, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every key of the application file with its field: ``fusion.dim``, ``inputs.NAME.column``."""
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}", field
        inner, below = _unwrapped(field.annotation), f"{prefix}{name}."
        if typing.get_origin(inner) is dict:
            inner = _unwrapped(typing.get_args(inner)[1])
            below += "NAME."
        if typing.get_origin(inner) is list:
            inner = _unwrapped(typing.get_args(inner)[0])
            below = f"{prefix}{name}[]."
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from keys(inner, below)


def _unwrapped(annotation: object) -> object:
    """Return ``X`` of ``X | None`` and of ``Annotated[X, ...]``."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _unwrapped(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _unwrapped(rest[0]) if len(rest) == 1 else annotation
    return annotation
