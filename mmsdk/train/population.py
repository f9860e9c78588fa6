"""A population of small networks trained in one batched pass, each with settings of its own; the best ones answer."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmsdk.heads import PopulationHead, Reduced
from mmsdk.train.batches import batches_of, count_steps
from mmsdk.train.schedule import learning_rate

if TYPE_CHECKING:
    from torch import Tensor

    from mmsdk.heads import Lesson, PopulationOptions

EPSILON = 1e-12  # of Adam: gradients are scaled by learning rates here, see _Stack
LUMP = 16  # steps whose decay is taken at once: of a long epoch's it would be most of the weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The settings of every member, each ``(size,)`` float64.

    :param learning_rate: log-uniform from 3e-4 to 1e-2.
    :param weight_decay: log-uniform from 1e-3 to 1.
    :param dropout: of the hidden layer, uniform from 0 to 0.6.
    :param input_dropout: share of the components that a step does without, uniform from 0 to 0.6.
    :param modality_dropout: chance that an input of a row is hidden, uniform from 0 to 0.4.
    """

    learning_rate: np.ndarray
    weight_decay: np.ndarray
    dropout: np.ndarray
    input_dropout: np.ndarray
    modality_dropout: np.ndarray

    def take(self, members: np.ndarray) -> Drawn:
        """Return the settings of some members."""
        return Drawn(**{name: one[members] for name, one in asdict(self).items()})

    def of(self, member: int) -> dict[str, float]:
        """Return the settings of one member."""
        return {name: float(one[member]) for name, one in asdict(self).items()}


def draw_settings(size: int, seed: int) -> Drawn:
    """Draw the settings of a population; the same seed draws the same."""
    random = np.random.default_rng(seed)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(random.uniform(math.log(low), math.log(high), size))

    return Drawn(
        learning_rate=spread(3e-4, 1e-2),
        weight_decay=spread(1e-3, 1.0),
        dropout=random.uniform(0.0, 0.6, size),
        input_dropout=random.uniform(0.0, 0.6, size),
        modality_dropout=random.uniform(0.0, 0.4, size),
    )


def fit_population(
    lesson: Lesson,
    judge: Lesson,
    options: PopulationOptions,
    config: Any,
    *,
    refit: Lesson | None = None,
    drawn: Drawn | None = None,
) -> PopulationHead:
    """Train a population and return a head that answers by the mean of the members that validated best.

    All members see the same batches, so that a step is a handful of batched products whatever their number. Each
    keeps the weights of its own best epoch; training ends when none has bettered itself for ``config.patience`` epochs.
    The same seed gives the same bits; torch's own generator is left as it was.

    :param lesson: the labelled training rows.
    :param judge: labelled rows that it has not learned from, which stop and choose.
    :param config: the application's ``training`` block: ``epochs``, ``batch_size``, ``patience``.
    :param refit: with it the chosen are trained once more on these rows, each to its own best epoch.
    :param drawn: settings instead of those that the lesson's seed draws.
    """
    drawn = draw_settings(options.size, lesson.seed) if drawn is None else drawn
    reduced = Reduced({name: int(one.shape[1]) for name, one in lesson.vectors.items()}, options.rank)
    reduced.to(lesson.present.device).fit(lesson)
    stack = _Stack(reduced, lesson, drawn, options.hidden)
    found = stack.train(judge, config)
    order = np.lexsort((np.arange(len(found.score)), found.loss, -found.score))[: options.keep]
    weights = {name: one[torch.from_numpy(order)] for name, one in found.weights.items()}
    if refit is not None:
        again = _Stack(reduced, refit, drawn.take(order), options.hidden)
        weights = again.train_until(found.epoch[order], config, epochs=found.epochs)
    members = [
        {**drawn.of(place), "score": float(found.score[place]), "best_epoch": int(found.epoch[place])}
        for place in order.tolist()
    ]
    return PopulationHead(reduced, weights, members).eval()


