"""The training loop over cached embeddings, its checkpoints, its schedule and what it minimises."""

from mmsdk.train.learnable import class_weights_of
from mmsdk.train.loop import TrainResult, fit_heads

__all__ = ["TrainResult", "class_weights_of", "fit_heads"]
