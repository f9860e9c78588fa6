"""The training loop over cached embeddings, its checkpoints, its schedule and what it minimises."""

from mmsdk.train.loop import TrainResult, fit_heads

__all__ = ["TrainResult", "fit_heads"]
