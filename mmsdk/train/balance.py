"""How the terms of the loss are weighed against each other, and what that learns: fixed, uncertainty, GradNorm, PCGrad.

A term is one loss with its weight from the application file: a task, a task from one input alone, the match. What rules
cost is added as it stands: where nothing is forbidden it is zero, and none of these methods can weigh a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmsdk.model import JointNet

PACE = 25.0  # times the learning rate: with AdamW's even steps a log-variance would hardly leave 0 in a short training
ALPHA = 1.5  # of GradNorm: how hard terms that lag are pulled up; the paper's for real images
LEAST = 1e-3  # share of its own weight that GradNorm leaves a term


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One loss of a batch, a scalar with a gradient, and its weight.

    :param balanced: whether the balance may change the weight.
    """

    loss: Tensor
    weight: float
    balanced: bool = True


class Balance(nn.Module):
    """Fixed weights: the sum of every term times its weight. The others are made of it.

    :param weights: term name -> weight, of every term that may occur and is balanced.
    """

    def __init__(self, net: JointNet, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.names = tuple(weights)
        self.weights = dict(weights)

    def backward(
        self, net: JointNet, own: Sequence[nn.Parameter], terms: Mapping[str, Term], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Put gradients into all parameters; return figures for the history. A term that is absent teaches nothing.

        :param own: parameters of training alone, such as those of the heads on one input.
        :param terms: the terms of this batch, one at least.
        """
        _total(terms).backward()
        return {}

    def after(self) -> None:
        """Mend what the step of the optimiser may have broken."""


class UncertaintyBalance(Balance):
    """A learned variance for each term (Kendall et al. 2018, arXiv:1705.07115): ``exp(-s) * loss + s / 2``.

    ``s`` is the log of the variance. One form serves both kinds of task: the paper has ``loss / (2 * variance)`` for a
    squared error, and our loss of a number is half the squared error already; ``loss / variance`` for a cross-entropy,
    which is the paper's approximation and exact at variance 1 only. The weight from the application file multiplies the
    whole bracket, so that it still says how much the term counts: inside, the minimum over ``s`` would undo it.
    Pitfalls: the effective weight ends at 1 / (2 * loss), so a term that is overfitted to nothing is weighed without
    bound, and the printed loss may be negative.
    """

    def __init__(self, net: JointNet, weights: Mapping[str, float]) -> None:
        super().__init__(net, weights)
        self.log_variances = nn.ParameterList(nn.Parameter(torch.zeros(1)) for _ in self.names)

    def backward(
        self, net: JointNet, own: Sequence[nn.Parameter], terms: Mapping[str, Term], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`Balance.backward`; a variance whose term is absent has no gradient at all and stays."""
        found, weighed = {}, dict(terms)
        for name, variance in zip(self.names, self.log_variances, strict=True):
            if name in terms:
                loss, scale = terms[name].loss, variance.squeeze()
                bracket = torch.exp(-scale) * loss + scale / 2
                weighed[name] = Term(loss=bracket, weight=terms[name].weight)
                found[f"weight/{name}"] = terms[name].weight * torch.exp(-scale.detach())
        _total(weighed).backward()
        return found


class GradNormBalance(Balance):
    """Weights by which each term pulls at the shared layer as hard as it should (Chen et al. 2018, arXiv:1711.02257).

    The norm of a term's weighted gradient is driven towards ``mean norm * rate ** 1.5 * share``: the rate is its loss
    over its first loss, by the mean of these ratios; the share, which the paper does not have, is its weight from the
    application file by the mean weight, or those weights would be undone. The target is held
    constant, the weights stay above zero (the paper's may cross it) and sum to what they summed to. The shared layer is
    the fusion; where heads on one input take part, whose gradients never reach a fusion, or where that learns nothing,
    the projections.
    Pitfall: the first loss is that of one batch, as in the paper, so rates are noisy where batches are small.
    """

    first: Tensor

    def __init__(self, net: JointNet, weights: Mapping[str, float]) -> None:
        super().__init__(net, weights)
        self.learned = nn.ParameterList(nn.Parameter(torch.tensor([float(one)])) for one in weights.values())
        self.register_buffer("first", torch.full((len(self.names),), torch.nan))
        alone = any(":" in name for name in self.names)
        self.fused = not alone and any(True for _ in net.fusions.parameters())

    def backward(
        self, net: JointNet, own: Sequence[nn.Parameter], terms: Mapping[str, Term], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`Balance.backward`; weights of absent terms have no gradient and stay."""
        here = [place for place, name in enumerate(self.names) if name in terms]
        losses = [terms[self.names[place]].loss for place in here]
        layer = [one for one in (net.fusions if self.fused else net.projector).parameters() if one.requires_grad]
        norms = torch.stack([_norm(one, layer) for one in losses]) if here else self.first.new_zeros(0)
        weights = {self.names[place]: self.learned[place].detach().squeeze() for place in here}
        weighed = sum((weights[name] * terms[name].loss for name in weights), self.first.new_zeros(()))
        rest = _total({name: one for name, one in terms.items() if name not in weights})
        (weighed + rest).backward()
        self._pull(here, torch.stack([one.detach() for one in losses]) if here else norms, norms)
        return {f"weight/{name}": one for name, one in weights.items()}

    def _pull(self, here: Sequence[int], losses: Tensor, norms: Tensor) -> None:
        """Give each weight the gradient of the distance between its norm and where that should be."""
        for one in self.learned:
            one.grad = None
        if not here:
            return
        places = torch.tensor(here, device=losses.device)
        first = self.first[places]
        first = torch.where(first.isnan(), losses, first)
        self.first[places] = first
        rates = losses / first.clamp_min(1e-12)
        weights = torch.cat([self.learned[place].detach() for place in here])
        shares = losses.new_tensor([self.weights[self.names[place]] for place in here])
        aims = (weights * norms).mean() * (rates / rates.mean().clamp_min(1e-12)) ** ALPHA * shares / shares.mean()
        for place, slope in zip(here, torch.sign(weights * norms - aims) * norms, strict=True):
            self.learned[place].grad = slope.reshape(1)

    def after(self) -> None:
        """Keep the weights above zero, and their sum."""
        with torch.no_grad():
            for name, one in zip(self.names, self.learned, strict=True):
                one.clamp_min_(LEAST * self.weights[name])
            scale = sum(self.weights.values()) / torch.cat(list(self.learned)).sum()
            for one in self.learned:
                one.mul_(scale)


class PCGradBalance(Balance):
    """Each term's gradient less what of it conflicts with another's (Yu et al. 2020, arXiv:2001.06782).

    Gradients are those of all shared parameters, the projections and the fusion, term by term: at the fused vector
    alone, terms of different rows would never meet. A gradient that points against another (a negative product) is
    projected onto the plane across it, the others in random order, each time against the other's *own* gradient; the
    sum of what is left is the step. Parameters of one term alone take its gradient as it is. Pitfalls: with three
    terms or more the order matters, and AdamW rescales the step afterwards, so it need not stay free of conflict.
    """

    def backward(
        self, net: JointNet, own: Sequence[nn.Parameter], terms: Mapping[str, Term], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """See :meth:`Balance.backward`; the figure is the share of pairs of terms that conflict."""
        heads = {id(one) for one in net.heads.parameters()}
        every = [one for one in net.parameters() if one.requires_grad]
        shared = [one for one in every if id(one) not in heads]
        single = [one for one in every if id(one) in heads] + list(own)
        for one in single + shared:
            one.grad = None
        rows = []
        fixed = [torch.zeros_like(one) for one in shared]
        for term in terms.values():
            slopes = torch.autograd.grad(term.weight * term.loss, shared + single, retain_graph=True, allow_unused=True)
            _add(single, slopes[len(shared) :])
            if term.balanced:
                rows.append(_flat(slopes[: len(shared)], shared))
            else:
                fixed = [a if b is None else a + b for a, b in zip(fixed, slopes[: len(shared)], strict=True)]
        whole = torch.stack(rows) if rows else _flat(fixed, shared)[None] * 0
        step = project_conflicts(whole, generator) + _flat(fixed, shared)
        for one, part in zip(shared, torch.split(step, [one.numel() for one in shared]), strict=True):
            one.grad = part.view_as(one)
        return {"conflicts": _conflicts(whole)}


def project_conflicts(slopes: Tensor, generator: torch.Generator) -> Tensor:
    """Return the sum ``(n,)`` of gradients ``(terms, n)``, each less what conflicts with the others."""
    squares = slopes.square().sum(1).clamp_min(1e-30)
    total = torch.zeros_like(slopes[0])
    for place in range(len(slopes)):
        one = slopes[place]
        for other in torch.randperm(len(slopes), generator=generator, device=generator.device).tolist():
            if other != place:
                one = one - (one @ slopes[other]).clamp_max(0) / squares[other] * slopes[other]
        total = total + one
    return total


BALANCES: dict[str, type[Balance]] = {
    "fixed": Balance,
    "uncertainty": UncertaintyBalance,
    "gradnorm": GradNormBalance,
    "pcgrad": PCGradBalance,
}


def make_balance(name: str, net: JointNet, weights: Mapping[str, float]) -> Balance:
    """Return what weighs the terms.

    :raises ConfigError: one term alone, which there is nothing to weigh against; or nothing is shared.
    """
    if name != "fixed" and len(weights) < 2:
        raise ConfigError(
            f"training.balance: {name} weighs terms of the loss against each other, and there is one: "
            "leave it fixed, or add a task, training.unimodal or training.match"
        )
    if name in {"gradnorm", "pcgrad"} and not any(
        True for one in (*net.fusions.parameters(), *net.projector.parameters())
    ):
        raise ConfigError(f"training.balance: {name} needs weights that terms share, and here is none: leave it fixed")
    return BALANCES[name](net, weights)


def _total(terms: Mapping[str, Term]) -> Any:
    """Return the sum of every term times its weight."""
    return sum(term.weight * term.loss for term in terms.values())


def _norm(loss: Tensor, layer: Sequence[nn.Parameter]) -> Tensor:
    """Return the norm of the gradient of a loss at a layer."""
    slopes = torch.autograd.grad(loss, layer, retain_graph=True, allow_unused=True)
    return torch.stack([one.square().sum() for one in slopes if one is not None]).sum().sqrt()


def _flat(slopes: Sequence[Tensor | None], like: Sequence[nn.Parameter]) -> Tensor:
    """Return gradients side by side ``(n,)``; zeros where there is none."""
    parts = [torch.zeros_like(two) if one is None else one for one, two in zip(slopes, like, strict=True)]
    return torch.cat([one.reshape(-1) for one in parts])


def _add(parameters: Sequence[nn.Parameter], slopes: Sequence[Tensor | None]) -> None:
    """Add gradients to parameters; one without any keeps none."""
    for one, slope in zip(parameters, slopes, strict=True):
        if slope is not None:
            one.grad = slope if one.grad is None else one.grad + slope


def _conflicts(slopes: Tensor) -> Tensor:
    """Return the share of pairs of gradients that point against each other."""
    count = len(slopes)
    if count < 2:
        return slopes.new_zeros(())
    return ((slopes @ slopes.T) < 0).triu(1).sum() / (count * (count - 1) / 2)
