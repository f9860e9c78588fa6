"""Why an answer is what it is: what each input is worth to it, what in it speaks for it, which rows are like it."""

from mmsdk.explain.attention import attention_of
from mmsdk.explain.checking import Check, check_explanations, mean_interval
from mmsdk.explain.explanation import (
    Attention,
    Deletion,
    Evidence,
    Explanation,
    Neighbour,
    Piece,
    Share,
    explanation_schema,
)
from mmsdk.explain.gradients import by_part, differentiable, has_captum, integrated_gradients
from mmsdk.explain.occlusion import (
    Apart,
    Occlusion,
    Row,
    agreement,
    evidence_of,
    occlude,
    rank_correlation,
    share_deletion,
)
from mmsdk.explain.prototypes import prototypes_of
from mmsdk.explain.scoring import Answered, Score, explained_answer
from mmsdk.explain.shapley import EXACT_UP_TO, Shapley, row_shapley, shapley_values
from mmsdk.explain.shares import mean_shares, row_shares, strongest
from mmsdk.explain.shuffled import shuffled_net
from mmsdk.explain.usual import usual_vectors

__all__ = [
    "EXACT_UP_TO",
    "Answered",
    "Apart",
    "Attention",
    "Check",
    "Deletion",
    "Evidence",
    "Explanation",
    "Neighbour",
    "Occlusion",
    "Piece",
    "Row",
    "Score",
    "Shapley",
    "Share",
    "agreement",
    "attention_of",
    "by_part",
    "check_explanations",
    "differentiable",
    "evidence_of",
    "explained_answer",
    "explanation_schema",
    "has_captum",
    "integrated_gradients",
    "mean_interval",
    "mean_shares",
    "occlude",
    "prototypes_of",
    "rank_correlation",
    "row_shapley",
    "row_shares",
    "shapley_values",
    "share_deletion",
    "shuffled_net",
    "strongest",
    "usual_vectors",
]
