"""How good the network is on the validation rows: one number to stop by, and what it is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmsdk.evaluate.comparable import comparable
from mmsdk.train.batches import batches_of

if TYPE_CHECKING:
    from mmsdk.model import JointNet, Target
    from mmsdk.train.batches import Rows
    from mmsdk.train.objective import Objective

CHUNK = 2048


class Validation:
    """Scores a network on fixed rows.

    The score is the mean over the tasks of each task's ``metric``, as it is where higher is better, else as the share
    by which it improves on the answer that looks at no input. Where two epochs score the same, the lower loss wins.
    Without a task, the loss alone decides.

    :param seed: of the subsets that the match term draws, the same at every epoch.
    """

    def __init__(self, rows: Rows, objective: Objective, seed: int) -> None:
        self.rows = rows
        self.objective = objective
        self.seed = seed
        self.scored = {name: one for name in objective.targets if (one := self._labelled(name)) is not None}
        self.blind = {
            name: _metric(objective.targets[name], objective.targets[name].task.baseline(len(truth)), truth)
            for name, (_, truth) in self.scored.items()
        }

    def __call__(self, net: JointNet) -> dict[str, float]:
        """Return ``score`` (higher is better), ``loss``, and the metric of each task under its name."""
        net.eval()
        with torch.inference_mode():
            loss, logits = self._run(net)
        net.train()
        found = {"loss": loss}
        worth = []
        for name, (places, truth) in self.scored.items():
            target = self.objective.targets[name]
            found[name] = _metric(target, logits[name][places], truth)
            worth.append(comparable(target.task, found[name], self.blind[name]))
        usable = [one for one in worth if math.isfinite(one)]
        found["loss"] = loss  # also where a task is called so
        found["score"] = float(np.mean(usable)) if usable else -loss
        return found

    def _labelled(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the places and the targets of the rows a task can be scored on, or None."""
        labels = self.rows.labels[name]
        places = np.flatnonzero(labels.labelled.cpu().numpy())
        return (places, labels.values.cpu().numpy()[places]) if len(places) else None

    def _run(self, net: JointNet) -> tuple[float, dict[str, np.ndarray]]:
        """Return the mean loss and the logits of every row."""
        device = self.rows.present.device
        generator = torch.Generator(device).manual_seed(self.seed)
        losses, logits = [], []
        for chunk in batches_of(torch.arange(len(self.rows), device=device), CHUNK):
            part = self.rows.take(chunk)
            value, _, answers = self.objective(net, part, generator)
            losses.append(value * len(part))
            logits.append({name: one.float().cpu().numpy() for name, one in answers.items()})
        loss = float(torch.stack(losses).sum()) / len(self.rows)
        return loss, {name: np.concatenate([one[name] for one in logits]) for name in net.tasks}


def _metric(target: Target, logits: np.ndarray, truth: np.ndarray) -> float:
    """Return the task's own metric."""
    return float(target.task.scores(logits, truth)[target.task.metric](np.arange(len(truth))))
