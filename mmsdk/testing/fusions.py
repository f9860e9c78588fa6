# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every fusion promises: what is absent does not count, whatever lies in its place."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from mmsdk.testing import networks
from mmsdk.testing.checks import bind, expect, expect_close
from mmsdk.testing.step_fusions import STEP_CHECKS
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mmsdk.specs import FusionSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

ROWS, INPUTS, DIM = 6, 3, 8
CLOSE = 1e-5


class FusionSubject(Subject):
    """A fusion under test, with tokens and a mask of every kind of row: whole, partial, empty."""

    def new(self, inputs: int = INPUTS) -> Any:
        """Return a new fusion, the same each time, not in training."""
        return networks.moved(lambda: self.target([f"input{n}" for n in range(inputs)], DIM))

    def batch(self, inputs: int = INPUTS) -> tuple[torch.Tensor, torch.Tensor]:
        """Return tokens ``(b, m, dim)``, zero where absent, and the mask; the last row has no input at all."""
        import torch

        generator = torch.Generator().manual_seed(1)
        tokens = torch.randn(ROWS, inputs, DIM, generator=generator)
        present = torch.ones(ROWS, inputs, dtype=torch.bool)
        for row in range(1, ROWS - 1):
            present[row, row % inputs] = inputs == 1
        present[-1] = False
        return tokens * present[:, :, None], present


def fusion_checks(spec: FusionSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one fusion."""
    functions = [
        check_target_resolves,
        check_import_is_offline,
        check_answers_the_right_shape,
        check_is_deterministic,
        check_rows_are_independent,
        check_absent_values_do_not_matter,
        check_present_values_matter,
        check_presence_matters,
        check_nothing_present_is_finite,
        check_gradient_flows,
        check_absent_inputs_get_no_gradient,
        check_weights_round_trip,
        check_unknown_options_are_refused,
        check_readings_are_numbers,
        *STEP_CHECKS,
    ]
    yield from bind(f"fusion {spec.name}", FusionSubject(spec, probe), functions)


def check_target_resolves(subject: FusionSubject) -> None:
    """The target is a subclass of ``mmsdk.Fusion``, made as ``target(inputs, dim)``."""
    import mmsdk

    subject.expect_subclass(mmsdk.StepFusion if getattr(subject.target, "steps", False) else mmsdk.Fusion)
    subject.new()


def check_answers_the_right_shape(subject: FusionSubject) -> None:
    """``(b, m, dim)`` becomes ``(b, dim)``, for one input and for several, for one row and for several."""
    for inputs in (1, 2, INPUTS):
        tokens, present = subject.batch(inputs)
        fusion = subject.new(inputs)
        for rows in (1, ROWS):
            found = tuple(fusion(tokens[:rows], present[:rows]).shape)
            expect(found == (rows, DIM), f"{rows} rows of {inputs} inputs become {found}, expected {(rows, DIM)}")


def check_is_deterministic(subject: FusionSubject) -> None:
    """Out of training, two calls give the same."""
    fusion, batch = subject.new(), subject.batch()
    expect_close(fusion(*batch), fusion(*batch), "two calls in eval mode differ")


def check_rows_are_independent(subject: FusionSubject) -> None:
    """A row gets the same answer alone as in a batch."""
    import torch

    fusion, (tokens, present) = subject.new(), subject.batch()
    alone = torch.cat([fusion(tokens[n : n + 1], present[n : n + 1]) for n in range(ROWS)])
    expect_close(alone, fusion(tokens, present), "a row alone and in a batch differs")


def check_absent_values_do_not_matter(subject: FusionSubject) -> None:
    """Whatever lies in the place of an absent input, and however it is shuffled, the answer is the same."""
    import torch

    fusion, (tokens, present) = subject.new(), subject.batch()
    expected = fusion(tokens, present)
    noise = 100 * torch.randn(tokens.shape, generator=torch.Generator().manual_seed(2))
    for filler in (noise, noise.flip(0), torch.full_like(noise, 1e4)):
        found = fusion(torch.where(present[:, :, None], tokens, filler), present)
        expect_close(found, expected, "values in the place of an absent input change the answer")


def check_present_values_matter(subject: FusionSubject) -> None:
    """Each input that is present can change the answer."""
    import torch

    fusion, (tokens, present) = subject.new(), subject.batch()
    for n in range(INPUTS):
        changed = tokens.clone()
        changed[0, n] += torch.linspace(-1, 1, DIM)  # the same added to every value would be taken away by a norm
        gap = (fusion(changed, present)[0] - fusion(tokens, present)[0]).abs().max().item()
        expect(gap > CLOSE, f"input {n} is present, and changing it changes nothing")


def check_presence_matters(subject: FusionSubject) -> None:
    """Taking an input away changes the answer: the mask is read."""
    fusion, (tokens, present) = subject.new(), subject.batch()
    for n in range(INPUTS):
        without = present.clone()
        without[0, n] = False
        lacking = tokens * without[:, :, None]
        gap = (fusion(lacking, without)[0] - fusion(tokens, present)[0]).abs().max().item()
        expect(gap > CLOSE, f"without input {n} the answer is the same")


def check_nothing_present_is_finite(subject: FusionSubject) -> None:
    """A row without any input gets a finite answer, in training too, and finite gradients."""
    tokens, present = subject.batch()
    tokens = tokens.clone().requires_grad_()  # a fusion may have no weights of its own
    for training in (False, True):
        networks.expect_finite(subject.new().train(training), (tokens, present), "input")


def check_gradient_flows(subject: FusionSubject) -> None:
    """Every present token and every parameter gets a gradient."""
    batch = subject.batch()
    networks.expect_trained(subject.new(), batch, batch[-1], "token")


def check_absent_inputs_get_no_gradient(subject: FusionSubject) -> None:
    """No gradient reaches the place of an absent input."""
    batch = subject.batch()
    networks.expect_no_leak(subject.new(), batch, batch[-1], "input")


def check_weights_round_trip(subject: FusionSubject) -> None:
    """A new fusion with the saved weights answers the same: nothing it learned lies outside ``state_dict``."""
    other = subject.target([f"input{n}" for n in range(INPUTS)], DIM).eval()
    networks.expect_restored(subject.new(), other, subject.batch(), "fusion")


def check_unknown_options_are_refused(subject: FusionSubject) -> None:
    """An option that it does not know is an error, never ignored."""
    networks.expect_refused(functools.partial(subject.target, ["a", "b"], DIM))


def check_readings_are_numbers(subject: FusionSubject) -> None:
    """What the fusion lets one read of itself are finite numbers under names."""
    for name, value in subject.new().readings().items():
        expect(
            isinstance(name, str) and isinstance(value, float) and math.isfinite(value),
            f"readings() says {name!r}: {value!r}, expected a name and a finite number",
        )
