"""A small world: items of a few tastes, users who keep to theirs, some items that nobody has touched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mmsdk.data.interactions import Interactions


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """``topic[i]`` is the taste of item ``i``, told by ``title``, not by ``noise``; items from ``cold`` on are new."""

    interactions: Interactions
    ids: tuple[str, ...]
    topic: np.ndarray
    vectors: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    cold: int


def make_world(*, users: int = 60, items: int = 80, topics: int = 8, timed: bool = False, seed: int = 0) -> World:
    """Each user takes 7 items of one topic, the last of them of the last fifth, which nobody else has in training."""
    random = np.random.default_rng(seed)
    topic = np.arange(items) % topics
    centres = random.normal(size=(topics, 16))
    vectors = {
        "title": (centres[topic] + 0.3 * random.normal(size=(items, 16))).astype(np.float32),
        "noise": random.normal(size=(items, 8)).astype(np.float32),
    }
    cold = items - items // 5
    taken, who, split = [], [], []
    for user in range(users):
        own = np.flatnonzero(topic == random.integers(topics))
        warm, new = own[own < cold], own[own >= cold]
        taken += [*random.choice(warm, 6, replace=False), random.choice(new)]
        who += [user] * 7
        split += ["train"] * 5 + ["val"] * 2
    interactions = Interactions(
        users=np.array(who),
        items=np.array(taken),
        user_ids=tuple(f"u{user:03d}" for user in range(users)),
        weights=np.ones(len(who), np.float32),
        times=np.arange(len(who), dtype=np.float64) if timed else None,
        split=None if timed else np.array(split, object),
    )
    present = {name: np.ones(items, bool) for name in vectors}
    return World(
        interactions=interactions,
        ids=tuple(f"i{item:03d}" for item in range(items)),
        topic=topic,
        vectors=vectors,
        present=present,
        cold=cold,
    )


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(autouse=True)
def _without_library(request, monkeypatch):
    """Leave the library's baselines out where they are not what is tested: a test fits twenty times."""
    if "library" not in request.node.name and "library" not in request.module.__name__:
        monkeypatch.setattr("mmsdk.tasks.ranking.library.UP_TO", 0)
