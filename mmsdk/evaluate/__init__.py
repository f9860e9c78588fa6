"""How good it is, and how sure one may be: intervals, baselines, what each input subset is worth, and their schema."""

from mmsdk.evaluate.bootstrap import Interval, bootstrap, interval, paired
from mmsdk.evaluate.schema import metrics_schema
from mmsdk.evaluate.scores import Scoring, judged_part, score_logits, score_tasks
from mmsdk.evaluate.subsets import input_subsets, subset_logits

__all__ = [
    "Interval",
    "Scoring",
    "bootstrap",
    "input_subsets",
    "interval",
    "judged_part",
    "metrics_schema",
    "paired",
    "score_logits",
    "score_tasks",
    "subset_logits",
]
