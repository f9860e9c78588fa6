"""Any number of labels a row."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmsdk.data.table import is_empty
from mmsdk.errors import DataError, Problem, did_you_mean
from mmsdk.protocols import Output
from mmsdk.tasks.cells import Places, label_of
from mmsdk.tasks.ranged import Ranged
from mmsdk.tasks.ranked import Ranked
from mmsdk.tasks.share import Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LEAST = 1e-6  # of 1 - p: a power below 1 has no slope at 0
HEAVIEST = 20.0  # a label with one positive row in thousands may not drown the others


class Multilabel:
    """Each label of the training rows is there or not: ``red|wood``, or a list in a typed source.

    An empty cell is a row nobody labelled; an empty list is a row with none of the labels.

    :param separator: between the labels of a cell that is a string.
    :param label_smoothing: share of each 0/1 target moved towards one half in training.
    :param imbalance: what :meth:`loss` does for rare labels: ``none``, ``weights``, ``focal``, ``logit_adjustment``.
    :param focal_gamma: how little ``focal`` counts labels that are answered well.
    """

    higher_is_better = True
    metric = "map"

    def __init__(
        self,
        *,
        separator: str = "|",
        label_smoothing: float = 0.0,
        imbalance: str = "weights",
        focal_gamma: float = 2.0,
    ) -> None:
        self.separator = separator
        self.label_smoothing = label_smoothing
        self.imbalance = imbalance
        self.focal_gamma = focal_gamma
        self.labels: tuple[str, ...] = ()
        self.counts: tuple[int, ...] = ()
        self.rows = 0

    def prepare(self, values: Sequence[Any]) -> None:
        """Learn the label set, in sorted order.

        :raises DataError: no training row has a label.
        """
        sets = [found for cell in values if (found := self._labels_of(cell)) is not None]
        counts = Counter(label for found in sets for label in found)
        if not counts:
            raise DataError(f"no training row has a label: expected cells such as 'red{self.separator}wood'")
        self.labels = tuple(sorted(counts))
        self.counts = tuple(counts[label] for label in self.labels)
        self.rows = len(sets)

    def encode(self, values: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
        """Return float32 ``(n, labels)`` of 0 and 1, the labelled rows, and rows with labels training never saw."""
        places = Places(self.labels)
        targets = np.zeros((len(values), len(self.labels)), dtype=np.float32)
        labelled = np.zeros(len(values), dtype=bool)
        problems = []
        for row, cell in enumerate(values):
            found = self._labels_of(cell)
            if found is None:
                continue
            known = {label: place for label in found if (place := places.of(label)) is not None}
            if strange := sorted(found - known.keys()):
                reason = f"no training row has this label.{did_you_mean(strange[0], self.labels)}"
                problems.append(Problem(reason=reason, row=row, value=self.separator.join(strange)))
                continue
            targets[row, list(known.values())] = 1.0
            labelled[row] = True
        return targets, labelled, problems

    def head(self, dim: int) -> nn.Module:
        """Return a linear layer to one logit a label."""
        return nn.Linear(dim, len(self.labels))

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the mean binary cross-entropy of each row's labels; ``weights`` multiply the positives.

        ``focal`` multiplies each label's by ``(1 - p) ** gamma``, ``p`` being the probability of what is true of it
        (Lin et al. 2017, arXiv:1708.02002). ``logit_adjustment`` adds ``weights``, which are then what
        :meth:`log_prior` returned, to the logits, and smooths towards the share of each label, not one half.
        """
        centre: torch.Tensor | float = 0.5
        if self.imbalance == "logit_adjustment" and weights is not None:
            logits, centre, weights = logits + weights, weights.sigmoid(), None
        wanted = targets * (1 - self.label_smoothing) + self.label_smoothing * centre
        cells = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none", pos_weight=weights)
        if self.imbalance == "focal":
            unsure = torch.where(targets > 0.5, -logits, logits).sigmoid()
            cells = cells * unsure.clamp_min(LEAST) ** self.focal_gamma
        return cells.mean(dim=1)

    def log_prior(self, targets: np.ndarray) -> np.ndarray:
        """Return the log-odds of each label among training targets ``(labels,)``, half a row added to either side."""
        positive = targets.sum(0)
        return np.asarray(np.log((positive + 0.5) / (len(targets) - positive + 0.5)), dtype=np.float32)

    def allowed_loss(self, logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        """Return minus the log of the probability that labels are as they must be, by the number of labels ``(b,)``.

        The semantic loss of Xu et al. 2018 (arXiv:1711.11157), on the scale of :meth:`loss`, a mean over the labels.

        :param allowed: ``(b, labels)``, 1 always there, -1 never, 0 as it may be.
        """
        return (nn.functional.softplus(-allowed * logits) * allowed.abs()).mean(dim=1)

    def class_weights(self, targets: np.ndarray) -> np.ndarray | None:
        """Return, for each label, negatives per positive, between 1 and 20."""
        positive = targets.sum(0)
        ratio: np.ndarray = (len(targets) - positive) / np.maximum(positive, 1)
        weights: np.ndarray = np.clip(ratio, 1.0, HEAVIEST).astype(np.float32)
        return weights

    def outputs(self, logits: np.ndarray) -> list[Output]:
        """Return the labels of probability one half or more; the confidence is the product over all labels."""
        answers = []
        for row in _sigmoid(logits):
            value = tuple(label for label, chance in zip(self.labels, row, strict=True) if chance >= 0.5)
            chances = dict(zip(self.labels, map(float, row), strict=True))
            confidence = float(np.maximum(row, 1 - row).prod())
            answers.append(Output(value=value, probabilities=chances, confidence=confidence))
        return answers

    def margin(self, logits: torch.Tensor, label: str | None) -> torch.Tensor:
        """Return the log-odds of a label ``(b,)``, with gradients."""
        return logits[:, self.labels.index(str(label))]

    def scores(self, logits: np.ndarray, targets: np.ndarray) -> Mapping[str, Callable[[np.ndarray], float]]:
        """Return the metrics, each as a function of the rows to score.

        ``map`` (mean average precision over the labels that occur), ``macro_f1``, ``micro_f1`` (at one half) and
        ``exact_match`` (every label right) equal scikit-learn's, a label that neither occurs nor is answered counting
        for nothing. ``log_loss`` (nats) and ``brier`` are means over the labels.
        """
        truth = targets > 0.5
        wide = np.asarray(logits, dtype=np.float64)
        guess = wide >= 0.0
        loss = (np.logaddexp(0.0, wide) - truth * wide).mean(1)
        brier = ((_sigmoid(wide) - truth) ** 2).mean(1)
        right = (truth == guess).all(1)
        share = partial(Share, weights=np.ones(len(truth)))

        def counts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return (truth & guess)[rows].sum(0), truth[rows].sum(0) + guess[rows].sum(0)

        return {
            "map": share(of=Ranked(wide, truth).average_precision),
            "macro_f1": share(of=lambda rows: _f1(*counts(rows))),
            "micro_f1": share(of=lambda rows: _f1(*(np.asarray([part.sum()]) for part in counts(rows)))),
            "log_loss": Ranged(of=lambda rows: float(loss[rows].mean()), low=0.0),
            "brier": Ranged(of=lambda rows: float(brier[rows].mean()), low=0.0, high=1.0),
            "exact_match": share(of=lambda rows: float(right[rows].mean())),
        }

    def baseline(self, n: int) -> np.ndarray:
        """Return the log-odds of each label in training, kept finite."""
        share = np.clip(np.asarray(self.counts) / self.rows, 1e-6, 1 - 1e-6)
        return np.tile(np.log(share / (1 - share)), (n, 1)).astype(np.float32)

    def state(self) -> Mapping[str, Any]:
        """Return the labels, how often training had each, and of how many rows."""
        return {"labels": list(self.labels), "counts": list(self.counts), "rows": self.rows}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore the labels."""
        self.labels, self.counts, self.rows = tuple(state["labels"]), tuple(state["counts"]), int(state["rows"])

    def _labels_of(self, cell: Any) -> set[str] | None:
        """Return the labels of a cell, or None where nobody labelled the row."""
        if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
            return {label_of(one) for one in cell if not is_empty(one)}
        if is_empty(cell):
            return None
        parts = str(cell).split(self.separator) if isinstance(cell, str) else [cell]
        return {label_of(one) for one in parts if not is_empty(one)}


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return probabilities in float64, without overflow."""
    from scipy.special import expit

    return np.asarray(expit(np.asarray(logits, dtype=np.float64)))


def _f1(hits: np.ndarray, total: np.ndarray) -> float:
    """Return the mean of ``2 hits / total`` where there is a total; NaN where there is none anywhere."""
    here = total > 0
    return float((2 * hits[here] / total[here]).mean()) if here.any() else float("nan")
