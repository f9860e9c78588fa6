"""What may be learned: trainings that would teach nothing are refused; which rows teach, and how classes weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.errors import ConfigError, DataError
from mmsdk.model import training_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.model import JointNet, Target

WITH_CLASSES = ("focal", "logit_adjustment")  # ways of training.imbalance that mean nothing to a number


def check_learnable(targets: Mapping[str, Target], net: JointNet, config: Any) -> None:
    """Refuse a training that would teach nothing, or leave out in silence what was asked for.

    :raises ConfigError: there is nothing to learn, or rules or ``imbalance`` ask of the tasks what they do not know.
    """
    if not targets and not net.one_space:
        kind = type(net.fusions[0]).__name__
        raise ConfigError(f"{kind} ties no inputs together, and there is no task: nothing to learn; add a task")
    if not targets and config.match <= 0:
        raise ConfigError("training.match is 0 and there is no task: nothing to learn; set it above 0, or add a task")
    _check_rules(targets)
    _check_imbalance(targets, config.imbalance)


def _check_rules(targets: Mapping[str, Target]) -> None:
    """Refuse rules on a task that does not say what a forbidden answer costs.

    :raises ConfigError: see above.
    """
    for name, target in targets.items():
        if target.ruled and target.allowed is not None and not hasattr(target.task, "allowed_loss"):
            kind = type(target.task).__name__
            raise ConfigError(
                f"tasks.{name}: rules cannot teach a {kind}, which has no allowed_loss; set their weight to 0"
            )


def _check_imbalance(targets: Mapping[str, Target], way: str) -> None:
    """Refuse a way with rare classes where no task has classes: it would be left out in silence.

    :raises ConfigError: see above.
    """
    if not targets or way not in WITH_CLASSES:
        return
    if all(one.task.class_weights(one.values[one.labelled]) is None for one in targets.values()):
        raise ConfigError(
            f"training.imbalance: {way} is for rare classes, and no task here has classes; leave the key out"
        )


def usable_rows(
    embeddings: Any, targets: Mapping[str, Target], net: JointNet, *, config: Any, split: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the training and of the validation rows that have an input, and a label where need be.

    :raises DataError: there is no training row.
    """
    usable = np.any([embeddings.present[name] for name in net.inputs], axis=0)
    ruled = any(one.ruled for one in targets.values())
    if targets and not ruled and (config.match <= 0 or not net.one_space or len(net.inputs) == 1):
        usable &= np.any([one.labelled for one in targets.values()], axis=0)
    rows = np.flatnonzero(training_rows(split) & usable)
    if len(rows) == 0:
        raise DataError("no training row has both an input and a label: nothing to learn from")
    held_out = np.flatnonzero((split == "val") & usable) if (split == "train").any() else np.array([], dtype=np.int64)
    return rows, held_out


def class_weights_of(
    targets: Mapping[str, Target], rows: np.ndarray, config: Any, place: torch.device
) -> dict[str, torch.Tensor | None]:
    """Return what each task balances its classes by, learned from its labelled training rows.

    :raises ConfigError: a task with classes does not know the ``training.imbalance`` that is asked for.
    """
    way = config.imbalance
    found: dict[str, torch.Tensor | None] = {}
    for name, target in targets.items():
        labels = target.values[rows[target.labelled[rows]]]
        weights = target.task.class_weights(labels) if way != "none" else None
        if weights is not None and way in WITH_CLASSES:
            task: Any = target.task
            if getattr(task, "imbalance", None) != way:
                raise ConfigError(
                    f"tasks.{name}: a {type(task).__name__} that was made without imbalance={way!r} cannot be trained "
                    "by it; set training.imbalance to weights or none"
                )
            weights = task.log_prior(labels) if way == "logit_adjustment" else weights
        found[name] = None if weights is None else torch.from_numpy(weights).to(place)
    return found
