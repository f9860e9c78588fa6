"""A ranker as arrays and JSON, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.errors import RunError
from mmsdk.tasks.ranking.choice import Choice
from mmsdk.tasks.ranking.content import Content
from mmsdk.tasks.ranking.sequel import Sequel, no_sequel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.tasks.ranking.ranker import Ranker

FORMAT = 4
READABLE = (1, 2, 3, 4)  # 1 knew no expectation, so its kappa is 0; 1 and 2 did not know what is taken next


def arrays_of(ranker: Ranker) -> dict[str, np.ndarray]:
    """Return every array under names for safetensors."""
    found = {"items": ranker.items, "axes": ranker.axes, "popularity": ranker.popularity_vector}
    found |= {"basis": ranker.basis, "degrees": ranker.degrees.astype(np.int64)}
    for place, content in enumerate(ranker.contents.values()):
        found[f"content.{place}.mean"] = content.mean
        found[f"content.{place}.vectors"] = content.vectors.astype(np.float16)
        found[f"content.{place}.present"] = content.present
    if ranker.partial.shape[1]:
        found["partial"] = ranker.partial
    if ranker.sequel.after.shape[1]:
        found |= {"sequel.before": ranker.sequel.before, "sequel.after": ranker.sequel.after}
    return found


def state_of(ranker: Ranker) -> dict[str, Any]:
    """Return what is no array, as JSON values."""
    return {
        "format": FORMAT,
        "dim": ranker.dim,
        "spread": {name: content.spread for name, content in ranker.contents.items()},
        "dropped": dict(ranker.dropped),
        "choice": ranker.choice.as_json(),
        "scales": dict(ranker.scales),
        "usual": ranker.usual,
        "limit": ranker.limit,
        "seed": ranker.seed,
    }


def loaded_parts(arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the ranker that gave these arrays and this state, under their names.

    :raises RunError: made by a later mmsdk, or incomplete.
    """
    if state.get("format") not in READABLE:
        raise RunError(f"the ranker has format {state.get('format')!r}, and this mmsdk reads {FORMAT}; fit it again")
    try:
        return {
            "choice": Choice.from_json(state["choice"]),
            "contents": {
                name: _content(arrays, f"content.{place}", spread)
                for place, (name, spread) in enumerate(state["spread"].items())
            },
            "basis": arrays["basis"],
            "degrees": arrays["degrees"],
            "items": arrays["items"],
            "axes": arrays["axes"],
            "popularity_vector": arrays["popularity"],
            "dropped": state["dropped"],
            "scales": state.get("scales", {}),
            "sequel": _sequel(arrays),
            "partial": arrays.get("partial", np.zeros((len(arrays["items"]), 0), np.float32)),
            "usual": state.get("usual", 0.0),
            "limit": state.get("limit", 512),
            "seed": state.get("seed", 0),
        }
    except KeyError as error:
        raise RunError(f"the ranker is incomplete: it has no {error}; fit it again") from error


def _sequel(arrays: Mapping[str, np.ndarray]) -> Sequel:
    """Return what follows what; nothing where that does not count."""
    if "sequel.after" not in arrays:
        return no_sequel(len(arrays["items"]))
    return Sequel(before=arrays["sequel.before"], after=arrays["sequel.after"])


def _content(arrays: Mapping[str, np.ndarray], prefix: str, spread: float) -> Content:
    """Return a content as far as it is saved: the neighbours of the fitted items among themselves are not."""
    vectors = arrays[f"{prefix}.vectors"].astype(np.float32)
    nothing = np.zeros((len(vectors), 0))
    return Content(
        mean=arrays[f"{prefix}.mean"],
        vectors=vectors,
        present=arrays[f"{prefix}.present"],
        near=nothing.astype(np.int64),
        cosine=nothing.astype(np.float32),
        spread=spread,
    )
