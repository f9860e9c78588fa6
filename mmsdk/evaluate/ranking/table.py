"""Recommenders side by side on the same users: intervals, differences, the best of the baselines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.evaluate.bootstrap import RESAMPLES, Interval, bootstrap, paired
from mmsdk.evaluate.mean import Mean
from mmsdk.evaluate.ranking.metrics import CUTOFF, Answers, answer, coverage, user_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.evaluate.ranking.held_out import HeldOut
    from mmsdk.tasks.ranking import Content
    from mmsdk.tasks.ranking.baselines import Scorer

    Metrics = dict[str, dict[str, float | int]]

RECALL = f"recall@{CUTOFF}"
COMPARED = (RECALL, f"ndcg@{CUTOFF}", f"cold_recall@{CUTOFF}")


@dataclass(kw_only=True)
class Table:
    """Scores recommenders on the same held-out pairs and the same resamples of users.

    :param order: ``(n_items,)`` item positions by id.
    """

    held: HeldOut
    contents: Mapping[str, Content]
    order: np.ndarray
    seed: int = 0
    resamples: int = RESAMPLES
    by_user: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def score(self, name: str, scorer: Scorer) -> tuple[Metrics, Answers]:
        """Return the metrics of a recommender, with intervals over users, and its answers."""
        answers = answer(scorer, self.held.histories, self.held.targets, order=self.order)
        values = user_metrics(answers, self.held, self.contents)
        self.by_user[name] = values
        found = {metric: one.as_json() for metric, one in self._intervals(values).items()}
        share = coverage(answers.top, self.held.train.n_items)
        found[f"coverage@{CUTOFF}"] = Interval(value=share, low=share, high=share, n=len(self.held.users)).as_json()
        return found, answers

    def difference(self, first: str, second: str) -> Metrics:
        """Return what the first recommender has more than the second, on the same resamples of users."""
        found = {}
        for metric in COMPARED:
            one, other = self.by_user[first][metric], self.by_user[second][metric]
            users = np.flatnonzero(np.isfinite(one))
            if len(users):
                interval = paired(Mean(one[users]), Mean(other[users]), len(users), **self._drawing())
                found[metric] = interval.as_json()
        return found

    def best(self, names: list[str]) -> str:
        """Return the recommender of highest recall; the first of equals."""
        return max(names, key=lambda name: float(np.mean(self.by_user[name][RECALL])))

    def drawn(self, statistics: Mapping[str, Any], count: int) -> dict[str, Interval]:
        """Return intervals of statistics over so many users, by the resamples of this table."""
        return bootstrap(statistics, count, **self._drawing())

    def _intervals(self, values: Mapping[str, np.ndarray]) -> dict[str, Interval]:
        """Return each metric over the users for whom it is defined."""
        everybody = {name: Mean(one) for name, one in values.items() if np.isfinite(one).all()}
        found = bootstrap(everybody, len(self.held.users), **self._drawing())
        for name, one in values.items():
            users = np.flatnonzero(np.isfinite(one))
            if name not in everybody and len(users):
                found |= bootstrap({name: Mean(one[users])}, len(users), **self._drawing())
        return {name: found[name] for name in values if name in found and math.isfinite(found[name].value)}

    def _drawing(self) -> dict[str, Any]:
        """Return how resamples are drawn."""
        return {"resamples": self.resamples, "seed": self.seed}
