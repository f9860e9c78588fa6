"""What each subset of the inputs is worth, from cached embeddings: no encoder runs."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mmsdk.model import JointNet

ALL_UP_TO = 5  # inputs: 31 subsets; beyond, the ones that say most


def input_subsets(inputs: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the subsets to score, smallest first, each in the order of the inputs.

    All ``2^m - 1`` for five inputs or fewer; else each input alone, each left out, and all together.
    """
    count = len(inputs)
    sizes = range(1, count + 1) if count <= ALL_UP_TO else (1, count - 1, count)
    return [subset for size in sizes for subset in combinations(inputs, size)]


def subset_logits(net: JointNet, embeddings: Any, rows: np.ndarray, subset: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the logits of every task for some rows as if only ``subset`` had been given.

    A row that has none of the subset is answered too: by what the model says when it knows nothing.
    """
    return infer(net, embeddings.values, embeddings.present, rows=rows, keep=subset)[1]
