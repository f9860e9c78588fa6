"""The joint network: input vectors to one fused vector a row, and a head on it for each task."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from mmsdk.errors import ConfigError
from mmsdk.fusion import LateFusion, LateHead, Projector, Steps, UnitProjector, mean_attention, unpack_steps
from mmsdk.heads import Beside, EnsembleHead, read_options, width_of
from mmsdk.trainable import SequenceStem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

    from mmsdk.fusion import Fusion, StepFusion
    from mmsdk.protocols import Task
    from mmsdk.trainable import Trainable

INPUT_DROPOUT = 0.5  # of the features of each input: rows are few, vectors wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """What the network answers: ``vector`` ``(b, dim)`` and the logits of each task ``(b, width)``."""

    vector: Tensor
    logits: dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """What reads the packed sequences of one input: the class of a trainable, its options, ``steps`` and their dim."""

    trainable: Callable[..., Trainable]
    options: Mapping[str, Any]
    steps: int
    dim: int

    def build(self, width: int) -> SequenceStem:
        """Return it with fresh weights, answering ``(b, width)``."""
        return SequenceStem(self.trainable(self.dim, width, **self.options), self.steps, self.dim)


class JointNet(nn.Module):
    """Projector, fusions and heads. Which inputs are present decides; what an absent one holds never matters.

    The net is a small ensemble in one pass: each member has an equal part of every token, a fusion of its own, the
    fused vector's part that comes of it, and a head for each task. Members learn apart (each by its own loss, from
    other first weights) and answer together, by the mean of their logits, which varies less than any of them
    (Lakshminarayanan et al. 2017, arXiv:1612.01474). The products stay as large as those of one member of full width.

    Modules are kept in lists, not under the names of inputs and tasks, which may be anything (``type``, ``a.b``).

    :param fusions: one for each member, all of one width.
    :param heads: task name -> one head for each member; or one that reads the whole fused vector and has members of
        its own.
    :param modality_dropout: chance that training drops a present input of a row; the last one is never dropped.
    """

    def __init__(
        self,
        projector: Projector | UnitProjector,
        fusions: Sequence[Fusion],
        heads: Mapping[str, Sequence[nn.Module] | EnsembleHead],
        *,
        modality_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.inputs = projector.inputs
        self.tasks = tuple(heads)
        self.projector = projector
        self.fusions = nn.ModuleList(fusions)
        self.heads = nn.ModuleList(
            one if isinstance(one, EnsembleHead) else nn.ModuleList(one) for one in heads.values()
        )
        self.modality_dropout = modality_dropout
        self.beside = nn.ModuleList()
        self.answered_beside: tuple[str, ...] = ()

    def attach(self, heads: Mapping[str, Beside]) -> None:
        """Let heads beside the network answer tasks in its place; they stand behind it and never learn with it."""
        self.answered_beside = tuple(heads)
        self.beside = nn.ModuleList(heads.values())

    def forward(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Fused:
        """Fuse and answer.

        :param vectors: input name -> ``(b, d_i)``; rows where it is absent may hold anything.
        :param present: input name -> ``(b,)`` bool.
        """
        mask = torch.stack([present[name] for name in self.inputs], dim=1)
        vector = self.fuse(self.projector(self.projector.standardise(vectors, mask)), mask)
        return Fused(vector=vector, logits=self._beside(vectors, present, self.answer(vector)))

    def heads_beside(self) -> dict[str, dict[str, Any]]:
        """Return what run.json says of the heads beside the network, by task."""
        heads = cast("Iterable[Beside]", self.beside)
        return {name: head.document() for name, head in zip(self.answered_beside, heads, strict=True)}

    @property
    def device(self) -> torch.device:
        """Return where the network is."""
        return self.projector.get_buffer("mean_0").device

    def _beside(
        self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor], logits: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the logits with those of the heads beside the network in their places."""
        if not self.beside:
            return logits
        plain = self.plain(vectors)
        heads = zip(self.answered_beside, self.beside, strict=True)
        return logits | {name: head(plain, present, logits[name]) for name, head in heads}

    def plain(self, vectors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return one vector a row for each input: of packed sequences, the mean of their steps."""
        stems = dict(zip(self.inputs, getattr(self.projector, "linears", ()), strict=False))
        return {
            name: stem.means(one) if isinstance(stem := stems.get(name), SequenceStem) else one
            for name, one in vectors.items()
        }

    def fuse(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Fuse tokens ``(b, m, dim)`` under a mask ``(b, m)`` to ``(b, dim)``; absent ones are zeros to the fusion.

        Where the fusion reads sequences, ``tokens`` are the projector's packed steps.
        """
        if self.projector.lengths is None:
            fused = [fusion(part, present) for fusion, part in self._tokens_of_members(tokens, present)]
        else:
            fused = [fusion.fuse_steps(given) for fusion, given in self._steps_of_members(tokens, present)]
        return torch.cat(fused, dim=1)

    def attention(self, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return where the fusion looks, ``(b, m)`` by its word for it: the mean over members that have it."""
        mask = torch.stack([present[name] for name in self.inputs], dim=1)
        tokens = self.projector(self.projector.standardise(vectors, mask))
        if self.projector.lengths is None:
            return mean_attention([one.attention(part, mask) for one, part in self._tokens_of_members(tokens, mask)])
        return mean_attention([one.attend_steps(given) for one, given in self._steps_of_members(tokens, mask)])

    def _tokens_of_members(self, tokens: Tensor, present: Tensor) -> Iterator[tuple[Fusion, Tensor]]:
        """Yield each member's fusion and its part of the tokens."""
        parts = (tokens * present[:, :, None].to(tokens.dtype)).chunk(len(self.fusions), dim=2)
        yield from zip(cast("Iterable[Fusion]", self.fusions), parts, strict=True)

    def _steps_of_members(self, tokens: Tensor, present: Tensor) -> Iterator[tuple[StepFusion, list[Steps]]]:
        """Yield each member's fusion and its part of the packed steps; an input that ``present`` denies has none."""
        assert self.projector.lengths is not None
        steps = unpack_steps(tokens, self.projector.lengths)
        masks = [one.present & present[:, n, None] for n, one in enumerate(steps)]
        parts = zip(*(one.values.chunk(len(self.fusions), dim=2) for one in steps), strict=True)
        for fusion, values in zip(cast("Iterable[StepFusion]", self.fusions), parts, strict=True):
            given = zip(values, steps, masks, strict=True)
            yield fusion, [Steps(values=part, times=one.times, present=mask) for part, one, mask in given]

    def readings(self) -> dict[str, float]:
        """Return what the fusion lets one read of itself, the mean over the members that have it."""
        found = [cast("Fusion", one).readings() for one in self.fusions]
        names = dict.fromkeys(name for one in found for name in one)
        told = {name: statistics.fmean(one[name] for one in found if name in one) for name in names}
        for task, heads in zip(self.tasks, self.heads, strict=True):
            first = next(iter(heads.children()), None)
            if isinstance(first, LateHead):  # its members share what was settled
                told |= {f"{task}, {name}": value for name, value in first.readings(self.inputs).items()}
        return told

    @property
    def one_space(self) -> bool:
        """Return whether fused vectors of other inputs of a row lie near each other, so that they can be tied."""
        return all(cast("Fusion", one).one_space for one in self.fusions)

    def answer(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the logits of every task from fused vectors ``(b, dim)``: the mean over the members."""
        return {name: one.mean(0) for name, one in self.answers(vector).items()}

    def answers(self, vector: Tensor) -> dict[str, Tensor]:
        """Return what each member answers from fused vectors ``(b, dim)``: task name -> ``(members, b, width)``."""
        parts = vector.chunk(len(self.fusions), dim=1)
        return {
            name: _side_by_side([head(part) for head, part in zip(heads, parts, strict=True)])
            if isinstance(heads, nn.ModuleList)
            else heads(vector)
            for name, heads in zip(self.tasks, self.heads, strict=True)
        }


def _side_by_side(answers: Sequence[Tensor]) -> Tensor:
    """Return the answers of the members ``(k, b, width)``; one that gives several in training adds them all."""
    return torch.cat([one if one.ndim == 3 else one[None] for one in answers])


def member_width(settings: Any) -> int:
    """Return the length of a member's tokens, by the application's ``fusion`` block."""
    return int(settings.dim // math.gcd(settings.dim, settings.members))


def build_net(
    dims: Mapping[str, int],
    tasks: Mapping[str, Task],
    fusion: type[Fusion],
    settings: Any,
    *,
    dropout: float = 0.0,
    input_dropout: float = INPUT_DROPOUT,
    seed: int = 0,
    trainables: Mapping[str, Stem] | None = None,
    joint: bool = False,
    head: Any = None,
) -> JointNet:
    """Build a network with fresh weights; the same seed gives the same ones, and torch's own generator is untouched.

    :param dims: input name -> length of its vectors.
    :param tasks: task name -> prepared task (its head needs the label set).
    :param fusion: the class that the fusion's spec resolves to.
    :param settings: the application's ``fusion`` block: ``dim``, ``members`` (lowered to a number that divides
        ``dim``), ``modality_dropout``, ``options``.
    :param dropout: the application's ``training.dropout``.
    :param trainables: input name -> what reads its packed sequences.
    :param joint: the vectors of all inputs lie in one space and are fused as they are.
    :param head: the application's ``head`` block: ``type`` and ``options``; None for the plain one.
    """
    width = member_width(settings)
    members = settings.dim // width
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stems = {name: stem.build(settings.dim) for name, stem in (trainables or {}).items()}
        steps = bool(getattr(fusion, "steps", False))
        projector = (
            UnitProjector(dims)
            if joint
            else Projector(dims, settings.dim, dropout, input_dropout, members, stems, steps=steps)
        )
        fusions = fusion.members(tuple(dims), width, members, **settings.options)
        return JointNet(
            projector,
            fusions,
            {name: _head(task, settings.dim, fusions, head) for name, task in tasks.items()},
            modality_dropout=settings.modality_dropout,
        )


def _head(task: Task, dim: int, fusions: Sequence[Fusion], block: Any) -> list[nn.Module] | EnsembleHead:
    """Return what answers a task inside the network, with fresh weights."""
    if block is not None and block.type == "ensemble":
        if isinstance(fusions[0], LateFusion):
            raise ConfigError(
                "head.type: the fusion late has heads of its own, one an input; leave head out, or take another fusion"
            )
        return EnsembleHead(dim, width_of(task), read_options("ensemble", block.options))
    return [fusion.head(task.head) for fusion in fusions]


def infer(
    net: JointNet,
    values: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    *,
    rows: np.ndarray | None = None,
    keep: Sequence[str] | None = None,
    batch_size: int = 1024,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Run the network over cached embeddings, on the device it is on, without gradients.

    :param values: input name -> ``(n, d_i)`` float32, memory-mapped or not; one that is not there counts as absent.
    :param present: input name -> ``(n,)`` bool.
    :param rows: positions to answer for, in the order wanted; all of them when None.
    :param keep: use these inputs only, as if the others were absent.
    :returns: fused vectors ``(n, dim)`` and task name -> logits ``(n, width)``, float32.
    """
    total = len(next(iter(values.values())))
    rows = np.arange(total) if rows is None else rows
    used = {name for name in net.inputs if name in values and (keep is None or name in keep)}
    vectors, logits = [], []
    was_training = net.training
    net.eval()
    with torch.inference_mode():
        for start in range(0, max(len(rows), 1), batch_size):
            part = rows[start : start + batch_size]
            fused = net(*_batch(net, values, present, rows=part, used=used))
            vectors.append(fused.vector.float().cpu().numpy())
            logits.append({name: one.float().cpu().numpy() for name, one in fused.logits.items()})
    net.train(was_training)
    return np.concatenate(vectors), {name: np.concatenate([one[name] for one in logits]) for name in net.tasks}


def _batch(
    net: JointNet,
    values: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
    *,
    rows: np.ndarray,
    used: set[str],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of some rows; an unused input is absent and holds zeros."""
    device = net.device
    vectors, masks = {}, {}
    for name, size in net.projector.dims.items():
        here = name in used
        array = np.asarray(values[name][rows], dtype=np.float32) if here else np.zeros((len(rows), size), np.float32)
        vectors[name] = torch.from_numpy(array).to(device)
        mask = np.asarray(present[name][rows], dtype=bool) if here else np.zeros(len(rows), dtype=bool)
        masks[name] = torch.from_numpy(mask).to(device)
    return vectors, masks
