"""One label a row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmsdk.data.table import is_empty
from mmsdk.errors import DataError, Problem, did_you_mean
from mmsdk.protocols import Output
from mmsdk.tasks.calibration import CalibrationError
from mmsdk.tasks.cells import Places, label_of
from mmsdk.tasks.ranged import Ranged
from mmsdk.tasks.ranked import Ranked
from mmsdk.tasks.share import Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AUC_CLASSES = 100  # above it the mean of one-against-rest curves says little and costs much
LEAST = 1e-6  # of 1 - p: a power below 1 has no slope at 0
TOP = (3, 5)  # answers among which the right one counts, where there are twice as many labels


class Classification:
    """Classification into the labels of the training rows, compared as strings; ``1.0`` is a ``1`` that training knew.

    :param label_smoothing: share of the target spread over all labels in training.
    :param imbalance: what :meth:`loss` does for rare labels: ``none``, ``weights``, ``focal``, ``logit_adjustment``.
    :param focal_gamma: how little ``focal`` counts rows that are answered well.
    """

    higher_is_better = True
    metric = "balanced_accuracy"

    def __init__(self, *, label_smoothing: float = 0.0, imbalance: str = "weights", focal_gamma: float = 2.0) -> None:
        self.label_smoothing = label_smoothing
        self.imbalance = imbalance
        self.focal_gamma = focal_gamma
        self.labels: tuple[str, ...] = ()
        self.counts: tuple[int, ...] = ()

    def prepare(self, values: Sequence[Any]) -> None:
        """Learn the label set, in sorted order.

        :raises DataError: no label at all, or one only.
        """
        found = Counter(label_of(cell) for cell in values if not is_empty(cell))
        if not found:
            raise DataError("no training row is labelled: expected at least two labels")
        if len(found) == 1:
            raise DataError(
                f"every labelled training row is {next(iter(found))!r}: classification needs at least two labels; "
                "add rows of another, or leave the task out"
            )
        self.labels = tuple(sorted(found))
        self.counts = tuple(found[label] for label in self.labels)

    def encode(self, values: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
        """Return int64 positions in the label set, the labelled rows, and rows whose label training never saw."""
        places = Places(self.labels)
        targets = np.zeros(len(values), dtype=np.int64)
        labelled = np.zeros(len(values), dtype=bool)
        problems = []
        for row, cell in enumerate(values):
            if is_empty(cell):
                continue
            label = label_of(cell)
            place = places.of(label)
            if place is None:
                reason = f"no training row has this label.{did_you_mean(label, self.labels)}"
                problems.append(Problem(reason=reason, row=row, value=label))
                continue
            targets[row], labelled[row] = place, True
        return targets, labelled, problems

    def head(self, dim: int) -> nn.Module:
        """Return a linear layer to one logit a label."""
        return nn.Linear(dim, len(self.labels))

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the cross-entropy of each row, times the weight of its label.

        ``focal`` multiplies by ``(1 - p) ** gamma``, ``p`` being the probability of the row's label (Lin et al. 2017,
        arXiv:1708.02002, with the weights as alpha). ``logit_adjustment`` adds ``weights``, which are then what
        :meth:`log_prior` returned, to the logits (Menon et al. 2021, arXiv:2007.07314, equation 10 with tau 1).
        """
        if self.imbalance == "logit_adjustment" and weights is not None:
            return self._adjusted_loss(logits, targets, weights)
        rows = nn.functional.cross_entropy(logits, targets, reduction="none", label_smoothing=self.label_smoothing)
        if self.imbalance == "focal":
            sure = logits.softmax(dim=1).gather(1, targets[:, None])[:, 0]
            rows = rows * (1 - sure).clamp_min(LEAST) ** self.focal_gamma
        return rows if weights is None else rows * weights[targets]

    def _adjusted_loss(self, logits: torch.Tensor, targets: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of each row after the log shares are added.

        A smoothed label is spread by the shares of the labels, not evenly: an even spread gives a rare label more than
        its share of every row, and less the log share the balanced answer would be that label everywhere.
        """
        logs = (logits + prior).log_softmax(dim=1)
        own = -logs.gather(1, targets[:, None])[:, 0]
        spread = -(logs * prior.exp()).sum(dim=1)
        return (1 - self.label_smoothing) * own + self.label_smoothing * spread

    def log_prior(self, targets: np.ndarray) -> np.ndarray:
        """Return the log share of each label among training targets ``(labels,)``; one that has no row counts one."""
        counts = np.maximum(np.bincount(targets, minlength=len(self.labels)), 1)
        return np.asarray(np.log(counts / counts.sum()), dtype=np.float32)

    def allowed_loss(self, logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        """Return minus the log of the probability of the allowed labels of each row ``(b,)``.

        The semantic loss of Xu et al. 2018 (arXiv:1711.11157), which needs no label.

        :param allowed: ``(b, labels)`` bool.
        """
        # a difference of two logs that are nearly alike: half precision would leave nothing of it
        whole = logits.to(torch.promote_types(logits.dtype, torch.float32))
        inside = whole.masked_fill(~allowed, torch.finfo(whole.dtype).min)
        return whole.logsumexp(1) - inside.logsumexp(1)

    def class_weights(self, targets: np.ndarray) -> np.ndarray | None:
        """Return weights by which every label counts the same; their mean over the rows is 1."""
        counts = np.bincount(targets, minlength=len(self.labels)).astype(np.float32)
        present = max(int((counts > 0).sum()), 1)
        return (len(targets) / (present * np.maximum(counts, 1))).astype(np.float32)

    def outputs(self, logits: np.ndarray) -> list[Output]:
        """Return the likeliest label of each row with all probabilities."""
        answers = []
        for row in np.exp(_log_softmax(logits)):
            best = int(row.argmax())
            chances = dict(zip(self.labels, map(float, row), strict=True))
            answers.append(Output(value=self.labels[best], probabilities=chances, confidence=float(row[best])))
        return answers

    def margin(self, logits: torch.Tensor, label: str | None) -> torch.Tensor:
        """Return the log-odds of a label ``(b,)``, with gradients."""
        place = self.labels.index(str(label))
        others = torch.cat([logits[:, :place], logits[:, place + 1 :]], dim=1)
        return logits[:, place] - others.logsumexp(1)

    def scores(self, logits: np.ndarray, targets: np.ndarray) -> Mapping[str, Callable[[np.ndarray], float]]:
        """Return the metrics, each as a function of the rows to score.

        ``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``log_loss`` (nats) and ``auc`` (one against the rest,
        mean of the labels that have both kinds), ``mcc`` (Matthews' correlation, for several labels by Gorodkin 2004),
        and, of six labels or more, ``top_3_accuracy`` (of ten or more ``top_5_accuracy``) equal scikit-learn's; of
        labels that are equally likely the earlier one comes first, as in the answer;
        ``brier`` is the squared distance of the probabilities from the truth, summed over labels (Brier 1950), 0 to 2;
        ``ece`` is the expected calibration error of 15 equal bins (Guo et al. 2017, arXiv:1706.04599).
        """
        width = logits.shape[1]
        logs = _log_softmax(logits)
        guess = logs.argmax(1)
        loss = -logs[np.arange(len(targets)), targets]
        apart = np.exp(logs)
        apart[np.arange(len(targets)), targets] -= 1.0
        brier = (apart**2).sum(1)
        sure, right = np.exp(logs.max(1)), guess == targets
        place = _places(logs, targets)
        every, each = np.ones(len(targets)), 1.0 / np.bincount(targets, minlength=width)[targets]

        def counts(rows: np.ndarray) -> tuple[np.ndarray, ...]:  # no confusion matrix: thousands of labels, squared
            chosen = targets[rows], guess[rows], targets[rows[right[rows]]]
            return tuple(np.bincount(one, minlength=width) for one in chosen)

        found: dict[str, Callable[[np.ndarray], float]] = {
            "balanced_accuracy": Share(of=lambda rows: _balanced(*counts(rows)), weights=each),
            "accuracy": Share(of=lambda rows: float(right[rows].mean()), weights=every),
            "macro_f1": Share(of=lambda rows: _macro_f1(*counts(rows)), weights=each),
            "log_loss": Ranged(of=lambda rows: float(loss[rows].mean()), low=0.0),
            "mcc": Share(of=lambda rows: _matthews(*counts(rows)), weights=each, least=-1.0),
            "brier": Ranged(of=lambda rows: float(brier[rows].mean()), low=0.0, high=2.0),
            "ece": CalibrationError(sure=sure, right=right),
        }
        found |= {f"top_{k}_accuracy": Share(of=_within(place, k), weights=every) for k in TOP if width >= 2 * k}
        if width <= AUC_CLASSES:
            found["auc"] = Share(of=Ranked(logs, targets[:, None] == np.arange(width)).auc, weights=each)
        return found

    def baseline(self, n: int) -> np.ndarray:
        """Return the log share of each label in training: the majority wins, and the log-loss is the best blind one."""
        counts = np.asarray(self.counts, dtype=np.float64)
        return np.tile(np.log(counts / counts.sum()), (n, 1)).astype(np.float32)

    def state(self) -> Mapping[str, Any]:
        """Return the labels and how often training had each."""
        return {"labels": list(self.labels), "counts": list(self.counts)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore the labels."""
        self.labels, self.counts = tuple(state["labels"]), tuple(state["counts"])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities ``(n, width)`` in float64."""
    wide = np.asarray(logits, dtype=np.float64)
    shifted = wide - wide.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _balanced(truth: np.ndarray, guess: np.ndarray, hits: np.ndarray) -> float:
    """Return the mean recall of the labels that occur, from how often each is given, answered, and both."""
    here = truth > 0
    return float((hits[here] / truth[here]).mean())


def _macro_f1(truth: np.ndarray, guess: np.ndarray, hits: np.ndarray) -> float:
    """Return the mean F1 of the labels that occur or are answered."""
    total = truth + guess
    here = total > 0
    return float((2 * hits[here] / total[here]).mean())


def _matthews(truth: np.ndarray, guess: np.ndarray, hits: np.ndarray) -> float:
    """Return the correlation between labels and answers; 0 where one side is constant."""
    given, said, total = truth.astype(np.float64), guess.astype(np.float64), float(truth.sum())
    spread = (total**2 - (given**2).sum()) * (total**2 - (said**2).sum())
    return float((float(hits.sum()) * total - given @ said) / np.sqrt(spread)) if spread > 0 else 0.0


def _places(logs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return how many labels stand before the right one of each row ``(n,)``; of equals the earlier stands first."""
    own = logs[np.arange(len(targets)), targets][:, None]
    earlier = np.arange(logs.shape[1]) < targets[:, None]
    return np.asarray(((logs > own) | ((logs == own) & earlier)).sum(1))


def _within(place: np.ndarray, k: int) -> Callable[[np.ndarray], float]:
    """Return the share of rows whose right label is among the ``k`` likeliest."""
    return lambda rows: float((place[rows] < k).mean())
