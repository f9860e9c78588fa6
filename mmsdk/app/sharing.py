"""The shares of the inputs in the answers of a fit's judged rows, for metrics.json and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.evaluate.scores import judged_part
from mmsdk.explain import mean_shares
from mmsdk.model import infer

if TYPE_CHECKING:
    from mmsdk.app.draft import Draft
    from mmsdk.evaluate import Scoring
    from mmsdk.explain.scoring import Answers


def share_metrics(draft: Draft, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return task -> input -> what it adds to the answers, where two inputs or more share them."""
    found: dict[str, dict[str, Any]] = {}
    if len(draft.embeddings.values) < 2:
        return found
    for name, target in draft.targets.items():
        part = judged_part(target, draft.samples.split)
        if part is None:
            continue
        rows = target.labelled_rows(draft.samples.split == part)
        shares = mean_shares(
            _answers(draft, name), draft.embeddings.values, draft.embeddings.present, rows, scoring=scoring
        )
        if shares:
            found[name] = shares
    return found


def _answers(draft: Draft, name: str) -> Answers:
    """Return what answers a task of the draft."""
    net, task = draft.pipeline.net, draft.targets[name].task
    assert net is not None
    return lambda values, present: task.outputs(infer(net, values, present)[1][name])
