"""After the heads of late fusion have learned: their temperatures and weights, from rows they did not learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

from mmsdk.fusion import LateHead, stack_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from mmsdk.model import JointNet
    from mmsdk.train.objective import Objective
    from mmsdk.train.validation import Validation

ROWS = 4096
PULL = 0.01  # how strongly the numbers are held to where they start: validation rows may be few
PARTS = ("log_temperature", "weights", "trust")


def settle_heads(net: JointNet, validation: Validation) -> dict[str, Tensor]:
    """Settle every :class:`mmsdk.fusion.LateHead` of a trained net, and return what was set, by its name in the state.

    First each input's temperature, so that its own posteriors have the least loss on the validation rows that have it
    (Guo et al. 2017, arXiv:1706.04599); then the weights and the trust, so that the stack has, over the rows as they
    are and with each input left out in turn. All members of the net share the numbers. Of more than 4,096 validation
    rows evenly spaced ones are used.
    """
    found: dict[str, Tensor] = {}
    for place, (task, heads) in enumerate(zip(net.tasks, net.heads, strict=True)):
        members = [one for one in cast("Any", heads).children() if isinstance(one, LateHead)]
        if members and task in validation.scored:
            numbers = _settled(net, members, task, validation)
            for n, _ in enumerate(members):
                found |= {f"heads.{place}.{n}.{name}": one for name, one in zip(PARTS, numbers, strict=True)}
    net.load_state_dict({**net.state_dict(), **found})
    return found


def settled_numbers(net: JointNet) -> dict[str, Tensor]:
    """Return temperatures, weights and trust of every :class:`mmsdk.fusion.LateHead` of a net, by name in its state."""
    late = [name for name, one in net.named_modules() if isinstance(one, LateHead)]
    state = net.state_dict()
    return {f"{name}.{part}": state[f"{name}.{part}"].clone() for name in late for part in PARTS}


def _settled(net: JointNet, members: Sequence[LateHead], task: str, validation: Validation) -> tuple[Tensor, ...]:
    """Return temperatures, weights and trust for one task."""
    rows = validation.rows
    places = torch.linspace(0, len(rows) - 1, min(len(rows), ROWS), device=rows.present.device).long()
    part = rows.take(places)
    net.eval()
    with torch.no_grad():
        vector = net.fuse(net.projector(part.standard), part.present)
        answers = [head.own(one) for head, one in zip(members, vector.chunk(len(members), dim=1), strict=True)]
    own = torch.stack([one for one, _ in answers]).mean(0)  # the stack is linear: members may be averaged before it
    own, here = own.detach().clone(), answers[0][1].clone()
    score = _Loss(validation.objective, task, part.labels[task])
    count = here.shape[1]
    zeros = [torch.zeros(count, device=own.device), torch.zeros(count, device=own.device)]
    (heat,) = _least(lambda heat: _alone(score, own, here, heat), zeros[:1])
    weights, trust = _least(
        lambda weights, trust: _together(score, own, here, heat, weights, trust), [zeros[1], zeros[0][:1]]
    )
    return heat, weights, trust


class _Loss:
    """The mean loss of the labelled rows among those that count."""

    def __init__(self, objective: Objective, task: str, labels: Any) -> None:
        self.objective = objective
        self.task = task
        self.labels = labels

    def __call__(self, logits: Tensor, chosen: Tensor) -> Tensor:
        found = self.objective.task_loss(self.task, logits[None], self.labels, chosen=chosen)
        return logits.new_zeros(()) if found is None else found


def _alone(score: _Loss, own: Tensor, here: Tensor, heat: Tensor) -> Tensor:
    """Return the sum over the inputs of the loss of their own answers."""
    cooled = own * (-heat).exp()[:, None]
    return cast("Tensor", sum(score(cooled[:, n], here[:, n]) for n in range(here.shape[1])))


def _together(score: _Loss, own: Tensor, here: Tensor, heat: Tensor, weights: Tensor, trust: Tensor) -> Tensor:
    """Return the mean loss of the stack, of the rows as they are and without each input in turn."""
    masks = [here]
    for n in range(here.shape[1] if here.shape[1] > 1 else 0):
        less = here.clone()
        less[:, n] = False
        masks.append(less)
    losses = [score(stack_answers(own, one, heat, weights, trust), one.any(1)) for one in masks]
    return cast("Tensor", sum(losses)) / len(losses)


def _least(loss: Callable[..., Tensor], start: Sequence[Tensor]) -> list[Tensor]:
    """Return the numbers of the least loss, held near where they start; where that is no number, the start."""
    numbers = [one.clone().requires_grad_() for one in start]
    optimiser = torch.optim.LBFGS(numbers, max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        pull = sum((one - at).square().sum() for one, at in zip(numbers, start, strict=True))
        value = loss(*numbers) + PULL * pull
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    found = [one.detach() for one in numbers]
    return found if all(bool(one.isfinite().all()) for one in found) else list(start)
