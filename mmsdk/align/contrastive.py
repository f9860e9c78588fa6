"""Learned projections into one space: each row's partners near, strangers apart, stopped by held-out rows."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from mmsdk.align.interface import Aligner, SpaceMap, require_count, require_positive
from mmsdk.align.losses import LOSSES, infonce, sigmoid, triplet
from mmsdk.align.moments import teaching_rows
from mmsdk.align.retrieval import partner_ranks
from mmsdk.errors import ConfigError, DataError, unknown
from mmsdk.repeatable import repeatable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmsdk.align.interface import Views

HOTTEST = 100.0  # of the learned scale, as CLIP bounds it
LEAST_STEPS = 8  # of an epoch, which of few rows makes several passes


class ContrastiveAligner(Aligner):
    """A linear or two-layer projection for each input, learned by AdamW on the rows of two inputs or more.

    The vectors of an input are centred and divided by one number, their mean spread, before the first layer, and the
    map holds all of it. ``infonce`` learns its temperature (Radford et al. 2021), ``sigmoid`` its scale and bias (Zhai
    et al. 2023). Of more than two inputs the loss is the mean over the pairs. The weights of the best epoch on held-out
    rows are kept; without any, those of the last.

    :param dim: of the common space.
    :param loss: ``infonce``, ``sigmoid``, ``consistency`` or ``triplet``, see :mod:`mmsdk.align.losses`.
    :param layers: 1 or 2; ``hidden`` is the width between two.
    :param dropout: how often a value of an input is dropped while learning.
    :param stop: by the held-out ``recall`` at 1 (the lower loss of equals) or by the held-out ``loss``.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        seed: int = 0,
        dim: int = 128,
        loss: Literal["infonce", "sigmoid", "consistency", "triplet"] = "infonce",
        layers: Literal[1, 2] = 1,
        hidden: int = 512,
        dropout: float = 0.5,
        epochs: int = 60,
        patience: int = 10,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.1,
        margin: float = 0.2,
        stop: Literal["recall", "loss"] = "recall",
        **options: Any,
    ) -> None:
        super().__init__(inputs, seed=seed, **options)
        if loss not in LOSSES:
            raise ConfigError(unknown("loss", str(loss), LOSSES, where="align.options.loss"))
        if layers not in {1, 2}:
            raise ConfigError(f"align.options.layers is {layers!r}, expected 1 or 2")
        if stop not in {"recall", "loss"}:
            raise ConfigError(f"align.options.stop is {stop!r}, expected recall or loss")
        if require_positive("dropout", dropout, zero=True) >= 1:
            raise ConfigError(f"align.options.dropout is {dropout!r}, expected less than 1")
        self.loss, self.layers, self.stop = loss, layers, stop
        self.dim, self.hidden = require_count("dim", dim), require_count("hidden", hidden)
        self.dropout = float(dropout)
        self.epochs, self.patience = require_count("epochs", epochs), require_count("patience", patience)
        self.batch_size = require_count("batch_size", batch_size)
        self.learning_rate = require_positive("learning_rate", learning_rate)
        self.weight_decay = require_positive("weight_decay", weight_decay, zero=True)
        self.margin = require_positive("margin", margin)

    def fit(
        self,
        vectors: Mapping[str, np.ndarray],
        present: np.ndarray,
        *,
        held_out: Views | None = None,
        device: str = "cpu",
    ) -> dict[str, SpaceMap]:
        """Learn the maps."""
        place = torch.device(device)
        rows = np.flatnonzero(teaching_rows(present))
        if len(rows) < 2:
            raise DataError("align: fewer than two training rows have two of the inputs, so nothing can be learned")
        judged = None
        if held_out is not None and teaching_rows(held_out[1]).sum() >= 2:
            judged = _Rows.of(*held_out, np.flatnonzero(teaching_rows(held_out[1])), place)
        with repeatable(place):
            torch.manual_seed(self.seed)
            learner = _Learner(self, _Rows.of(vectors, present, rows, place))
            self.chosen["epoch"], self.chosen["epochs"] = learner.run(judged)
        return learner.maps()


class _Rows:
    """Rows on the device: the vectors of each input, zeros where absent, and the mask ``(n, m)``."""

    def __init__(self, vectors: list[Tensor], present: Tensor) -> None:
        self.vectors, self.present = vectors, present

    @classmethod
    def of(cls, vectors: Mapping[str, np.ndarray], present: np.ndarray, rows: np.ndarray, place: torch.device) -> _Rows:
        """Place some rows."""
        mask = np.ascontiguousarray(present[rows], dtype=bool)
        values = [
            np.where(mask[:, [n]], np.asarray(one[rows], np.float32), np.float32(0))
            for n, one in enumerate(vectors.values())
        ]
        return cls([torch.from_numpy(one).to(place) for one in values], torch.from_numpy(mask).to(place))

    def take(self, index: Tensor) -> _Rows:
        """Return some of them."""
        return _Rows([one[index] for one in self.vectors], self.present[index])

    def __len__(self) -> int:
        return len(self.present)


