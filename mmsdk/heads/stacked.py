"""The stacked head: one linear model an input, each counting for what it was worth on rows it did not learn from."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.data import resampled
from mmsdk.heads.beside import Beside, presence
from mmsdk.heads.folds import inner_folds
from mmsdk.heads.linear import LinearHead, fit_each
from mmsdk.heads.subsets import own_subsets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmsdk.heads.beside import Lesson
    from mmsdk.heads.options import StackedOptions

MOST = 3.0  # that an input may count: few rows must not blow up a model that says little
FEWEST = 10  # rows of a subset, for weights of its own
DRAWS = 200


class StackedHead(Beside):
    """``bias + sum of weight_i * logits_i`` over the inputs that a row has; weights are never below zero.

    Stacking (Wolpert 1992) with weights that are not negative (Breiman 1996): an input that says nothing about rows
    it has not seen gets nothing, however well it fits the rows it learned from. Of few rows even such weights follow
    noise: an input counts only where it lowers the loss by a standard error or more, see :func:`useful`. Each subset of
    the inputs has weights of its own, as far as :func:`mmsdk.heads.subsets.own_subsets` says; other rows take those of
    the whole, or, where none of their inputs counts there, those of the first subset they have.

    :param linear: a model for each input alone.
    :param own: ``(k, m)`` bool, the subsets with weights of their own, the whole first.
    """

    def __init__(self, linear: LinearHead, own: Tensor, width: int) -> None:
        super().__init__(linear.inputs)
        self.linear = linear
        self.register_buffer("own", own)
        self.register_buffer("weights", torch.zeros(len(own), len(self.inputs)))
        self.register_buffer("bias", torch.zeros(len(own), width))

    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """Answer each row by the inputs it has; one without any by what training says blindly."""
        here = presence(self.inputs, present)
        own, blind = self.get_buffer("own"), self.linear.get_buffer("blind")
        same = (here[:, None, :] == own[None]).all(2)
        weights = self.get_buffer("weights")
        within = (here[:, None, :] | ~own[None]).all(2) & (weights > 0).any(1)
        heard = (here & (weights[0] > 0)).any(1)
        other = torch.where(heard, 0, within.to(torch.int64).argmax(1))
        chosen = torch.where(same.any(1), same.to(torch.int64).argmax(1), other)
        counts = torch.where(here, weights[chosen], 0.0)
        answer = self.get_buffer("bias")[chosen] + sum(
            (counts[:, place, None] * self._alone(name, vectors, present) for place, name in enumerate(self.inputs)),
            start=torch.zeros_like(blind),
        )
        return torch.where(here.any(1, keepdim=True), answer, blind)

    def _alone(self, name: str, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """Return what the model of one input says, ``(b, width)``."""
        none = torch.zeros_like(present[name])
        only = {one: present[one] if one == name else none for one in self.inputs}
        said: Tensor = self.linear(vectors, only, torch.empty(0))
        return said

    def document(self) -> dict[str, Any]:
        """Return its type, what each input counts in each subset, and what the linear models say of themselves."""
        counts = {
            "+".join(itertools.compress(self.inputs, one)): dict(zip(self.inputs, row, strict=True))
            for one, row in zip(self.get_buffer("own").tolist(), self.get_buffer("weights").tolist(), strict=True)
        }
        return {"type": "stacked", "counts": counts, "linear": self.linear.document()}

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> StackedHead:
        """Return the head that ``document`` and the arrays of its buffers describe."""
        inner = {name.removeprefix("linear."): one for name, one in arrays.items() if name.startswith("linear.")}
        linear = LinearHead.restore(document["linear"], inner)
        head = cls(linear, torch.from_numpy(np.array(arrays["own"])), arrays["bias"].shape[1])
        head.load_state_dict({name: torch.from_numpy(np.array(one)) for name, one in arrays.items()})
        return head


def fit_stacked(lesson: Lesson, options: StackedOptions) -> StackedHead:
    """Fit a stacked head: the models of the inputs, then what each counts, on answers to rows they did not learn from.

    :param lesson: the labelled training rows.
    """
    linear, unseen, lesson = fit_each(lesson, options)
    own = own_subsets(lesson.present, 1)
    head = StackedHead(linear, own, unseen.shape[2]).to(lesson.present.device)
    own = own.to(lesson.present.device)
    counting = useful(lesson, unseen, own[0], options)
    for number, subset in enumerate(own):
        kept = subset & counting
        if not kept.any():
            rows = _rows_with(lesson, subset)
            kept = useful(lesson.take(rows), unseen[rows] * subset[None, :, None], subset, options)
        rows = _rows_with(lesson, kept)  # what an input that does not count lacks, the others need not lack
        head.get_buffer("weights")[number], head.get_buffer("bias")[number] = weigh(
            lesson.take(rows), unseen[rows], kept
        )
    return head.eval()


def _rows_with(lesson: Lesson, inputs: Tensor) -> np.ndarray:
    """Return the rows that have all these inputs; every row where those are too few to learn from."""
    rows = np.flatnonzero((lesson.present | ~inputs).all(1).cpu().numpy())
    return rows if len(rows) >= FEWEST else np.arange(len(lesson))


def useful(lesson: Lesson, said: Tensor, subset: Tensor, options: StackedOptions) -> Tensor:
    """Return which inputs of a subset are to count, ``(m,)`` bool: the best one, and what it gains by.

    One after the other the input that lowers the loss most is taken, as long as it does so by more than ``margin``
    standard errors of the difference (a bootstrap of rows or whole groups; the parsimony of Breiman et al. 1984,
    section 3.4.3). Losses are of rows from which the weights did not learn either.

    :param said: ``(n, m, width)``, as :func:`weigh` takes it.
    """
    folds = inner_folds(lesson, options.folds)
    if options.margin <= 0 or not folds or int(subset.sum()) < 2:
        return subset
    draws = list(resampled(len(lesson), groups=lesson.groups, resamples=DRAWS, seed=lesson.seed))
    kept, losses = torch.zeros_like(subset), np.zeros(0)
    while True:
        tried = {place: _with(kept, place) for place in torch.nonzero(subset & ~kept).flatten().tolist()}
        found = {place: _unseen_losses(lesson, said, mask, folds) for place, mask in tried.items()}
        if not found:
            return kept
        best = min(found, key=lambda place: float(found[place].mean()))
        if kept.any():  # the first one has nothing to gain over
            gain = losses - found[best]
            if gain.mean() <= options.margin * np.std([gain[rows].mean() for rows in draws]):
                return kept
        kept, losses = tried[best], found[best]


def _with(mask: Tensor, place: int) -> Tensor:
    """Return the mask with one more input."""
    found = mask.clone()
    found[place] = True
    return found


def _unseen_losses(
    lesson: Lesson, said: Tensor, mask: Tensor, folds: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Return the loss of each row ``(n,)`` by weights of these inputs that were learned without it."""
    found = np.zeros(len(lesson))
    for fit, judge in folds:
        weights, bias = weigh(lesson.take(fit), said[fit], mask)
        part = lesson.take(judge)
        logits = torch.einsum("nmw,m->nw", said[judge], weights.to(said)) + bias.to(said)
        found[judge] = part.task.loss(logits, part.targets, part.weights).reshape(len(judge), -1).mean(1).cpu().numpy()
    return found


def weigh(lesson: Lesson, said: Tensor, subset: Tensor) -> tuple[Tensor, Tensor]:
    """Return what each input counts ``(m,)``, 0 to 3, and a bias ``(width,)`` that minimise the loss of the task.

    :param said: ``(n, m, width)``, what the inputs say of the rows of ``lesson``, which they did not learn from.
    :param subset: ``(m,)`` bool, the inputs that may count.
    """
    from scipy.optimize import minimize

    count, width = said.shape[1:]
    said = said.double()

    def judged(flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.from_numpy(flat).to(said.device).requires_grad_()
        logits = torch.einsum("nmw,m->nw", said, point[:count]) + point[count:]
        value = lesson.loss(logits)
        (slope,) = torch.autograd.grad(value, point)
        return float(value.detach()), slope.cpu().numpy()

    start = np.concatenate([subset.cpu().numpy() / max(int(subset.sum()), 1), np.zeros(width)])
    bounds = [(0.0, MOST if here else 0.0) for here in subset.tolist()] + [(None, None)] * width
    with torch.enable_grad():
        found = minimize(judged, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    point = torch.from_numpy(found).to(said.device, torch.float32)
    return point[:count], point[count:]
