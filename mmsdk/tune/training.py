"""Training low-rank updates of one encoder together with the head, on rows decoded as they are needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from mmsdk.embed.batching import sample_bytes
from mmsdk.errors import ConfigError
from mmsdk.progress import duration, note, progress
from mmsdk.repeatable import repeatable
from mmsdk.train.batches import place_rows, place_vectors
from mmsdk.train.checkpoint import State, load_checkpoint, save_checkpoint, training_key
from mmsdk.train.learnable import class_weights_of, usable_rows
from mmsdk.train.objective import Objective
from mmsdk.train.schedule import learning_rate
from mmsdk.train.validation import Validation
from mmsdk.tune.lora import Adapter, inject, last_layers, read_adapter
from mmsdk.tune.timing import timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmsdk.embed import Embeddings, OpenEncoder
    from mmsdk.fusion import Projector
    from mmsdk.model import JointNet, Target
    from mmsdk.train.batches import Rows as PlacedRows

HELD_BYTES = 256 * 2**20  # of decoded samples


class Rows:
    """Decoded samples of one input by row, kept while there is room."""

    def __init__(self, cells: Any, decode: Callable[[Any], Any], room: int = HELD_BYTES) -> None:
        self._cells, self._decode, self._room = cells, decode, room
        self._held: dict[int, Any] = {}

    def __getitem__(self, row: int) -> Any:
        if row in self._held:
            return self._held[row]
        sample = self._decode(self._cells[row])
        self._room -= sample_bytes(sample)
        if self._room > 0:
            self._held[row] = sample
        return sample


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedInput:
    """The input whose encoder is tuned.

    :param config: its ``tune`` block.
    :param rows: row -> decoded sample, of rows where the input is present.
    """

    name: str
    opened: OpenEncoder
    config: Any
    rows: Rows


@dataclass(slots=True, kw_only=True)
class _Work:
    """Everything one tuning works on."""

    tuned: TunedInput
    twin: Any
    net: JointNet
    modules: tuple[str, ...]
    updates: dict[str, nn.Parameter]
    objective: Objective
    config: Any
    place: torch.device
    position: int
    optimiser: torch.optim.Optimizer
    peaks: tuple[float, ...]
    whole: nn.Module

    @property
    def projector(self) -> Projector:
        """Return what standardises the vectors; tuning and a joint space are refused together."""
        return cast("Projector", self.net.projector)


def tune_encoder(
    tuned: TunedInput,
    net: JointNet,
    embeddings: Embeddings,
    targets: Mapping[str, Target],
    split: np.ndarray,
    config: Any,
    *,
    device: str = "cpu",
    folder: Path | None = None,
    quiet: bool = False,
) -> Adapter:
    """Tune an encoder with a head that has been trained on its frozen vectors; return what was learned.

    The head comes first and both together then, so that an untrained head does not spoil the encoder (Kumar et al.
    2022, arXiv:2202.10054). The updates of the best epoch on the validation rows are kept, of the last one where there
    are none. What it will take is said before it begins. The same seed gives the same updates on the same machine; an
    interrupted tuning goes on after its last whole epoch. ``net`` is changed, and of no use afterwards.

    :param embeddings: of every row by the frozen encoders.
    :param config: the application's ``training`` block.
    :param folder: where the state after each epoch lies; None keeps none.
    :raises EncoderError: peft is not installed, or the encoder has no layers to tune.
    :raises ConfigError: the loss is no longer a number.
    """
    place = torch.device(device)
    train_rows, held_rows = usable_rows(embeddings, targets, net, config=config, split=split)
    with repeatable(place):
        torch.manual_seed(config.seed)
        work = _work(tuned, net, embeddings, targets, train_rows, config=config, place=place)
        train = _placed(work, embeddings, targets, train_rows)
        held = _placed(work, embeddings, targets, held_rows) if len(held_rows) else None
        facts = {"tune": tuned.config.model_dump(), "input": tuned.name, "encoder": tuned.opened.fingerprint}
        key = training_key(net, {**facts, "seed": config.seed}, embeddings, targets, split)
        state = None if folder is None else load_checkpoint(folder, work.whole, work.optimiser, key)
        state = state or State()
        note(_price(work, train, train_rows, held_rows), quiet)
        with progress(tuned.config.epochs, f"tuning {tuned.name}", quiet, unit="epoch") as bar:
            bar.update(state.epoch)
            while state.epoch < tuned.config.epochs:
                _epoch(work, train, train_rows, state.epoch + 1)
                _judge(work, state, held, held_rows)
                if folder is not None:
                    folder.mkdir(parents=True, exist_ok=True)
                    save_checkpoint(folder, state, work.whole, work.optimiser, key)
                bar.update(1)
        work.whole.load_state_dict(state.best_weights)
    return read_adapter(work.twin.module(), work.modules, tuned.config.rank)


def encode_rows(tuned: TunedInput, encoder: Any, rows: np.ndarray) -> np.ndarray:
    """Return the vectors ``(r, dim)`` float32 that an encoder answers for some rows."""
    size = int(getattr(encoder, "batch_size", tuned.config.batch_size))
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    answers = [encoder.encode([tuned.rows[int(row)] for row in part], tuned.opened.modality) for part in parts]
    return np.concatenate(answers) if answers else np.zeros((0, tuned.opened.dim), np.float32)


def _work(
    tuned: TunedInput,
    net: JointNet,
    embeddings: Embeddings,
    targets: Mapping[str, Target],
    rows: np.ndarray,
    *,
    config: Any,
    place: torch.device,
) -> _Work:
    """Return a private encoder with fresh updates, and an optimiser of them and of the head."""
    twin = tuned.opened.encoder.private(dtype="float32")
    known = rows[np.asarray(embeddings.present[tuned.name])[rows]]
    if len(known) == 0:
        raise ConfigError(f"inputs.{tuned.name}.tune: no training row has the input; leave tune out")
    modules = last_layers(twin, tuned.rows[int(known[0])], tuned.opened.modality, tuned.config.layers)
    updates = inject(twin.module(), modules, tuned.config.rank)
    net.to(place)
    weights = class_weights_of(targets, rows, config, place)
    head = [one for one in net.parameters() if one.requires_grad]
    groups: list[dict[str, Any]] = [{"params": list(updates.values()), "weight_decay": 0.0}, {"params": head}]
    whole = nn.Module()
    whole.net = net
    whole.updates = nn.ParameterList(updates.values())
    return _Work(
        tuned=tuned,
        twin=twin,
        net=net,
        modules=modules,
        updates=updates,
        objective=Objective(targets=targets, class_weights=weights, match=config.match, match_loss=config.match_loss),
        config=config,
        place=place,
        position=net.inputs.index(tuned.name),
        optimiser=torch.optim.AdamW(groups, weight_decay=config.weight_decay),
        peaks=(tuned.config.learning_rate, config.learning_rate),
        whole=whole,
    )


def _placed(work: _Work, embeddings: Embeddings, targets: Mapping[str, Target], rows: np.ndarray) -> PlacedRows:
    """Return rows on the device, the tuned input as the frozen encoder sees it."""
    vectors, present = place_vectors(work.net, embeddings, rows, work.place)
    return place_rows(work.net, vectors, present, targets, rows)


def _price(work: _Work, train: PlacedRows, rows: np.ndarray, held: np.ndarray) -> str:
    """Return what tuning will take, from one step."""
    size, epochs = work.tuned.config.batch_size, work.tuned.config.epochs
    steps = -(-len(rows) // size)
    index = torch.arange(min(size, len(rows)), device=work.place)
    generator = torch.Generator(work.place).manual_seed(0)
    step = timed(lambda: _loss(work, train, rows, index, generator).backward(), work.place)  # type: ignore[no-untyped-call]
    seconds = step * epochs * (steps + len(held) / size / 3)
    work.optimiser.zero_grad(set_to_none=True)
    what = f"{len(rows):,} rows x {epochs} epoch{'s' * (epochs > 1)}, {sum(p.numel() for p in work.updates.values()):,}"
    return f"tuning {work.tuned.name}: about {duration(seconds)} ({what} weights in {len(work.updates) // 2} layers)"


def _epoch(work: _Work, train: PlacedRows, rows: np.ndarray, number: int) -> None:
    """Train one epoch, counted from 1."""
    seed = work.config.seed * 1_000_003 + number
    torch.manual_seed(seed)
    generator = torch.Generator(work.place).manual_seed(seed)
    order = torch.randperm(len(rows), generator=generator, device=work.place)
    work.net.train()
    batches = torch.split(order, work.tuned.config.batch_size)
    total = len(batches) * work.tuned.config.epochs
    for step, batch in enumerate(batches, (number - 1) * len(batches)):
        for group, peak in zip(work.optimiser.param_groups, work.peaks, strict=True):
            group["lr"] = learning_rate(step, total, peak)
        loss = _loss(work, train, rows, batch, generator)
        if not torch.isfinite(loss):
            raise ConfigError(
                f"inputs.{work.tuned.name}.tune: the loss is {loss.item()} in epoch {number}: lower its learning_rate "
                f"(now {work.tuned.config.learning_rate:g})"
            )
        work.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        work.optimiser.step()


def _loss(
    work: _Work, train: PlacedRows, rows: np.ndarray, index: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return the loss of a batch whose tuned input goes through the encoder."""
    part = train.take(index)
    here = torch.nonzero(part.present[:, work.position]).flatten()
    places = index[here].cpu().numpy()
    amp = work.place.type == "cuda" and bool(work.config.amp)
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=amp):
        if len(places):
            samples = [work.tuned.rows[int(rows[place])] for place in places]
            part = _with_tuned(work, part, here, work.twin.vectors(samples, work.tuned.opened.modality).float())
        loss, _, _ = work.objective(work.net, part, generator)
    return loss


