"""Which pairs a recommender may see and which it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmsdk.errors import DataError
from mmsdk.tasks.ranking import Histories

if TYPE_CHECKING:
    from mmsdk.data import Interactions

SHARE = 0.2  # of each history is hidden, one item at least
MAX_USERS = 5_000  # scored; more tell nothing more
BEFORE = 0.8  # share of the pairs before the cut in time


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Training pairs, and users to score.

    :param train: the training pairs of all users.
    :param users: int64 ``(b,)``: the users that are scored.
    :param histories, targets: of these users; no target is of the history.
    :param part: ``test`` or ``val``.
    :param unscored: how many users with hidden pairs cannot be scored: nothing is left of their history.
    :param repeats: how many hidden pairs are of items that the user had before; a recommender never answers those.
    :param sampled: how many users could have been scored.
    """

    train: Histories
    users: np.ndarray
    histories: Histories
    targets: Histories
    part: str
    unscored: int
    repeats: int
    sampled: int

    @property
    def cold(self) -> np.ndarray:
        """Which items no training pair touches, bool ``(n_items,)``."""
        return np.asarray(self.train.degrees == 0)


def leave_out(interactions: Interactions, n_items: int, *, seed: int = 0) -> HeldOut:
    """Hide pairs of each user: as a split column says, else a fifth of each history.

    With a split column ``train`` is the history and ``test`` is asked for, or ``val`` where nothing is ``test``.
    Without one the latest fifth is hidden where there are times, a fifth by chance otherwise.

    :raises DataError: nothing to learn from, or nobody to score.
    """
    if interactions.split is not None:
        part = "test" if (interactions.split == "test").any() else "val"
        return _held(
            interactions, interactions.split == "train", interactions.split == part, n_items, part=part, seed=seed
        )
    hidden = _last_share(interactions, seed)
    return _held(interactions, ~hidden, hidden, n_items, part="test", seed=seed)


def leave_last(interactions: Interactions, n_items: int, *, seed: int = 0) -> HeldOut | None:
    """Hide the last item of each user: what is taken next, by all that was taken before.

    :returns: ``None`` without times, or where nobody can be scored.
    """
    if interactions.times is None:
        return None
    hidden = _back(interactions, interactions.times) == 0
    try:
        return _held(interactions, ~hidden, hidden, n_items, part="test", seed=seed)
    except DataError:
        return None


def over_time(interactions: Interactions, n_items: int, *, seed: int = 0) -> HeldOut | None:
    """Hide everything after one moment, before which four fifths of the pairs lie.

    :returns: ``None`` without times, or where nobody can be scored.
    """
    if interactions.times is None:
        return None
    cut = np.quantile(interactions.times, BEFORE, method="higher")
    before = interactions.times < cut
    try:
        return _held(interactions, before, ~before, n_items, part="test", seed=seed)
    except DataError:
        return None


def all_pairs(interactions: Interactions, n_items: int) -> Histories:
    """Return every pair, whatever part it belongs to."""
    return _histories(interactions, np.ones(len(interactions), bool), n_items)


def _last_share(interactions: Interactions, seed: int) -> np.ndarray:
    """Return which pairs are hidden: the latest of each user, or some by chance."""
    random = np.random.default_rng(seed).random(len(interactions))
    when = random if interactions.times is None else interactions.times
    lengths = np.bincount(interactions.users, minlength=len(interactions.user_ids))
    count = np.where(lengths > 1, np.maximum(np.round(SHARE * lengths), 1), 0)
    return np.asarray(_back(interactions, when) < count[interactions.users])


def _back(interactions: Interactions, when: np.ndarray) -> np.ndarray:
    """Return how far each pair lies from the end of its user's, by some order."""
    order = np.lexsort((np.arange(len(interactions)), when, interactions.users))
    users = interactions.users[order]
    ends = np.cumsum(np.bincount(users, minlength=len(interactions.user_ids)))
    back = np.empty(len(users), np.int64)
    back[order] = ends[users] - 1 - np.arange(len(users))
    return back


def _held(
    interactions: Interactions, history: np.ndarray, asked: np.ndarray, n_items: int, *, part: str, seed: int
) -> HeldOut:
    """Return the training pairs and the users that can be scored."""
    train, targets = _histories(interactions, history, n_items), _histories(interactions, asked, n_items)
    had = np.isin(targets.users * n_items + targets.items, train.users * n_items + train.items)
    new = targets.kept(~had)
    users = np.flatnonzero((train.lengths > 0) & (new.lengths > 0))
    if len(users) == 0:
        raise DataError(
            "nobody can be scored: no user has items both to learn from and to ask for; give users with 2 items or "
            "more, or a split column whose users have both train and test (or val) pairs"
        )
    sampled = len(users)
    if sampled > MAX_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, MAX_USERS, replace=False))
    return HeldOut(
        train=train,
        users=users,
        histories=train.select(users),
        targets=new.select(users),
        part=part,
        unscored=int(((train.lengths == 0) & (targets.lengths > 0)).sum()),
        repeats=int(had.sum()),
        sampled=sampled,
    )


def _histories(interactions: Interactions, mask: np.ndarray, n_items: int) -> Histories:
    """Return the histories of some of the pairs; the rows are those of the interactions."""
    rows = np.flatnonzero(mask)
    return Histories.of(
        interactions.users[rows],
        interactions.items[rows],
        n_users=len(interactions.user_ids),
        n_items=n_items,
        weights=interactions.weights[rows],
        times=None if interactions.times is None else interactions.times[rows],
        rows=rows,
    )
