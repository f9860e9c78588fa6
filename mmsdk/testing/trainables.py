# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every trainable promises: steps that are not there do not count, and a row is answered for itself."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from mmsdk.testing import networks
from mmsdk.testing.checks import Skip, bind, expect, expect_close
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mmsdk.specs import TrainableSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

    Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

LENGTHS = (7, 4, 1, 0, 6)
STEPS, DIM, WIDTH = 7, 5, 8
CLOSE = 1e-5


class TrainableSubject(Subject):
    """A trainable under test, with rows of many lengths: whole, short, of one step, of none."""

    def new(self) -> Any:
        """Return a new trainable, the same each time, not in training."""
        return networks.moved(lambda: self.target(DIM, WIDTH))

    def batch(self) -> Batch:
        """Return values ``(b, t, dim)``, zero where no step is, times ``(b, t)`` and the mask."""
        import torch

        generator = torch.Generator().manual_seed(1)
        values = torch.randn(len(LENGTHS), STEPS, DIM, generator=generator)
        times = torch.rand(len(LENGTHS), STEPS, generator=generator).cumsum(1)
        present = torch.arange(STEPS)[None] < torch.tensor(LENGTHS)[:, None]
        return values * present[:, :, None], (times - times[:, :1]) * present, present


def trainable_checks(spec: TrainableSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one trainable."""
    functions = [
        check_target_resolves,
        check_import_is_offline,
        check_answers_the_right_shape,
        check_is_deterministic,
        check_rows_are_independent,
        check_padding_does_not_matter,
        check_absent_steps_do_not_matter,
        check_present_steps_matter,
        check_presence_matters,
        check_no_step_is_finite,
        check_gradient_flows,
        check_absent_steps_get_no_gradient,
        check_weights_round_trip,
        check_unknown_options_are_refused,
        check_each_step_is_answered,
    ]
    yield from bind(f"trainable {spec.name}", TrainableSubject(spec, probe), functions)


def check_target_resolves(subject: TrainableSubject) -> None:
    """The target is a subclass of ``mmsdk.Trainable``, made as ``target(dim, width)``."""
    import mmsdk

    subject.expect_subclass(mmsdk.Trainable)
    subject.new()


def check_answers_the_right_shape(subject: TrainableSubject) -> None:
    """``(b, t, dim)`` becomes ``(b, width)``, for one row and for several, for one step and for several."""
    values, times, present = subject.batch()
    trainable = subject.new()
    for rows in (1, len(LENGTHS)):
        for steps in (1, STEPS):
            found = tuple(trainable(values[:rows, :steps], times[:rows, :steps], present[:rows, :steps]).shape)
            expect(found == (rows, WIDTH), f"{rows} rows of {steps} steps become {found}, expected {(rows, WIDTH)}")


def check_is_deterministic(subject: TrainableSubject) -> None:
    """Out of training, two calls give the same."""
    trainable, batch = subject.new(), subject.batch()
    expect_close(trainable(*batch), trainable(*batch), "two calls in eval mode differ")


def check_rows_are_independent(subject: TrainableSubject) -> None:
    """A row gets the same answer alone as in a batch, in training too where nothing is drawn."""
    import torch

    batch = subject.batch()
    for training in (False, True):
        trainable = subject.new().train(training)
        for part in trainable.modules():
            if isinstance(part, torch.nn.Dropout):
                part.eval()
        alone = torch.cat([trainable(*(one[n : n + 1] for one in batch)) for n in range(len(LENGTHS))])
        if not training or _repeats(trainable, batch):
            expect_close(alone, trainable(*batch), "a row alone and in a batch differs")


def check_padding_does_not_matter(subject: TrainableSubject) -> None:
    """A row gets the same answer however many steps that are not there follow."""
    import torch

    trainable, (values, times, present) = subject.new(), subject.batch()
    expected = trainable(values, times, present)
    pad = torch.nn.functional.pad
    longer = trainable(pad(values, (0, 0, 0, 9)), pad(times, (0, 9)), pad(present, (0, 9)))
    expect_close(longer, expected, "nine more steps that are not there change the answer")


def check_absent_steps_do_not_matter(subject: TrainableSubject) -> None:
    """Whatever lies in the place of a step that is not there, the answer is the same."""
    import torch

    trainable, (values, times, present) = subject.new(), subject.batch()
    expected = trainable(values, times, present)
    noise = 100 * torch.randn(values.shape, generator=torch.Generator().manual_seed(2))
    for filler in (noise, torch.full_like(noise, 1e4)):
        found = trainable(torch.where(present[:, :, None], values, filler), times, present)
        expect_close(found, expected, "values in the place of an absent step change the answer")
    found = trainable(values, torch.where(present, times, torch.full_like(times, 1e6)), present)
    expect_close(found, expected, "times in the place of an absent step change the answer")


def check_present_steps_matter(subject: TrainableSubject) -> None:
    """Each step that is present can change the answer."""
    trainable, (values, times, present) = subject.new(), subject.batch()
    expected = trainable(values, times, present)[0]
    for step in range(STEPS):
        changed = values.clone()
        changed[0, step] += 1.0
        gap = (trainable(changed, times, present)[0] - expected).abs().max().item()
        expect(gap > CLOSE, f"step {step} is present, and changing it changes nothing")


def check_presence_matters(subject: TrainableSubject) -> None:
    """Taking the last step away changes the answer: the mask is read."""
    trainable, (values, times, present) = subject.new(), subject.batch()
    without = present.clone()
    without[0, -1] = False
    lacking = trainable(values * without[:, :, None], times * without, without)
    gap = (lacking[0] - trainable(values, times, present)[0]).abs().max().item()
    expect(gap > CLOSE, "without its last step a row gets the same answer")


def check_no_step_is_finite(subject: TrainableSubject) -> None:
    """A row without any step gets a finite answer, in training too, and finite gradients."""
    for training in (False, True):
        networks.expect_finite(subject.new().train(training), subject.batch(), "step")


def check_gradient_flows(subject: TrainableSubject) -> None:
    """Every present step and every parameter gets a gradient."""
    batch = subject.batch()
    networks.expect_trained(subject.new(), batch, batch[-1], "step")


def check_absent_steps_get_no_gradient(subject: TrainableSubject) -> None:
    """No gradient reaches the place of a step that is not there."""
    batch = subject.batch()
    networks.expect_no_leak(subject.new(), batch, batch[-1], "step")


def check_weights_round_trip(subject: TrainableSubject) -> None:
    """A new one with the saved weights answers the same: nothing it learned lies outside ``state_dict``."""
    networks.expect_restored(subject.new(), subject.target(DIM, WIDTH).eval(), subject.batch(), "trainable")


def check_unknown_options_are_refused(subject: TrainableSubject) -> None:
    """An option that it does not know is an error, never ignored."""
    networks.expect_refused(functools.partial(subject.target, DIM, WIDTH))


def check_each_step_is_answered(subject: TrainableSubject) -> None:
    """Where ``each_step`` is true, every step gets an answer of its own, and absent ones change none."""
    import torch

    trainable, (values, times, present) = subject.new(), subject.batch()
    if not trainable.each_step:
        raise Skip("answers no single step")
    expected = trainable.forward_steps(values, times, present)
    shape = tuple(expected.shape)
    expect(shape == (*present.shape, WIDTH), f"steps become {shape}, expected {(*present.shape, WIDTH)}")
    noise = torch.where(present[:, :, None], values, torch.full_like(values, float("nan")))
    found = trainable.forward_steps(noise, times, present)
    expect(bool(found[present].isfinite().all()), "NaN in the place of an absent step reaches the answer to another")
    expect_close(found[present], expected[present], "values in the place of an absent step change the answer")


def _repeats(trainable: Any, batch: Batch) -> bool:
    """Return whether two calls agree: nothing is drawn."""
    return bool((trainable(*batch) - trainable(*batch)).abs().max().item() == 0)
