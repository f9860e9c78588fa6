"""Recipes: from ``mmsdk recipe NAME`` and its settings to an application that is ready to fit."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.app.draft import Origin
from mmsdk.app.recipe_settings import settings_of_sample, settings_of_table
from mmsdk.app.understood import Understood, understand
from mmsdk.config import load_application
from mmsdk.data import guess_modality, inspect_table, read_table
from mmsdk.errors import ConfigError, DataError
from mmsdk.files import atomic_folder, cache_home
from mmsdk.plugins import get_registry
from mmsdk.protocols import RECIPE_METHODS

if TYPE_CHECKING:
    from mmsdk.config import Application
    from mmsdk.data import Table
    from mmsdk.plugins.registry import Entry
    from mmsdk.protocols import Recipe
    from mmsdk.specs import RecipeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A recipe made ready: the component, the application, and whether its data is made up.

    :param understood: what becomes of each column of the table.
    :param unread: column -> why it is no input, as far as anybody knows.
    """

    entry: Entry
    recipe: Recipe
    application: Application
    synthetic: bool
    understood: Sequence[Understood]
    unread: Mapping[str, str]

    def origin(self, *, title: str, command: str) -> Origin:
        """Return where a run of it comes from."""
        spec: RecipeSpec = self.entry.spec  # type: ignore[assignment]
        plugin = self.entry.plugin
        return Origin(
            title=title,
            command=command,
            synthetic=self.synthetic,
            recipe={"name": spec.name, "plugin": plugin.distribution, "version": plugin.version},
            unread=self.unread,
            sections=self.recipe.sections,
            card=getattr(self.recipe, "card", None),
        )


def plan_recipe(
    name: str, *, data: str | None, settings: Mapping[str, Any], preset: str | None = None, seed: int | None = None
) -> Planned:
    """Build the application of a recipe.

    :param data: the user's table; the recipe's own sample where left out.
    :param settings: parsed ``--set`` values; they win over a ``recipe.yaml`` beside the table.
    :raises ConfigError: a key that neither the recipe nor the application knows.
    """
    entry = get_registry().get("recipe", name)
    spec: RecipeSpec = entry.spec  # type: ignore[assignment]
    recipe = _open(entry)
    if data is None:
        general = settings_of_sample(spec, settings)
        made_up = _sample(recipe, _sample_folder(entry.name, entry.plugin.version, seed or 0), seed or 0)
        raw = _mapping(entry, "sample", made_up)
    else:
        table = Path(data)
        own, general = settings_of_table(spec, table, settings)
        raw = _mapping(entry, "application", recipe.application(table, own))
        made = Path(raw.get("data", table))  # a recipe may make a table of what is none (bundles, a folder of files)
        general = _without_left_out(made, raw, _with_modalities(made, raw, general))
        if not raw.get("inputs") and not any(key.split(".")[0] == "inputs" for key in general):
            answers = [task["column"] for task in raw.get("tasks", {}).values()]
            unread = _unread(recipe, read_table(made), table, own, answers)
            raise ConfigError(_without_inputs(spec, table.name, {k: v for k, v in unread.items() if k not in answers}))
    if preset is not None:
        general["preset"] = preset
    if seed is not None:
        general = {"training.seed": seed, "split.seed": seed, **general}
    application = load_application(raw, general)
    if application.data is None:
        raise ConfigError(f"recipe {spec.name} names no data in its application; this is a fault of the recipe")
    columns = read_table(Path(application.data))
    answers = [task.column for task in application.tasks.values()]
    unread = {} if data is None else _unread(recipe, columns, Path(data), own, answers)
    return Planned(
        entry=entry,
        recipe=recipe,
        application=application,
        synthetic=data is None,
        understood=understand(application, columns.names, unread),
        unread=unread,
    )


