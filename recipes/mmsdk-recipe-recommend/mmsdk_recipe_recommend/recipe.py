"""The recipe: its sample, the application it builds from a table, and its sections of the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, inspect_table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk import Card

FIELDS = ("user", "item", "time", "weight", "said", "split", "separator", "refit")


def _require(table: Any, key: str, column: str | None) -> None:
    """Refuse a column that is not in its file, or was not named, with those that are."""
    if column in table.names:
        return
    file = Path(table.name).name
    why = f"{key} is not set" if column is None else f"{file} has no column {column!r} for {key}"
    raise ConfigError(f"recipe recommend: {why}; name it with --set {key}=COLUMN; {file} has: {', '.join(table.names)}")


def _id(ids: Sequence[str], taken: Any, settings: Mapping[str, Any]) -> str | None:
    """Return the one of the items' ids that the interactions have too; the guess where that is none or several."""
    said = {settings.get(key) for key in ("user", "time", "weight", "said", "split")}
    both = [name for name in ids if name in taken.names and name not in said]
    if len(both) == 1 and "item" not in settings:
        return both[0]
    return ids[0] if ids else None


class Recommend:
    """Recommend items from who took what, and from what the items look and read like."""

    def sample(self, folder: Path, seed: int) -> Mapping[str, Any]:
        """Write the synthetic shop and return its application."""
        from mmsdk_recipe_recommend.sample import write_sample

        if not (folder / "interactions.csv").is_file():  # the last file written
            write_sample(folder, seed)
        return {
            "data": str(folder / "items.csv"),
            "id": "sku",
            "inputs": {
                "photo": {"column": "photo", "modality": "image"},
                "text": {"column": ["title", "description"], "modality": "text"},
                "price": {"column": "price", "modality": "number"},
            },
            "interactions": {
                "file": str(folder / "interactions.csv"),
                "user": "shopper",
                "item": "sku",
                "time": "time",
                "weight": "quantity",
                "said": "said",
            },
        }

    def application(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build the application: inputs as ``mmsdk inspect`` would guess them, interactions from the settings.

        :raises ConfigError: ``interactions`` or ``user`` is not said, or a column is not in its file.
        """
        if "interactions" not in settings:
            raise ConfigError(
                "recipe recommend: interactions is not set; name the file of who took what with --set interactions=..."
            )
        table, taken = read_table(data), read_table(settings["interactions"])
        found = inspect_table(table, tasks=False)
        item_id = settings.get("id", _id(found.ids, taken, settings))
        if item_id is None:
            raise ConfigError("recipe recommend: no column of the items looks like an id; name it with --set id=COLUMN")
        _require(table, "id", item_id)
        _require(taken, "user", settings.get("user"))
        _require(taken, "item", settings.get("item", item_id))
        interactions = {"file": settings["interactions"], "item": item_id}
        interactions |= {name: settings[name] for name in FIELDS if name in settings}
        inputs = {name: spec for name, spec in found.application["inputs"].items() if spec["column"] != item_id}
        return {"data": str(data), "id": item_id, "inputs": inputs, "interactions": interactions}

    def card(self, app: Any) -> Card:
        """Return what it is for, and where it fails."""
        from mmsdk_recipe_recommend.card import CARD

        return CARD

    def sections(self, app: Any) -> Iterator[tuple[str, str]]:
        """Yield what a newcomer would see, and to how many users the items that nobody took would be shown."""
        from mmsdk_recipe_recommend.sections import newcomer, untouched

        yield from newcomer(app)
        yield from untouched(app)
