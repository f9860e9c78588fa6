"""A task's own metric on a scale that is the same for every task, so that a mean over tasks says something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmsdk.protocols import Task


def comparable(task: Task, score: float, blind: float) -> float:
    """Return a score, higher better: as it is where higher is better, else as the share of error that it saves.

    An error is in the unit of its column, and a mean with it would be decided by that: 0.4 % of a price outweighs every
    other task.

    :param blind: the score on the same rows of the answer that looks at no input.
    """
    return score if task.higher_is_better else 1 - score / max(blind, 1e-12)
