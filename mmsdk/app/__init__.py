"""The application object that a backend embeds, and the steps that make, load and score one."""

from mmsdk.app.application import App
from mmsdk.app.evaluating import evaluate
from mmsdk.app.fitting import Origin, fit
from mmsdk.app.loading import load
from mmsdk.app.prediction import Prediction

__all__ = ["App", "Origin", "Prediction", "evaluate", "fit", "load"]
