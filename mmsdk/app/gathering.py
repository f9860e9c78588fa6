"""What the report shows of a run: facts, examples with their pictures, the embedding map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.app.pictures import THUMBNAIL, encoded
from mmsdk.app.why import Shared, Why, reasons_of
from mmsdk.embed import open_modality
from mmsdk.report import Example, MapPoints, Picture, ReportData
from mmsdk.report.efficiency import cost_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.app.application import App
    from mmsdk.app.draft import Draft

EXAMPLES = 4
ANSWERS = 8
MAP_ROWS = 3000
CAPTION = 60


def gather_report(
    draft: Draft,
    app: App,
    metrics: Mapping[str, Any],
    document: Mapping[str, Any],
    *,
    sections: Sequence[tuple[str, str]] = (),
) -> ReportData:
    """Return everything that the page and the card say."""
    headline = {name: target.task.metric for name, target in draft.targets.items()}
    if draft.ranking is not None:
        headline |= dict.fromkeys(draft.ranking.metrics, draft.ranking.headline)
    if draft.alignment is not None:
        headline |= draft.alignment.document()["pairs"]
    return ReportData(
        title=document["title"],
        synthetic=document["synthetic"],
        command=document["command"],
        run=document,
        metrics=metrics,
        headline=headline,
        history=document["training"]["history"],
        facts=_facts(draft, app, document),
        points=_points(draft, app),
        examples=list(_examples(draft, app)),
        findings=draft.findings,
        sections=sections,
        notice=draft.application.notice or "",
    )


def _facts(draft: Draft, app: App, document: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines at the top."""
    facts = {
        "rows": f"{len(draft.samples):,}",
        "inputs": ", ".join(f"{name} ({_brief(one['encoder'])})" for name, one in document["inputs"].items()),
    }
    if draft.ranking is not None:
        pairs, users = len(draft.ranking.interactions), len(draft.ranking.interactions.user_ids)
        facts["interactions"] = f"{pairs:,} by {users:,} users"
    if draft.targets:
        facts["split"] = ", ".join(f"{name or 'none'} {count}" for name, count in document["data"]["split"].items())
    if document["readings"]:
        facts["fusion"] = f"{draft.application.fusion.type}, {told_readings(document['readings'])}"
    info = app.index.info()["fused"]
    facts["index"] = f"{info['type']}, {draft.application.fusion.dim} dims"
    facts["cost"] = cost_line(document["efficiency"])
    if recipe := document["recipe"]:
        facts["recipe"] = f"{recipe['name']} ({recipe['plugin']} {recipe['version']})"
    facts["device"] = document["device"]
    if document["head_device"] != document["device"].partition(":")[0]:
        facts["device"] += f", head on {document['head_device']}"
    facts["seed"] = str(document["seed"])
    facts["mmsdk"] = document["mmsdk"]
    return facts


def told_readings(readings: Mapping[str, float]) -> str:
    """Return what the network lets one read of itself, in a line."""
    return ", ".join(f"{name} {value:.3g}" for name, value in readings.items())


def _brief(encoder: str) -> str:
    """Return ``transformers:mobilenet`` for a reference that is a long path."""
    scheme, colon, reference = encoder.partition(":")
    return f"{scheme}:{reference.rstrip('/').rsplit('/', 1)[-1]}" if colon else encoder


def _points(draft: Draft, app: App) -> MapPoints | None:
    """Return the map of up to 3,000 rows by the principal components of their fused vectors."""
    count = len(draft.samples)
    if count < 3:
        return None
    rows = np.unique(np.linspace(0, count - 1, min(count, MAP_ROWS)).astype(np.int64))
    vectors = app.index.vectors([draft.samples.ids[row] for row in rows])
    centred = vectors - vectors.mean(0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    explained = float((scale[:2] ** 2).sum() / max((scale**2).sum(), 1e-12))
    return MapPoints(xy=left[:, :2] * scale[:2], labels=_labels(draft, rows), explained=explained)


def _labels(draft: Draft, rows: np.ndarray) -> list[str]:
    """Return what colours the map: the first classification task's labels, else nothing."""
    for entry in draft.application.tasks.values():
        if entry.type == "classification":
            cells = draft.samples.table.cells(entry.column)
            return [str(cells[row]) if cells[row] is not None else "no label" for row in rows]
    return []


def _examples(draft: Draft, app: App) -> Iterator[Example]:
    """Yield a few users with what was recommended, or a few held-out rows with their nearest neighbours."""
    pictures = Pictures(draft)
    if draft.ranking is not None:
        yield from (_user(one, pictures, _reasons(draft, app, one)) for one in draft.ranking.examples[:EXAMPLES])
        return
    held = np.flatnonzero(np.isin(draft.samples.split, ("test", "val")))
    rows = held if len(held) else np.arange(len(draft.samples))
    for row in rows[np.unique(np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows))).astype(np.int64))]:
        yield _neighbours(draft, app, int(row), pictures)


