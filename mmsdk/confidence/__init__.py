"""Sure, or abstain: calibrated probabilities, sets that hold the truth at a promised rate, declining, novelty."""

from mmsdk.confidence.evidence import (
    Evidence,
    gather_evidence,
    joined,
    rows_with,
    subsets_to_calibrate,
    training_references,
)
from mmsdk.confidence.fit import Rows, declining_rule, fit_confidence
from mmsdk.confidence.judge import Confidence, Subset, subsets_given
from mmsdk.confidence.measure import Asked, measure_task
from mmsdk.confidence.saved import restored, saved_arrays, saved_document

__all__ = [
    "Asked",
    "Confidence",
    "Evidence",
    "Rows",
    "Subset",
    "declining_rule",
    "fit_confidence",
    "gather_evidence",
    "joined",
    "measure_task",
    "restored",
    "rows_with",
    "saved_arrays",
    "saved_document",
    "subsets_given",
    "subsets_to_calibrate",
    "training_references",
]