def _with_tuned(work: _Work, part: PlacedRows, here: torch.Tensor, vectors: torch.Tensor) -> PlacedRows:
    """Return rows with the vectors of the tuned input in their places, standardised as the frozen ones were."""
    standard = list(part.standard)
    values = work.projector.scaled(work.position, vectors)
    standard[work.position] = torch.zeros_like(standard[work.position]).index_copy(0, here, values)
    return replace(part, standard=standard)


def _judge(work: _Work, state: State, held: PlacedRows | None, rows: np.ndarray) -> None:
    """Count the epoch and keep its weights if it is the best on the validation rows."""
    state.epoch += 1
    standing = (float(state.epoch), 0.0)
    if held is not None:
        here = torch.nonzero(held.present[:, work.position]).flatten()
        vectors = encode_rows(work.tuned, work.twin, rows[here.cpu().numpy()])
        seen = _with_tuned(work, held, here, torch.from_numpy(vectors).to(work.place)) if len(here) else held
        found = Validation(seen, work.objective, work.config.seed)(work.net)
        standing = (found["score"], -found["loss"])
    if state.best is None or standing > state.best:
        state.best, state.best_epoch = standing, state.epoch
        state.best_weights = {name: one.detach().clone() for name, one in work.whole.state_dict().items()}
