"""Texts as windows of tokens, and the vectors of windows as those of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

MOST = 64  # windows of a text
OVERLAP = 8  # one token in so many is seen twice, so that a sentence on the border is read whole once
WIDEST = 64  # characters a token: no language writes so long ones; what lies beyond is not even read


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The windows of one text.

    :param ids: token ids of each, special ones included.
    :param cut: there was more of the text.
    """

    ids: list[list[int]]
    cut: bool

    @property
    def tokens(self) -> int:
        """Return how many tokens are read."""
        return sum(map(len, self.ids))


def windows(tokenizer: Tokenizer, text: str, length: int, most: int) -> Windows:
    """Return at most so many windows of a text, each of up to ``length`` tokens.

    A text of a million characters takes no more memory than one of as many as the windows could hold.
    """
    part = text[: length * most * WIDEST]
    encoded = tokenizer.encode(part)
    pieces = [encoded, *encoded.overflowing[: most - 1]]
    cut = len(part) < len(text) or len(encoded.overflowing) > most - 1
    return Windows(ids=[one.ids for one in pieces], cut=cut)


def joined(vectors: np.ndarray, texts: Sequence[Windows]) -> np.ndarray:
    """Return ``(n, d)`` float32 of unit length: of the vectors of all windows, each text's mean weighted by tokens."""
    weights = np.array([len(ids) for text in texts for ids in text.ids], np.float32)
    starts = np.cumsum([0, *(len(text.ids) for text in texts[:-1])])
    summed: np.ndarray = np.add.reduceat(vectors * weights[:, None], starts, axis=0)
    summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    return summed
