"""The script that one would write by hand instead of calling ``mmsdk.fit``: what ``fit_overhead.py`` compares with."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmsdk_text.minilm import MiniLM
from PIL import Image
from torch import nn
from turns import cpu

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows as tensors.

    :param values: photo and title, float32 ``(n, d)``, standardised by the training rows.
    :param truth: int64 ``(n,)``, the place of each label in ``labels``.
    """

    values: list[torch.Tensor]
    truth: torch.Tensor
    labels: list[str]
    train: torch.Tensor
    val: torch.Tensor
    test: torch.Tensor

    def of(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """Return the values of some rows."""
        return [one[rows] for one in self.values]


class PlainHead(nn.Module):
    """A projection an input, gates, one linear layer."""

    def __init__(self, dims: list[int], classes: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(
            nn.Sequential(nn.Dropout(0.5), nn.Linear(dim, 256), nn.LayerNorm(256), nn.GELU(), nn.Dropout(0.2))
            for dim in dims
        )
        self.gate = nn.Sequential(nn.Linear(512, 32), nn.GELU(), nn.Linear(32, 512))
        self.mix, self.out = nn.Linear(512, 256), nn.Linear(256, classes)

    def forward(self, values: list[torch.Tensor]) -> torch.Tensor:
        tokens = torch.stack([one(two) for one, two in zip(self.project, values, strict=True)], 1)
        weights = self.gate(tokens.flatten(1)).view(tokens.shape).softmax(1)
        return self.out(nn.functional.gelu(self.mix((weights * tokens).flatten(1))))


def learn(folder: Path, image: str, epochs: int, application: dict[str, Any]) -> dict[str, Any]:
    """Do in plain torch what the application says; then train the network of mmsdk on the same vectors."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = read(folder, image)
    embedded = cpu()
    net = PlainHead([one.shape[1] for one in rows.values], len(rows.labels))
    train(
        net, rows, epochs, 64,
        loss=lambda batch: nn.functional.cross_entropy(net(rows.of(batch)), rows.truth[batch]),
        answer=lambda some: net(rows.of(some)),
    )  # fmt: skip
    with torch.inference_mode():
        accuracy = share_right(net(rows.of(rows.test)), rows.truth[rows.test])
    plain = cpu()
    learn_bare(rows, epochs, application)
    return {"cpu": plain, "same": embedded + cpu() - plain, "head": plain - embedded, "accuracy": accuracy}


def read(folder: Path, image: str) -> Rows:
    """Read the table and embed each row once, texts of one length together."""
    with (folder / "rows.csv").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    texts = [row["title"] for row in table]
    text_encoder, picture_encoder = MiniLM(), open_pictures(image)
    title = np.zeros((len(table), 384), np.float32)
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(order), 32):
        part = order[start : start + 32]
        title[part] = text_encoder.encode([texts[row] for row in part], "text")
    photos, size = [], picture_encoder.batch_size
    for start in range(0, len(table), size):
        pictures = [Image.open(folder / row["photo"]).convert("RGB") for row in table[start : start + size]]
        photos.append(picture_encoder.encode([np.asarray(one) for one in pictures], "image"))
    labels = sorted({row["label"] for row in table})
    parts = {
        part: torch.tensor([place for place, row in enumerate(table) if row["split"] == part])
        for part in ("train", "val", "test")
    }
    values = [torch.from_numpy(np.concatenate(photos)), torch.from_numpy(title)]
    values = [(one - one[parts["train"]].mean(0)) / one[parts["train"]].std(0).clamp_min(1e-6) for one in values]
    truth = torch.tensor([labels.index(row["label"]) for row in table])
    return Rows(values=values, truth=truth, labels=labels, **parts)


def open_pictures(image: str) -> Any:
    """Return the picture encoder without asking mmsdk for it."""
    if image == "colour-shape":
        from mmsdk_image.colour_shape import ColourShape

        return ColourShape()
    from mmsdk_transformers.loader import load

    return load(image.partition(":")[2], modality="image")


def train(
    net: nn.Module,
    rows: Rows,
    epochs: int,
    size: int,
    *,
    loss: Callable[[torch.Tensor], torch.Tensor],
    answer: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """Train with AdamW and keep the weights that answer most validation rows rightly."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    best, kept = -1.0, {}
    for _ in range(epochs):
        net.train()
        for batch in rows.train[torch.randperm(len(rows.train))].split(size):
            value = loss(batch)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        net.eval()
        with torch.inference_mode():
            right = share_right(answer(rows.val), rows.truth[rows.val])
        if right > best:
            best, kept = right, {name: one.clone() for name, one in net.state_dict().items()}
    net.load_state_dict(kept)


def share_right(logits: torch.Tensor, truth: torch.Tensor) -> float:
    """Return the accuracy."""
    return float((logits.argmax(1) == truth).float().mean())


def learn_bare(rows: Rows, epochs: int, application: dict[str, Any]) -> None:
    """Train the very network of mmsdk with nothing around it: no match term, no dropped inputs, no weighing."""
    from mmsdk.config import load_application
    from mmsdk.fusion import GatedFusion
    from mmsdk.model import build_net
    from mmsdk.tasks import Classification

    config = load_application(application)
    task = Classification()
    task.prepare([str(one) for one in rows.truth[rows.train].tolist()])
    dims = {name: one.shape[1] for name, one in zip(config.inputs, rows.values, strict=True)}
    net = build_net(dims, {"label": task}, GatedFusion, config.fusion, dropout=config.training.dropout)

    def fused(some: torch.Tensor) -> torch.Tensor:
        return net.fuse(net.projector(rows.of(some)), torch.ones(len(some), len(rows.values), dtype=torch.bool))

    def loss(batch: torch.Tensor) -> torch.Tensor:
        answers = net.answers(fused(batch))["label"]
        return sum(nn.functional.cross_entropy(one, rows.truth[batch]) for one in answers)

    train(
        net, rows, epochs, config.training.batch_size,
        loss=loss, answer=lambda some: net.answer(fused(some))["label"],
    )  # fmt: skip
