"""The recipe: its sample, the application it builds from a table or from bundles, and its part of the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, note, read_table, read_yaml
from mmsdk_recipe_triage.columns import Columns, order_of, understand
from mmsdk_recipe_triage.door import privacy_of
from mmsdk_recipe_triage.vitals import floors, unread_age

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk import Card

NOTICE = (
    "Decision support under evaluation, not a medical device: a person decides. "
    "处于评估阶段的决策辅助，不是医疗器械：由人做决定。"
)
COVERAGE = 0.9
SAMPLE_RISK = 0.2  # a few hundred cases keep no smaller one for sure
RULES_BYTES = 1 << 20
SCALE = 3  # so many labels in an order are a scale of urgency, whatever they are called


class Triage:
    """Sort cases by urgency from picture and record, and hand to a person what the model is unsure of."""

    def sample(self, folder: Path, seed: int) -> Mapping[str, Any]:
        """Write the synthetic cases and return their application."""
        from mmsdk_recipe_triage.sample import ORDER, write_sample

        if not (folder / "cases.csv").is_file():  # the last file written
            write_sample(folder, seed)
        settings = {"target": "urgency", "order": list(ORDER), "id": "case", "risk": SAMPLE_RISK}
        return self.application(folder / "cases.csv", settings)

    def application(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build the application; who somebody is never gets past the door.

        :raises ConfigError: ``target`` is not said, or a setting does not fit the table.
        """
        table = _read(data)
        found = understand(table, settings)
        labels = _labels(table, found)
        task = {**found.task}
        order = order_of(labels, settings.get("order")) if task["type"] == "classification" else None
        if order:
            task["order"] = order
            if settings.get("order") is None:
                note(
                    f"recipe triage: {found.task['column']} is taken to go from {' to '.join(order)}, the last being "
                    "the most urgent; say another order with --set 'order=[LEAST, ..., MOST]'"
                )
        name = "urgency" if order else "finding" if task["type"] != "regression" else "value"
        rules = _rules(table, settings, name, order)
        if age := unread_age(table):
            note(
                f"recipe triage: no years can be read from {age}, so that ages above 89 are not capped"
                f"{'' if rules else ' and there are no floors for vital signs, which are for adults'}; write years "
                "alone in it, and other units in a column of another name, or name the column otherwise"
            )
        return {
            "data": str(_tabled(data)),
            **({"id": found.id} if found.id else {}),
            "inputs": found.inputs,
            "tasks": {name: task},
            "rules": rules,
            "privacy": privacy_of(table, found, labels, rules),
            "notice": NOTICE,
            "split": {"group": found.group} if found.group else {},
            "head": {"type": "stacked"},
            "confidence": _confidence(settings, task["type"]),
            "evaluation": {"slices": list(found.slices)},
        }

    def unread(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, str]:
        """Return why columns are no inputs, and what of bundles was not read."""
        from mmsdk_recipe_triage.fhir import not_read

        path = _tabled(data)
        return {**understand(_read(data), settings).unread, **(not_read(path) if path != data else {})}

    def sections(self, app: Any) -> Iterator[tuple[str, str]]:
        """Yield who decides what, and what was kept out at the door."""
        from mmsdk_recipe_triage.sections import sections

        yield from sections(app)

    def next_commands(self, app: Any) -> Iterator[tuple[str | Path, ...]]:
        """Yield the worklist of the run's own table; a run that answers with a number has none."""
        if any(entry.type != "regression" for entry in app.application.tasks.values()):
            outside = ("--allow-outside",) if app.pipeline.policy.allow_outside else ()
            yield "triage", app.folder, Path(app.application.data), "--out", "worklist.html", *outside

    def card(self, app: Any) -> Card:
        """Return what it is for, and where it fails."""
        from mmsdk_recipe_triage.card import CARD

        return CARD


def _tabled(data: Path) -> Path:
    """Return the table of the cases; bundles are written as one."""
    from mmsdk_recipe_triage.fhir import is_bundles, table_of

    return table_of(data) if is_bundles(data) else data


def _read(data: Path) -> Any:
    """Return the table of the cases, of bundles under their own name: nobody has seen the table in the cache."""
    path = _tabled(data)
    table = read_table(path)
    return table if path == data else replace(table, name=str(data))


def _labels(table: Any, found: Columns) -> list[str]:
    """Return the labels of the answer; none where it is a number."""
    if found.task["type"] == "regression":
        return []
    return sorted({str(cell) for cell in table.cells(found.task["column"]) if cell is not None})


def _confidence(settings: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the block ``confidence``: sets that hold, and declining at the chosen risk."""
    return {"coverage": COVERAGE} | ({} if kind == "regression" else {"abstain": {"error": settings["risk"]}})


def _rules(table: Any, settings: Mapping[str, Any], task: str, order: list[str] | None) -> list[Any]:
    """Return the rules: those of the user's file, or floors for the vital signs that are recognised.

    :raises ConfigError: the file cannot be read, or a floor is no label.
    """
    said = settings.get("rules")
    if isinstance(said, list):
        return said
    if said is not None:
        return _read_rules(Path(said))
    floor = settings.get("floor")
    if floor == "none":
        return []
    if order is None and floor is not None:
        raise ConfigError("recipe triage: floor needs order: name the labels from least to most urgent")
    if order is None or (floor is None and len(order) < SCALE and order_of(order, None) is None):
        return []  # yes and no are no scale of urgency
    if floor is not None and floor not in order:
        raise ConfigError(f"recipe triage: floor is {floor!r}, which is no label of the target: {', '.join(order)}")
    age = unread_age(table)
    return [] if age else floors(table, task, floor or order[len(order) // 2])


def _read_rules(path: Path) -> list[Any]:
    """Return the rules of a YAML file: a list of them, or a mapping with the key ``rules``.

    :raises ConfigError: it is not there, too long, or something else.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.read(RULES_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe triage: rules: {path} cannot be read: {error}") from error
    if len(text) > RULES_BYTES:
        raise ConfigError(f"recipe triage: rules: {path} is longer than {RULES_BYTES:,} characters")
    found = read_yaml(text, str(path))
    found = found.get("rules") if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise ConfigError(f"recipe triage: rules: {path} holds no list of rules; docs/rules.md says how they look")
    return found
