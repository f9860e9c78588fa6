"""The learning rate of each step: a short linear rise, then half a cosine down."""

from __future__ import annotations

import math

WARMUP = 0.1  # share of the steps
FLOOR = 0.02  # share of the peak that is left at the end


def learning_rate(step: int, total: int, peak: float) -> float:
    """Return the rate of step ``step`` of ``total``, counted from 0."""
    rise = WARMUP * total
    if step < rise:
        return peak * (step + 1) / (math.floor(rise) + 1)
    done = (step - rise) / max(total - rise, 1)
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * done)))
