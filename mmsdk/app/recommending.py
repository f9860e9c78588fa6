"""``App.recommend`` and ``App.similar``: a user, or an item, becomes a vector that ranks the items of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmsdk.app.collection import Asked, checked_ids
from mmsdk.app.why import Shared, Why, reasons_of
from mmsdk.errors import ConfigError, DataError, RunError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.application import App
    from mmsdk.app.picking import Picking
    from mmsdk.embed import Embeddings
    from mmsdk.index import Hit

SIMILAR = ("content", "behaviour", "all")


class Recommender:
    """Recommends by one application's ranker."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shared = Shared(app)

    def recommend(
        self,
        history: Sequence[str],
        picking: Picking,
        *,
        query: Mapping[str, Any] | None = None,
        like: str | None = None,
        query_weight: float | None = None,
        root: Path | None = None,
    ) -> list[Hit]:
        """Recommend to one user; see :meth:`mmsdk.App.recommend`."""
        return self._app.index.recommend(self.asked(history, query, like, query_weight, root), picking)

    def similar(self, id: str, picking: Picking, by: str) -> list[Hit]:
        """Return items like one; see :meth:`mmsdk.App.similar`."""
        if by not in SIMILAR:
            raise ConfigError(unknown("likeness", by, SIMILAR, where="by", listed="Known"))
        self._require([id])
        index = self._app.index
        picking = replace(picking, exclude=[*checked_ids(picking.exclude), id])
        if by == "content":
            return index.pick(index.vectors([id]), picking)
        asked = self.asked([id], None, None, None, None)
        return index.recommend(asked, picking) if by == "all" else index.together(id, picking)

    def why(
        self,
        id: str,
        history: Sequence[str],
        *,
        query: Mapping[str, Any] | None = None,
        like: str | None = None,
        query_weight: float | None = None,
        root: Path | None = None,
    ) -> Why:
        """Say why an item has its score; see :meth:`mmsdk.App.why`."""
        asked = self.asked(history, query, like, query_weight, root)
        self._require([id])
        index = self._app.index
        others = list(dict.fromkeys([*asked.history, *([] if like is None else [like])]))
        untaken = index.untaken([id, *others])
        cold = id in untaken
        reasons = reasons_of(index.divide(asked, id), asked.history, like, cold=cold, untaken=untaken)
        row, *rest = index.rows([id, *others])
        shared = {name: self._shared.of(row, other) for name, other in zip(others, rest, strict=True)}
        score = float(sum(one.value for one in reasons))
        return Why(
            id=id, score=score, reasons=reasons, cold=cold, shared={name: one for name, one in shared.items() if one}
        )

    def asked(
        self,
        history: Sequence[str],
        query: Mapping[str, Any] | None,
        like: str | None,
        query_weight: float | None,
        root: Path | None,
    ) -> Asked:
        """Return what is asked for, checked and embedded."""
        app = self._app
        if app.ranker is None:
            raise RunError(
                f"{app.folder} was fitted without interactions, so it cannot recommend; add an interactions block to "
                "the application and fit again, or use search"
            )
        history = checked_ids(history)
        self._require([*history, *([] if like is None else [like])])
        if query_weight is not None and query is None and like is None:
            raise DataError("query_weight weighs a query beside the history, and there is none; give query or like")
        embeddings = None if query is None else self._embedded(query, root)
        return Asked(history=history, embeddings=embeddings, like=like, query_weight=query_weight)

    def _require(self, ids: Sequence[str]) -> None:
        """Refuse ids that the index does not hold."""
        strange = sorted({one for one in ids if one not in self._app.index})
        if strange:
            raise DataError(f"the index holds no item {strange[0]!r}; known ids are those of the item table")

    def _embedded(self, query: Mapping[str, Any], root: Path | None) -> Embeddings:
        """Return a query as vectors."""
        pipeline = self._app.pipeline
        return pipeline.embed(pipeline.read([query], root=root, partial=True)[0])
