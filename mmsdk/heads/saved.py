"""A head beside the network from what a run holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.errors import RunError
from mmsdk.heads.blend import BlendHead
from mmsdk.heads.boosting import BoostingHead
from mmsdk.heads.linear import LinearHead
from mmsdk.heads.population import PopulationHead
from mmsdk.heads.stacked import StackedHead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mmsdk.heads.beside import Beside


def restore_head(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray], texts: Sequence[str] = ()) -> Beside:
    """Return the head that its ``document()`` and its saved buffers describe, ready to answer.

    :param texts: of its boosters, where it has any.

    :raises RunError: they do not belong together.
    """
    kinds: dict[str, Any] = {
        "boosting": BoostingHead,
        "linear": LinearHead,
        "stacked": StackedHead,
        "blend": BlendHead,
        "population": PopulationHead,
    }
    try:
        extra = (texts,) if document["type"] == "boosting" else ()
        head: Beside = kinds[document["type"]].restore(document, arrays, *extra)
    except (KeyError, RuntimeError) as error:
        raise RunError(f"the saved head does not fit the application of the run: {error}; fit it again") from error
    return head.eval()
