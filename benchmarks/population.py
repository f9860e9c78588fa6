"""A population of 64 heads in one batched pass against one head, and what one row costs each type of head.

    python benchmarks/population.py [--rows 1600] [--epochs 20] [--runs 3] [--device cpu|cuda]

Rows of random vectors (384 + 1280 + 64, a tenth absent, 13 classes), one thread, CPU seconds (wall
seconds on CUDA), medians of runs that are interleaved in one
process. "one head" is a population of one, trained by the same code for as many epochs; below it
stands the network that ``mmsdk.fit`` trains by default, with ``mmsdk.train.fit_heads``, for as many epochs. A row is
answered through ``mmsdk.model.infer``, the whole way from cached vectors to logits.
"""

from __future__ import annotations

import argparse
import statistics
from types import SimpleNamespace

import numpy as np
import torch
from turns import DIMS, in_turn, problem, show, timed

from mmsdk.config import TrainingConfig
from mmsdk.fusion import GatedFusion
from mmsdk.heads import BlendHead, Lesson, fit_linear, read_options
from mmsdk.model import build_net, infer, prepare_targets
from mmsdk.tasks import Classification
from mmsdk.train import fit_heads
from mmsdk.train.population import fit_population


def learnable(rows: int):
    """Return embeddings, target and split."""
    embeddings, cells, split = problem(rows, rows // 8)
    target, _ = prepare_targets(Classification(label_smoothing=0.1), cells, split, name="kind", column="kind")
    return embeddings, target, split


def lesson_of(embeddings, target, rows, device) -> Lesson:
    """Return some rows to learn from."""
    return Lesson(
        vectors={name: torch.from_numpy(one[rows]).to(device) for name, one in embeddings.values.items()},
        present=torch.from_numpy(np.stack([embeddings.present[name][rows] for name in DIMS], axis=1)).to(device),
        task=target.task,
        targets=torch.from_numpy(target.values[rows]).to(device),
        weights=torch.from_numpy(target.task.class_weights(target.values[rows])).to(device),
    )


def settings(epochs: int) -> TrainingConfig:
    """Return the ``training`` block."""
    return TrainingConfig(epochs=epochs, patience=epochs, match=0.1)


def net_of(target, head=None):
    """Return the network of the defaults."""
    fusion = SimpleNamespace(dim=256, members=4, modality_dropout=0.2, options={})
    return build_net(DIMS, {"kind": target.task}, GatedFusion, fusion, dropout=0.5, head=head)


def training(data, arguments) -> None:
    """Print what training takes."""
    embeddings, target, split = data
    device = arguments.device
    train, judge = (lesson_of(embeddings, target, np.flatnonzero(split == part), device) for part in ("train", "val"))
    config = settings(arguments.epochs)

    def population(size: int):
        return lambda: fit_population(train, judge, read_options("population", {"size": size, "keep": 1}), config)

    def network():
        fit_heads(embeddings, {"kind": target}, net_of(target), config, split, device=device, quiet=True)

    acts = {"one head": population(1), "64 heads together": population(64), "the default network": network}
    seconds = in_turn(
        {name: lambda act=act: timed(act, device=device) for name, act in acts.items()}, arguments.runs, warm=1
    )
    print(f"{arguments.rows} rows x {arguments.epochs} epochs on {device}, seconds")
    show(seconds, base="one head", digits=1)
    one, all_of_them = (statistics.median(seconds[name]) for name in ("one head", "64 heads together"))
    print(f"64 heads take {all_of_them / one:.1f} times the time of one")


def latency(data) -> None:
    """Print what one row takes."""
    embeddings, target, split = data
    train, judge = (lesson_of(embeddings, target, np.flatnonzero(split == part), "cpu") for part in ("train", "val"))
    linear = fit_linear(train, read_options("linear", {"penalty": 1.0}))
    population = fit_population(train, judge, read_options("population", {}), settings(1))
    ensemble = SimpleNamespace(type="ensemble", options={})
    nets = {"plain": net_of(target), "ensemble": net_of(target, ensemble)}
    for name, head in {"linear": linear, "blend": BlendHead(linear, 0.5), "population": population}.items():
        nets[name] = net_of(target)
        nets[name].attach({"kind": head})
    print("\none row, three inputs, to logits on the CPU, milliseconds: median and 95th percentile of 300")
    row = {name: one[:1] for name, one in embeddings.values.items()}
    here = {name: np.ones(1, bool) for name in DIMS}
    for name, net in nets.items():
        net.eval()
        took = [timed(lambda net=net: infer(net, row, here)) * 1000 for _ in range(320)][20:]
        print(f"{name:12s} {statistics.median(took):.2f}  {np.quantile(took, 0.95):.2f}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1600)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = learnable(arguments.rows)
    training(data, arguments)
    latency(data)


if __name__ == "__main__":
    main()
