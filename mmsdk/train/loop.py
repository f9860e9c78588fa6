"""The loop: plain torch over embeddings that lie on the device, stopped early, resumed after a kill, repeatable."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmsdk.errors import ConfigError
from mmsdk.progress import note, progress
from mmsdk.repeatable import repeatable
from mmsdk.train.batches import count_steps, place_rows, place_vectors
from mmsdk.train.board import event_log
from mmsdk.train.checkpoint import State, load_checkpoint, save_checkpoint, training_key
from mmsdk.train.learnable import check_learnable, class_weights_of, usable_rows
from mmsdk.train.objective import Objective
from mmsdk.train.own import Own, make_optimiser
from mmsdk.train.schedule import learning_rate
from mmsdk.train.settings import all_settings, unimodal_weights
from mmsdk.train.settling import settle_heads
from mmsdk.train.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmsdk.model import JointNet, Target
    from mmsdk.train.batches import Rows

CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What happened.

    :param history: one dict an epoch: ``epoch``, ``learning_rate``, ``loss`` and its parts ``loss/<task>`` and
        ``loss/match``, and where there are validation rows ``val/loss``, ``val/score`` and ``val/<task>``.
    :param best_epoch: the epoch whose weights were kept, counted from 1.
    :param resumed_from: the epoch of the checkpoint that it went on from, None where it began anew.
    """

    history: list[dict[str, float]]
    best_epoch: int
    resumed_from: int | None = None


