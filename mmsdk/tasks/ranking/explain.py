"""Why an item was recommended: what each item of the history, and each part of a query, adds to its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.tasks.ranking.blocks import POPULARITY
from mmsdk.tasks.ranking.profile import Profile, fitted_profile
from mmsdk.tasks.ranking.sequel import SEQUEL
from mmsdk.tasks.ranking.users import (
    ask,
    history_counts,
    is_learned,
    near_weights,
    sum_of_history,
    what_follows,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmsdk.tasks.ranking.ranker import Ranker
    from mmsdk.tasks.ranking.users import Vectors

SHORTENED = "shortened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A part of a score.

    :param block: ``content`` (they are alike in an input), ``imputed`` (items similar in it are taken together),
        ``behaviour`` (these two, or items like them, are taken together), ``partial`` (likewise, beyond all
        other items), ``sequel`` (it is taken after the last),
        ``popularity``, or ``shortened``: what is
        left of the score, since an item's vector is shorter than its blocks side by side.
    :param input: the input that a content or imputed block stands on; empty otherwise.
    :param item: place in the history; ``None`` where it is no part of it.
    :param value: what it adds.
    :param source: ``history``, ``said`` (with a learned weight), ``shown``, ``like``, or empty.
    """

    block: str
    input: str
    item: int | None
    value: float
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One user, as needed to divide up a score.

    :param vectors: item vectors ``(h, dim)`` of the history; :param items: the same items as they are.
    :param query, present: input -> ``(1, d)`` and ``(1,)``, as :meth:`Ranker.known` gives them.
    :param like: the item pointed at, and its vector ``(1, dim)``.
    :param weight: how much the query counts; :param weights: ``(h,)`` interaction weights.
    """

    vectors: np.ndarray
    items: Profile | None
    query: Vectors
    present: Vectors
    like: tuple[np.ndarray, Profile] | None = None
    weight: float | None = None
    weights: np.ndarray | None = None


def contributions(ranker: Ranker, asking: Asking, item: Profile, vector: np.ndarray) -> list[Contribution]:
    """Return the parts of the score of an item, largest first; they sum to the score.

    :param item: the item as it is, one row; :param vector: its item vector ``(dim,)``.
    """
    past, taken = sum_of_history(ranker, [asking.vectors], None if asking.weights is None else [asking.weights])
    like = None if asking.like is None else asking.like[0]
    query = ask(ranker, asking.query, asking.present, users=1, like=like, weight=asking.weight)
    if not taken[0] and not query.asked[0]:
        return [_popular(float(ranker.popularity_vector @ vector))]
    factors = [float(one[0]) for one in query.factors(past)]
    user = factors[0] * past + factors[1] * query.heard + factors[2] * query.shown
    last = factors[0] * what_follows(ranker, [asking.vectors])
    score = float((whole(ranker, user.astype(np.float32), last) @ vector)[0])
    found = [*_of_history(ranker, asking, item, factors[0]), *_of_query(ranker, asking, item, factors)]
    if taken[0] and last.shape[1]:
        value = float((last @ vector[ranker.parts[0]])[0])
        found.append(_part(SEQUEL, value, "history", len(asking.vectors) - 1))
    if ranker.liked:
        found.append(_popular(float(np.sqrt(ranker.choice.weights[POPULARITY]) * vector[-1])))
    left = score - sum(one.value for one in found)
    found.append(Contribution(block=SHORTENED, input="", item=None, value=left))
    return sorted(found, key=lambda one: -abs(one.value))


def _popular(value: float) -> Contribution:
    """Return what being popular adds."""
    return Contribution(block=POPULARITY, input="", item=None, value=value)


def _of_history(ranker: Ranker, asking: Asking, item: Profile, factor: float) -> Iterator[Contribution]:
    """Yield what each item of the history adds in each block."""
    if asking.items is None:
        return
    counts = factor * history_counts(ranker, len(asking.items), asking.weights)
    for name, alike in _alike(asking.items, item, ranker.choice.weights):
        for place, value in enumerate((counts * alike).tolist()):
            yield _part(name, value, "history", place)


def _of_query(ranker: Ranker, asking: Asking, item: Profile, factors: list[float]) -> Iterator[Contribution]:
    """Yield what each part of the query adds in each block."""
    for source, vectors in asking.query.items():
        if not asking.present[source][0]:
            continue
        if is_learned(ranker, source):
            asked = ranker.new_blocks({source: vectors}, {source: asking.present[source]})
            profile = Profile(blocks=asked, popular=np.zeros(1, np.float32))
            for name, alike in _alike(profile, item, ranker.choice.said):
                yield _part(name, factors[1] * float(alike[0]), "said")
            continue
        near = near_weights(ranker, source, vectors, asking.present[source])
        profile = fitted_profile(ranker, near.indices).mean(near.data)
        for name, alike in _alike(profile, item, {name: ranker.total(name) for name in profile.blocks}):
            yield _part(name, factors[2] * float(alike[0]), "shown")
    if asking.like is not None:
        for name, alike in _alike(asking.like[1], item, ranker.choice.weights):
            yield _part(name, factors[2] * float(alike[0]), "like")


def _alike(many: Profile, item: Profile, weights: Mapping[str, float]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield block, and its weighted dot product with each of many items ``(m,)``."""
    for name, block in many.blocks.items():
        weight = weights.get(name, 0.0)
        if weight and name in item.blocks:
            yield name, weight * (block @ item.blocks[name][0])


def _part(name: str, value: float, source: str, item: int | None = None) -> Contribution:
    """Return a part of a block."""
    kind, _, given = name.partition(":")
    return Contribution(block=kind, input=given, item=item, value=float(value), source=source)
