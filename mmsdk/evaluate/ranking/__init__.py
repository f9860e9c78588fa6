"""How good recommendations are: who is asked for what, the metrics, baselines, and the one call that does it all."""

from mmsdk.evaluate.ranking.held_out import HeldOut, all_pairs, leave_last, leave_out, over_time
from mmsdk.evaluate.ranking.metrics import Answers, answer, coverage, user_metrics
from mmsdk.evaluate.ranking.scoring import RankingResult, ScoredUser, fit_and_score_ranking
from mmsdk.evaluate.ranking.table import Table

__all__ = [
    "Answers",
    "HeldOut",
    "RankingResult",
    "ScoredUser",
    "Table",
    "all_pairs",
    "answer",
    "coverage",
    "fit_and_score_ranking",
    "leave_last",
    "leave_out",
    "over_time",
    "user_metrics",
]
