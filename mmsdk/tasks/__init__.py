"""Heads, losses and metrics of each task type; ranking has a folder of its own."""

from mmsdk.tasks.calibration import CalibrationError
from mmsdk.tasks.classification import Classification
from mmsdk.tasks.multilabel import Multilabel
from mmsdk.tasks.ranged import Ranged, range_of
from mmsdk.tasks.regression import Regression
from mmsdk.tasks.share import Share, in_points

__all__ = ["CalibrationError", "Classification", "Multilabel", "Ranged", "Regression", "Share", "in_points", "range_of"]
