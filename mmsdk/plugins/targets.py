"""The kinds of component, the hook that declares each, and how a ``"module:attr"`` string becomes an object."""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import TYPE_CHECKING, Any

from mmsdk import specs
from mmsdk.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS: dict[str, tuple[str, type[specs.Spec]]] = {
    "modality": ("mmsdk_modalities", specs.ModalitySpec),
    "encoder": ("mmsdk_encoders", specs.EncoderSpec),
    "loader": ("mmsdk_encoder_loaders", specs.LoaderSpec),
    "preset": ("mmsdk_presets", specs.PresetSpec),
    "trainable": ("mmsdk_trainables", specs.TrainableSpec),
    "aligner": ("mmsdk_aligners", specs.AlignerSpec),
    "fusion": ("mmsdk_fusions", specs.FusionSpec),
    "task": ("mmsdk_tasks", specs.TaskSpec),
    "index": ("mmsdk_indexes", specs.IndexSpec),
    "recipe": ("mmsdk_recipes", specs.RecipeSpec),
    "command": ("mmsdk_commands", specs.CommandSpec),
    "health_check": ("mmsdk_health_checks", specs.HealthCheckSpec),
}
"""Kind -> (hook, type of spec), in the order in which ``mmsdk plugins list`` shows them."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_MORE_TARGETS = ("pull", "locate")
_TUPLES = ("modalities", "extensions", "requires")


def resolve(target: str) -> Any:
    """Import ``"module:attr"`` (``attr`` may be dotted) and return the object.

    :raises ImportError: the module has no such attribute, or ends the process when it is imported; what else it raises
        then passes through.
    """
    module_name, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except SystemExit as error:  # else a script that a plugin imports would end everything, without a word
        raise ImportError(f"{module_name} calls sys.exit({error.code!r}) when it is imported") from error
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            public = [name for name in dir(found) if not name.startswith("_")]
            raise ImportError(f"{module_name} has no {path!r}.{did_you_mean(attribute, public)}") from None
    return found


def missing_modules(spec: specs.Spec) -> tuple[str, ...]:
    """Return the modules of an optional extra that a spec ``requires`` and that are not installed; imports none."""
    wanted: tuple[str, ...] = getattr(spec, "requires", ())
    return tuple(name for name in wanted if importlib.util.find_spec(name.partition(".")[0]) is None)


def fault_of(item: object, kind: str) -> str:
    """Return what is wrong with something a hook yielded, or an empty string."""
    expected = KINDS[kind][1]
    if not isinstance(item, expected):
        return f"yielded {_shown(item)}, expected {expected.__name__}"
    if not isinstance(item.name, str) or not _NAME.fullmatch(item.name):
        return f"{expected.__name__} named {item.name!r}: a name is lower case letters, digits, '.', '_' and '-'"
    what = f"{expected.__name__} {item.name!r}"
    named = kind == "preset" or bool(getattr(item, "reference", ""))
    if not named and not (isinstance(item.target, str) and _TARGET.fullmatch(item.target)):
        return f"{what}: target {item.target!r} is not of the form 'module:attr'"
    if fault := _fault_of_fields(item):
        return f"{what}: {fault}"
    if isinstance(item, specs.PresetSpec):
        return _fault_of_preset(item, what)
    return ""


def _fault_of_fields(item: object) -> str:
    """Return what is wrong with the further targets and the tuples of a spec, or an empty string."""
    for field in _MORE_TARGETS:
        if (more := getattr(item, field, "")) and not (isinstance(more, str) and _TARGET.fullmatch(more)):
            return f"{field} {more!r} is not of the form 'module:attr'"
    for field in _TUPLES:
        if not _strings(getattr(item, field, ())):
            return f"{field} is {getattr(item, field)!r}, expected a tuple of strings such as ('text',)"
    return ""


def _fault_of_preset(item: specs.PresetSpec, what: str) -> str:
    """Return what is wrong with the encoders of a preset, or an empty string."""
    for modality, names in dict(item.encoders).items():
        if not _strings(names):
            return f"{what}: encoders[{modality!r}] is {names!r}, expected a tuple of strings such as ('minilm',)"
    return ""


def _strings(value: object) -> bool:
    """Return whether ``value`` is a tuple of strings; a bare string is the usual mistake."""
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _shown(item: object) -> str:
    """Return a value and its type, short enough for a sentence."""
    text = repr(item)
    return f"{type(item).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def missing_methods(target: Any, names: Iterable[str]) -> list[str]:
    """Return those of the names that are no method of a target."""
    return [name for name in names if not callable(getattr(target, name, None))]
