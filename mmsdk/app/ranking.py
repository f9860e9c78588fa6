"""The recommender of a run: interactions in, a scored and refitted ranker out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.audit import Finding
from mmsdk.data import Interactions, Policy, Samples, read_interactions, read_samples, read_table
from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.app.pipeline import Pipeline
    from mmsdk.config import InteractionsConfig
    from mmsdk.embed import Embeddings
    from mmsdk.tasks.ranking import Ranker


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRun:
    """A fitted ranker with what is said of it.

    :param items: item vectors ``(n, dim)``, in the order of the table.
    :param examples: a few scored users, for the report.
    """

    ranker: Ranker
    items: np.ndarray
    metrics: Mapping[str, Any]
    headline: str
    interactions: Interactions
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


def fit_ranking(pipeline: Pipeline, samples: Samples, embeddings: Embeddings) -> RankingRun:
    """Read the interactions, fit and score the ranker, and refit it on all of them unless told not to."""
    from mmsdk.evaluate.ranking import fit_and_score_ranking

    config = pipeline.application.interactions
    assert config is not None
    interactions = read_interactions(config, samples.ids, policy=pipeline.policy)
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
        notes=result.notes,
        examples=result.examples,
        findings=_findings(interactions, samples),
    )


def read_histories(config: InteractionsConfig, ids: Sequence[str], policy: Policy) -> dict[str, list[str]]:
    """Return user -> ids of the items taken, oldest first; pairs of items that are not there are passed over."""
    found = read_interactions(config, ids, policy=replace(policy, on_bad_row="skip"))
    times = np.zeros(len(found)) if found.times is None else found.times
    histories: dict[str, list[str]] = {}
    for row in np.argsort(times, kind="stable"):
        histories.setdefault(found.user_ids[found.users[row]], []).append(ids[found.items[row]])
    return histories


def _said(pipeline: Pipeline, interactions: Interactions) -> tuple[np.ndarray, np.ndarray, str]:
    """Return what users said as vectors ``(n, d)`` of the first text input, which of them are there, and its name."""
    texts = [name for name, entry in pipeline.application.inputs.items() if entry.modality == "text"]
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
        detail = "; ".join(str(problem) for problem in interactions.problems[:3])
        title = f"{len(interactions.problems)} rows of the interactions were left out"
        found.append(Finding(severity="warning", code="interactions", title=title, detail=detail))
    return found
