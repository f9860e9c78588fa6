"""What training reads of the application's ``training`` block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTINGS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "dropout",
    "label_smoothing",
    "patience",
    "imbalance",
    "focal_gamma",
    "mixup",
    "unimodal",
    "balance",
    "match",
    "match_loss",
    "refit",
    "amp",
    "seed",
)


def all_settings(config: Any) -> dict[str, Any]:
    """Return every setting that decides what is learned."""
    return {name: getattr(config, name) for name in SETTINGS}


def unimodal_weights(config: Any, inputs: Sequence[str]) -> dict[str, float]:
    """Return the weight of the head on each input alone, for those that have one."""
    given = config.unimodal
    found = given if isinstance(given, dict) else dict.fromkeys(inputs, given)
    return {name: float(found[name]) for name in inputs if found.get(name, 0.0) > 0}
