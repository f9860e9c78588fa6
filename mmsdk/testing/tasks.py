# ruff: noqa: D401 - the docstring of a check is the promise, shown when it is broken
"""What every task type promises: targets, a head, a loss and answers that fit each other, and a state in JSON.

A task of a plugin's own says which cells it takes: an optional ``examples()`` on its class returns eight or more
training cells. A ranking task, which learns from interactions and not from a column, says ``examples() -> []``.
"""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any

from mmsdk.plugins import missing_methods
from mmsdk.protocols import TASK_METHODS, Output
from mmsdk.testing.checks import NoCells, Skip, bind, expect
from mmsdk.testing.subject import Subject, check_import_is_offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmsdk.specs import TaskSpec
    from mmsdk.testing.checks import Check
    from mmsdk.testing.probe import Probe

DIM = 6
ENOUGH = 8
_CELLS: dict[str, list[Any]] = {
    "classification": ["a", "b", "a", "c", "b", "a", "c", "b"],
    "multilabel": ["a|b", "b", "a", "c|a", "b|c", "a", "c", "b"],
    "regression": ["1.5", "-2", "0", "3e1", "4", "5.25", "6", "7"],
    "ranking": [],
}


class TaskSubject(Subject):
    """A task type under test, with training cells."""

    @functools.cached_property
    def cells(self) -> list[Any]:
        """Return training cells.

        :raises Skip: it learns from interactions.
        """
        own = getattr(self.target, "examples", None)
        if not own and self.spec.name not in _CELLS:
            raise NoCells(
                f"there are no sample cells: give {self.spec.target} a method examples() that returns {ENOUGH} or more "
                "training cells"
            )
        found = list(self.target().examples()) if own else _CELLS[self.spec.name]
        if not found:
            raise Skip("learns from interactions, not from a column")
        expect(len(found) >= ENOUGH, f"examples() gives {len(found)} cells, expected {ENOUGH} or more")
        return found

    def prepared(self) -> Any:
        """Return a new task that has seen the training cells, one of them unlabelled."""
        cells = self.cells  # a ranking task skips here, before it is made
        task = self.target()
        task.prepare([*cells, None])
        return task

    def logits(self, task: Any, rows: int) -> Any:
        """Return logits ``(rows, width)`` of a new head on random vectors."""
        import torch

        generator = torch.Generator().manual_seed(3)
        return task.head(DIM)(torch.randn(rows, DIM, generator=generator))


def task_checks(spec: TaskSpec, probe: Probe | None = None) -> Iterator[Check]:
    """Yield the checks of one task type."""
    functions = [
        check_target_resolves,
        check_import_is_offline,
        check_targets_have_the_right_shape,
        check_unlabelled_rows_are_masked,
        check_only_unlabelled_rows,
        check_unusable_cells_are_problems,
        check_head_and_loss_fit,
        check_loss_has_a_gradient,
        check_class_weights_fit,
        check_outputs_fit,
        check_scores_take_rows,
        check_baseline_fits,
        check_state_round_trips,
    ]
    yield from bind(f"task {spec.name}", TaskSubject(spec, probe), functions)


def check_target_resolves(subject: TaskSubject) -> None:
    """The target has the members of a task, is made without arguments, and names its metric."""
    with contextlib.suppress(NoCells):
        _ = subject.cells  # a ranking task has another shape, and skips here
    missing = missing_methods(subject.target, TASK_METHODS)
    expect(not missing, f"{subject.spec.target} has no method {', '.join(missing)}")
    task = subject.target()
    expect(isinstance(task.metric, str) and task.metric, "metric names no metric")
    expect(isinstance(task.higher_is_better, bool), "higher_is_better is no bool")


def check_targets_have_the_right_shape(subject: TaskSubject) -> None:
    """``encode`` gives one finite target, one bool and no problem for each training cell."""
    import numpy as np

    targets, labelled, problems = subject.prepared().encode(subject.cells)
    n = len(subject.cells)
    expect(len(targets) == n, f"{n} cells got {len(targets)} targets")
    expect(labelled.shape == (n,) and labelled.dtype == bool, f"the mask is {labelled.dtype} {labelled.shape}")
    expect(bool(labelled.all()), "a training cell counts as not labelled")
    expect(not problems, f"training cells are problems: {[str(problem) for problem in problems][:2]}")
    expect(bool(np.isfinite(targets).all()), "targets hold NaN or infinity")


def check_unlabelled_rows_are_masked(subject: TaskSubject) -> None:
    """``None`` and ``""`` are rows without a label: masked, no problem, and the others stay as they were."""
    import numpy as np

    task = subject.prepared()
    alone, _, _ = task.encode(subject.cells)
    targets, labelled, problems = task.encode([None, *subject.cells, ""])
    expect(labelled.tolist() == [False, *[True] * len(subject.cells), False], f"the mask is {labelled.tolist()}")
    expect(not problems, "a cell without a label is a problem")
    expect(np.array_equal(targets[1:-1], alone), "unlabelled rows change the targets of the others")
    expect(bool(np.isfinite(targets).all()), "an unlabelled row's target is NaN: it would reach the loss")


def check_only_unlabelled_rows(subject: TaskSubject) -> None:
    """A table without any label can be encoded."""
    targets, labelled, problems = subject.prepared().encode([None, "", None])
    expect(len(targets) == 3 and not labelled.any() and not problems, "three empty cells are not three masked rows")


