"""The blend: network and linear head answer together, each with the share that rows unseen by both give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.data import as_good, resampled
from mmsdk.heads.beside import Beside
from mmsdk.heads.linear import LinearHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmsdk.protocols import Task

SHARES = tuple(number / 10 for number in range(11))
DRAWS = 200


class BlendHead(Beside):
    """``share`` times the logits of the linear head and the rest those of the network.

    Of classes that is the weighted geometric mean of the two posteriors (a logarithmic opinion pool: Genest and Zidek
    1986), of numbers the weighted mean.
    """

    def __init__(self, linear: LinearHead, share: float) -> None:
        super().__init__(linear.inputs)
        self.linear = linear
        self.register_buffer("share", torch.tensor([share]))  # safetensors keep no scalars here

    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """Answer by both."""
        return torch.lerp(logits, self.linear(vectors, present, logits).to(logits.dtype), self.get_buffer("share"))

    def document(self) -> dict[str, Any]:
        """Return its type, the share of the linear head, and what that one says of itself."""
        return {"type": "blend", "share": float(self.get_buffer("share")), "linear": self.linear.document()}

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> BlendHead:
        """Return the head that ``document`` and the arrays of its buffers describe."""
        inner = {name.removeprefix("linear."): one for name, one in arrays.items() if name.startswith("linear.")}
        return cls(LinearHead.restore(document["linear"], inner), float(arrays["share"][0]))


def choose_share(
    task: Task,
    network: np.ndarray,
    linear: np.ndarray,
    targets: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> float:
    """Return the linear head's share, from the logits of both ``(n, width)`` for rows that neither has learned from.

    Of the shares that the task's metric cannot tell from the best one (within one standard error of the difference, by
    a bootstrap of rows or whole groups), the one nearest to one half is taken: the mean of two is safe, and few rows
    must not talk it into either.
    """
    sign = 1.0 if task.higher_is_better else -1.0
    metrics = [task.scores(share * linear + (1 - share) * network, targets)[task.metric] for share in SHARES]
    rows = np.arange(len(targets))
    whole = np.array([sign * metric(rows) for metric in metrics])
    if not np.isfinite(whole).any():
        return 0.5
    parts = resampled(len(rows), groups=groups, resamples=DRAWS, seed=seed)
    drawn = np.array([[sign * metric(part) for metric in metrics] for part in parts]).T
    middle = np.abs(np.array(SHARES) - 0.5)
    best = min(np.flatnonzero(whole == np.nanmax(whole)), key=lambda place: middle[place])
    return SHARES[
        min(np.flatnonzero(as_good(whole, drawn, int(best))), key=lambda place: (middle[place], -whole[place]))
    ]
