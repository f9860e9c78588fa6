"""What each fusion costs: its parameters, and the time of an epoch of the whole network beside the default's.

    python benchmarks/fusion_cost.py [--rows 1000] [--batch 64] [--runs 5] [--steps 32]

Rows of random vectors (384 + 512 + 64, a tenth absent), a task of 13 classes, ``fusion.dim`` 256 and 4 members as by
default, one thread. The second table has two sequences of up to ``--steps`` steps (64 and 40 values a step) and a
vector, and a quarter of the rows; ``gated`` gets the means of the steps there. Forward, backward and optimiser, CPU
time, medians of interleaved epochs; parameters are those of the fusions of all members, without projection and heads.
One row: the whole network out of training.
"""

from __future__ import annotations

import argparse
import statistics
import time
from types import SimpleNamespace

import torch
from torch import nn
from turns import in_turn

from mmsdk.model import Stem, build_net
from mmsdk.plugins import get_registry
from mmsdk.tasks import Classification
from mmsdk.trainable import EachStep

VECTORS = {"text": 384, "image": 512, "table": 64}
SEQUENCES = {"face": 64, "voice": 40}
CLASSES = 13


def nets(names, steps):
    """Return a network for each fusion, on vectors, or on two sequences and a vector where ``steps`` says so."""
    task = Classification()
    task.prepare([f"k{n}" for n in range(CLASSES)])
    stems = {name: Stem(trainable=EachStep, options={}, steps=steps, dim=size) for name, size in SEQUENCES.items()}
    dims = {name: steps * (size + 1) for name, size in SEQUENCES.items()} | {"table": 64} if steps else VECTORS
    settings = SimpleNamespace(dim=256, members=4, modality_dropout=0.2, options={})
    return {
        name: build_net(
            dims, {"kind": task}, get_registry().get("fusion", name).load(), settings, dropout=0.5,
            trainables=stems if steps else None,
        )
        for name in names
    }  # fmt: skip


def data(net, rows):
    """Return standardised values, which are present, and labels."""
    torch.manual_seed(0)
    values = {}
    for name, size in net.projector.dims.items():
        values[name] = torch.randn(rows, size)
        if name in SEQUENCES:
            steps = size // (SEQUENCES[name] + 1)
            length = torch.randint(steps // 2, steps + 1, (rows, 1))
            values[name][:, :steps] = torch.where(torch.arange(steps) < length, 0.04, -1.0)
    present = torch.rand(rows, len(values)) > 0.1
    net.projector.fit(values, present)
    return net.projector.standardise(values, present), present, torch.randint(CLASSES, (rows,))


def epoch(net, optimiser, rows, batch):
    """Return the CPU milliseconds of an epoch."""
    standard, present, labels = rows
    net.train()
    start = time.process_time()
    for chosen in torch.randperm(len(labels)).split(batch):
        tokens = net.projector([one.index_select(0, chosen) for one in standard])
        answers = net.answers(net.fuse(tokens, present.index_select(0, chosen)))["kind"]
        truth = labels.index_select(0, chosen).repeat(len(answers))
        loss = nn.functional.cross_entropy(answers.flatten(0, 1), truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return 1000 * (time.process_time() - start)


def one_row(net, rows):
    """Return the median CPU milliseconds that one row takes, of twenty."""
    net.eval()
    found = []
    with torch.inference_mode():
        for _ in range(20):
            start = time.process_time()
            net.answer(net.fuse(net.projector([one[:1] for one in rows[0]]), rows[1][:1]))
            found.append(1000 * (time.process_time() - start))
    return statistics.median(found)


def table(names, arguments, count, steps):
    """Print a row for each fusion."""
    made = nets(names, steps)
    rows = {name: data(net, count) for name, net in made.items()}
    optimisers = {name: torch.optim.AdamW(net.parameters(), fused=True) for name, net in made.items()}
    epochs = {
        name: lambda net=net, name=name: epoch(net, optimisers[name], rows[name], arguments.batch)
        for name, net in made.items()
    }
    spent = in_turn(epochs, arguments.runs)
    base = statistics.median(spent[names[0]])
    print(f"{'fusion':18}{'parameters':>12}{'ms an epoch':>14}{f'x {names[0]}':>14}{'ms one row':>12}")
    for name, net in made.items():
        size = sum(one.numel() for one in net.fusions.parameters())
        median = statistics.median(spent[name])
        print(f"{name:18}{size:>12,}{median:>14.0f}{median / base:>14.2f}{one_row(net, rows[name]):>12.2f}")


def main() -> None:
    """Time all of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=32)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    entries = [one for one in get_registry().entries("fusion") if not one.spec.joint and one.plugin.name == "mmsdk"]
    names = [one.spec.name for one in entries]
    print(f"three vectors, {arguments.rows} rows in batches of {arguments.batch}")
    table(names, arguments, arguments.rows, 0)
    few = arguments.rows // 4
    print(f"\ntwo sequences of up to {arguments.steps} steps and a vector, {few} rows in batches of {arguments.batch}")
    reading = ["gated", *(one.spec.name for one in entries if one.load().steps)]
    table(reading, arguments, few, arguments.steps)


if __name__ == "__main__":
    main()
