"""What training minimises: the loss of every task, and the term that ties the input subsets of a row together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from mmsdk.train.masks import drop_inputs, other_subset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmsdk.model import JointNet, Target
    from mmsdk.train.batches import Labels, Rows

TEMPERATURE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The loss of a batch.

    :param targets: task name -> its task and weight.
    :param class_weights: task name -> what its task balances by, on the device, or None.
    :param match: weight of the term that ties together what different inputs of one row fuse to, so that a search
        by one input finds rows that were indexed with all, and rows without any label teach something. It is InfoNCE
        (van den Oord et al. 2018, arXiv:1807.03748) between two different random subsets of a row's inputs, both ways,
        over the rows of the batch with two inputs or more. An application with one input has no two subsets: there,
        and only where it has no task either, the term keeps the cosines between the rows of a batch as they are
        between the rows' standardised vectors, so that the fused space is the input's own, made smaller.
    """

    targets: Mapping[str, Target]
    class_weights: Mapping[str, Tensor | None]
    match: float

    def __call__(
        self, net: JointNet, rows: Rows, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Return the loss, its parts, and the logits of every task; drops inputs while ``net`` is training.

        In training the members of ``net`` learn apart, and the loss is the mean of theirs; else it is that of the
        answer they give together.
        """
        tokens = net.projector(rows.standard)
        seen = drop_inputs(rows.present, net.modality_dropout, generator) if net.training else rows.present
        matched = self.match > 0 and len(net.inputs) > 1
        other = other_subset(rows.present, seen, generator) if matched else None
        vector, second = _fused(net, tokens, seen, other)
        answers = net.answers(vector)
        logits = {name: one.mean(0) for name, one in answers.items()}
        judged = answers if net.training else {name: one[None] for name, one in logits.items()}
        parts = {name: self.task_loss(name, one, rows.labels[name]) for name, one in judged.items()}
        total = sum((self.targets[name].weight * one for name, one in parts.items()), vector.new_zeros(()))
        for name, target in self.targets.items():
            if (allowed := rows.labels[name].allowed) is not None:
                parts[f"{name}:rules"] = rule_loss(target, judged[name], allowed)
                total = total + target.rule_weight * parts[f"{name}:rules"]
        if second is not None:
            parts["match"] = match_loss(vector, second, rows.present.sum(1) > 1)
        elif self.match > 0 and not self.targets:
            parts["match"] = keep_loss(vector, rows.standard[0])
        if "match" in parts:
            total = total + self.match * parts["match"]
        return total, parts, logits

    def task_loss(self, name: str, logits: Tensor, labels: Labels) -> Tensor:
        """Return the mean loss of the labelled rows, zero where the batch has none; logits ``(members, b, width)``."""
        values = labels.values
        if not labels.complete:
            logits, values = logits[:, labels.labelled], values[labels.labelled]
            if len(values) == 0:
                return logits.sum()
        values = values.expand(len(logits), *values.shape).flatten(0, 1)
        logits = logits.flatten(0, 1)
        return self.targets[name].task.loss(logits, values, self.class_weights[name]).mean()


def rule_loss(target: Target, logits: Tensor, allowed: Tensor) -> Tensor:
    """Return the mean cost of answers that are not allowed, over all rows, labelled or not; see ``allowed_loss``."""
    cost: Any = target.task
    rows = cost.allowed_loss(logits.flatten(0, 1), allowed.expand(len(logits), *allowed.shape).flatten(0, 1))
    return cast("Tensor", rows.mean())


def _fused(net: JointNet, tokens: Tensor, seen: Tensor, other: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Fuse the tokens under one mask or two; both at once, since small passes cost by their number."""
    if other is None:
        return net.fuse(tokens, seen), None
    first, second = net.fuse(torch.cat([tokens, tokens]), torch.cat([seen, other])).chunk(2)
    return first, second


def match_loss(first: Tensor, second: Tensor, counts: Tensor) -> Tensor:
    """Return InfoNCE between two fused vectors ``(b, dim)`` of each row, both ways.

    :param counts: ``(b,)`` bool, the rows that take part; the others are neither asked nor offered as answers.
    """
    first, second = nn.functional.normalize(first.float(), dim=1), nn.functional.normalize(second.float(), dim=1)
    scores = first @ second.T / TEMPERATURE
    scores = scores.masked_fill(~(counts[:, None] & counts[None, :]), torch.finfo(scores.dtype).min)
    own = torch.arange(len(first), device=first.device)
    both = [nn.functional.cross_entropy(one, own, reduction="none") for one in (scores, scores.T)]
    rows = torch.where(counts, (both[0] + both[1]) / 2, 0.0)
    return rows.sum() / counts.sum().clamp_min(1)


def keep_loss(vector: Tensor, standard: Tensor) -> Tensor:
    """Return how far the cosines between rows of fused vectors are from those of their inputs, squared."""
    fused = nn.functional.normalize(vector.float(), dim=1)
    given = nn.functional.normalize(standard.float(), dim=1)
    return (fused @ fused.T - given @ given.T).square().mean()
