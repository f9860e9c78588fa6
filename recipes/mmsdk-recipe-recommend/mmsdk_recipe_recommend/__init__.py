"""The recommend recipe of mmsdk: who took what, plus photo, text and price, to a recommender that knows new items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import RecipeSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def mmsdk_recipes() -> Iterator[RecipeSpec]:
    """Declare the recipe."""
    yield RecipeSpec(
        name="recommend",
        target="mmsdk_recipe_recommend.recipe:Recommend",
        summary="recommend items, also ones nobody has touched yet",
        takes="a table of items (photo, text, price, any inputs) and a table of who took which (user, item, time)",
        settings={
            "id": "column of the item table that holds the item's id",
            "interactions": "file of who took what: CSV, TSV, JSONL or Parquet",
            "user": "its column of the user, session, room or basket",
            "item": "its column of the item's id (default: the same name as id)",
            "time": "its column of the time, where there is one",
            "weight": "its column of how much (quantity, rating), where there is one",
            "said": "its column of what the user said or searched for, where there is one",
            "split": "its column of train, val, test, where a split is already made",
            "separator": "what stands between ids where one cell of item holds several (sets, baskets)",
            "refit": "false keeps the evaluated model instead of one refitted on all interactions",
        },
        columns=("id", "user", "item", "time", "weight", "said", "split"),
        files=("interactions",),
        switches={"refit": "interactions.refit"},
    )
