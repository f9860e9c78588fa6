"""Fusions, trainables and task types of plugins, tried on two made-up rows before anything is learned with them.

What they break here they would break anyway, an hour later and with a traceback through the whole training loop.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.fusion import Fusion
from mmsdk.model.targets import make_task
from mmsdk.plugins import from_core
from mmsdk.protocols import TASK_METHODS, Output
from mmsdk.trainable import Trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.model.targets import Target
    from mmsdk.plugins import Entry
    from mmsdk.protocols import Task

ROWS, STEPS, DIM = 2, 3, 8


def load_fusion(entry: Entry, inputs: Sequence[str], width: int, options: Mapping[str, Any]) -> type[Fusion]:
    """Return the class of a fusion; a plugin's is made once and asked for two rows first.

    :raises PluginError: it is no fusion, cannot be made, raises, or answers with another shape or what is not finite.
    """
    fusion = entry.load()
    if not from_core(entry):
        if not (isinstance(fusion, type) and issubclass(fusion, Fusion)):
            raise entry.fault(f"is no subclass of mmsdk.Fusion: {entry.spec.target!r}")
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            made = entry.tried("cannot be made", lambda: fusion.members(inputs, width, 1, **options)[0])
            if not fusion.steps:
                _try_fusing(entry, made.eval(), len(inputs), width)
    return fusion  # type: ignore[no-any-return]


def _try_fusing(entry: Entry, fusion: Fusion, inputs: int, width: int) -> None:
    """Refuse a fusion that cannot fuse two rows, the second of which has its first input alone."""
    present = torch.ones(ROWS, inputs, dtype=torch.bool)
    present[1, 1:] = False
    tokens = torch.ones(ROWS, inputs, width) * present[:, :, None]
    answer = entry.tried("cannot fuse", lambda: fusion(tokens, present))
    if not isinstance(answer, torch.Tensor) or answer.shape != (ROWS, width):
        raise entry.fault(f"makes {_shown(answer)} of tokens {tuple(tokens.shape)}, expected a tensor {(ROWS, width)}")
    if not torch.isfinite(answer).all():
        raise entry.fault("makes NaN or infinity of finite tokens")


def load_trainable(entry: Entry, dim: int, width: int, options: Mapping[str, Any]) -> type[Trainable]:
    """Return the class of a trainable; a plugin's is made once and asked for two rows first.

    :param dim: length of the vector of a step, ``width`` of its answer.
    :raises PluginError: it is none, cannot be made, raises, or answers with another shape or what is not finite.
    """
    trainable = entry.load()
    if not from_core(entry):
        if not (isinstance(trainable, type) and issubclass(trainable, Trainable)):
            raise entry.fault(f"is no subclass of mmsdk.Trainable: {entry.spec.target!r}")
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            made = entry.tried("cannot be made", lambda: trainable(dim, width, **options))
            _try_reading(entry, made.eval(), dim, width)
    return trainable  # type: ignore[no-any-return]


def _try_reading(entry: Entry, trainable: Trainable, dim: int, width: int) -> None:
    """Refuse a trainable that cannot read two rows, the second of which has one step alone."""
    present = torch.arange(STEPS)[None] < torch.tensor([[STEPS], [1]])
    values, times = torch.ones(ROWS, STEPS, dim) * present[:, :, None], torch.arange(STEPS) * present
    asked = [(trainable.forward, present.any(1))]
    if trainable.each_step:
        asked.append((trainable.forward_steps, present))
    for ask, here in asked:
        answer = entry.tried(f"fails in {ask.__name__}()", partial(ask, values, times.float(), present))
        shape = (*here.shape, width)
        if not isinstance(answer, torch.Tensor) or answer.shape != shape:
            raise entry.fault(f"makes {_shown(answer)} of steps {tuple(values.shape)}, expected a tensor {shape}")
        if not torch.isfinite(answer[here]).all():
            raise entry.fault("makes NaN or infinity of finite steps")


def open_task(entry: Entry, offered: Mapping[str, Any]) -> Task:
    """Return a new task with those of the offered options that it takes.

    :raises PluginError: a plugin's has not the methods of a task, or cannot be made.
    """
    target = entry.load()
    if from_core(entry):
        return make_task(target, offered)
    entry.require_methods(target, TASK_METHODS)
    return entry.tried("cannot be made", lambda: make_task(target, offered))  # type: ignore[no-any-return]


def try_task(entry: Entry, target: Target) -> None:
    """Ask a plugin's task, once it is prepared, for all it promises, on two labelled rows, and for its metric on all.

    :raises PluginError: head, loss, answers, scores, baseline or state are not as ``mmsdk.protocols.Task`` says.
    """
    labelled = np.flatnonzero(target.labelled)
    if from_core(entry) or len(labelled) == 0:
        return
    rows = labelled[:ROWS]
    task, values = target.task, target.values[rows]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        head = entry.tried("fails in head()", lambda: task.head(DIM).eval())
        logits = entry.tried(f"fails in the head for {DIM} numbers", lambda: head(torch.zeros(len(rows), DIM)))
        if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(rows):
            raise entry.fault(f"has a head that makes {_shown(logits)} of {len(rows)} rows, expected (b, width)")
        loss = entry.tried("fails in loss()", lambda: task.loss(logits, torch.as_tensor(values), None))
        if not isinstance(loss, torch.Tensor) or loss.shape != (len(rows),):
            raise entry.fault(f"has the loss {_shown(loss)} for {len(rows)} rows, expected one of each row, (b,)")
        guessed = head(torch.randn(len(labelled), DIM)).numpy()
    _try_answers(entry, task, logits.numpy(), values)
    scores = entry.tried("fails in scores()", lambda: task.scores(guessed, target.values[labelled]))
    found = entry.tried("fails in its metric", lambda: _scored(scores[task.metric], len(labelled)))
    if not np.isfinite(found):
        raise entry.fault(
            f"has the metric {task.metric} {found} on all {len(labelled)} labelled rows, expected a number"
        )


def _try_answers(entry: Entry, task: Task, logits: np.ndarray, values: np.ndarray) -> None:
    """Refuse answers, scores, a baseline or a state that nothing can be made of."""
    answers = entry.tried("fails in outputs()", lambda: list(task.outputs(logits)))
    if len(answers) != len(logits) or not all(isinstance(one, Output) for one in answers):
        raise entry.fault(f"answers {_shown(answers)} for {len(logits)} rows, expected a mmsdk.Output for each")
    for share in (share for one in answers for share in (one.confidence, *one.probabilities.values())):
        if share is not None and not 0 <= share <= 1 + 1e-6:
            raise entry.fault(f"answers with the confidence or probability {share!r}, expected 0 to 1")
    scores = entry.tried("fails in scores()", lambda: dict(task.scores(logits, values)))
    if task.metric not in scores:
        raise entry.fault(f"names the metric {task.metric!r}, and its scores() are {', '.join(scores) or 'none'}")
    for name, score in scores.items():
        entry.tried(f"fails in the score {name!r}", partial(_scored, score, len(logits)))
    baseline = entry.tried("fails in baseline()", lambda: task.baseline(len(logits)))
    if np.shape(baseline) != logits.shape:
        raise entry.fault(f"has a baseline {np.shape(baseline)}, expected {logits.shape} as of its head")
    entry.tried("has a state() that JSON cannot hold", lambda: json.dumps(dict(task.state())))


def _scored(score: Callable[[np.ndarray], Any], rows: int) -> float:
    """Return a score on all rows."""
    return float(score(np.arange(rows)))


def _shown(value: Any) -> str:
    """Return what a value is, in a few words."""
    if isinstance(value, torch.Tensor):
        return f"a tensor {tuple(value.shape)}"
    return f"{len(value)} of {type(value[0]).__name__}" if isinstance(value, list) and value else f"{value!r:.60}"
