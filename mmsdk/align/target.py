"""The maps of an aligner whose common space is that of one input, the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.align.interface import SpaceMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mmsdk.align.moments import Moments


def maps_to_target(
    inputs: Sequence[str], target: str, moments: Moments, weight: Callable[[str], np.ndarray]
) -> dict[str, SpaceMap]:
    """Return a map for each input, all about their means; the target stays as it is.

    :param weight: input -> ``(d_input, d_target)``, asked for every other input.
    """
    return {
        name: SpaceMap.affine(moments.means[name], np.eye(len(moments.means[name])) if name == target else weight(name))
        for name in inputs
    }
