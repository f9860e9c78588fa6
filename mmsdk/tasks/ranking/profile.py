"""What items are, block by block, before their vectors are shortened: fitted ones, and ones that came later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.ranking.behaviour import neighbour_weights, own_behaviour, shrunk
from mmsdk.tasks.ranking.blocks import BEHAVIOUR, PARTIAL, POPULARITY
from mmsdk.tasks.ranking.expected import Outlook, outlook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import scipy.sparse as sp

    from mmsdk.tasks.ranking.ranker import Ranker


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What ``m`` items are.

    :param blocks: block -> float32 ``(m, d_b)``, of the blocks in use, unscaled.
    :param popular: float32 ``(m,)``: log(1 + users), shrunk.
    """

    blocks: Mapping[str, np.ndarray]
    popular: np.ndarray

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.popular)

    def take(self, rows: np.ndarray) -> Profile:
        """Return some of the items, in the order given."""
        return Profile(blocks={name: one[rows] for name, one in self.blocks.items()}, popular=self.popular[rows])

    def mean(self, weights: np.ndarray) -> Profile:
        """Return the weighted sum ``(m,)`` of the items as one."""
        blocks = {name: np.asarray(weights @ block)[None] for name, block in self.blocks.items()}
        return Profile(blocks=blocks, popular=np.asarray([weights @ self.popular], np.float32))


def stacked(profiles: Sequence[Profile]) -> Profile:
    """Return several items as one profile, in their order."""
    blocks = {name: np.vstack([one.blocks[name] for one in profiles]) for name in profiles[0].blocks}
    return Profile(blocks=blocks, popular=np.concatenate([one.popular for one in profiles]))


def fitted_profile(ranker: Ranker, rows: np.ndarray) -> Profile:
    """Return items by their positions in the catalogue."""
    seen = _outlook(ranker, rows)
    blocks = {name: _rows_of_block(ranker, seen, name, rows) for name in _used(ranker)}
    return Profile(blocks=blocks, popular=seen.popularity(ranker.choice.kappa))


def new_profile(ranker: Ranker, placed: Mapping[str, np.ndarray], present: Mapping[str, np.ndarray]) -> Profile:
    """Return items that came after the fit, by their placed vectors."""
    blocks, seen = ranker.placed_blocks(placed, present), ranker.expected_of(placed, present)
    rows = len(next(iter(placed.values())))
    widths = {name: part.stop - part.start for name, part in ranker.slices.items()}
    found = {name: blocks.get(name, np.zeros((rows, width), np.float32)) for name, width in widths.items()}
    if seen is not None and BEHAVIOUR in found:
        found[BEHAVIOUR] = seen.vectors
    if seen is not None and PARTIAL in found:
        found[PARTIAL] = seen.expect(ranker.partial)
    popular = np.zeros(rows, np.float32) if seen is None else seen.popular
    return Profile(blocks=found, popular=popular)


def _used(ranker: Ranker) -> list[str]:
    """Return the blocks in use, popularity apart."""
    return [name for name in ranker.slices if name != POPULARITY]


def _outlook(ranker: Ranker, rows: np.ndarray) -> Outlook:
    """Return what is expected of some items."""
    near = {name: _near(ranker, name, rows) for name in ranker.contents} if ranker.choice.kappa else {}
    return outlook(near, ranker.basis, ranker.degrees, itself=rows, scales=ranker.scales)


def _near(ranker: Ranker, source: str, rows: np.ndarray) -> sp.csr_matrix:
    """Return the neighbour weights of some items in an input."""
    content = ranker.contents[source]
    near, cosine = content.nearest(content.vectors[rows])
    return neighbour_weights(content, near, cosine, content.present[rows], ranker.choice.temperature)


def _rows_of_block(ranker: Ranker, seen: Outlook, name: str, rows: np.ndarray) -> np.ndarray:
    """Return some items' vectors of one block, unscaled."""
    kind, _, source = name.partition(":")
    if kind == BEHAVIOUR:
        return seen.behaviour(own_behaviour(ranker.basis[rows], ranker.degrees[rows]), ranker.choice.kappa)
    if kind == PARTIAL:
        return seen.shrunk_rows(ranker.partial, ranker.choice.kappa, ranker.partial[rows])
    content = ranker.contents[source]
    if kind == "content":
        return np.asarray(content.vectors[rows])
    present = content.present[rows]
    borrowed = _near(ranker, source, rows) @ ranker.basis
    borrowed[~present] = ranker.basis[rows[~present]]
    return shrunk(borrowed, ranker.choice.shrinkage)
