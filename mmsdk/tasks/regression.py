"""One number a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmsdk.data.numbers import number_of
from mmsdk.data.table import is_empty
from mmsdk.errors import DataError, Problem
from mmsdk.protocols import Output
from mmsdk.tasks.ranged import Ranged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Statistic = Callable[[np.ndarray], float]

LARGEST, SMALLEST = 1e30, 1e-30  # of a target, and of the range of them: single precision holds no more


class Regression:
    """A number, learned on the scale of the training rows (mean 0, deviation 1) and answered in its own unit."""

    higher_is_better = False
    metric = "mae"

    def __init__(self) -> None:
        self.mean = 0.0
        self.scale = 1.0

    def prepare(self, values: Sequence[Any]) -> None:
        """Learn mean and standard deviation.

        :raises DataError: fewer than two numbers, or all the same or as good as that.
        """
        numbers = [number for cell in values if (number := _number(cell)) is not None and abs(number) <= LARGEST]
        if len(numbers) < 2:
            raise DataError(f"the training rows hold {len(numbers)} numbers: regression needs at least two")
        low, high = min(numbers), max(numbers)
        if low == high:
            raise DataError(f"every training row is {low:g}: there is nothing to learn; leave the task out")
        if high - low < SMALLEST:
            raise DataError(
                f"the training rows lie between {low:g} and {high:g}, and less than {SMALLEST:g} apart is no "
                "difference to learn from; give them in a smaller unit"
            )
        self.mean, self.scale = float(np.mean(numbers)), float(np.std(numbers))

    def encode(self, values: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
        """Return standardised float32 targets, the labelled rows, and cells that are no number of a possible size."""
        targets = np.zeros(len(values), dtype=np.float32)
        labelled = np.zeros(len(values), dtype=bool)
        problems = []
        for row, cell in enumerate(values):
            if is_empty(cell):
                continue
            try:
                number = number_of(cell)
            except ValueError as error:
                problems.append(Problem(reason=str(error), row=row, value=str(cell)))
                continue
            if max(abs(number), abs(number - self.mean) / self.scale) > LARGEST:
                problems.append(Problem(reason="is too large a number", row=row, value=str(cell)))
            else:
                targets[row], labelled[row] = (number - self.mean) / self.scale, True
        return targets, labelled, problems

    def head(self, dim: int) -> nn.Module:
        """Return a linear layer to one value."""
        return nn.Linear(dim, 1)

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the Huber loss of each row: squared near the target, linear beyond a standard deviation."""
        return nn.functional.smooth_l1_loss(logits[:, 0], targets, reduction="none")

    def allowed_loss(self, logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        """Return :meth:`loss` as if the nearest number that is allowed were the target ``(b,)``: 0 inside the bounds.

        A hinge and no semantic loss: a lone number has no probability.

        :param allowed: ``(b, 2)``, lowest and highest, standardised.
        """
        return self.loss(logits, logits[:, 0].clamp(allowed[:, 0], allowed[:, 1]).detach(), None)

    def class_weights(self, targets: np.ndarray) -> np.ndarray | None:
        """Return None: a number has no classes."""
        return None

    def outputs(self, logits: np.ndarray) -> list[Output]:
        """Return each number in the unit of the column."""
        return [Output(value=float(one)) for one in self._in_unit(logits[:, 0])]

    def margin(self, logits: torch.Tensor, label: str | None) -> torch.Tensor:
        """Return the number ``(b,)`` in the unit of the column, with gradients."""
        return logits[:, 0] * self.scale + self.mean

    def scores(self, logits: np.ndarray, targets: np.ndarray) -> Mapping[str, Callable[[np.ndarray], float]]:
        """Return the metrics, each as a function of the rows to score; errors are in the unit of the column.

        ``mae``, ``rmse``, ``r2`` (NaN for fewer than two different targets) equal scikit-learn's, ``spearman`` scipy's.
        """
        guess, truth = self._in_unit(logits[:, 0]), self._in_unit(targets)
        error = guess - truth

        def r2(rows: np.ndarray) -> float:
            spread = ((truth[rows] - truth[rows].mean()) ** 2).sum()
            return float(1 - (error[rows] ** 2).sum() / spread) if spread > 0 else math.nan

        return {
            "mae": Ranged(of=lambda rows: float(np.abs(error[rows]).mean()), low=0.0),
            "rmse": Ranged(of=lambda rows: float(np.sqrt((error[rows] ** 2).mean())), low=0.0),
            "r2": Ranged(of=r2, high=1.0),
            "spearman": Ranged(of=_rank_correlation(guess, truth), low=-1.0, high=1.0),
        }

    def baseline(self, n: int) -> np.ndarray:
        """Return zeros: the mean of the training rows."""
        return np.zeros((n, 1), dtype=np.float32)

    def state(self) -> Mapping[str, Any]:
        """Return mean and standard deviation."""
        return {"mean": self.mean, "scale": self.scale}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore mean and standard deviation."""
        self.mean, self.scale = float(state["mean"]), float(state["scale"])

    def _in_unit(self, standard: np.ndarray) -> np.ndarray:
        """Return standardised values in the unit of the column, as float64."""
        return np.asarray(standard, dtype=np.float64) * self.scale + self.mean


def _number(cell: Any) -> float | None:
    """Return the finite number a cell holds, or None."""
    try:
        return number_of(cell)
    except ValueError:
        return None


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> Statistic:
    """Return the correlation of the ranks as a function of the rows, NaN where one side is constant.

    What is sorted is sorted once: the ranks of a resample follow from how often each value was drawn.
    """
    places = [np.unique(one, return_inverse=True)[1] for one in (first, second)]

    def statistic(rows: np.ndarray) -> float:
        ranks = [_ranks(one[rows]) for one in places]
        if any(one[0] == one.mean() and one.std() == 0 for one in ranks):
            return math.nan
        return float(np.corrcoef(ranks[0], ranks[1])[0, 1])

    return statistic


def _ranks(places: np.ndarray) -> np.ndarray:
    """Return ranks from 1, ties by their mean, of rows whose value is the so-many-th smallest there is."""
    counts = np.bincount(places)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])
