"""The vectors of all inputs side by side, wide ones reduced to their main components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from mmsdk.heads.beside import SideBySide

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor

    from mmsdk.heads.beside import Lesson

MOST_WHOLE = 1024  # numbers of an input of columns; wider ones cost trees minutes
MOST_ROWS = 2048  # whose components are computed: what a covariance of more would add is small, and eigh is cubic


class Reduced(nn.Module):
    """Standardised vectors of the inputs, those longer than ``rank`` by their first ``rank`` principal components.

    Each input has mean 0 and mean square 1 over its components, however long it is; an absent one is zeros.

    :param sizes: input name -> length of its vectors.
    :param whole: inputs that keep their own numbers up to ``MOST_WHOLE`` of them.
    """

    def __init__(self, sizes: Mapping[str, int], rank: int, whole: Collection[str] = ()) -> None:
        super().__init__()
        self.side = SideBySide(sizes)
        self.rank = rank
        self.whole = sorted(name for name in whole if rank < sizes[name] <= MOST_WHOLE)
        for place, (size, width) in enumerate(zip(sizes.values(), self.widths, strict=True)):
            self.register_buffer(f"basis_{place}", torch.zeros(size, width))

    @property
    def widths(self) -> list[int]:
        """Return how many components each input has."""
        return [size if name in self.whole else min(size, self.rank) for name, size in self.side.sizes.items()]

    def fit(self, lesson: Lesson) -> None:
        """Learn statistics and components from the present rows of each input."""
        self.side.fit(lesson)
        rows = self.side(lesson.vectors, lesson.present)
        for place, (part, width) in enumerate(zip(self._parts(rows), self.widths, strict=True)):
            known = part[lesson.present[:, place]]
            step = max(1, -(-len(known) // MOST_ROWS))
            basis = _components(known[::step], width) * width**0.5
            self.get_buffer(f"basis_{place}").copy_(basis)

    def forward(self, vectors: Mapping[str, Tensor], present: Tensor) -> Tensor:
        """Return ``(b, sum)`` of the components."""
        parts = self._parts(self.side(vectors, present))
        return torch.cat([part @ self.get_buffer(f"basis_{place}") for place, part in enumerate(parts)], dim=1)

    def _parts(self, rows: Tensor) -> list[Tensor]:
        """Return the columns of each input."""
        sizes = list(self.side.sizes.values())
        return list(torch.split(rows[:, : sum(sizes)], sizes, dim=1))


def _components(rows: Tensor, width: int) -> Tensor:
    """Return the first principal directions ``(d, width)``, each with its largest entry above zero."""
    size = rows.shape[1]
    if width == size:
        return torch.eye(size, dtype=rows.dtype, device=rows.device)
    if len(rows) < size:
        values, left = torch.linalg.eigh(rows @ rows.T)
        vectors = rows.T @ left / values.clamp_min(1e-12).sqrt()
        vectors = torch.where(values > 1e-9 * values.max().clamp_min(1e-30), vectors, torch.zeros_like(vectors))
    else:
        vectors = torch.linalg.eigh(rows.T @ rows)[1]
    found = rows.new_zeros(size, width)
    kept = vectors.flip(1)[:, :width]
    signs = kept.gather(0, kept.abs().argmax(0, keepdim=True)).sign()
    found[:, : kept.shape[1]] = kept * torch.where(signs == 0, torch.ones_like(signs), signs)
    return found
