"""Batches are bounded in rows and bytes, decoding in how far it goes ahead, threads in what is idle."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from mmsdk.embed import batching, choose_threads
from mmsdk.embed.batching import Decoder, batches, sample_bytes
from mmsdk.embed.threads import forward_threads, idle_cores, usable_cores


def test_batches_keep_to_rows_and_bytes(monkeypatch):
    monkeypatch.setattr(batching, "BATCH_BYTES", 100)
    sizes = [40, 40, 40, 300, 10, 10, 10, 10]
    found = list(batches(((i, np.zeros(size, np.uint8)) for i, size in enumerate(sizes)), 3, None, 99))
    assert [[i for i, _ in batch] for batch in found] == [[0, 1], [2], [3], [4, 5, 6], [7]]


def test_similar_lengths_come_together_within_a_window():
    items = enumerate(["a", "bbb", "cc", "dddd", "e"])
    found = list(batches(items, 2, len, 4))
    assert [[text for _, text in batch] for batch in found] == [["dddd", "bbb"], ["cc", "a"], ["e"]]


def test_sizes_of_samples():
    class Clip:
        def __init__(self):
            self.samples, self.rate = np.zeros(100, np.float32), 16_000

    assert sample_bytes(np.zeros(10)) == 80
    assert sample_bytes("abc") == 3
    assert sample_bytes({"a": np.zeros(10), "b": [b"1234"]}) == 84
    assert 400 <= sample_bytes(Clip()) < 1000


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_decodes_in_order_and_answers_exceptions(workers):
    def decode(cell):
        if cell % 5 == 0:
            raise ValueError(f"is {cell}")
        return cell * 2

    with Decoder(workers) as decoder:
        found = list(decoder.ahead(decode, ((i, i) for i in range(1, 40)), 8))
    assert [position for position, _ in found] == list(range(1, 40))
    assert [str(sample) for _, sample in found] == [f"is {i}" if i % 5 == 0 else str(2 * i) for i in range(1, 40)]


@pytest.mark.parametrize(("size", "most"), [(1, 10), (100, 3)])
def test_stays_a_bounded_way_ahead(size, most, monkeypatch):
    """Ten small samples may wait, but of large ones only as many as the threads have in hand."""
    monkeypatch.setattr(batching, "AHEAD_BYTES", 100)
    asked = []

    def cells():
        for i in range(50):
            asked.append(i)
            yield i, i

    with Decoder(1) as decoder:
        ahead = decoder.ahead(lambda cell: np.zeros(size, np.uint8), cells(), 10)
        distance = [len(asked) - done for done, _ in enumerate(ahead, 1)]
        ahead.close()
    assert most - 1 <= max(distance) <= most


def test_leaving_early_stops_the_threads():
    before = threading.active_count()
    with Decoder(2) as decoder:
        assert next(decoder.ahead(lambda cell: cell, ((i, i) for i in range(1000)), 100)) == (0, 0)
    assert threading.active_count() == before


def test_threads_follow_what_was_asked_then_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert choose_threads(given=2).forward == 2
    assert (choose_threads().forward, choose_threads().reason) == (3, "OMP_NUM_THREADS")


@pytest.mark.parametrize(
    ("cores", "idle", "media", "forward", "decode"),
    [
        (2, 2.0, False, 2, 1),
        (2, 2.0, True, 1, 1),
        (2, 1.1, True, 1, 1),
        (2, 1.1, False, 1, 1),
        (8, 8.0, True, 4, 4),
        (8, 0.2, False, 1, 1),
    ],
)
def test_threads_take_only_idle_cores(monkeypatch, cores, idle, media, forward, decode):
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("mmsdk.embed.threads.usable_cores", lambda: cores)
    monkeypatch.setattr("mmsdk.embed.threads.idle_cores", lambda cores: idle)
    chosen = choose_threads(media=media)
    assert (chosen.forward, chosen.decode) == (forward, decode)
    assert f"{cores} cores, {max(1, int(idle + 0.3))} idle" in str(chosen)


def test_a_gpu_leaves_the_cores_to_decoding(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("mmsdk.embed.threads.usable_cores", lambda: 6)
    chosen = choose_threads(device="cuda", media=True)
    assert (chosen.forward, chosen.decode) == (1, 6)


def test_idle_cores_are_measured():
    assert 0 <= idle_cores(usable_cores()) <= 4096


def test_torch_gets_its_threads_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with forward_threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
