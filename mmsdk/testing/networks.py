"""What a network of a plugin promises, fusion or trainable alike: it is trained whole, saved whole, and never NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.errors import MmsdkError
from mmsdk.testing.checks import expect, expect_close

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch


def moved(make: Callable[[], Any]) -> Any:
    """Return a new network, the same each time, not in training, no weight at zero: a gate there hides what it does."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = make().eval()
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def expect_finite(network: Any, batch: Sequence[torch.Tensor], without: str) -> None:
    """Expect a finite answer, and from it finite gradients, of a batch with a row ``without`` anything."""
    answer = network(*batch)
    expect(bool(answer.isfinite().all()), f"a row without any {without} is answered by NaN or infinity")
    answer.square().sum().backward()
    bad = [name for name, p in network.named_parameters() if p.grad is not None and not p.grad.isfinite().all()]
    expect(not bad, f"a row without any {without} gives NaN gradients to {', '.join(bad)}")


def expect_trained(network: Any, batch: Sequence[torch.Tensor], present: torch.Tensor, what: str) -> None:
    """Expect a gradient at every ``present`` vector of the batch's first tensor, and at every parameter."""
    values = batch[0].clone().requires_grad_()
    answer = network(values, *batch[1:])
    expect(answer.requires_grad, "the answer has no gradient")
    (answer * (1 + answer.detach())).sum().backward()
    reached = values.grad.abs().sum(-1) > 0 if values.grad is not None else present & False
    expect(bool(reached[present].all()), f"some present {what} gets no gradient")
    idle = [name for name, p in network.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    expect(not idle, f"parameters that nothing trains: {', '.join(idle)}")


def expect_no_leak(network: Any, batch: Sequence[torch.Tensor], present: torch.Tensor, what: str) -> None:
    """Expect no gradient in the batch's first tensor where nothing is present."""
    values = batch[0].clone().requires_grad_()
    network(values, *batch[1:]).square().sum().backward()
    leaked = 0.0 if values.grad is None else values.grad[~present].abs().sum().item()
    expect(leaked == 0, f"a gradient reaches the place of an absent {what}")


def expect_restored(network: Any, other: Any, batch: Sequence[torch.Tensor], what: str) -> None:
    """Expect another network with the saved weights to answer the same."""
    other.load_state_dict(network.state_dict())
    expect_close(other(*batch), network(*batch), f"a {what} restored from its state_dict answers differently")


def expect_refused(make: Callable[..., Any]) -> None:
    """Expect an option that nothing knows to be an error."""
    try:
        make(no_such_option_anywhere=1)
    except (MmsdkError, TypeError):
        return
    raise AssertionError("takes an option that it does not know, and ignores it")
