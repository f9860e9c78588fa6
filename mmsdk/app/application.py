"""The application object that a backend embeds: predict, embed, search, recommend, and the index behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mmsdk.app.collection import Collection, checked_ids
from mmsdk.app.confiding import sure_outputs
from mmsdk.app.explaining import Explainer
from mmsdk.app.interactions import InteractionLog
from mmsdk.app.picking import Picking
from mmsdk.app.prediction import Prediction, told_blind
from mmsdk.app.recommending import Recommender
from mmsdk.app.ruling import tell_unread
from mmsdk.errors import DataError
from mmsdk.progress import note

if TYPE_CHECKING:
    import os
    from collections.abc import Collection as Names
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk.app.pipeline import Pipeline
    from mmsdk.app.why import Why
    from mmsdk.confidence import Confidence
    from mmsdk.config import Application
    from mmsdk.data import Samples, Table
    from mmsdk.embed import Embeddings
    from mmsdk.explain import Explanation
    from mmsdk.index import Hit
    from mmsdk.protocols import Output, Task
    from mmsdk.rules import Fired
    from mmsdk.tasks.ranking import Ranker

Rows = Any  # a list of dicts, or whatever read_table takes


class App:
    """A fitted application. Made by :func:`mmsdk.fit` and :func:`mmsdk.load`; safe to use from several threads.

    :param folder: the run directory.
    :param document: the contents of ``run.json``.
    """

    def __init__(
        self,
        folder: Path,
        document: Mapping[str, Any],
        pipeline: Pipeline,
        tasks: Mapping[str, Task],
        ranker: Ranker | None,
        confidence: Confidence | None = None,
    ) -> None:
        self.folder = folder
        self.document = document
        self.tasks = tasks
        self.index = Collection(folder, document["fingerprint"], pipeline, ranker)
        self.pipeline = pipeline
        self.confidence = confidence
        self.interactions = InteractionLog(self)
        self.explainer = Explainer(self)
        self.recommender = Recommender(self)

    @property
    def application(self) -> Application:
        """The resolved application file."""
        return self.pipeline.application

    @property
    def ranker(self) -> Ranker | None:
        """What recommends now: as fitted, or as learned since; nothing where the run has no interactions."""
        return self.index.ranker

    def predict(
        self, rows: Rows, *, root: Path | None = None, audit: str | os.PathLike[str] | None = None
    ) -> list[Prediction]:
        """Answer every task for each row; any input may be missing.

        :param rows: a list of dicts keyed by input name or column (``{"photo": "a.jpg", "title": None}``), or a table
            (path, DataFrame ...). They need no ids.
        :param root: the folder that relative paths start from; the working directory for dicts, the table's own for a
            file.
        :param audit: an append-only log (JSON lines, docs/audit.md) that gets a line for each answer; the answers are
            returned when the lines are on the disk. Several processes may write to one log.
        :returns: one :class:`mmsdk.Prediction` a row. How many rows hold no input at all is said on stderr (not where
            the run was loaded with ``quiet=True``).
        :raises DataError: a key nobody knows, a file that is missing or cannot be decoded.
        """
        if _nothing(rows):
            return []
        samples, _ = self.pipeline.read(rows, root=root, partial=True, nameless=True)
        answers = self.answered(samples, audit=audit)
        blind = sum(not one.modalities_used for one in answers)
        if told := told_blind(blind, len(answers), [*self.pipeline.encoders]):
            note(told, self.pipeline.quiet)
        return answers

    def answered(self, samples: Samples, *, audit: str | os.PathLike[str] | None = None) -> list[Prediction]:
        """Answer for rows that are read already, with a line for each in the log ``audit`` where one is named."""
        fired = self.pipeline.rules.fired(samples.table, len(samples))
        tell_unread(fired, samples.table, quiet=self.pipeline.quiet)
        answers = self._answers(self.pipeline.embed(samples), samples.table, fired)
        if audit is not None:
            from mmsdk.app.audited import write_audit
            from mmsdk.journal import Journal

            write_audit(self, samples, answers, fired.met, Journal(audit))
        return answers

    def predict_samples(self, samples: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Answer every task for rows that are decoded already: what a camera, a microphone or a sensor gives.

        :param samples: by input name, each as the modality of the input decodes it: :class:`mmsdk.Sound`,
            :class:`mmsdk.Clip`, :class:`mmsdk.Landmarks`, pixels ``(h, w, 3)`` uint8, a text, a vector. An input that
            is left out or ``None`` is missing. Nothing is looked up or kept: an input with a ``within`` is measured by
            what is usual in the training rows (:class:`mmsdk.Company` measures rows that come in turn by one another).
        :raises DataError: an input nobody knows.
        :raises EncoderError: an encoder cannot encode a sample.
        :raises RunError: a rule of the run reads columns, and decoded samples have none.
        """
        return self.answer(self.pipeline.embed_decoded(samples)) if len(samples) else []

    def answer(self, embeddings: Embeddings, table: Table | None = None) -> list[Prediction]:
        """Answer for rows that are embedded already.

        :param table: the same rows, by which the conditions of rules are judged; needed where rules have any, and
            where ``confidence.by`` names a column.
        :raises RunError: a rule reads a column, and there is no table.
        """
        count = len(next(iter(embeddings.present.values())))
        return self._answers(embeddings, table, self.pipeline.rules.fired(table, count))

    def _answers(self, embeddings: Embeddings, table: Table | None, fired: Fired) -> list[Prediction]:
        """Answer for embedded rows of which it is known for which the rules hold."""
        vectors, logits = self.pipeline.fuse(embeddings)
        outputs = sure_outputs(self, vectors, logits, embeddings.present, table, fired)
        return [
            Prediction(outputs=_row(outputs, row), modalities_used=_used(embeddings, row))
            for row in range(len(vectors))
        ]

    def embed(self, rows: Rows, *, root: Path | None = None) -> np.ndarray:
        """Return fused vectors ``(n, dim)`` float32, the ones that the index holds (cosine compares them).

        :param rows, root: as of :meth:`predict`.
        """
        if _nothing(rows):
            return np.zeros((0, self.application.fusion.dim), np.float32)
        return self.pipeline.fuse(self._embedded(rows, root)[1])[0]

    def search(
        self,
        query: Mapping[str, Any] | None = None,
        k: int = 10,
        where: str | None = None,
        *,
        id: str | None = None,
        exclude: Sequence[str] = (),
        candidates: Sequence[str] | None = None,
        diversity: float = 0.0,
        per: str | None = None,
        at_most: int = 1,
        root: Path | None = None,
    ) -> list[Hit]:
        """Return the ``k`` rows of the index nearest to a query.

        :param query: some inputs, by name or column: ``{"title": "red lamp"}``, ``{"photo": "a.jpg"}``, or both. With
            ``fusion: joint`` also by a modality that no input has (``{"text": "red lamp"}`` where rows are photos).
        :param where: a filter over columns: ``"price < 20 and category = 'lamp'"``.
        :param id: search with a row of the index instead; that row itself is left out.
        :param exclude, candidates, diversity, per, at_most: as of :meth:`recommend`.
        :param root: the folder that relative paths of the query start from.
        :returns: :class:`mmsdk.Hit` (``id``, ``score`` = cosine, ``row``), best first.
        """
        if (query is None) == (id is None):
            raise DataError("search needs either a query (some inputs) or an id, not both and not neither")
        picking = Picking(
            k=k,
            where=where,
            exclude=[*checked_ids(exclude), *([] if id is None else [id])],
            candidates=candidates,
            diversity=diversity,
            per=per,
            at_most=at_most,
        )
        if id is not None:
            return self.index.pick(self.index.vectors([id]), picking)
        _samples, embeddings = self._embedded([query], root)
        if not _used(embeddings, 0):
            names = ", ".join(self.pipeline.encoders)
            raise DataError(f"the query holds nothing to search with; give one of the inputs: {names}")
        return self.index.pick(self.pipeline.fuse(embeddings)[0], picking)

    def recommend(
        self,
        history: Sequence[str] = (),
        k: int = 10,
        where: str | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        like: str | None = None,
        query_weight: float | None = None,
        exclude: Sequence[str] = (),
        candidates: Sequence[str] | None = None,
        diversity: float = 0.0,
        per: str | None = None,
        at_most: int = 1,
        root: Path | None = None,
    ) -> list[Hit]:
        """Recommend items to a user who took ``history``, or what completes a set of items.

        "Like this, but cheaper and red" is ``recommend(like="sku-1", query={"title": "red"}, where="price < 20")``.

        :param history: ids of items, oldest first; an id the index does not hold is an error. A basket or a room to be
            completed is a history too: where the interactions had no times, its order does not matter. May be
            empty: popularity answers then.
        :param k: how many.
        :param where: a filter over columns, as of :meth:`search`.
        :param query: what the user says or shows now, as inputs (``{"title": "for a small kitchen"}``).
        :param like: the id of an item that the user points at now; it is a query, and never an answer.
        :param query_weight: 0 to 1: how much ``query`` and ``like`` count beside the history: 0.5 as much as the whole
            history, 0 not at all, 1 alone. Left out, what users say counts as learned (``interactions.said``), anything
            else 0.5.
        :param exclude: more ids never to answer with; :param candidates: answer with these ids only (what is in stock).
            Ids that are not there are passed over.
        :param diversity: 0 to 1; above 0 the answers are made unlike each other by maximal marginal relevance
            (Carbonell and Goldstein 1998), out of the best 10 k or 100.
        :param per: a column, such as the category, of whose every value at most ``at_most`` items are answered with.
        :param root: the folder that relative paths of the query start from.
        :returns: hits in the order to show them, best first where neither ``diversity`` nor ``per`` is given; never an
            item of the history.
        :raises RunError: the run was fitted without interactions.
        :raises DataError: an unknown id or column, a number out of range.
        """
        picking = Picking(
            k=k,
            where=where,
            exclude=exclude,
            candidates=candidates,
            diversity=diversity,
            per=per,
            at_most=at_most,
        )
        return self.recommender.recommend(
            history, picking, query=query, like=like, query_weight=query_weight, root=root
        )

    def similar(
        self,
        id: str,
        k: int = 10,
        where: str | None = None,
        *,
        by: str = "content",
        exclude: Sequence[str] = (),
        candidates: Sequence[str] | None = None,
        diversity: float = 0.0,
        per: str | None = None,
        at_most: int = 1,
    ) -> list[Hit]:
        """Return the ``k`` items most similar to one, best first; that one is left out.

        :param by: ``content``: they look and read alike (cosine of fused vectors, as ``search(id=...)``).
            ``behaviour``: they are taken together with it, or with what is like it. ``all``: what is recommended to one
            who took it alone.
        :param where, exclude, candidates, diversity, per, at_most: as of :meth:`recommend`.
        :raises RunError: ``behaviour`` or ``all`` of a run without interactions, or of an item they say nothing of.
        """
        picking = Picking(
            k=k,
            where=where,
            exclude=exclude,
            candidates=candidates,
            diversity=diversity,
            per=per,
            at_most=at_most,
        )
        return self.recommender.similar(id, picking, by)

    def why(
        self,
        id: str,
        history: Sequence[str] = (),
        *,
        query: Mapping[str, Any] | None = None,
        like: str | None = None,
        query_weight: float | None = None,
        root: Path | None = None,
    ) -> Why:
        """Say why :meth:`recommend` gives an item its score.

        :param history, query, like, query_weight, root: as :meth:`recommend` had them.
        :returns: :class:`mmsdk.Why`: reasons that sum to the score (which item of the history, by being alike in which
            input, or by being taken together; the query; popularity), and what the items have in common.
        :raises DataError: the index does not hold the item.
        """
        return self.recommender.why(id, history, query=query, like=like, query_weight=query_weight, root=root)

    def explain(
        self,
        row: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        task: str | None = None,
        label: str | None = None,
        scale: str = "probability",
        evidence: bool | Names[str] = True,
        k: int = 5,
        root: Path | None = None,
    ) -> Explanation:
        """Say why one row is answered as it is.

        :param row: by input name or by column, as :meth:`predict` takes it; or ``id``, a row of the index.
        :param task: which answer; the first task where left out.
        :param label: explain another label than the answered one.
        :param scale: what is divided up among the inputs: the ``probability`` of the label, or its ``log-odds``.
        :param evidence: look into the inputs too (words, patches, spans, columns), or into those named only. Each part
            costs a pass of the encoder.
        :param k: nearest training rows.
        :param root: the folder that relative paths of ``row`` start from.
        :returns: :class:`mmsdk.Explanation`: shares of the inputs (Shapley values, exact up to eight inputs), evidence
            within each, nearest training rows, prototypes of the label.
        :raises DataError: the row holds nothing, or a file cannot be used.
        :raises ConfigError: no such task, label, scale or input.
        :raises RunError: the application has no task.
        """
        return self.explainer.explain(
            row, id=id, task=task, label=label, scale=scale, evidence=evidence, k=k, root=root
        ).explanation

    def __enter__(self) -> Self:
        """Return it: ``with mmsdk.load("runs/shop") as app`` closes it at the end (:meth:`close`)."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the files of the index, of the interactions and of the cache.

        What was opened is freed, and nothing else: the next call opens it again, and is answered as before; close the
        app once more after that.
        """
        self.index.close()
        self.pipeline.close()

    def _embedded(self, rows: Rows, root: Path | None) -> tuple[Samples, Embeddings]:
        """Read and embed rows in use."""
        samples, _ = self.pipeline.read(rows, root=root, partial=True, nameless=True)
        return samples, self.pipeline.embed(samples)

    def parts(self) -> dict[str, str]:
        """Return id -> ``train``, ``val`` or ``test``: which rows the run was learned from, and which judged it."""
        from mmsdk.app.directory import split_ids

        return dict(zip(*split_ids(self.folder), strict=True))

    def histories(self) -> dict[str, list[str]]:
        """Return user -> ids of the items taken, oldest first where there are times: of the fit, and what came since.

        :raises RunError: the run was fitted without interactions.
        """
        return self.interactions.histories()


def _nothing(rows: Rows) -> bool:
    """Return whether rows are an empty batch, which is answered with nothing; an empty table is refused."""
    return isinstance(rows, list | tuple) and not rows


def _row(outputs: Mapping[str, Sequence[Output]], row: int) -> dict[str, Output]:
    """Return the answers of one row."""
    return {name: answers[row] for name, answers in outputs.items()}


def _used(embeddings: Embeddings, row: int) -> tuple[str, ...]:
    """Return the inputs that are present in a row."""
    return tuple(name for name, present in embeddings.present.items() if present[row])
