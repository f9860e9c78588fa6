"""The rows to learn from, as tensors that lie on the device for the whole of training; no data loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from mmsdk.model import JointNet, Target

LEAST_STEPS, LEAST_ROWS = 16, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Targets of one task.

    :param values: ``(n, ...)``.
    :param labelled: ``(n,)`` bool.
    :param complete: every row is labelled.
    :param allowed: ``(n, width)``, what bounds leave of the answers; None where none teaches.
    :param fired: ``(n, clashes)`` bool, where the rules of :attr:`mmsdk.model.Target.clashes` hold; None likewise.
    """

    values: Tensor
    labelled: Tensor
    complete: bool
    allowed: Tensor | None = None
    fired: Tensor | None = None

    def take(self, index: Tensor) -> Labels:
        """Return the labels of some rows."""
        values, labelled = self.values.index_select(0, index), self.labelled.index_select(0, index)
        allowed, fired = (None if one is None else one.index_select(0, index) for one in (self.allowed, self.fired))
        return Labels(values=values, labelled=labelled, complete=self.complete, allowed=allowed, fired=fired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows on the device.

    :param standard: standardised vectors of each input ``(n, d_i)``, zeros where it is absent.
    :param present: ``(n, m)`` bool.
    :param labels: task name -> its labels.
    """

    standard: list[Tensor]
    present: Tensor
    labels: dict[str, Labels]

    def __len__(self) -> int:
        return len(self.present)

    def take(self, index: Tensor) -> Rows:
        """Return some of the rows."""
        return Rows(
            standard=[values.index_select(0, index) for values in self.standard],
            present=self.present.index_select(0, index),
            labels={name: one.take(index) for name, one in self.labels.items()},
        )

    def shuffled(self, size: int, generator: torch.Generator) -> Iterator[Rows]:
        """Yield :func:`count_steps` batches of all rows in a random order, as even as possible."""
        order = torch.randperm(len(self), generator=generator, device=self.present.device)
        for batch in torch.tensor_split(order, count_steps(len(self), size)):
            yield self.take(batch)


def batches_of(order: Tensor, size: int) -> list[Tensor]:
    """Cut an order of rows into batches of about ``size``, as even as possible."""
    return list(torch.tensor_split(order, count_batches(len(order), size)))


def count_steps(rows: int, size: int) -> int:
    """Return the steps of an epoch: at least 16 where batches of four rows allow it.

    A hundred rows in batches of 64 would be two steps an epoch, and training would end before it began.
    """
    return max(count_batches(rows, size), min(LEAST_STEPS, count_batches(rows, LEAST_ROWS)))


def count_batches(rows: int, size: int) -> int:
    """Return into how many batches ``rows`` are cut."""
    return max(1, round(rows / size))


def place_vectors(
    net: JointNet, embeddings: Any, rows: np.ndarray, device: torch.device
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the vectors of some rows on the device, input by input, and their mask ``(n, m)``."""
    masks = [np.asarray(embeddings.present[name][rows], dtype=bool) for name in net.inputs]
    vectors = {
        name: torch.from_numpy(np.asarray(embeddings.values[name][rows], dtype=np.float32)).to(device)
        for name in net.inputs
    }
    return vectors, torch.from_numpy(np.stack(masks, axis=1)).to(device)


def place_rows(
    net: JointNet, vectors: Mapping[str, Tensor], present: Tensor, targets: Mapping[str, Target], rows: np.ndarray
) -> Rows:
    """Return rows to learn from: vectors standardised once, targets beside them."""
    labels = {}
    for name, target in targets.items():
        labelled = target.labelled[rows]
        labels[name] = Labels(
            values=torch.from_numpy(np.ascontiguousarray(target.values[rows])).to(present.device),
            labelled=torch.from_numpy(np.ascontiguousarray(labelled)).to(present.device),
            complete=bool(labelled.all()),
            allowed=_allowed(target, rows, present.device),
            fired=_fired(target, rows, present.device),
        )
    return Rows(standard=net.projector.standardise(vectors, present), present=present, labels=labels)


def _allowed(target: Target, rows: np.ndarray, device: torch.device) -> Tensor | None:
    """Return what bounds leave to some rows; one that is left no label counts as left all."""
    if target.allowed is None or not target.ruled:
        return None
    allowed = target.allowed[rows]
    if allowed.dtype == bool:
        allowed |= ~allowed.any(axis=1, keepdims=True)
    found = torch.from_numpy(allowed)
    return (found.float() if found.is_floating_point() else found).to(device)


def _fired(target: Target, rows: np.ndarray, device: torch.device) -> Tensor | None:
    """Return for which of some rows the rules hold that answers may clash with."""
    if not target.clashes or not target.ruled:
        return None
    return torch.from_numpy(np.stack([one.rows[rows] for one in target.clashes], axis=1)).to(device)
