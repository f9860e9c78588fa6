"""Long texts as chunks of as many tokens as the model takes, and their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mmsdk import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 64  # chunks of a text: 32,768 tokens for most models, a hundred pages
OVERLAP = 8  # one part in so many is seen twice, so that a sentence on the border is read whole once


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """The chunks of a batch.

    :param rows: of the tokenizer's answer, those that count, ``(c,)`` int64.
    :param owners: whose they are, ``(c,)`` int64, ascending.
    :param weights: how many tokens each holds, ``(c,)`` float32.
    :param cut: how many texts have more than ``MOST``.
    """

    rows: torch.Tensor
    owners: torch.Tensor
    weights: torch.Tensor
    cut: int

    def mean(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return ``(n, dim)``: of the vectors of chunks ``(c, dim)``, the mean of each text weighted by tokens."""
        weights, owners = (one.to(vectors.device) for one in (self.weights, self.owners))
        count = int(self.owners[-1]) + 1
        total = vectors.new_zeros(count).index_add(0, owners, weights)
        shares = (weights / total[owners]).unsqueeze(1)
        return vectors.new_zeros(count, vectors.shape[1]).index_add(0, owners, vectors * shares)


def chunked(tokenizer: Any, length: int) -> Mapping[str, Any]:
    """Return how a tokenizer is to be called so that it answers all chunks of a text."""
    room = length - tokenizer.num_special_tokens_to_add()
    return {"return_overflowing_tokens": True, "stride": max(0, min(length // OVERLAP, room - 1))}


def chunks_of(tokens: Any, name: str) -> Chunks:
    """Return the chunks of what a tokenizer answered, at most ``MOST`` a text.

    :raises EncoderError: the tokenizer is one of Python, which does not tell chunks apart.
    """
    if not tokens.encodings:
        raise EncoderError(f"{name}: chunk needs a fast tokenizer, which the model does not have; leave chunk out")
    owners = tokens.pop("overflow_to_sample_mapping")
    first = torch.searchsorted(owners, owners)
    place = torch.arange(len(owners)) - first
    rows = torch.nonzero(place < MOST).flatten()
    weights = [max(1, one.special_tokens_mask.count(0)) for one in tokens.encodings]  # padding is special too
    return Chunks(
        rows=rows,
        owners=owners[rows],
        weights=torch.tensor(weights, dtype=torch.float32)[rows],
        cut=int((place == MOST).sum()),
    )
