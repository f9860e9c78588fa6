"""What training reads of the application's ``training`` block, and what it takes where a caller's block is older."""

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
LATER = {
    "imbalance": "weights",
    "focal_gamma": 2.0,
    "mixup": 0.0,
    "unimodal": 0.0,
    "balance": "fixed",
    "match_loss": "infonce",
}


def setting(config: Any, name: str) -> Any:
    """Return one setting; those that came later have a default for callers that do not know them."""
    return getattr(config, name, LATER[name]) if name in LATER else getattr(config, name)


def all_settings(config: Any) -> dict[str, Any]:
    """Return every setting that decides what is learned."""
    return {name: setting(config, name) for name in SETTINGS}


def unimodal_weights(config: Any, inputs: Sequence[str]) -> dict[str, float]:
    """Return the weight of the head on each input alone, for those that have one."""
    given = setting(config, "unimodal")
    found = given if isinstance(given, dict) else dict.fromkeys(inputs, given)
    return {name: float(found[name]) for name in inputs if found.get(name, 0.0) > 0}
