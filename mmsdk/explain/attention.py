"""Where a fusion looks, under its own name; evidence is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mmsdk.explain.explanation import Attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.explain.occlusion import Row
    from mmsdk.fusion import Fusion
    from mmsdk.model import JointNet


def attention_of(net: JointNet, row: Row, names: Sequence[str]) -> list[Attention]:
    """Return what the fusion weighs in a row, the mean over the members that show it; nothing where none does.

    :param names: the inputs that are present.
    """
    if net.projector.lengths is not None:  # steps are fused, not tokens
        return []
    device = net.projector.get_buffer("mean_0").device
    vectors, present = {}, {}
    for name, size in net.projector.dims.items():
        here = name in names
        array = np.array(row.values[name], np.float32) if here else np.zeros((1, size), np.float32)
        vectors[name] = torch.from_numpy(array).to(device)
        present[name] = torch.tensor([here], device=device)
    mask = torch.stack([present[name] for name in net.inputs], dim=1)
    with torch.inference_mode():
        tokens = net.projector(net.projector.standardise(vectors, mask)) * mask[:, :, None]
        parts = tokens.chunk(len(net.fusions), dim=2)
        shown = [cast("Fusion", fusion).attention(part, mask) for fusion, part in zip(net.fusions, parts, strict=True)]
    found = []
    for key in dict.fromkeys(name for one in shown for name in one):
        mean = torch.stack([one[key][0] for one in shown if key in one]).mean(0).double().cpu().tolist()
        weights = dict(zip(net.inputs, mean, strict=True))
        found.append(Attention(name=key, weights={name: weights[name] for name in names}))
    return found
