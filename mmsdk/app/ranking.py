"""The recommender of a run: interactions in, a scored and refitted ranker out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.audit import Finding
from mmsdk.data import Interactions, Samples, read_samples, read_table
from mmsdk.errors import ConfigError, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.memory import Memory
    from mmsdk.app.pipeline import Pipeline
    from mmsdk.embed import Embeddings
    from mmsdk.tasks.ranking import Content, Profile, Ranker


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRun:
    """A fitted ranker with what is said of it.

    :param items: item vectors ``(n, dim)``, in the order of the table.
    :param learned: bool ``(n_pairs,)``: which pairs the ranker learned from.
    :param scored: what gave the metrics and the examples.
    :param examples: a few scored users, for the report.
    """

    ranker: Ranker
    items: np.ndarray
    metrics: Mapping[str, Any]
    headline: str
    interactions: Interactions
    learned: np.ndarray
    scored: Ranker
    notes: Sequence[str] = ()
    examples: Sequence[Any] = ()
    findings: Sequence[Finding] = field(default_factory=tuple)

    def document(self) -> dict[str, Any]:
        """Return what run.json says of it."""
        return {
            "metric": self.headline,
            "state": self.ranker.state(),
            "users": len(self.interactions.user_ids),
            "interactions": len(self.interactions),
            "notes": list(self.notes),
        }


def fit_ranking(pipeline: Pipeline, samples: Samples, embeddings: Embeddings, interactions: Interactions) -> RankingRun:
    """Fit and score the ranker, and refit it on all interactions unless told not to."""
    from mmsdk.evaluate.ranking import fit_and_score_ranking

    config = pipeline.application.interactions
    assert config is not None
    said = _said(pipeline, interactions) if interactions.said is not None else None
    result = fit_and_score_ranking(
        interactions,
        samples.ids,
        embeddings.vectors(),
        embeddings.present,
        said=said,
        seed=pipeline.application.training.seed,
        refit=config.refit,
        quiet=pipeline.quiet,
    )
    return RankingRun(
        ranker=result.ranker,
        items=result.ranker.item_vectors(),
        metrics=result.metrics,
        headline=result.headline,
        interactions=interactions,
        learned=result.learned,
        scored=result.scored,
        notes=result.notes,
        examples=result.examples,
        findings=_findings(interactions, samples),
    )


def learned_contents(
    fitted: Ranker, fitted_ids: Sequence[str], ids: Sequence[str], memory: Memory
) -> dict[str, Content]:
    """Return the contents of a catalogue that grew: what was fitted, and in its place or after it what came later.

    :param ids: of the catalogue; it begins with the fitted ones.
    """
    later = memory.kept()
    widths = {name: content.vectors.shape[1] for name, content in fitted.contents.items()}
    values, present = memory.placed(later, widths)
    places = {name: place for place, name in enumerate(ids)}
    rows = np.array([places[name] for name in later], np.int64)
    contents = {}
    for name, content in fitted.contents.items():
        vectors = np.zeros((len(ids), widths[name]), np.float32)
        mask = np.zeros(len(ids), bool)
        vectors[: len(fitted_ids)], mask[: len(fitted_ids)] = content.vectors, content.present
        vectors[rows], mask[rows] = values[name], present[name]
        contents[name] = content.with_rows(vectors, mask)
    return contents


def behaviour_of(ranker: Ranker, item: Profile) -> np.ndarray:
    """Return a user ``(1, dim)`` who took one item, of whom only what the blocks of behaviour say counts."""
    user = np.zeros((1, ranker.dim), np.float32)
    for name, part in ranker.slices.items():
        weight = ranker.choice.weights.get(name, 0.0)
        if weight and not name.startswith("content:"):
            scale = np.float32(weight / np.sqrt(ranker.total(name)))
            user[:, : ranker.width] += scale * (item.blocks[name] @ ranker.axes[part])
    return user


def _said(pipeline: Pipeline, interactions: Interactions) -> tuple[np.ndarray, np.ndarray, str]:
    """Return what users said as vectors ``(n, d)`` of the first text input, which of them are there, and its name."""
    texts = [name for name, entry in pipeline.application.inputs.items() if entry.kind == "text"]
    if not texts:
        raise ConfigError(
            "interactions.said needs a text input among the inputs, whose encoder reads what users said; add one, or "
            "leave the key out"
        )
    entry = pipeline.application.inputs[texts[0]]
    lone = pipeline.application.model_copy(update={"id": None, "inputs": {texts[0]: entry}})
    table = read_table([{entry.columns[0]: text} for text in interactions.said or ()])
    said, _ = read_samples(table, lone, pipeline.policy, partial=True)
    found = pipeline.embed(said)
    return found.values[texts[0]], found.present[texts[0]], texts[0]


def _findings(interactions: Interactions, samples: Samples) -> list[Finding]:
    """Return what the audit says of the interactions."""
    touched = len(np.unique(interactions.items))
    cold = len(samples) - touched
    found = [
        Finding(
            severity="note" if cold else "ok",
            code="untouched-items",
            title=f"{cold} of {len(samples)} items ({100 * cold / len(samples):.0f} %) were never taken by anybody",
        )
    ]
    if interactions.problems:
        detail = "; ".join(listed(interactions.problems, 3))
        title = f"{len(interactions.problems)} rows of the interactions were left out"
        found.append(Finding(severity="warning", code="interactions", title=title, detail=detail))
    return found
