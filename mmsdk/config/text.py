"""YAML 1.2 in and out, with the line each key stands on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
KeyPath = tuple[str | int, ...]


class _Words(SafeConstructor):
    """The safe constructor, except that a date stays the text the user wrote."""


_Words.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def read_yaml(text: str, where: str) -> Any:
    """Return the one document of ``text`` as plain Python values.

    :param where: the name of the text, for messages.
    :raises ConfigError: it is not YAML, names a key twice or asks for a Python object.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Words
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{where}{line}: not YAML: {_problem(error)}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not YAML: {' '.join(str(error).split()) or 'nested too deeply'}") from None


def write_yaml(value: Any) -> str:
    """Return plain Python values as block YAML, keys in the given order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.allow_unicode = True
    yaml.width = 1 << 30
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def read_text(path: Path) -> str:
    """Return the text of an application file.

    :raises ConfigError: there is no such file, it is not UTF-8 text, or it is far too large to be one.
    """
    if not path.is_file():
        what = "a folder, not a file" if path.is_dir() else "no such file"
        raise ConfigError(f"cannot read the application file {path}: {what}")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(
            f"cannot read the application file {path}: larger than {MAX_BYTES} bytes; name the data by --data"
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read the application file {path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"cannot read the application file {path}: {error.strerror}") from None


def lines_of(text: str) -> dict[KeyPath, int]:
    """Return the 1-based line on which each key, or element of a list, stands; ``text`` is YAML that could be read."""
    found: dict[KeyPath, int] = {}
    node = YAML(typ="safe", pure=True).compose(io.StringIO(text))
    if node is not None:
        _walk(node, (), found)
    return found


def _walk(node: Node, path: KeyPath, found: dict[KeyPath, int]) -> None:
    """Note the lines below ``node``; an alias that holds itself ends at a depth no application file has."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(node, MappingNode):
        for key, value in node.value:
            found[(*path, str(key.value))] = key.start_mark.line + 1
            _walk(value, (*path, str(key.value)), found)
    elif isinstance(node, SequenceNode):
        for place, value in enumerate(node.value):
            found[(*path, place)] = value.start_mark.line + 1
            _walk(value, (*path, place), found)


def _problem(error: MarkedYAMLError) -> str:
    """Return the YAML library's reason in one line."""
    return " ".join(part for part in (error.context or "", error.problem or "") if part).replace("\n", " ")
