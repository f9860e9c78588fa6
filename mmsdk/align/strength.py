"""How strong a regularisation is: a number that the user gave, or what held-out rows say is best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.align.interface import require_positive
from mmsdk.align.moments import teaching_rows
from mmsdk.align.retrieval import best_of
from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmsdk.align.interface import Aligner, SpaceMap, Views

AUTO = "auto"
STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
UNJUDGED = 0.1  # where nothing was held out
FEWEST = 10  # pairs that can judge
Strength = float | str


def checked_strength(value: Any) -> Strength:
    """Return ``auto`` or a number above 0.

    :raises ConfigError: it is neither.
    """
    if value == AUTO:
        return AUTO
    if isinstance(value, str):
        raise ConfigError(f"align.options.regularisation is {value!r}, expected auto or a number above 0")
    return require_positive("regularisation", value)


def chosen_maps(
    aligner: Aligner,
    strength: Strength,
    make: Callable[[float], dict[str, SpaceMap]],
    held_out: Views | None,
) -> dict[str, SpaceMap]:
    """Return the maps of the given strength, or of the best one, and note it in the aligner's ``chosen``."""
    if isinstance(strength, str):
        if held_out is None or teaching_rows(held_out[1]).sum() < FEWEST:
            strength, maps = UNJUDGED, make(UNJUDGED)
        else:
            strength, maps = best_of(STRENGTHS, make, held_out)
    else:
        maps = make(strength)
    aligner.chosen["regularisation"] = strength
    return maps
