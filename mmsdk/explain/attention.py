"""Where a fusion looks, under its own name; evidence is something else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmsdk.explain.explanation import Attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.explain.occlusion import Row
    from mmsdk.model import JointNet


def attention_of(net: JointNet, row: Row, names: Sequence[str]) -> list[Attention]:
    """Return what the fusion weighs in a row, the mean over the members that show it; nothing where none does.

    :param names: the inputs that are present.
    """
    vectors, present = {}, {}
    for name, size in net.projector.dims.items():
        here = name in names
        array = np.array(row.values[name], np.float32) if here else np.zeros((1, size), np.float32)
        vectors[name] = torch.from_numpy(array).to(net.device)
        present[name] = torch.tensor([here], device=net.device)
    with torch.inference_mode():
        shown = {word: one[0].double().cpu().tolist() for word, one in net.attention(vectors, present).items()}
    found = []
    for word, weights in shown.items():
        seen = {
            name: one for name, one in zip(net.inputs, weights, strict=True) if name in names and not math.isnan(one)
        }
        if seen:
            found.append(Attention(name=word, weights=seen))
    return found
