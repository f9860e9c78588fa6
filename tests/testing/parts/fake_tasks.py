"""A good task, and one bad one for every check."""

import numpy as np
import torch
from torch import nn

from mmsdk import Output, Problem


class Good:
    """A number above zero, by squared error."""

    higher_is_better = False
    metric = "rmse"

    def __init__(self):
        self.mean = 0.0

    def examples(self):
        return ["1", "2", "3", "4", "5", "6", "7", "8.5"]

    def prepare(self, values):
        self.mean = float(np.mean([float(value) for value in values if value not in (None, "")]))

    def encode(self, values):
        targets, labelled, problems = np.zeros(len(values), np.float32), np.zeros(len(values), bool), []
        for row, value in enumerate(values):
            if value in (None, ""):
                continue
            try:
                targets[row], labelled[row] = float(value), True
            except (TypeError, ValueError):
                problems.append(Problem(reason="is no number", row=row))
        return targets, labelled, problems

    def head(self, dim):
        torch.manual_seed(0)
        return nn.Linear(dim, 1)

    def loss(self, logits, targets, weights):
        return (logits[:, 0] - targets) ** 2

    def class_weights(self, targets):
        return None

    def outputs(self, logits):
        return [Output(value=float(row[0])) for row in logits]

    def scores(self, logits, targets):
        return {"rmse": lambda rows: float(np.sqrt(np.mean((logits[rows, 0] - targets[rows]) ** 2)))}

    def baseline(self, n):
        return np.full((n, 1), self.mean, np.float32)

    def state(self):
        return {"mean": self.mean}

    def load_state(self, state):
        self.mean = state["mean"]


class NoMetric(Good):
    metric = ""


class FlatMask(Good):
    def encode(self, values):
        targets, labelled, problems = super().encode(values)
        return targets, labelled.astype(int), problems


class NanTargets(Good):
    def encode(self, values):
        targets, labelled, problems = super().encode(values)
        targets[~labelled] = np.nan
        return targets, labelled, problems


class NeedsLabels(Good):
    def encode(self, values):
        targets, labelled, problems = super().encode(values)
        if not labelled.any():
            raise ZeroDivisionError
        return targets, labelled, problems


class Raises(Good):
    def encode(self, values):
        targets = np.array([float(value) if value not in (None, "") else 0 for value in values], np.float32)
        return targets, np.array([value not in (None, "") for value in values]), []


class MeanLoss(Good):
    def loss(self, logits, targets, weights):
        return super().loss(logits, targets, weights).mean()


class WrongWay(Good):
    def loss(self, logits, targets, weights):
        return super().loss(logits, targets, weights).detach() - logits[:, 0] * 0


class NegativeWeights(Good):
    def class_weights(self, targets):
        return np.array([-1.0, 1.0], np.float32)


class Overconfident(Good):
    def outputs(self, logits):
        return [Output(value=float(row[0]), confidence=2.0) for row in logits]


class OtherScore(Good):
    def scores(self, logits, targets):
        return {"mae": lambda rows: 0.0}


class NanScore(Good):
    def scores(self, logits, targets):
        return {self.metric: lambda rows: float("nan")}


class WideBaseline(Good):
    def baseline(self, n):
        return np.zeros((n, 3), np.float32)


class ForgetsState(Good):
    def load_state(self, state):
        pass


class ArrayState(Good):
    def state(self):
        return {"mean": np.float32(self.mean)}


class FromInteractions:
    def examples(self):
        return []
