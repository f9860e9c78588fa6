"""Why an answer is what it is: what each input is worth to it, what in it speaks for it, which rows are like it."""

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
from mmsdk.explain.occlusion import Apart, Occlusion, Row, evidence_of, occlude, rank_correlation
from mmsdk.explain.prototypes import prototypes_of
from mmsdk.explain.scoring import Answered, Score, explained_answer
from mmsdk.explain.shapley import EXACT_UP_TO, Shapley, row_shapley, shapley_values
from mmsdk.explain.shuffled import shuffled_net

__all__ = [
    "EXACT_UP_TO",
    "Answered",
    "Apart",
    "Attention",
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
    "evidence_of",
    "explained_answer",
    "explanation_schema",
    "occlude",
    "prototypes_of",
    "rank_correlation",
    "row_shapley",
    "shapley_values",
    "shuffled_net",
]
