"""What answers the coalitions of an explanation, and the shares of the inputs over a fit's judged rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.confidence import subsets_given
from mmsdk.evaluate.scores import judged_part
from mmsdk.explain import mean_shares
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.app.draft import Draft
    from mmsdk.confidence import Confidence
    from mmsdk.evaluate import Scoring
    from mmsdk.explain.scoring import Answers, Rows
    from mmsdk.model import JointNet
    from mmsdk.protocols import Output, Task


def share_metrics(draft: Draft, scoring: Scoring) -> dict[str, dict[str, Any]]:
    """Return task -> input -> what it adds to the answers, where two inputs or more share them."""
    found: dict[str, dict[str, Any]] = {}
    net = draft.pipeline.net
    assert net is not None
    if len(draft.embeddings.values) < 2:
        return found
    for name, target in draft.targets.items():
        part = judged_part(target, draft.samples.split)
        if part is None:
            continue
        rows = target.labelled_rows(draft.samples.split == part)
        shares = mean_shares(
            calibrated_answers(net, target.task, name, draft.confidence),
            draft.embeddings.values,
            draft.embeddings.present,
            rows,
            scoring=scoring,
        )
        if shares:
            found[name] = shares
    return found


def calibrated_answers(net: JointNet, task: Task, name: str, confidence: Confidence | None) -> Answers:
    """Return what answers a task from vectors and presence: calibrated where the run is, before any rule.

    Each coalition of inputs is calibrated as a row that has these inputs.
    """

    def answers(values: Rows, present: Rows) -> Sequence[Output]:
        logits = infer(net, values, present)[1][name]
        if confidence is not None:
            given = subsets_given(confidence.inputs, present, len(logits))
            logits = confidence.calibrated(name, logits, given)
        return task.outputs(logits)

    return answers
