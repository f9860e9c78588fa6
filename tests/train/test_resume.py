"""Killed and resumed: the weights of the run that nobody killed; a torn or foreign checkpoint is not believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from mmsdk.train import fit_heads
from mmsdk.train.checkpoint import NAME

CHILD = """
import importlib.util, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("parts", sys.argv[1])
parts = importlib.util.module_from_spec(spec); spec.loader.exec_module(parts)
from mmsdk.fusion import GatedFusion
from mmsdk.train import fit_heads, loop
class Slow(loop.Validation):  # so that the kill falls into the middle
    def __call__(self, net):
        time.sleep(0.15)
        return super().__call__(net)
loop.Validation = Slow
problem, config = parts.make_problem(), parts.make_settings(epochs=30, patience=30, match=0.2)
targets, net = parts.make_parts(problem, config)
fit_heads(problem[0], targets, net, config, problem[2], folder=Path(sys.argv[2]), quiet=True, checkpoint_seconds=0)
"""


def same(first, second) -> bool:
    return all(torch.equal(one, second.state_dict()[name]) for name, one in first.state_dict().items())


def test_killed_with_sigkill_and_resumed_it_ends_with_the_same_weights(problem, settings, parts, tmp_path):
    config = settings(epochs=30, patience=30, match=0.2)
    script = Path(__file__).with_name("conftest.py")
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(script), str(tmp_path)], env=os.environ)
    deadline = time.monotonic() + 100
    while not (tmp_path / NAME).exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    targets, net = parts(problem, config)
    resumed = fit_heads(problem[0], targets, net, config, problem[2], folder=tmp_path, quiet=True)
    targets, whole = parts(problem, config)
    expected = fit_heads(problem[0], targets, whole, config, problem[2], quiet=True)
    assert 1 <= resumed.resumed_from < 30
    assert expected.resumed_from is None
    assert resumed.history == expected.history
    assert same(net, whole)


def test_a_finished_training_is_not_repeated(problem, settings, parts, tmp_path):
    config = settings(epochs=4)
    targets, net = parts(problem, config)
    first = fit_heads(problem[0], targets, net, config, problem[2], folder=tmp_path, quiet=True)
    targets, again = parts(problem, config)
    second = fit_heads(problem[0], targets, again, config, problem[2], folder=tmp_path, quiet=True)
    assert second.resumed_from == len(first.history)
    assert second.history == first.history
    assert same(net, again)


def test_a_checkpoint_of_other_settings_or_data_begins_anew(problem, settings, parts, tmp_path):
    config = settings(epochs=2)
    targets, net = parts(problem, config)
    fit_heads(problem[0], targets, net, config, problem[2], folder=tmp_path, quiet=True)
    other = settings(epochs=2, weight_decay=0.5)
    targets, net = parts(problem, other)
    assert fit_heads(problem[0], targets, net, other, problem[2], folder=tmp_path, quiet=True).resumed_from is None
    problem[0].values["photo"][0] += 1
    targets, net = parts(problem, other)
    assert fit_heads(problem[0], targets, net, other, problem[2], folder=tmp_path, quiet=True).resumed_from is None


def test_a_torn_checkpoint_begins_anew(problem, settings, parts, tmp_path):
    (tmp_path / NAME).write_bytes(b"\x10\0\0\0\0\0\0\0{torn")
    targets, net = parts(problem, settings(epochs=1))
    assert (
        fit_heads(problem[0], targets, net, settings(epochs=1), problem[2], folder=tmp_path, quiet=True).resumed_from
        is None
    )
