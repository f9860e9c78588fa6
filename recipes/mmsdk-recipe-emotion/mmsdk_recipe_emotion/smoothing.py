"""Answers over time made calm: a hidden Markov model in which an expression lasts some seconds."""

from __future__ import annotations

import numpy as np

LASTS = 3.0  # seconds that an expression stays, on average
LEAST = 1e-6


def smoothed(probabilities: np.ndarray, hop: float, overlap: float, lasts: float = LASTS) -> np.ndarray:
    """Return the probability of each label at each window, given all windows ``(n, k)``.

    Forward-backward of a hidden Markov model (Rabiner 1989, Proc. IEEE 77): a label stays with ``exp(-hop / lasts)``
    and else becomes any label. What a run says of a window counts as evidence; windows that overlap share theirs, so
    that each counts ``1 / overlap``. A window without an answer is no evidence.

    :param probabilities: ``(n, k)``, NaN rows where there is no answer.
    :param hop: seconds from window to window.
    :param overlap: windows that cover a moment.
    """
    count, labels = probabilities.shape
    if count == 0:
        return probabilities
    there = np.isfinite(probabilities).all(1, keepdims=True)
    evidence = np.where(there, np.clip(np.nan_to_num(probabilities), LEAST, 1.0) ** (1 / max(overlap, 1.0)), 1.0)
    stay = np.exp(-hop / lasts)
    forward, backward = np.empty_like(evidence), np.ones_like(evidence)
    state = np.full(labels, 1 / labels)
    for step in range(count):
        state = evidence[step] * (stay * state + (1 - stay) / labels if step else state)
        state = forward[step] = state / state.sum()
    for step in range(count - 2, -1, -1):
        ahead = evidence[step + 1] * backward[step + 1]
        mixed = stay * ahead + (1 - stay) * ahead.mean()
        backward[step] = mixed / mixed.sum()
    both = forward * backward
    return both / both.sum(1, keepdims=True)


def bands(probabilities: np.ndarray, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """Return lowest and highest of what the windows that cover a moment say, each ``(n, k)``; NaN where none does.

    A band is how much the answer depends on which frames are looked at. It is not how often it is right: for that a
    run's sets of labels are calibrated.
    """
    reach = max(int(np.ceil(overlap)) - 1, 1) // 2 or 1
    low, high = np.full_like(probabilities, np.nan), np.full_like(probabilities, np.nan)
    for step in range(len(probabilities)):
        near = probabilities[max(step - reach, 0) : step + reach + 1]
        near = near[np.isfinite(near).all(1)]
        if len(near) and np.isfinite(probabilities[step]).all():
            low[step], high[step] = near.min(0), near.max(0)
    return low, high
