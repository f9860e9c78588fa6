"""From a file or a dict to a checked :class:`Application`, with the place of every mistake."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mmsdk.config.application import Application
from mmsdk.config.settings import overlay
from mmsdk.config.shape import section_at
from mmsdk.config.text import lines_of, read_text, read_yaml
from mmsdk.errors import ConfigError, unknown

FILES = (("data",), ("interactions", "file"))
DETECTOR = re.compile(r"stream\.inputs\.[^.]+\.vad")
REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Where each key came from, for messages: a line of a file, a ``--set``, or a dict."""

    name: str
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)
    settings: Sequence[str] = ()

    def place(self, path: tuple[str | int, ...]) -> str:
        """Return ``app.yaml:7``, ``--set fusion.dim`` or ``application`` for a key."""
        dotted = ".".join(str(part) for part in path)
        for key in self.settings:
            if dotted == key or dotted.startswith(f"{key}.") or (dotted and key.startswith(f"{dotted}.")):
                return f"--set {key}"
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.lines:
                return f"{self.name}:{self.lines[path[:depth]]}"
        return self.name


def load_application(
    source: str | os.PathLike[str] | Mapping[str, Any] | Application, overrides: Mapping[str, Any] | None = None
) -> Application:
    """Read and check an application.

    :param source: an application file (YAML 1.2, UTF-8), the same as a dict, or an :class:`Application`.
    :param overrides: what :func:`parse_set` returned (dotted keys); they win.
    :returns: the application, with ``data``, ``interactions.file`` and ``stream.inputs.NAME.vad`` made absolute: from
        the folder of the application file where they stand in it, else from the working directory. An encoder reference
        (``onnx:net.onnx``) is made absolute likewise where such a file exists.
    :raises ConfigError: every mistake, a line each, as ``app.yaml:7: inputs.photo: no key named 'colum'. ...``.
    """
    settings = dict(overrides or {})
    raw, origin = _raw(source, tuple(settings))
    base = Path.cwd() if isinstance(source, Mapping | Application) else Path(source).resolve().parent
    merged = overlay(_absolute(raw, base), _absolute_settings(settings))
    try:
        return Application.model_validate(merged)
    except ValidationError as error:
        lines = [_sentence(entry, merged, origin) for entry in error.errors(include_url=False)]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def _raw(source: Any, settings: tuple[str, ...]) -> tuple[Mapping[str, Any], _Origin]:
    """Return the unchecked mapping and where it came from."""
    if isinstance(source, Application):
        return source.model_dump(exclude_unset=True), _Origin(name="application", settings=settings)
    if isinstance(source, Mapping):
        return source, _Origin(name="application", settings=settings)
    text = read_text(Path(source))
    name = os.fspath(source)
    raw = read_yaml(text, name)
    if not isinstance(raw, Mapping):
        what = "is empty" if raw is None else f"holds {_kind(raw)}"
        raise ConfigError(f"{name}: expected the keys of an application file (inputs, tasks, ...), but it {what}")
    return raw, _Origin(name=name, lines=lines_of(text), settings=settings)


def _kind(value: Any) -> str:
    """Return what a YAML value is, in words."""
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), f"a {type(value).__name__}")


def _absolute(raw: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Return the mapping with its files, and the encoder references that are files, seen from ``base``."""
    found = dict(raw)
    if isinstance(found.get("data"), str | os.PathLike):
        found["data"] = _file(found["data"], base)
    interactions = found.get("interactions")
    if isinstance(interactions, Mapping) and isinstance(interactions.get("file"), str | os.PathLike):
        found["interactions"] = {**interactions, "file": _file(interactions["file"], base)}
    if isinstance(inputs := found.get("inputs"), Mapping):
        found["inputs"] = {name: _input(block, base) for name, block in inputs.items()}
    stream = found.get("stream")
    if isinstance(stream, Mapping) and isinstance(inputs := stream.get("inputs"), Mapping):
        found["stream"] = {**stream, "inputs": {name: _live(block, base) for name, block in inputs.items()}}
    return found


def _absolute_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``--set`` values with their files seen from the working directory."""
    files = {"data", "interactions", "interactions.file"}
    return {
        key: _file(value, Path.cwd())
        if (key in files or DETECTOR.fullmatch(key)) and isinstance(value, str | os.PathLike)
        else _reference(value, Path.cwd())
        if key.startswith("encoders.") or (key.startswith("inputs.") and key.endswith(".encoder"))
        else value
        for key, value in settings.items()
    }


def _file(value: str | os.PathLike[str], base: Path) -> str:
    """Return a local file as an absolute path; a URL, and an empty name, as they are."""
    name = os.fspath(value)
    if not name or ("://" in name and REMOTE.match(name)):
        return name
    return os.path.normpath(base / Path(name).expanduser())


def _input(block: Any, base: Path) -> Any:
    """Return one raw input with its encoder reference seen from ``base``."""
    if not isinstance(block, Mapping) or "encoder" not in block:
        return block
    return {**block, "encoder": _reference(block["encoder"], base)}


def _live(block: Any, base: Path) -> Any:
    """Return one raw input of the stream with the file of its voice detector seen from ``base``."""
    if not isinstance(block, Mapping) or not isinstance(block.get("vad"), str | os.PathLike):
        return block
    return {**block, "vad": _file(block["vad"], base)}


def _reference(value: Any, base: Path) -> Any:
    """Return ``scheme:path#rest`` with an absolute path where such a file or folder exists, else ``value`` itself."""
    if not isinstance(value, str) or not REMOTE.match(value):
        return value
    scheme, _, rest = value.partition(":")
    path, mark, output = rest.partition("#")
    for name, tail in ((rest, ""), (path, mark + output)):
        if name and "\0" not in name and (base / name).exists():
            return f"{scheme}:{os.path.normpath(base / name)}{tail}"
    return value


def _sentence(entry: Any, merged: Mapping[str, Any], origin: _Origin) -> str:
    """Return one mistake as ``place: key: what is wrong``."""
    path = tuple(part for part in entry["loc"] if part != "[key]")
    if entry["type"] == "extra_forbidden":
        section = section_at(path[:-1]) or Application
        where = _where(origin.place(path), path[:-1])
        return unknown("key", str(path[-1]), section.model_fields, where=where, listed="Known")
    if entry["type"] == "missing":
        where = _where(origin.place(path[:-1] or path), path[:-1])
        return f"{where}: needs the key {path[-1]!r}"
    return f"{_where(origin.place(path), path)}: {_reason(entry)}"


def _where(place: str, path: Sequence[str | int]) -> str:
    """Return ``app.yaml:7: inputs.photo``; a ``--set`` already names its key."""
    dotted = ".".join(str(part) for part in path)
    return place if not dotted or place == f"--set {dotted}" else f"{place}: {dotted}"


def _reason(entry: Any) -> str:
    """Return pydantic's reason in our words, with the value that was found."""
    kind, given = entry["type"], entry["input"]
    if kind in {"leak", "split", "rule", "stream", "command"}:
        return str(entry["msg"])
    if kind == "too_short":
        return "needs at least one entry"
    if kind == "string_pattern_mismatch":
        return f"{given!r} is no name: use letters, digits, '_', '-' and spaces, beginning with a letter or a digit"
    reason = str(entry["msg"]).replace("Input should", "should").replace("String should", "should")
    if kind in {"model_type", "dict_type"}:
        reason = "should be a block of keys"
    shown = repr(given)
    hint = "; put it in quotes" if kind == "string_type" and isinstance(given, int | float) else ""
    return f"{reason}, not {shown if len(shown) < 120 else shown[:117] + '...'}{hint}"