def fit_heads(
    embeddings: Any,
    targets: Mapping[str, Target],
    net: JointNet,
    config: Any,
    split: np.ndarray,
    *,
    folder: Path | None = None,
    device: str | torch.device = "cpu",
    quiet: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> TrainResult:
    """Train ``net`` in place and leave it, on the device and in evaluation mode, with the weights of its best epoch.

    Rows of split ``train`` are learned from (all where there is none), rows of ``val`` decide when to stop; without
    any, ``config.epochs`` epochs are trained and a note says so. A row with no input at all, or with no label where
    only labels teach, is left out. The same seed on the same device gives the same weights to the bit, whether or not
    the training was killed in between; torch's own generator is left as it was.

    With ``config.refit``, and where validation rows ended the training, the first weights are then trained once more
    on the rows of ``train`` and ``val`` together, as many epochs as before, and the last weights are kept. History and
    best epoch stay those of the training that was judged. A refit that is killed begins again.

    :param embeddings: has ``values`` (input -> ``(n, d_i)`` float32) and ``present`` (input -> ``(n,)`` bool).
    :param targets: task name -> target, the tasks that ``net`` has heads for.
    :param config: the application's ``training`` block.
    :param folder: where checkpoints and TensorBoard events lie; None keeps none.
    :param checkpoint_seconds: at most one checkpoint in this time; 0 for one after every epoch.
    :raises DataError: no row to learn from.
    :raises ConfigError: nothing to learn (no task, and ``match`` is 0), the loss is no longer a number, or rules or
        ``imbalance`` ask of the tasks what they do not know.
    """
    check_learnable(targets, net, config)
    place = torch.device(device)
    key = training_key(net, all_settings(config), embeddings, targets, split)
    net.to(place)
    train, validation = _rows(embeddings, targets, net, config=config, split=split, place=place)
    if validation is None:
        note(f"no validation rows: training for {config.epochs} epochs without stopping early", quiet)
    training = _Training(net, train, validation, config)
    first = {name: one.detach().clone() for name, one in net.state_dict().items()} if config.refit else {}
    state = None if folder is None else load_checkpoint(folder, net, training.optimiser, key, training.own)
    resumed = None if state is None else state.epoch
    if state is not None:
        note(f"going on from the checkpoint after epoch {state.epoch}", quiet)
    state = state or State()

    def save() -> None:
        if folder is not None:
            save_checkpoint(folder, state, net, training.optimiser, key, training.own)

    with repeatable(place), event_log(folder, config.tensorboard, state.epoch) as log:
        _run_epochs(training, state, save=save, log=log, every=checkpoint_seconds, quiet=quiet)
        net.load_state_dict(state.best_weights)
        settled = {} if validation is None else settle_heads(net, validation)
        if config.refit and validation is not None:
            net.load_state_dict(first)
            everything = np.where(split == "val", "train", split)
            (rows, objective), _ = _rows(embeddings, targets, net, config=config, split=everything, place=place)
            _refit(_Training(net, (rows, objective), None, config, epochs=len(state.history)), quiet)
            net.load_state_dict({**net.state_dict(), **settled})
    net.eval()
    return TrainResult(history=state.history, best_epoch=state.best_epoch, resumed_from=resumed)


def _run_epochs(
    training: _Training,
    state: State,
    *,
    save: Callable[[], None],
    log: Callable[[Mapping[str, float]], None],
    every: float,
    quiet: bool,
) -> None:
    """Train until the epochs or the patience run out."""
    epochs = training.epochs
    saved = time.monotonic()
    with progress(epochs, "training", quiet, unit="epoch") as bar:
        bar.update(state.epoch)
        while not state.finished:
            row = training.epoch(state.epoch + 1)
            _judge(state, row, training)
            log(row)
            bar.update(1)
            if state.finished or time.monotonic() - saved >= every:
                save()
                saved = time.monotonic()


def _refit(training: _Training, quiet: bool) -> None:
    """Train for all of its epochs, unjudged."""
    note(f"refitting on {len(training.rows)} training and validation rows for {training.epochs} epochs", quiet)
    with progress(training.epochs, "refitting", quiet, unit="epoch") as bar:
        for number in range(1, training.epochs + 1):
            training.epoch(number)
            bar.update(1)


def _judge(state: State, row: dict[str, float], training: _Training) -> None:
    """Count the epoch, keep its weights if it is the best, and see whether it is the last."""
    state.epoch = int(row["epoch"])
    state.history.append(row)
    standing = (row["val/score"], -row["val/loss"]) if "val/score" in row else (float(state.epoch), 0.0)
    if state.best is None or standing > state.best:
        state.best, state.best_epoch = standing, state.epoch
        state.best_weights = {name: one.detach().clone() for name, one in training.net.state_dict().items()}
    stale = state.epoch - state.best_epoch
    state.finished = state.epoch >= training.epochs or stale >= training.config.patience


def _rows(
    embeddings: Any,
    targets: Mapping[str, Target],
    net: JointNet,
    *,
    config: Any,
    split: np.ndarray,
    place: torch.device,
) -> tuple[tuple[Rows, Objective], Validation | None]:
    """Return the training rows with what to minimise on them, and the validation rows where there are any."""
    rows, held_out = usable_rows(embeddings, targets, net, config=config, split=split)
    vectors, present = place_vectors(net, embeddings, rows, place)
    net.projector.fit(vectors, present)
    objective = Objective(
        targets=targets,
        class_weights=class_weights_of(targets, rows, config, place),
        match=config.match,
        match_loss=config.match_loss,
        unimodal=unimodal_weights(config, net.inputs),
        mixup=config.mixup,
    )
    train = place_rows(net, vectors, present, targets, rows)
    if len(held_out) == 0:
        return (train, objective), None
    vectors, present = place_vectors(net, embeddings, held_out, place)
    return (train, objective), Validation(place_rows(net, vectors, present, targets, held_out), objective, config.seed)


class _Training:
    """The network, its optimiser and the rows: one epoch at a time."""

    def __init__(
        self,
        net: JointNet,
        train: tuple[Rows, Objective],
        validation: Validation | None,
        config: Any,
        *,
        epochs: int | None = None,
    ) -> None:
        self.net = net
        self.rows, self.objective = train
        self.validation = validation
        self.config = config
        self.epochs = config.epochs if epochs is None else epochs
        self.steps = count_steps(len(self.rows), config.batch_size)
        self.device = self.rows.present.device
        self.own = Own(net, self.objective, config).to(self.device)
        self.optimiser = make_optimiser(net, self.own, config)

    def epoch(self, number: int) -> dict[str, float]:
        """Train one epoch, counted from 1, and return its row of the history."""
        seed = self.config.seed * 1_000_003 + number
        torch.manual_seed(seed)  # dropout, also that of a plugin's fusion
        generator = torch.Generator(self.device).manual_seed(seed)
        self.net.train()
        found: dict[str, list[torch.Tensor]] = {"loss": []}
        for step, batch in enumerate(self.rows.shuffled(self.config.batch_size, generator)):
            self._set_rate((number - 1) * self.steps + step)
            for name, one in self._step(batch, generator).items():
                found.setdefault(name, []).append(one)
        row = {"epoch": float(number), "learning_rate": float(self.optimiser.param_groups[0]["lr"])}
        row |= {name: float(torch.stack(values).mean()) if values else 0.0 for name, values in found.items()}
        if not math.isfinite(row["loss"]):
            raise ConfigError(
                f"the loss is {row['loss']} in epoch {number}: training diverged; lower training.learning_rate "
                f"(now {self.config.learning_rate:g})"
            )
        if self.validation is not None:
            row |= {f"val/{name}": one for name, one in self.validation(self.net).items()}
        return row

    def _step(self, batch: Rows, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Take one step of the optimiser and return the loss and its parts; nothing where no row of it teaches."""
        amp = bool(self.config.amp) and self.device.type == "cuda"
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=amp):
            terms, _ = self.objective.terms(self.net, batch, generator, self.own.alone)
        if not terms:
            return {}
        self.optimiser.zero_grad(set_to_none=True)
        figures = self.own.balance.backward(self.net, self.own.head_parameters, terms, generator)
        self.optimiser.step()
        self.own.balance.after()
        losses = {name: term.loss.detach() for name, term in terms.items()}
        total = torch.stack([term.weight * losses[name] for name, term in terms.items()]).sum()
        return {"loss": total} | {f"loss/{name.lstrip(':')}": one for name, one in losses.items()} | figures

    def _set_rate(self, step: int) -> None:
        """Give the optimiser the rate of this step."""
        rate = learning_rate(step, self.steps * self.epochs, self.config.learning_rate)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["pace"]