def _open(entry: Entry) -> Recipe:
    """Return a recipe.

    :raises PluginError: it cannot be made without arguments, or has not the methods of one.
    """
    target = entry.load()
    entry.require_methods(target, RECIPE_METHODS)
    try:
        inspect.signature(target).bind()
    except TypeError as error:
        raise entry.fault(f"cannot be made without arguments: {entry.spec.target!r}, {error}") from None
    recipe: Recipe = target()
    return recipe


def _mapping(entry: Entry, method: str, answer: Any) -> dict[str, Any]:
    """Return the application that a method answered.

    :raises PluginError: it is none.
    """
    if not isinstance(answer, Mapping):
        kind = "nothing" if answer is None else f"a {type(answer).__name__}"
        raise entry.fault(f"answers {kind} in {method}(), expected an application, as of an application file")
    return dict(answer)


def _unread(recipe: Recipe, table: Table, data: Path, own: Mapping[str, Any], answers: Iterable[str]) -> dict[str, str]:
    """Return why columns are no inputs: as ``mmsdk inspect`` would say, and over that as the recipe says."""
    said = getattr(recipe, "unread", None)
    found: dict[str, str] = {}
    for answer in (*answers,) or (None,):
        with contextlib.suppress(DataError):  # an answer that cannot be learned is refused later, with its own words
            found = inspect_table(table, tasks=False, target=answer).left_out | found
    return found | (dict(said(data, own)) if said is not None else {})


def _without_inputs(spec: RecipeSpec, table: str, unread: Mapping[str, str]) -> str:
    """Return the error of a table of which a recipe reads nothing: each column that is left out, and why."""
    left = "; ".join(f"{column} ({why})" for column, why in unread.items())
    return (
        f"recipe {spec.name}: {table} has no column that can be an input; add one, or name one that is left out with "
        f"--set inputs.NAME=COLUMN. Left out: {left or 'none'}"
    )


def _sample_folder(name: str, version: str, seed: int) -> Path:
    """Return where the sample of a recipe lies: the same for the same version and seed."""
    return cache_home() / "samples" / f"{name.replace('/', '-')}-{version}-{seed}"


def _sample(recipe: Recipe, folder: Path, seed: int) -> Mapping[str, Any]:
    """Write the sample, unless it is there, and return its application."""
    marker = folder / "complete"
    if not marker.is_file():
        with atomic_folder(folder) as partial:
            recipe.sample(partial, seed)
            (partial / marker.name).write_text("", encoding="utf-8")
    return recipe.sample(folder, seed)


def _with_modalities(table: Path, raw: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with a guessed modality for each input that ``--set inputs.NAME=COLUMN`` adds."""
    found = dict(settings)
    for key, value in settings.items():
        parts = key.split(".")
        if len(parts) == 2 and parts[0] == "inputs" and not (_names(value) or isinstance(value, Mapping)):
            raise ConfigError(f"--set {key}: expected a column or a list of columns, not {value!r}")
        if len(parts) == 2 and parts[0] == "inputs" and parts[1] not in raw["inputs"]:
            found.setdefault(f"{key}.modality", guess_modality(read_table(table), value))
    return found


def _without_left_out(table: Path, raw: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings; ``ignore`` may name a column of the table that the recipe left out by itself."""
    ignored: Any = settings.get("ignore")
    if not _names(ignored):
        return dict(settings)  # nothing to do, or refused where the settings are laid over the application
    ignored = [ignored] if isinstance(ignored, str) else ignored
    used = {column for entry in raw["inputs"].values() for column in _columns(entry["column"])} | set(raw["inputs"])
    added = {key.split(".")[1] for key in settings if key.startswith("inputs.")}
    spare = set(read_table(table).names) - used
    kept = [name for name in ignored if name not in spare or name in added]
    return {key: value for key, value in settings.items() if key != "ignore"} | ({"ignore": kept} if kept else {})


def _names(value: Any) -> bool:
    """Return whether it is a name, or names at least one in a list."""
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(one, str) for one in listed)


def _columns(column: str | list[str]) -> list[str]:
    """Return the columns of an input."""
    return [column] if isinstance(column, str) else list(column)
