"""Integrated gradients through the network: how much each element of an input's vector adds to the log-odds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmsdk.explain.scoring import Rows
    from mmsdk.model import JointNet
    from mmsdk.protocols import Part

STEPS = 128
Margin = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What each element of a vector adds on the way from the baseline to the row.

    :param values: ``(d,)`` float64; they sum to ``end - start``.
    :param start: the margin at the baseline.
    :param end: the margin of the row.
    """

    values: np.ndarray
    start: float
    end: float


def integrated_gradients(net: JointNet, task: str, margin: Margin, row: tuple[Rows, Rows], name: str) -> Path:
    """Integrate the gradient of a margin over the straight path from the training mean of one input to the row.

    Sundararajan, Taly, Yan 2017, arXiv:1703.01365; by captum (``pip install mmsdk[explain]``). At the baseline the
    input is there and says nothing unusual. The path is sampled at 128 Gauss-Legendre points, so that the
    values sum to the difference of the margins to about a thousandth of it.

    :param margin: logits ``(b, width)`` to ``(b,)``, differentiable: the log-odds of a label, or the number.
    :param row: values ``(1, d)`` and presence ``(1,)`` by input.
    :raises ConfigError: captum is not installed.
    """
    gradients = _captum()
    forward = _forward(net, task, margin, row, name)
    values = torch.as_tensor(np.array(row[0][name], np.float32)).to(net.projector.get_buffer("mean_0").device)
    baseline = net.projector.get_buffer(f"mean_{net.inputs.index(name)}")[None].to(values.dtype)
    found = gradients(forward).attribute(values, baselines=baseline, n_steps=STEPS, method="gausslegendre")
    with torch.no_grad():
        start, end = (float(forward(one)[0]) for one in (baseline, values))
    return Path(values=found[0].detach().double().cpu().numpy(), start=start, end=end)


def differentiable(net: JointNet, name: str) -> bool:
    """Return whether gradients reach an input's own vector: the network answers, and it has training statistics."""
    place = net.inputs.index(name)
    stems: Any = getattr(net.projector, "stems", None)
    return stems is not None and not stems[place] and not len(getattr(net, "beside", ()))


def by_part(values: np.ndarray, sources: Sequence[int], parts: Sequence[Part]) -> np.ndarray:
    """Return the sum over the elements that came of each part.

    :param sources: of each element of the vector, the position in the sample it came of.
    """
    places = np.asarray(sources)
    inside = [(places >= part.place[0]) & (places < part.place[1]) for part in parts]
    return np.array([values[one].sum() for one in inside], np.float64)


def has_captum() -> bool:
    """Return whether captum is installed, without importing it."""
    from importlib.util import find_spec

    return find_spec("captum") is not None


def _captum() -> Any:
    """Return captum's class."""
    if not has_captum():
        raise ConfigError("integrated gradients need captum: pip install mmsdk[explain]")
    from captum.attr import IntegratedGradients

    return IntegratedGradients


def _forward(net: JointNet, task: str, margin: Margin, row: tuple[Rows, Rows], name: str) -> Margin:
    """Return the margin as a function of one input's vectors ``(b, d)``, the others as they are in the row."""
    values, present = row
    device = net.projector.get_buffer("mean_0").device

    def forward(vectors: torch.Tensor) -> torch.Tensor:
        count = len(vectors)
        known, there = {}, {}
        for key, size in net.projector.dims.items():
            here = key in values and bool(present[key][0])
            array = np.asarray(values[key], np.float32) if here else np.zeros((1, size), np.float32)
            known[key] = torch.from_numpy(np.array(array)).to(device).expand(count, -1)
            there[key] = torch.full((count,), here, device=device)
        return margin(net({**known, name: vectors}, there).logits[task])

    return forward
