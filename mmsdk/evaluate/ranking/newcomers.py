"""What users get of whom little is known: the scored users once more, with only the last few items of their history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.evaluate.mean import Mean
from mmsdk.evaluate.ranking.metrics import CUTOFF, answer, user_metrics

if TYPE_CHECKING:
    from mmsdk.evaluate.ranking.held_out import HeldOut
    from mmsdk.evaluate.ranking.table import Metrics, Table
    from mmsdk.tasks.ranking import Histories, Ranker, Said

KNOWN = (0, 1, 2, 3)  # items of each history
TOLD = (f"recall@{CUTOFF}", f"hit_rate@{CUTOFF}")


def by_history(table: Table, ranker: Ranker, said: Said | None) -> dict[str, Metrics]:
    """Return recall and hit rate by how much of their history is known of the same users: nothing, 1, 2, 3 items, all.

    The items known are the latest where there are times, any where there are none. What is left out of the history is
    no answer all the same, so that a short history is asked for the same items as a long one. Where users said
    something, those who did are scored once more with nothing known but that (``0, heard``).
    """
    held = table.held
    found = {}
    for count in KNOWN:
        short = _latest(held.histories, count)
        found[str(count)] = _scored(table, held, ranker.represent(short), ranker)
    found["all"] = _scored(table, held, ranker.represent(held.histories), ranker)
    if said is not None and said.input in ranker.contents:
        vectors, spoke = said.latest(held.histories)
        users = np.flatnonzero(spoke)
        if len(users):
            some = replace(held, users=held.users[users], histories=held.histories.select(users))
            some = replace(some, targets=held.targets.select(users))
            nothing = [np.zeros((0, ranker.dim), np.float32)] * len(users)
            asking = ranker.user_vectors(nothing, {said.input: vectors[users]})
            found["0, heard"] = _scored(table, some, asking, ranker)
    return found


def _latest(histories: Histories, count: int) -> Histories:
    """Return the histories with their last so many items only."""
    return histories.kept(histories.back < count)


def _scored(table: Table, held: HeldOut, users: np.ndarray, ranker: Ranker) -> Metrics:
    """Return the figures of user vectors ``(b, dim)`` on what is held out of the same users, with intervals."""
    done = 0

    def scorer(asked: Histories) -> np.ndarray:  # called with the users in their order, some at a time
        nonlocal done
        done += len(asked)
        return np.asarray(users[done - len(asked) : done] @ ranker.items.T)

    answers = answer(scorer, held.histories, held.targets, order=table.order)
    values = user_metrics(answers, held, {})
    drawn = {name: Mean(values[name]) for name in TOLD}
    return {name: one.as_json() for name, one in table.drawn(drawn, len(users)).items()}
