"""What a step is said to take: on CUDA until its work is done, without the work that was asked for before."""

from __future__ import annotations

import time

import pytest
import torch

from mmsdk.tune.timing import timed

NO_PAGES = True  # see tests/conftest.py


@pytest.fixture
def device(monkeypatch):
    """A CUDA device that takes what it is asked for, and works on it only while somebody waits: no GPU is needed."""
    asked = []

    def work(place):
        while asked:
            time.sleep(asked.pop())

    monkeypatch.setattr(torch.cuda, "synchronize", work)
    return asked


def test_on_cuda_the_work_itself_is_timed_and_no_earlier_one(device):
    device.append(0.5)
    assert 0.1 <= timed(lambda: device.append(0.1), torch.device("cuda")) < 0.5


def test_on_the_cpu_nobody_waits_for_cuda(device):
    device.append(0.5)
    assert 0.1 <= timed(lambda: time.sleep(0.1), torch.device("cpu")) < 0.5
    assert device == [0.5]
