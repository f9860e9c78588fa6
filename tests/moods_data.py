"""Moods of people whose vectors differ by the person far more than by the mood, and an application that tells them."""

from __future__ import annotations

import numpy as np


def rows(people, seed):
    """Two moods a person; the person moves the vector ten times as far as the mood does."""
    random = np.random.default_rng(seed)
    found = []
    for person in people:
        own = 10 * random.normal(size=4)
        for number in range(20):
            mood = number % 2
            vector = own + np.array([2.0 * mood - 1, 0, 0, 0]) + 0.3 * random.normal(size=4)
            found.append({"face": vector.tolist(), "who": f"p{person}", "mood": ("calm", "glad")[mood]})
    return found


def application(**entry):
    return {
        "inputs": {"face": {"column": "face", "modality": "vector", **entry}},
        "tasks": {"mood": {"column": "mood", "type": "classification"}},
        "split": {"group": "who", "validation": 0.2, "test": 0.3},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 15},
        "confidence": {"source": "validation"},
    }
