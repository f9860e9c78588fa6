"""What training minimises: the loss of every task, and the term that ties the input subsets of a row together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from mmsdk.align.losses import LOSSES
from mmsdk.train.balance import Term
from mmsdk.train.masks import drop_inputs, other_subset
from mmsdk.train.mixing import blend_rows
from mmsdk.train.ruled import rule_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmsdk.model import JointNet, Target
    from mmsdk.train.batches import Labels, Rows
    from mmsdk.train.mixing import Blend
    from mmsdk.train.unimodal import UnimodalHeads

MATCH = "match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The loss of a batch.

    :param targets: task name -> its task and weight.
    :param class_weights: task name -> what its task balances by, on the device, or None.
    :param match: weight of the term that ties together what different inputs of one row fuse to, so that a search
        by one input finds rows that were indexed with all, and rows without any label teach something. It lies between
        two different random subsets of a row's inputs, over the rows of the batch with two inputs or more. An
        application with one input has no two subsets: there, and only where it has no task either, the term keeps the
        cosines between the rows of a batch as they are between the rows' standardised vectors, so that the fused space
        is the input's own, made smaller.
    :param match_loss: which of :data:`mmsdk.align.losses.LOSSES` that term is.
    :param unimodal: input name -> weight of the heads on that input alone, which a caller then hands in.
    :param mixup: strength of the blends that rows are trained as; 0 for none.
    """

    targets: Mapping[str, Target]
    class_weights: Mapping[str, Tensor | None]
    match: float
    match_loss: str = "infonce"
    unimodal: Mapping[str, float] = field(default_factory=dict)
    mixup: float = 0.0

    def __call__(
        self, net: JointNet, rows: Rows, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Return the loss at fixed weights, its parts, and the logits of every task; see :meth:`terms`."""
        terms, logits = self.terms(net, rows, generator)
        total = sum((term.weight * term.loss for term in terms.values()), rows.standard[0].new_zeros(()))
        return total, {name.lstrip(":"): term.loss for name, term in terms.items()}, logits

    def weights(self, net: JointNet) -> dict[str, float]:
        """Return the weight of every term that may be balanced against others."""
        found = {name: target.weight for name, target in self.targets.items()}
        found |= {
            f"{task}:{name}": weight * target.weight
            for name, weight in self.unimodal.items()
            for task, target in self.targets.items()
        }
        return found | ({f":{MATCH}": self.match} if self._ties(net) else {})

    def terms(
        self, net: JointNet, rows: Rows, generator: torch.Generator, alone: UnimodalHeads | None = None
    ) -> tuple[dict[str, Term], dict[str, Tensor]]:
        """Return the terms of the loss and the logits of every task; drops inputs while ``net`` is training.

        Terms are named by their task, ``task:input`` for the head on one input, ``rules/task``, and ``:match``. A task
        that no row of the batch has a label of has no term. In training the members of ``net`` learn apart, and a loss
        is the mean of theirs; else it is that of the answer they give together.

        :param alone: the heads on one input, in training where there are some.
        """
        tokens, present, blend = net.projector(rows.standard), rows.present, None
        if net.training and self.mixup > 0 and not self._keeps(net):
            tokens, present, blend = blend_rows(tokens, present, self.mixup, generator)
        seen = drop_inputs(present, net.modality_dropout, generator) if net.training else present
        other = other_subset(present, seen, generator) if self._ties(net) and len(net.inputs) > 1 else None
        vector, second = _fused(net, tokens, seen, other)
        answers = net.answers(vector)
        logits = {name: one.mean(0) for name, one in answers.items()}
        judged = answers if net.training else {name: one[None] for name, one in logits.items()}
        terms = {}
        for name, one in judged.items():
            if (loss := self.task_loss(name, one, rows.labels[name], blend)) is not None:
                terms[name] = Term(loss=loss, weight=self.targets[name].weight)
        terms |= rule_terms(self.targets, judged, rows.labels, blend)
        if second is not None and (several := present.sum(1) > 1).any():
            terms[f":{MATCH}"] = Term(loss=LOSSES[self.match_loss](vector, second, several), weight=self.match)
        elif second is None and self._ties(net):
            terms[f":{MATCH}"] = Term(loss=keep_loss(vector, rows.standard[0]), weight=self.match)
        if alone is not None:
            terms |= self._alone(alone, tokens, present, rows, blend)
        return terms, logits

    def task_loss(
        self, name: str, logits: Tensor, labels: Labels, blend: Blend | None = None, chosen: Tensor | None = None
    ) -> Tensor | None:
        """Return the mean loss of the labelled rows, None where there is none; logits ``(members, b, width)``.

        :param blend: with it the loss of a row is that of its own label and that of its partner's, by their shares.
        :param chosen: ``(b,)`` bool, the rows that count; all of them where left out.
        """
        if blend is None:
            found = self._losses(name, logits, labels, chosen)
            return None if found is None else found[0].mean()
        parts = []
        for one, share in ((labels, blend.share), (labels.take(blend.partner), 1 - blend.share)):
            if (found := self._losses(name, logits, one, chosen)) is not None:
                weights = share if found[1] is None else share[found[1]]
                parts.append(((found[0].view(len(logits), -1) * weights).mean(0).sum(), weights.sum()))
        if not parts:
            return None
        return cast("Tensor", sum(one for one, _ in parts) / sum(count for _, count in parts).clamp_min(1e-6))  # type: ignore[union-attr]

    def _losses(
        self, name: str, logits: Tensor, labels: Labels, chosen: Tensor | None
    ) -> tuple[Tensor, Tensor | None] | None:
        """Return the loss of each member and row that counts, and which rows these are; None where there is none."""
        values, kept = labels.values, chosen
        if not labels.complete:
            kept = labels.labelled if chosen is None else labels.labelled & chosen
        if kept is not None:
            logits, values = logits[:, kept], values[kept]
            if len(values) == 0:
                return None
        values = values.expand(len(logits), *values.shape).flatten(0, 1)
        return self.targets[name].task.loss(logits.flatten(0, 1), values, self.class_weights[name]), kept

    def _ties(self, net: JointNet) -> bool:
        """Return whether the match term is part of the loss."""
        return self.match > 0 and net.one_space and (len(net.inputs) > 1 or self._keeps(net))

    def _keeps(self, net: JointNet) -> bool:
        """Return whether the match term keeps one input's own cosines, which blends of rows do not have."""
        return len(net.inputs) == 1 and not self.targets

    def _alone(
        self, alone: UnimodalHeads, tokens: Tensor, present: Tensor, rows: Rows, blend: Blend | None
    ) -> dict[str, Term]:
        """Return the loss of each task from each weighed input alone, over the rows that have it."""
        found = {}
        for name, task, logits in alone.answers(tokens):
            loss = self.task_loss(task, logits, rows.labels[task], blend, present[:, alone.places[name]])
            if loss is not None:
                weight = alone.weights[name] * self.targets[task].weight
                found[f"{task}:{name}"] = Term(loss=loss, weight=weight)
        return found


def _fused(net: JointNet, tokens: Tensor, seen: Tensor, other: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Fuse the tokens under one mask or two; both at once, since small passes cost by their number."""
    if other is None:
        return net.fuse(tokens, seen), None
    first, second = net.fuse(torch.cat([tokens, tokens]), torch.cat([seen, other])).chunk(2)
    return first, second


def keep_loss(vector: Tensor, standard: Tensor) -> Tensor:
    """Return how far the cosines between rows of fused vectors are from those of their inputs, squared."""
    fused = nn.functional.normalize(vector.float(), dim=1)
    given = nn.functional.normalize(standard.float(), dim=1)
    return (fused @ fused.T - given @ given.T).square().mean()
