"""What answers cost that break rules, on rows with a label and without.

The semantic loss of Xu et al. 2018 (arXiv:1711.11157): minus the log of the probability that a rule holds, outputs
being independent. The bounds of a task hold together; the costs of all other rules are added up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.train.balance import Term

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from torch import Tensor

    from mmsdk.model import Clash, Target
    from mmsdk.train.batches import Labels
    from mmsdk.train.mixing import Blend


def rule_terms(
    targets: Mapping[str, Target], judged: Mapping[str, Tensor], labels: Mapping[str, Labels], blend: Blend | None
) -> dict[str, Term]:
    """Return ``rules/task`` for every task that rules teach; a blend is bound by what binds both of its rows.

    :param judged: task name -> logits ``(members, b, width)``.
    """
    found = {}
    for name, target in targets.items():
        if target.ruled:
            costs = [*_bound_costs(target, judged[name], labels[name], blend)]
            costs += _clash_costs(target, name, judged, labels[name], blend)
            loss = torch.stack(costs).sum(0).mean()
            found[f"rules/{name}"] = Term(loss=loss, weight=target.rule_weight, balanced=False)
    return found


def _bound_costs(target: Target, logits: Tensor, labels: Labels, blend: Blend | None) -> Iterator[Tensor]:
    """Yield what each member's answers cost ``(members * b,)`` that the bounds of a task do not allow."""
    if (allowed := labels.allowed) is not None:
        allowed = allowed if blend is None else either(allowed, allowed.index_select(0, blend.partner))
        task: Any = target.task
        yield task.allowed_loss(logits.flatten(0, 1), allowed.repeat(len(logits), 1))


def _clash_costs(
    target: Target, name: str, judged: Mapping[str, Tensor], labels: Labels, blend: Blend | None
) -> Iterator[Tensor]:
    """Yield what each member's answers cost ``(members * b,)`` by every rule that they clash with."""
    if (fired := labels.fired) is None:
        return
    fired = fired if blend is None else fired & fired.index_select(0, blend.partner)
    logits = judged[name].flatten(0, 1)
    for one, rows in zip(target.clashes, fired.T, strict=True):
        yield _cost(one, logits, judged) * rows.repeat(len(judged[name]))


def _cost(clash: Clash, logits: Tensor, judged: Mapping[str, Tensor]) -> Tensor:
    """Return what answers cost ``(members * b,)`` that clash."""
    if clash.other:
        return clash_loss(logits, judged[clash.other].flatten(0, 1), clash)
    return apart_loss(logits, clash.mask) if clash.mask.ndim == 1 else tree_loss(logits, clash.mask)


def either(first: Tensor, second: Tensor) -> Tensor:
    """Return what one or the other allows, row by row; :class:`mmsdk.model.Target` says what the three kinds are."""
    if first.dtype == torch.bool:
        return first | second
    if first.is_floating_point():
        return torch.stack([torch.minimum(first, second)[:, 0], torch.maximum(first, second)[:, 1]], dim=1)
    return torch.where(first == second, first, 0)


def tree_loss(logits: Tensor, pairs: np.ndarray) -> Tensor:
    """Return minus the log of the probability that no child stands without its parent ``(b,)``.

    Of one pair it is ``-log(1 - p_child * (1 - p_parent))``. The sum over the pairs is divided by the number of labels:
    the loss of the task is a mean over them.

    :param logits: of a multilabel task ``(b, labels)``.
    :param pairs: ``(k, 2)`` child and parent.
    """
    child, parent = (_wide(logits)[:, pairs[:, side]] for side in (0, 1))
    softplus = nn.functional.softplus
    return (softplus(child) - softplus(child + nn.functional.logsigmoid(parent))).sum(1) / logits.shape[1]


def apart_loss(logits: Tensor, excluding: np.ndarray) -> Tensor:
    """Return minus the log of the probability that of some labels one at most stands ``(b,)``.

    Of two it is ``-log(1 - p_a * p_b)``. It is divided by the number of labels, as :func:`tree_loss` is.

    :param logits: of a multilabel task ``(b, labels)``.
    :param excluding: the places of those labels.
    """
    some = _wide(logits)[:, excluding]
    at_most_one = torch.cat([torch.zeros_like(some[:, :1]), some], dim=1).logsumexp(1)
    return (nn.functional.softplus(some).sum(1) - at_most_one) / logits.shape[1]


def clash_loss(first: Tensor, second: Tensor, clash: Clash) -> Tensor:
    """Return minus the log of the probability that two tasks answer nothing that is forbidden together ``(b,)``.

    Of one forbidden pair it is ``-log(1 - p_a * p_b)``; it is summed over what is allowed, so that no digit is lost.

    :param first: logits of a classification task ``(b, labels)``, ``second`` likewise.
    """
    allowed, kind = clash.beside
    logs = _wide(second).log_softmax(1)
    filler = logs.new_full((len(logs), 1), torch.finfo(logs.dtype).min)
    beside = torch.cat([logs, filler], dim=1)[:, allowed].logsumexp(2)
    beside = torch.cat([torch.zeros_like(filler), beside], dim=1)
    return -(_wide(first).log_softmax(1) + beside[:, kind]).logsumexp(1)


def _wide(logits: Tensor) -> Tensor:
    """Return logits in single precision at least: these losses are differences of numbers that are nearly alike."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