def check_unusable_cells_are_problems(subject: TaskSubject) -> None:
    """A cell that it cannot use is a Problem at its 0-based place and masked, never an exception."""
    cells = [subject.cells[0], object(), subject.cells[1]]
    _, labelled, problems = subject.prepared().encode(cells)
    expect(
        [problem.row for problem in problems] == [1], f"problems lie at {[problem.row for problem in problems]}, not 1"
    )
    expect(labelled.tolist() == [True, False, True], f"the mask is {labelled.tolist()}")


def check_head_and_loss_fit(subject: TaskSubject) -> None:
    """The head takes ``(b, dim)``, and the loss gives one finite number a row."""
    import torch

    task = subject.prepared()
    targets, _, _ = task.encode(subject.cells)
    logits = subject.logits(task, len(targets))
    expect(
        logits.ndim == 2 and len(logits) == len(targets), f"the head gives {tuple(logits.shape)}, expected (b, width)"
    )
    loss = task.loss(logits, torch.as_tensor(targets), None)
    expect(tuple(loss.shape) == (len(targets),), f"the loss is {tuple(loss.shape)}, expected one a row")
    expect(bool(loss.isfinite().all()), "the loss is NaN or infinite")


def check_loss_has_a_gradient(subject: TaskSubject) -> None:
    """A step against the gradient lowers the loss."""
    import torch

    task = subject.prepared()
    targets = torch.as_tensor(task.encode(subject.cells)[0])
    logits = subject.logits(task, len(targets)).detach().requires_grad_()
    before = task.loss(logits, targets, None).mean()
    expect(before.requires_grad, "the loss has no gradient")
    before.backward()
    expect(logits.grad is not None and bool(logits.grad.any()), "the gradient of the loss is zero")
    after = task.loss(logits.detach() - 1e-2 * logits.grad, targets, None).mean()
    expect(after.item() < before.item(), "a step against the gradient does not lower the loss")


def check_class_weights_fit(subject: TaskSubject) -> None:
    """Class weights are ``None``, or finite, above zero, and taken by the loss."""
    import numpy as np
    import torch

    task = subject.prepared()
    targets, _, _ = task.encode(subject.cells)
    weights = task.class_weights(targets)
    if weights is None:
        return
    expect(bool((np.isfinite(weights) & (weights > 0)).all()), f"class weights are {weights}, expected above zero")
    loss = task.loss(subject.logits(task, len(targets)), torch.as_tensor(targets), torch.as_tensor(weights))
    expect(
        tuple(loss.shape) == (len(targets),) and bool(loss.isfinite().all()), "a weighted loss is not one number a row"
    )


def check_outputs_fit(subject: TaskSubject) -> None:
    """One Output a row; probabilities lie in 0 to 1, and the confidence with them."""
    task = subject.prepared()
    outputs = task.outputs(_numpy(subject.logits(task, 5)))
    expect(len(outputs) == 5, f"5 rows got {len(outputs)} outputs")
    for output in outputs:
        expect(isinstance(output, Output), f"answered {type(output).__name__}, expected mmsdk.Output")
        chances = list(output.probabilities.values())
        expect(all(0 <= p <= 1 + 1e-6 for p in chances), f"probabilities {chances} are not in 0 to 1")
        expect(
            output.confidence is None or 0 <= output.confidence <= 1 + 1e-6,
            f"confidence is {output.confidence}, expected 0 to 1",
        )
        json.dumps([output.value, dict(output.probabilities)])


def check_scores_take_rows(subject: TaskSubject) -> None:
    """``scores`` gives functions of row numbers, repeated ones too; the task's metric is one, and a finite number."""
    import numpy as np

    task = subject.prepared()
    targets, _, _ = task.encode(subject.cells)
    scores = task.scores(_numpy(subject.logits(task, len(targets))), targets)
    expect(task.metric in scores, f"its metric {task.metric!r} is not among its scores: {', '.join(scores)}")
    everything = np.arange(len(targets))
    for name, score in scores.items():
        for rows in (everything, np.array([0, 0, 1, 2, 2])):
            expect(isinstance(float(score(rows)), float), f"{name} is no number")
        expect(name != task.metric or np.isfinite(score(everything)), f"{name}, its metric, is NaN of all rows")
        expect(
            np.isclose(score(everything), score(everything[::-1]), equal_nan=True),
            f"{name} depends on the order of the rows",
        )


def check_baseline_fits(subject: TaskSubject) -> None:
    """The answer that looks at no input is the same for every row and as wide as the head's."""
    import numpy as np

    task = subject.prepared()
    found = task.baseline(4)
    width = subject.logits(task, 4).shape[1]
    expect(found.shape == (4, width), f"baseline(4) is {found.shape}, expected {(4, width)}")
    expect(bool(np.isfinite(found).all()) and bool((found == found[0]).all()), "baseline rows differ or are not finite")
    expect(len(task.outputs(found)) == 4, "outputs() does not take the baseline")


def check_state_round_trips(subject: TaskSubject) -> None:
    """``state()`` goes through JSON into a new task, which then encodes and answers the same."""
    import numpy as np

    task, other = subject.prepared(), subject.target()
    try:
        text = json.dumps(task.state(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"state() is not JSON: {error}") from None
    other.load_state(json.loads(text))
    expect(np.array_equal(task.encode(subject.cells)[0], other.encode(subject.cells)[0]), "targets differ afterwards")
    logits = _numpy(subject.logits(task, 5))
    expect(task.outputs(logits) == other.outputs(logits), "answers differ afterwards")
    expect(np.array_equal(task.baseline(2), other.baseline(2)), "the baseline differs afterwards")


def _numpy(tensor: Any) -> Any:
    """Return a tensor's values."""
    return tensor.detach().numpy()