class _Learner:
    """The projections, what the loss learns beside them, and the loop."""

    def __init__(self, how: ContrastiveAligner, rows: _Rows) -> None:
        self.how, self.rows = how, rows
        place = rows.present.device
        self.scaling = [_scaling(one, rows.present[:, n]) for n, one in enumerate(rows.vectors)]
        self.nets = nn.ModuleList(self._net(one.shape[1]) for one in rows.vectors).to(place)
        first = {"infonce": math.log(1 / 0.07), "sigmoid": math.log(10.0)}.get(how.loss, 0.0)
        self.scale = nn.Parameter(torch.tensor(first, device=place))
        self.bias = nn.Parameter(torch.tensor(-10.0, device=place))

    def _net(self, width: int) -> nn.Sequential:
        """Return one fresh projection."""
        if self.how.layers == 1:
            return nn.Sequential(nn.Linear(width, self.how.dim))
        return nn.Sequential(nn.Linear(width, self.how.hidden), nn.ReLU(), nn.Linear(self.how.hidden, self.how.dim))

    def run(self, judged: _Rows | None) -> tuple[int, int]:
        """Train, and leave the weights of the best epoch; return its number, counted from 1, and how many were run."""
        optimiser = self._optimiser()
        best, best_epoch, epoch, weights = (-math.inf, -math.inf), 0, 0, {}
        for epoch in range(1, self.how.epochs + 1):
            if not math.isfinite(self._epoch(optimiser)):
                raise ConfigError(
                    f"align: learning diverged in epoch {epoch}; lower align.options.learning_rate "
                    f"(now {self.how.learning_rate:g})"
                )
            standing = (float(epoch), 0.0) if judged is None else self._judge(judged)
            if standing > best:
                best, best_epoch = standing, epoch
                weights = {name: one.detach().clone() for name, one in self.nets.state_dict().items()}
            if epoch - best_epoch >= self.how.patience:
                break
        self.nets.load_state_dict(weights)
        return best_epoch, epoch

    def _optimiser(self) -> torch.optim.Optimizer:
        """Return AdamW; only matrices decay."""
        matrices = [one for one in self.nets.parameters() if one.ndim > 1]
        others = [one for one in self.nets.parameters() if one.ndim <= 1] + [self.scale, self.bias]
        groups = [{"params": matrices, "weight_decay": self.how.weight_decay}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.how.learning_rate, fused=True)

    def _epoch(self, optimiser: torch.optim.Optimizer) -> float:
        """Take a pass over the rows in a random order, of few rows eight steps; what it returns is finite if all is."""
        self.nets.train()
        parts = max(1, round(len(self.rows) / self.how.batch_size))
        place = self.rows.present.device
        total = torch.zeros((), device=place)
        passes = [torch.randperm(len(self.rows)).to(place) for _ in range(math.ceil(LEAST_STEPS / parts))]
        for index in (one for order in passes for one in torch.tensor_split(order, parts)):
            loss = self._loss(self.rows.take(index))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            with torch.no_grad():
                self.scale.clamp_(max=math.log(HOTTEST))
            total += loss.detach()
        return float(total) + float(sum(one.detach().abs().sum() for one in self.nets.parameters()))

    def _projected(self, rows: _Rows) -> list[Tensor]:
        """Return the projections of each input ``(b, dim)``."""
        found = []
        for (centre, spread), net, values in zip(self.scaling, self.nets, rows.vectors, strict=True):
            standard = nn.functional.dropout((values - centre) / spread, self.how.dropout, self.nets.training)
            found.append(net(standard))
        return found

    def _loss(self, rows: _Rows) -> Tensor:
        """Return the mean loss over the pairs of inputs that some row has, zero of none."""
        projected = self._projected(rows)
        losses = []
        for first, second in combinations(range(len(projected)), 2):
            counts = rows.present[:, first] & rows.present[:, second]
            if bool(counts.any()):
                losses.append(self._of_pair(projected[first], projected[second], counts))
        return torch.stack(losses).mean()

    def _of_pair(self, first: Tensor, second: Tensor, counts: Tensor) -> Tensor:
        """Return the loss of one pair of inputs."""
        if self.how.loss == "infonce":
            return infonce(first, second, counts, temperature=1 / self.scale.exp())
        if self.how.loss == "sigmoid":
            return sigmoid(first, second, counts, scale=self.scale.exp(), bias=self.bias)
        if self.how.loss == "triplet":
            return triplet(first, second, counts, margin=self.how.margin)
        return LOSSES[self.how.loss](first, second, counts)

    def _judge(self, rows: _Rows) -> tuple[float, float]:
        """Return how good the projections are on held-out rows, higher is better."""
        self.nets.eval()
        with torch.inference_mode():
            loss = float(self._loss(rows))
            if self.how.stop == "loss":
                return -loss, 0.0
            projected = [one.cpu().numpy() for one in self._projected(rows)]
        mask = rows.present.cpu().numpy()
        hits = []
        for first, second in combinations(range(len(projected)), 2):
            both = mask[:, first] & mask[:, second]
            left, right = projected[first][both], projected[second][both]
            hits += [partner_ranks(left, right) <= 1, partner_ranks(right, left) <= 1]
        return float(np.concatenate(hits).mean()), -loss

    def maps(self) -> dict[str, SpaceMap]:
        """Return the projections with their scaling folded into the first layer."""
        found = {}
        for name, (centre, spread), net in zip(self.how.inputs, self.scaling, self.nets, strict=True):
            layers = [one for one in net.children() if isinstance(one, nn.Linear)]
            weights = [one.weight.detach().cpu().numpy().T for one in layers]
            weights[0] = weights[0] / float(spread)
            found[name] = SpaceMap(
                centre=centre.cpu().numpy(),
                weights=tuple(np.ascontiguousarray(one, np.float32) for one in weights),
                biases=tuple(one.bias.detach().cpu().numpy() for one in layers),
            )
        return found


def _scaling(values: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of the present rows and the mean spread of their coordinates, 1 where there is none."""
    known = values[present]
    if len(known) == 0:
        return torch.zeros(values.shape[1], device=values.device), torch.ones((), device=values.device)
    spread = known.var(0, unbiased=False).mean().sqrt()
    return known.mean(0), torch.where(spread > 1e-6, spread, torch.ones_like(spread))
