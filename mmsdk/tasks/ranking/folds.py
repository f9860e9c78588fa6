"""Inner leave-outs: training pairs hidden from themselves, to choose settings without looking at what is scored.

Some items lose all their pairs in a leave-out, as if they were new, so that what is chosen serves items that nobody has
taken, too: DropoutNet (Volkovs, Yu and Poutanen, NIPS 2017) hides behaviour from a network for the same reason. Such an
item is wanted as often as any other, so that nothing can learn that being new is a merit by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mmsdk.tasks.ranking.histories import Histories

SHARES = 8  # a leave-out hides an eighth of each history
FOLDS_IN_TIME = 4
UNTOUCHED = (0.05, 0.2)  # least and greatest share of items that are made new
MAX_USERS = 500  # scored in one leave-out


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One leave-out.

    :param train: all users, without what is hidden.
    :param histories: the users that are scored, of ``train``.
    :param targets: what is hidden of the same users.
    """

    train: Histories
    histories: Histories
    targets: Histories


def inner_folds(histories: Histories, *, count: int = SHARES, seed: int = 0, max_users: int = MAX_USERS) -> list[Fold]:
    """Return leave-outs in which a user keeps at least one item.

    Without times each pair is hidden in one of eight leave-outs, by chance. With times leave-out ``f`` hides the
    ``f``-th last eighth of each history (one item at least) and everything after it, as the future would be.
    A catalogue whose users have one item each gives none. Beside that a leave-out takes every pair away from some
    items, drawn by chance: as great a share of them as nobody took, between a twentieth and a fifth. Hence recall on
    a leave-out weighs old items and new ones as they can be expected to be wanted.
    """
    random = np.random.default_rng(seed)
    window = _windows(histories) if histories.ordered else _shuffled(histories, random)
    share = np.clip(np.mean(histories.degrees == 0), *UNTOUCHED)
    folds = []
    for fold in range(min(count, FOLDS_IN_TIME if histories.ordered else SHARES)):
        hidden = (window <= fold) & (window >= 0) if histories.ordered else window == fold
        gone = (random.random(histories.n_items) < share)[histories.items]
        rest = np.bincount(histories.users[~(hidden | gone)], minlength=len(histories))[histories.users] > 0
        hidden = (hidden & rest) | gone
        target = hidden & rest & (window == fold)
        users = np.unique(histories.users[target])
        if len(users) > max_users:
            users = np.sort(random.choice(users, max_users, replace=False))
        if len(users):
            train = histories.kept(~hidden)
            folds.append(Fold(train=train, histories=train.select(users), targets=histories.kept(target).select(users)))
    return folds


def _windows(histories: Histories) -> np.ndarray:
    """Return in which eighth from the end each pair lies."""
    width = np.maximum(histories.lengths // SHARES, 1)
    return np.asarray(histories.back // width[histories.users])


def _shuffled(histories: Histories, random: np.random.Generator) -> np.ndarray:
    """Return the leave-out that hides each pair; -1 where a user has one item only."""
    order = np.lexsort((random.random(len(histories.items)), histories.users))
    place = np.empty(len(order), np.int64)
    place[order] = histories.back
    offset = random.integers(SHARES, size=len(histories))
    fold = (place + offset[histories.users]) % SHARES
    return np.where(histories.lengths[histories.users] > 1, fold, -1)
