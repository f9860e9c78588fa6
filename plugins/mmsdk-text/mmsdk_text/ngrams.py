"""The encoder ``ngrams``: hashed word and character n-grams, randomly projected; it knows spelling, not meaning."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

DIM = 512
COLUMNS = 2**14  # for words, and as many again for characters: more only costs time on texts of a product's length
SPREAD = 8  # columns of the answer that one hashed n-gram touches
VERSION = 2
# Chinese and Japanese:
_UNSPACED = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")


class Ngrams:
    """Texts to 512 numbers of unit length, with nothing to download and nothing to fit.

    Words and word pairs fill 2^14 hashed columns, character 3- to 5-grams within words another 2^14; each half has unit
    length. Chinese and Japanese put no space between words: there a character counts as a word, and so two neighbours
    as a pair. A fixed sparse projection (Kane & Nelson, "Sparser Johnson-Lindenstrauss Transforms", 2014) brings the
    2^15 columns to 512 and keeps their dot products to within a few percent.
    """

    dim = DIM
    batch_size = 256

    def __init__(self) -> None:
        self._words = HashingVectorizer(
            n_features=COLUMNS,
            ngram_range=(1, 2),
            token_pattern=r"\b\w+\b",  # noqa: S106
            preprocessor=_spaced,
        )
        self._characters = HashingVectorizer(n_features=COLUMNS, ngram_range=(3, 5), analyzer="char_wb")

    def fingerprint(self) -> str:
        """Return the key of its vectors."""
        return f"ngrams-{VERSION}"

    def encode(self, batch: Sequence[str], modality: str) -> np.ndarray:
        """Return ``(n, 512)`` float32 of unit length."""
        counts = scipy.sparse.hstack([self._words.transform(batch), self._characters.transform(batch)], format="csr")
        projected = (counts @ _projection()).toarray()
        vectors: np.ndarray = normalize(projected, copy=False).astype(np.float32)
        return vectors


def _spaced(text: str) -> str:
    """Return a text in lower case with a space around each character of a script without spaces."""
    return _UNSPACED.sub(r" \1 ", text.lower())


@functools.cache
def _projection() -> scipy.sparse.csr_array:
    """Return the ``(2^15, 512)`` projection, eight signed entries a row; NEP 19 freezes RandomState for ever."""
    random = np.random.RandomState(20_140_101)
    rows = np.repeat(np.arange(2 * COLUMNS), SPREAD)
    columns = random.randint(DIM, size=rows.size)
    signs = random.choice(np.array([-1.0, 1.0]), size=rows.size) / np.sqrt(SPREAD)
    return scipy.sparse.csr_array((signs, (rows, columns)), shape=(2 * COLUMNS, DIM))