def _user(one: Any, pictures: Pictures, reasons: Mapping[int, str]) -> Example:
    """Return a scored user: the history, and what was recommended and why, with what was really taken marked."""
    taken = set(one.targets)
    answers = [
        pictures.of(row, note=" – ".join(filter(None, ("really taken ✓" if row in taken else "", reasons[row]))))
        for row in one.answers[:ANSWERS]
    ]
    asked = [pictures.of(row) for row in list(one.history)[-ANSWERS:]]
    found = sum(row in taken for row in one.answers)
    return Example(
        title=f"{one.user}: {found} of {len(taken)} held-out items among the first {len(one.answers)}",
        asked=asked,
        answers=answers,
        recommended=True,
    )


def _reasons(draft: Draft, app: App, one: Any) -> dict[int, str]:
    """Return why each of the answers to a scored user is there, by the ranker that gave it."""
    assert draft.ranking is not None
    history, ids = list(one.history), draft.samples.ids
    shared, names = Shared(app), [ids[row] for row in history]
    rows = dict(zip(names, app.index.rows(names), strict=True))
    found = {}
    for item in one.answers[:ANSWERS]:
        parts = draft.ranking.scored.explain(history, item)
        placed = [replace(part, item=None if part.item is None else history.index(part.item)) for part in parts]
        reasons, row = reasons_of(placed, names), app.index.rows([ids[item]])[0]
        why = Why(id=ids[item], score=0.0, reasons=reasons, shared={name: shared.of(row, rows[name]) for name in names})
        found[item] = why.told(1)
    return found


def _neighbours(draft: Draft, app: App, row: int, pictures: Pictures) -> Example:
    """Return a row with the answers for it and its nearest neighbours."""
    place = {name: position for position, name in enumerate(draft.samples.ids)}
    hits = app.search(id=draft.samples.ids[row], k=ANSWERS)
    title = "nearest rows in the joint space"
    return Example(
        title=f"{draft.samples.ids[row]}: {title}",
        asked=[pictures.of(row, note=_answer(draft, app, row))],
        answers=[pictures.of(place[hit.id], note=f"cosine {hit.score:.2f}") for hit in hits],
    )


def _answer(draft: Draft, app: App, row: int) -> str:
    """Return what the run answers for a row beside what the table says."""
    cells = {name: draft.samples.table.cells(entry.column)[row] for name, entry in draft.application.tasks.items()}
    if not cells:
        return ""
    embeddings = draft.embeddings
    one = type(embeddings)(
        values={name: values[row : row + 1] for name, values in embeddings.values.items()},
        present={name: present[row : row + 1] for name, present in embeddings.present.items()},
        stats=embeddings.stats,
    )
    outputs = app.answer(one, draft.samples.table.take(np.array([row])))[0].outputs
    return "; ".join(f"{name}: {_said(outputs[name].value)} ({_right(cells[name])})" for name in cells)


def _said(value: Any) -> str:
    """Return an answer in a few characters; where the run declined there is none."""
    return "no answer" if value is None else _shown(value)


def _right(cell: Any) -> str:
    """Return what the table says of an answer."""
    return "no label" if cell is None else f"right: {_shown(cell)}"


def _shown(value: Any) -> str:
    """Return a value in a few characters."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class Pictures:
    """Rows as pictures: a thumbnail of the first media input that has one, and a caption from the first text."""

    def __init__(self, draft: Draft) -> None:
        """Find the input that can be drawn."""
        self._samples = draft.samples
        opened = {name: open_modality(one.modality, one.decode) for name, one in draft.application.inputs.items()}
        self._drawn = {name: one for name, one in opened.items() if hasattr(one.component, "thumbnail")}
        self._texts = [name for name, entry in draft.application.inputs.items() if entry.kind == "text"]

    def of(self, row: int, note: str = "") -> Picture:
        """Return one row as a picture."""
        return Picture(title=str(self._samples.ids[row]), caption=self._caption(row), image=self._image(row), note=note)

    def _caption(self, row: int) -> str:
        """Return the first words of the row's texts."""
        words = [
            str(value)
            for name in self._texts
            for value in self._samples.inputs[name].cells[row] or ()
            if value is not None
        ]
        text = " · ".join(words)
        return text if len(text) <= CAPTION else text[: CAPTION - 1] + "…"

    def _image(self, row: int) -> str:
        """Return a data URL of a thumbnail, empty where there is none."""
        for name, modality in self._drawn.items():
            sample = modality.sample(self._samples.inputs[name].cells, row)
            if sample is not None:
                return encoded(modality.component.thumbnail(sample, THUMBNAIL))
        return ""
