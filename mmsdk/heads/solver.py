"""The penalised linear model: any task's own loss and a ridge on the weights, by L-BFGS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

ITERATIONS = 300


def fit_linear_map(
    features: Tensor,
    loss: Callable[[Tensor], Tensor],
    penalty: float,
    start: Tensor,
    *,
    precision: float = 1e-5,
) -> Tensor:
    """Return weights and bias ``(d + 1, width)`` that minimise ``loss(X W + b) + penalty / (2 n) |W|^2``.

    Of cross-entropy that is multinomial logistic regression with ``C = 1 / penalty``, of binary cross-entropy one
    logistic regression a label, of squared error ridge regression. The bias, the last row, is not penalised.

    :param features: ``(n, d)``.
    :param loss: the mean loss of logits ``(n, width)``.
    :param start: where to begin, ``(d + 1, width)``.
    :param precision: stop when no slope is steeper than this.
    """
    from scipy.optimize import minimize

    rate = penalty / len(features)
    shape, device = start.shape, features.device

    def judged(flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.from_numpy(flat).to(device, features.dtype).view(shape)
        logits = torch.addmm(point[-1], features, point[:-1]).requires_grad_()
        value = loss(logits)
        (slope,) = torch.autograd.grad(value, logits)
        gradient = torch.empty(shape, dtype=features.dtype, device=device)
        gradient[:-1] = torch.addmm(point[:-1], features.T, slope, beta=rate)
        gradient[-1] = slope.sum(0)
        total = float(value.detach()) + rate / 2 * float(point[:-1].square().sum())
        return total, gradient.flatten().cpu().double().numpy()

    options: dict[str, Any] = {"maxiter": ITERATIONS, "ftol": 1e-9, "gtol": precision}
    with torch.enable_grad():
        found = minimize(judged, start.flatten().cpu().double().numpy(), jac=True, method="L-BFGS-B", options=options)
    return torch.from_numpy(found.x).to(device, features.dtype).view(shape)


def apply_map(features: Tensor, weights: Tensor) -> Tensor:
    """Return ``X W + b`` of weights ``(d + 1, width)`` whose last row is the bias."""
    return torch.addmm(weights[-1], features, weights[:-1])
