"""The recommend recipe of mmsdk: who took what, plus photo, text and price, to a recommender that knows new items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import RecipeSpec, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "id": Setting(
        kind="column",
        what="column of the item table that holds the item's id; left out, it is guessed: "
        "of several ids the one of both tables, else the first",
    ),
    "interactions": Setting(kind="file", what="file of who took what: CSV, TSV, JSONL or Parquet; has to be said"),
    "user": Setting(kind="column", what="its column of the user, session, room or basket; has to be said"),
    "item": Setting(kind="column", what="its column of the item's id; left out, the same name as id"),
    "time": Setting(kind="column", what="its column of the time, where there is one"),
    "weight": Setting(kind="column", what="its column of how much (quantity, rating), where there is one"),
    "said": Setting(kind="column", what="its column of what the user said or searched for, where there is one"),
    "split": Setting(kind="column", what="its column of train, val, test, where a split is already made"),
    "separator": Setting(what="what stands between ids where one cell of item holds several (sets, baskets)"),
    "refit": Setting(
        kind="true or false",
        default=True,
        on_sample="interactions.refit",
        what="false keeps the evaluated model instead of one refitted on all interactions",
    ),
}


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield RecipeSpec(
        name="recommend",
        target="mmsdk_recipe_recommend.recipe:Recommend",
        summary="recommend items, also ones nobody has touched yet",
        takes="a table of items (photo, text, price, any inputs) and a table of who took which (user, item, time)",
        settings=SETTINGS,
    )
