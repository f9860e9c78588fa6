"""Made-up pictures and texts to trace, compare and time a model with: the same ones every time."""

from __future__ import annotations

import numpy as np

SIZES = ((48, 64), (64, 48), (56, 56))  # lying, standing, square: each batch of one size, as a processor wants it
WORDS = ("a", "red", "lamp", "for", "the", "oak", "table", "in", "3", "sizes", "und", "灯", "!")


def pictures(counts: tuple[int, ...]) -> list[list[np.ndarray]]:
    """Return batches of RGB uint8 pictures, noise over a gradient."""
    random = np.random.default_rng(0)
    return [[_picture(random, size) for _ in range(count)] for count, size in zip(counts, SIZES, strict=True)]


def texts(counts: tuple[int, ...]) -> list[list[str]]:
    """Return batches of texts of 3 to 40 words, and one text that every tokenizer must cut."""
    random = np.random.default_rng(0)
    made = [[_text(random, int(random.integers(3, 40))) for _ in range(count)] for count in counts]
    return [*made, [_text(random, 2000)]]


def _picture(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return one picture."""
    height, width = size
    ramp = np.add.outer(np.linspace(0, 128, height), np.linspace(0, 64, width))[:, :, None]
    return (ramp + random.integers(0, 64, (height, width, 3))).astype(np.uint8)


def _text(random: np.random.Generator, count: int) -> str:
    """Return one text."""
    return " ".join(random.choice(WORDS, count).tolist())
