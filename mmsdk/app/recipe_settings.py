"""The settings of a recipe: which are its own, where they come from, and whether each is of the kind it declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.config import Application, read_yaml
from mmsdk.config.text import read_text
from mmsdk.errors import ConfigError, unknown

if TYPE_CHECKING:
    from mmsdk.specs import RecipeSpec, Setting

BESIDE = "recipe.yaml"
GENERIC = ("ignore", "preset")
NUMBERS = ("number", "whole number", "share")
WORDS = ("text", "column")


def settings_of_sample(spec: RecipeSpec, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of any application, a recipe's own under the keys that they stand for on its sample.

    :raises ConfigError: one that nobody knows, that is of the wrong kind, or that needs the user's own table.
    """
    own, general = _split(spec, settings)
    for key in own:
        if not spec.settings[key].on_sample:
            raise ConfigError(f"--set {key}: needs your own table; name it with --data")
    return general | {spec.settings[key].on_sample: value for key, value in _checked(spec, own).items()}


def settings_of_table(
    spec: RecipeSpec, table: Path, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a recipe's own settings, whole, and those of any application.

    :param settings: of the command line; they win over a ``recipe.yaml`` beside the table.
    :raises ConfigError: one that nobody knows, or that is of the wrong kind.
    """
    own, general = _split(spec, {**_beside(spec, table), **_seen_from(spec, Path.cwd(), settings)})
    return spec.defaults | _checked(spec, own), general


def value_of(setting: Setting, value: Any) -> Any:
    """Return a value as a recipe gets it.

    :raises ValueError: it is of another kind; the message says what was expected.
    """
    if not _fits(setting, value):
        raise ValueError(_expected(setting))
    if setting.kind == "list":
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    return str(value) if setting.kind in WORDS else value


def _expected(setting: Setting) -> str:
    """Return in words what a setting may be."""
    if setting.kind in NUMBERS:
        bound = f", above {setting.above:g}" if setting.above is not None else ""
        bound += f", {setting.least:g} or more" if setting.least is not None else ""
        return "a share between 0 and 1, such as 0.05" if setting.kind == "share" else f"a {setting.kind}{bound}"
    return {
        "text": "text",
        "true or false": "true or false",
        "choice": f"one of {', '.join(setting.choices)}",
        "list": "a word, or several as [ONE, TWO]",
        "column": "the name of a column",
        "file": "the name of a file" + (", or the list that it would hold" if setting.inline else ""),
    }[setting.kind]


def _fits(setting: Setting, value: Any) -> bool:
    """Return whether a value is of the kind of a setting."""
    if setting.kind in NUMBERS:
        return _is_number(value) and _within(setting, value)
    if setting.kind == "true or false":
        return isinstance(value, bool)
    if setting.kind == "choice":
        return value in setting.choices
    if setting.kind == "list":
        return all(isinstance(one, str | int | float) for one in (value if isinstance(value, list) else [value]))
    if setting.kind == "file":
        return isinstance(value, str) or (setting.inline and isinstance(value, list))
    plain = str | int | float if setting.kind == "text" else str | int
    return not isinstance(value, bool) and isinstance(value, plain)


def _is_number(value: Any) -> bool:
    """Return whether a value is a number, and finite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _within(setting: Setting, value: float) -> bool:
    """Return whether a number is whole where it has to be, and within its bounds."""
    if setting.kind == "share":
        return 0 < value < 1
    whole = setting.kind == "number" or isinstance(value, int)
    above = setting.above is None or value > setting.above
    return whole and above and (setting.least is None or value >= setting.least)


def _checked(spec: RecipeSpec, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's own settings as it gets them; an empty one is left out.

    :raises ConfigError: one is of the wrong kind.
    """
    found = {}
    for key, value in own.items():
        if value is None:
            continue
        try:
            found[key] = value_of(spec.settings[key], value)
        except ValueError as error:
            raise ConfigError(f"recipe {spec.name}: {key} is {value!r}, expected {error}") from None
    return found


def _split(spec: RecipeSpec, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the recipe's own settings, and those of any application."""
    own = {key: value for key, value in settings.items() if key in spec.settings}
    rest = {key: value for key, value in settings.items() if key not in own}
    for key in rest:
        head = key.split(".")[0]
        if head not in (*GENERIC, "encoders", *Application.model_fields):
            known = [*spec.settings, *GENERIC, "inputs.NAME", "encoders.MODALITY", *Application.model_fields]
            raise ConfigError(unknown("setting", key, known, where=f"recipe {spec.name}", listed="Known"))
    return own, rest


def _beside(spec: RecipeSpec, table: Path) -> dict[str, Any]:
    """Return the settings of a ``recipe.yaml`` beside the table, its files seen from its own folder."""
    path = table.parent / BESIDE
    if not path.is_file():
        return {}
    found = read_yaml(read_text(path), str(path))
    if not isinstance(found, Mapping):
        raise ConfigError(f"{path}: expected settings, one a line, such as 'user: customer'")
    return _seen_from(spec, path.resolve().parent, dict(_flattened(found)))


def _flattened(block: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested keys as dotted ones."""
    pairs: list[tuple[str, Any]] = []
    for key, value in block.items():
        if isinstance(value, Mapping):
            pairs += _flattened(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _seen_from(spec: RecipeSpec, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, the files that a recipe names seen from a folder; a URL as it is."""
    files = {key for key, setting in spec.settings.items() if setting.kind == "file"}
    return {
        key: str(folder / Path(value).expanduser())
        if key in files and isinstance(value, str) and "://" not in value
        else value
        for key, value in settings.items()
    }
