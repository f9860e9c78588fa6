"""What stands in the place of an input that is there and says nothing of its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from mmsdk.explain.scoring import Rows
    from mmsdk.model import JointNet


def usual_vectors(net: JointNet, values: Rows) -> dict[str, np.ndarray]:
    """Return input -> ``(n, d)``, what is usual in training in the place of the vectors of some rows."""
    found = {}
    for name, vectors in values.items():
        given = torch.from_numpy(np.array(vectors, np.float32)).to(net.device)
        found[name] = net.projector.usual(name, given).float().cpu().numpy()
    return found
