"""Training the head: our loop against a bare torch loop over the same network, and against plain torch layers.

    python benchmarks/head.py [--rows 2000] [--epochs 20] [--batch 64] [--match 0.1] [--runs 5]

Rows of random vectors (384 + 1280 + 64, a tenth absent), one thread, CPU seconds, medians of interleaved runs. Both
loops do the same steps on the same network with the same loss and optimiser; ours also drops inputs, weighs classes,
schedules the rate, scores 150 validation rows after every epoch, and keeps the best weights. ``--match 0`` leaves the
match term out of both, and the loop without it is printed beside the one with it: that is what the term costs. The last
line is what many would write by hand: ``nn.Dropout`` and AdamW as they come, inputs side by side, no masks, no gate.

    python benchmarks/head.py --devices [--rows 20000] [--epochs 2] [--batch 64 256 1024]

Wall seconds of an epoch of ``fit_heads`` on one CPU thread and on four, and on CUDA with and without ``training.amp``.
"""

from __future__ import annotations

import argparse
import time
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from turns import CLASSES, DIMS, in_turn, problem, show, timed

from mmsdk.align.losses import infonce
from mmsdk.config import TrainingConfig
from mmsdk.fusion import GatedFusion
from mmsdk.model import build_net, prepare_targets
from mmsdk.tasks import Classification
from mmsdk.train import fit_heads
from mmsdk.train.batches import count_steps
from mmsdk.train.masks import other_subset

DIM = 256


def fresh(data):
    """Return the target and a network with fresh weights."""
    task = Classification(label_smoothing=0.1)
    target, _ = prepare_targets(task, data[1], data[2], name="kind", column="kind")
    fusion = SimpleNamespace(dim=DIM, members=4, modality_dropout=0.2, options={})
    return target, build_net(DIMS, {"kind": task}, GatedFusion, fusion, dropout=0.5)


def ours(data, arguments, device: str = "cpu", *, amp: bool = False) -> float:
    """Return the seconds of :func:`mmsdk.train.fit_heads`: of the CPU, or by the clock where a device is compared."""
    target, net = fresh(data)
    config = TrainingConfig(
        epochs=arguments.epochs, batch_size=arguments.batch, weight_decay=0.05, patience=arguments.epochs,
        match=arguments.match, amp=amp,
    )  # fmt: skip
    return timed(
        lambda: fit_heads(data[0], {"kind": target}, net, config, data[2], device=device, quiet=True),
        device=device,
        wall=arguments.devices,
    )


def by_device(data, arguments) -> None:
    """Print the seconds of an epoch on the CPU and, where there is one, on CUDA."""
    places = {"CPU, one thread": (1, {"device": "cpu"}), "CPU, four threads": (4, {"device": "cpu"})}
    if torch.cuda.is_available():
        cuda = {torch.cuda.get_device_name(): {"device": "cuda"}, "with amp": {"device": "cuda", "amp": True}}
        places |= {name: (1, words) for name, words in cuda.items()}

    def epoch(threads, words):
        torch.set_num_threads(threads)
        return ours(data, arguments, **words) / arguments.epochs

    numbers = arguments.batch * sum(DIMS.values())
    print(
        f"{arguments.rows} rows, batch {arguments.batch}, {numbers:,} numbers: seconds of an epoch, "
        f"the median of {arguments.runs} runs"
    )
    show(in_turn({name: lambda one=one: epoch(*one) for name, one in places.items()}, arguments.runs, warm=1))


def without_match(data, arguments) -> float:
    """Return the CPU seconds of :func:`bare` without the match term."""
    return bare(data, SimpleNamespace(**vars(arguments) | {"match": 0.0}))


def bare(data, arguments) -> float:
    """Return the CPU seconds of a loop without anything around it, over the same network."""
    target, net = fresh(data)
    start = time.process_time()
    rows = np.flatnonzero(data[2] == "train")
    vectors = {name: torch.from_numpy(data[0].values[name][rows]) for name in DIMS}
    present = torch.from_numpy(np.stack([data[0].present[name][rows] for name in DIMS], axis=1))
    truth = torch.from_numpy(target.values[rows])
    net.projector.fit(vectors, present)
    standard = net.projector.standardise(vectors, present)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05, fused=True)
    net.train()
    generator = torch.Generator().manual_seed(0)
    for _ in range(arguments.epochs):
        for batch in torch.tensor_split(torch.randperm(len(rows)), count_steps(len(rows), arguments.batch)):
            tokens = net.projector([one.index_select(0, batch) for one in standard])
            here = present.index_select(0, batch)
            vector = net.fuse(tokens, here)
            answers = net.answers(vector)["kind"]
            labels = truth.index_select(0, batch).repeat(len(answers))
            loss = nn.functional.cross_entropy(answers.flatten(0, 1), labels, label_smoothing=0.1)
            if arguments.match > 0:
                other = net.fuse(tokens, other_subset(here, here, generator))
                loss = loss + arguments.match * infonce(vector, other, here.sum(1) > 1)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    return time.process_time() - start


def by_hand(data, arguments) -> float:
    """Return the CPU seconds of plain torch layers on the inputs side by side."""
    target, _ = fresh(data)
    start = time.process_time()
    rows = np.flatnonzero(data[2] == "train")
    values = torch.from_numpy(np.hstack([data[0].values[name][rows] for name in DIMS]))
    truth = torch.from_numpy(target.values[rows])
    width = 3 * DIM
    net = nn.Sequential(
        nn.Dropout(0.5),
        nn.Linear(values.shape[1], width),
        nn.GELU(),
        nn.Dropout(0.5),
        nn.Linear(width, DIM),
        nn.GELU(),
        nn.Linear(DIM, CLASSES),
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    for _ in range(arguments.epochs):
        for batch in torch.randperm(len(rows)).split(arguments.batch):
            loss = nn.functional.cross_entropy(net(values[batch]), truth[batch], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, nargs="+", default=[64])
    parser.add_argument("--match", type=float, default=0.1, help="weight of the match term, which fuses a second time")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--devices", action="store_true", help="compare devices instead of loops")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = problem(arguments.rows, min(150, arguments.rows // 10))
    for batch in arguments.batch:
        (by_device if arguments.devices else by_loop)(data, SimpleNamespace(**vars(arguments) | {"batch": batch}))


def by_loop(data, arguments) -> None:
    """Print the seconds of our loop beside those of the others."""
    loops = {"bare loop, same network": bare, "mmsdk.train.fit_heads": ours, "plain layers by hand": by_hand}
    if arguments.match > 0:
        loops["bare loop without match"] = without_match
    seconds = in_turn({name: lambda one=one: one(data, arguments) for name, one in loops.items()}, arguments.runs)
    size = f"{arguments.rows} rows x {arguments.epochs} epochs, batch {arguments.batch}, dim {DIM}"
    print(f"{size}, one thread, CPU seconds")
    show(seconds, base="bare loop, same network")


if __name__ == "__main__":
    main()
