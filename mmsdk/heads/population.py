"""The answer of a population of small networks: the mean of those that validated best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmsdk.heads.beside import Beside, presence
from mmsdk.heads.reduced import Reduced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


class PopulationHead(Beside):
    """Perceptrons of one hidden layer on the reduced vectors of all inputs, in one batched pass.

    :param reduced: what they read; fitted.
    :param weights: ``into (k, c + m, hidden)``, ``into_bias (k, 1, hidden)``, ``out (k, hidden, width)``,
        ``out_bias (k, 1, width)``; the last ``m`` rows of ``into`` are for the inputs that are absent.
    :param members: what was drawn for each and how it validated, for run.json.
    """

    def __init__(self, reduced: Reduced, weights: Mapping[str, Tensor], members: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(tuple(reduced.side.sizes))
        self.reduced = reduced
        self.members = [dict(one) for one in members]
        for name, one in weights.items():
            self.register_buffer(name, one)

    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """Answer by the mean of the members."""
        here = presence(self.inputs, present)
        rows = torch.cat([self.reduced(vectors, here), (~here).to(self.get_buffer("into").dtype)], dim=1)
        hidden = rows.expand(len(self.get_buffer("into")), *rows.shape)
        hidden = nn.functional.gelu(torch.baddbmm(self.get_buffer("into_bias"), hidden, self.get_buffer("into")))
        return torch.baddbmm(self.get_buffer("out_bias"), hidden, self.get_buffer("out")).mean(0)

    def document(self) -> dict[str, Any]:
        """Return its type and what its members were drawn with."""
        sizes = dict(self.reduced.side.sizes)
        return {"type": "population", "inputs": sizes, "rank": self.reduced.rank, "members": self.members}

    @classmethod
    def restore(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> PopulationHead:
        """Return the head that ``document`` and the arrays of its buffers describe."""
        tensors = {name: torch.from_numpy(np.array(one)) for name, one in arrays.items()}
        own = {name: one for name, one in tensors.items() if not name.startswith("reduced.")}
        head = cls(Reduced(document["inputs"], document["rank"]), own, document["members"])
        head.load_state_dict(tensors)
        return head