@dataclass(slots=True, kw_only=True)
class _Found:
    """The best epoch of every member, and what it was worth there; ``epochs`` were trained in all."""

    score: np.ndarray
    loss: np.ndarray
    epoch: np.ndarray
    weights: dict[str, Tensor]
    epochs: int = 0


class _Stack:
    """All members at once, over one lesson.

    A member's weights are ``rate * w``, ``rate`` being its own learning rate, and one Adam with a rate of one moves
    all ``w``: since Adam's step does not depend on the scale of the gradient, each moves at its own rate, in one fused
    pass over the parameters. Decay is each member's own too.
    """

    def __init__(self, reduced: Reduced, lesson: Lesson, drawn: Drawn, hidden: int) -> None:
        self.reduced, self.lesson = reduced, lesson
        device = lesson.present.device
        self.generator = torch.Generator(device).manual_seed(lesson.seed)
        self.drawn = {
            name: torch.from_numpy(one).float().to(device)[:, None, None] for name, one in asdict(drawn).items()
        }
        self.rows = reduced(lesson.vectors, lesson.present)
        size, wide = len(drawn.dropout), self.rows.shape[1] + lesson.present.shape[1]
        width = lesson.task.baseline(1).shape[1]
        rate = self.drawn["learning_rate"]

        def drawn_weights(*shape: int) -> nn.Parameter:
            bound = 1 / math.sqrt(shape[1] if shape[1] > 1 else hidden)
            whole = torch.rand(size, *shape[1:], generator=self.generator, device=device)
            return nn.Parameter((whole * 2 - 1) * bound / rate)

        self.weights = {
            "into": drawn_weights(size, wide, hidden),
            "into_bias": nn.Parameter(torch.zeros(size, 1, hidden, device=device)),
            "out": drawn_weights(size, hidden, width),
            "out_bias": nn.Parameter(torch.zeros(size, 1, width, device=device)),
        }
        self.optimiser = torch.optim.AdamW(
            list(self.weights.values()), lr=1.0, weight_decay=0.0, eps=EPSILON, fused=True
        )

    def train(self, judge: Lesson, config: Any) -> _Found:
        """Train until no member betters itself, and return the best of each."""
        size = len(self.weights["into"])
        found = _Found(
            score=np.full(size, -np.inf),
            loss=np.full(size, np.inf),
            epoch=np.zeros(size, np.int64),
            weights=self._scaled(),
        )
        rows = torch.cat([self.reduced(judge.vectors, judge.present), (~judge.present).float()], dim=1)
        for number in range(1, config.epochs + 1):
            self._epoch(number, config, config.epochs)
            scores, losses = self._judged(rows, judge)
            better = (scores > found.score) | ((scores == found.score) & (losses < found.loss))
            found.score[better], found.loss[better], found.epoch[better] = scores[better], losses[better], number
            self._keep(found.weights, better)
            found.epochs = number
            if number - found.epoch.max() >= config.patience:
                break
        return found

    def train_until(self, stops: np.ndarray, config: Any, *, epochs: int) -> dict[str, Tensor]:
        """Train every member to an epoch of its own, at the rates of a training of ``epochs``; return the weights."""
        kept = self._scaled()
        for number in range(1, int(stops.max()) + 1):
            self._epoch(number, config, max(config.epochs, epochs))
            self._keep(kept, stops == number)
        return kept

    def _keep(self, kept: dict[str, Tensor], chosen: np.ndarray) -> None:
        """Put the weights of some members in the place of those that were kept."""
        places = torch.from_numpy(np.flatnonzero(chosen)).to(self.rows.device)
        for name, one in self._scaled().items():
            kept[name][places] = one[places]

    def _scaled(self) -> dict[str, Tensor]:
        """Return the weights of all members as they act."""
        return {name: (one.detach() * self.drawn["learning_rate"]) for name, one in self.weights.items()}

    def _epoch(self, number: int, config: Any, epochs: int) -> None:
        """Train one epoch, counted from 1."""
        steps = count_steps(len(self.rows), config.batch_size)
        order = torch.randperm(len(self.rows), generator=self.generator, device=self.rows.device)
        for step, batch in enumerate(torch.tensor_split(order, steps)):
            pace = learning_rate((number - 1) * steps + step, steps * epochs, 1.0)
            self.optimiser.param_groups[0]["lr"] = pace
            loss = self._loss(batch)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            if step == steps - 1 or step % LUMP == LUMP - 1:
                self._decay(pace * (step % LUMP + 1))

    def _decay(self, pace: float) -> None:
        """Let the matrices decay, for the steps since they last did."""
        with torch.no_grad():
            share = (1 - self.drawn["learning_rate"] * self.drawn["weight_decay"]) ** pace
            for name in ("into", "out"):
                self.weights[name].mul_(share)

    def _loss(self, batch: Tensor) -> Tensor:
        """Return the sum of the members' losses on some rows."""
        answers = self._answers(self._seen(batch), training=True)
        targets = self.lesson.targets.index_select(0, batch)
        repeated = targets.expand(len(answers), *targets.shape).flatten(0, 1)
        rows = self.lesson.task.loss(answers.flatten(0, 1), repeated, self.lesson.weights)
        return rows.view(len(answers), -1).mean(1).sum()

    def _seen(self, batch: Tensor) -> Tensor:
        """Return what each member sees of some rows ``(size, b, c + m)``: not every input, and not every component."""
        here = self.lesson.present.index_select(0, batch)
        size = len(self.weights["into"])
        draw = torch.rand(size, *here.shape, generator=self.generator, device=here.device)
        seen = here & (draw >= self.drawn["modality_dropout"])
        seen = torch.where(seen.any(2, keepdim=True), seen, here)
        rows = self.rows.index_select(0, batch)
        columns = torch.rand(size, 1, rows.shape[1], generator=self.generator, device=here.device)
        kept = (columns >= self.drawn["input_dropout"]).float() / (1 - self.drawn["input_dropout"])
        shown = seen.float()
        widths = self.reduced.widths
        parts = [
            (shown[:, :, place, None] * mask).mul_(part)
            for place, (part, mask) in enumerate(
                zip(torch.split(rows, widths, 1), torch.split(kept, widths, 2), strict=True)
            )
        ]
        return torch.cat([*parts, 1 - shown], dim=2)

    def _answers(self, rows: Tensor, *, training: bool = False) -> Tensor:
        """Return the logits of every member ``(size, b, width)``; in training with a part of the hidden layer."""
        rate = self.drawn["learning_rate"]
        hidden = nn.functional.gelu(torch.baddbmm(self.weights["into_bias"], rows, self.weights["into"]) * rate)
        if training:
            draw = torch.rand(hidden.shape, generator=self.generator, device=hidden.device)
            hidden = hidden * ((draw >= self.drawn["dropout"]).float() / (1 - self.drawn["dropout"]))
        return torch.baddbmm(self.weights["out_bias"], hidden, self.weights["out"]) * rate

    def _judged(self, rows: Tensor, judge: Lesson) -> tuple[np.ndarray, np.ndarray]:
        """Return score and loss of every member on the rows that judge."""
        size = len(self.weights["into"])
        with torch.no_grad():
            parts = [
                self._answers(rows.index_select(0, part).expand(size, -1, -1))
                for part in batches_of(torch.arange(len(rows), device=rows.device), 256)
            ]
            logits = torch.cat(parts, dim=1)
            losses = [float(judge.loss(one)) for one in logits]
        scores = np.array([judge.score(one) for one in logits])
        return np.nan_to_num(scores, nan=-np.inf), np.nan_to_num(np.array(losses), nan=np.inf)
