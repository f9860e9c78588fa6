# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What a fusion over sequences promises besides: a step that is not there does not count, however many follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.testing.checks import Skip, expect, expect_close

if TYPE_CHECKING:
    import torch

    from mmsdk.fusion import Steps

LENGTHS = ((7, 4, 1, 0, 6, 0), (3, 5, 2, 4, 0, 0), (1, 1, 0, 1, 1, 0))  # of each input, row by row
DIM = 8
CLOSE = 1e-5


def sequences() -> list[Steps]:
    """Return the steps of three inputs: two sequences of many lengths, a vector; the last row has none of them."""
    import torch

    from mmsdk.fusion import Steps

    generator = torch.Generator().manual_seed(3)
    found = []
    for lengths in LENGTHS:
        count = max(lengths)
        present = torch.arange(count)[None] < torch.tensor(lengths)[:, None]
        values = torch.randn(len(lengths), count, DIM, generator=generator) * present[:, :, None]
        times = (torch.rand(len(lengths), count, generator=generator) + 0.1).cumsum(1)
        found.append(Steps(values=values, times=(times - times[:, :1]) * present, present=present))
    return found


def changed(inputs: list[Steps], number: int, **parts: torch.Tensor) -> list[Steps]:
    """Return the inputs with parts of one replaced."""
    import dataclasses

    return [dataclasses.replace(one, **parts) if n == number else one for n, one in enumerate(inputs)]


def step_fusion(subject: Any) -> Any:
    """Return a new fusion of the subject.

    :raises Skip: it asks for no steps.
    """
    if not getattr(subject.target, "steps", False):
        raise Skip("asks for no steps")
    return subject.new()


def check_steps_become_one_vector(subject: Any) -> None:
    """Sequences of any lengths, and vectors beside them, become ``(b, dim)``, finite for a row without any step."""
    fusion, inputs = step_fusion(subject), sequences()
    answer = fusion.fuse_steps(inputs)
    rows = len(LENGTHS[0])
    expect(tuple(answer.shape) == (rows, DIM), f"steps become {tuple(answer.shape)}, expected {(rows, DIM)}")
    expect(bool(answer.isfinite().all()), "a row without any step is answered by NaN or infinity")


def check_step_rows_are_independent(subject: Any) -> None:
    """A row of sequences gets the same answer alone as in a batch."""
    import torch

    from mmsdk.fusion import Steps

    fusion, inputs = step_fusion(subject), sequences()
    alone = [
        fusion.fuse_steps(
            [Steps(values=s.values[n : n + 1], times=s.times[n : n + 1], present=s.present[n : n + 1]) for s in inputs]
        )
        for n in range(len(LENGTHS[0]))
    ]
    expect_close(torch.cat(alone), fusion.fuse_steps(inputs), "a row of sequences alone and in a batch differs")


def check_step_padding_does_not_matter(subject: Any) -> None:
    """A row gets the same answer however many steps that are not there follow."""
    import torch

    fusion, inputs = step_fusion(subject), sequences()
    expected, pad = fusion.fuse_steps(inputs), torch.nn.functional.pad
    for n, one in enumerate(inputs[:2]):
        longer = changed(
            inputs,
            n,
            values=pad(one.values, (0, 0, 0, 9)),
            times=pad(one.times, (0, 9)),
            present=pad(one.present, (0, 9)),
        )
        expect_close(fusion.fuse_steps(longer), expected, "nine more steps that are not there change the answer")


def check_absent_steps_do_not_matter(subject: Any) -> None:
    """Whatever lies in the place of a step that is not there, NaN too, the answer is the same."""
    import torch

    fusion, inputs = step_fusion(subject), sequences()
    expected = fusion.fuse_steps(inputs)
    for n, one in enumerate(inputs):
        for filler in (1e4, float("nan")):
            values = torch.where(one.present[:, :, None], one.values, filler)
            times = torch.where(one.present, one.times, filler)
            found = fusion.fuse_steps(changed(inputs, n, values=values, times=times))
            expect(bool(found.isfinite().all()), "NaN in the place of an absent step reaches the answer")
            expect_close(found, expected, "what lies in the place of an absent step changes the answer")


def check_present_steps_matter(subject: Any) -> None:
    """Each step that is present can change the answer."""
    import torch

    fusion, inputs = step_fusion(subject), sequences()
    expected = fusion.fuse_steps(inputs)[0]
    for n, one in enumerate(inputs):
        for step in range(LENGTHS[n][0]):
            values = one.values.clone()
            values[0, step] += torch.linspace(-1, 1, DIM)
            gap = (fusion.fuse_steps(changed(inputs, n, values=values))[0] - expected).abs().max().item()
            expect(gap > CLOSE, f"step {step} of input {n} is present, and changing it changes nothing")


def check_steps_get_their_gradient(subject: Any) -> None:
    """Gradients are finite, reach each step that is present, and none that is not."""
    fusion, inputs = step_fusion(subject), sequences()
    leaves = [one.values.clone().requires_grad_() for one in inputs]
    for n, leaf in enumerate(leaves):
        inputs = changed(inputs, n, values=leaf)
    answer = fusion.train().fuse_steps(inputs)
    (answer * (1 + answer.detach())).sum().backward()
    for leaf, one in zip(leaves, inputs, strict=True):
        reached = leaf.grad.abs().sum(-1) if leaf.grad is not None else one.present * 0.0
        expect(bool(reached.isfinite().all()), "a gradient is NaN or infinite")
        expect(bool((reached[one.present] > 0).all()), "some present step gets no gradient")
        expect(bool((reached[~one.present] == 0).all()), "a gradient reaches the place of an absent step")


STEP_CHECKS = [
    check_steps_become_one_vector,
    check_step_rows_are_independent,
    check_step_padding_does_not_matter,
    check_absent_steps_do_not_matter,
    check_present_steps_matter,
    check_steps_get_their_gradient,
]
