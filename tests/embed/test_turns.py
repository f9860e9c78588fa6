"""Two processes that embed the same rows at the same time encode each row once between them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from mmsdk.embed.turns import FOLDER, turn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no flock")

PLUGIN = """
import os, time
import numpy as np
from mmsdk import EncoderSpec, ModalitySpec, hookimpl


class Word:
    def decode(self, cell):
        return str(cell[0])


class Slow:
    dim = 2
    batch_size = 8

    def encode(self, batch, modality):
        with open(os.environ["ENCODED"], "a") as log:
            log.writelines(f"{os.getpid()} {text}\\n" for text in batch)
        time.sleep(0.05)
        return np.array([[len(text), ord(text[-1])] for text in batch], np.float32)


@hookimpl
def mmsdk_modalities():
    yield ModalitySpec(name="word", target="mmsdk_slow:Word", sample="str", cells="a word")


@hookimpl
def mmsdk_encoders():
    yield EncoderSpec(name="slow", modalities=("word",), dim=2, target="mmsdk_slow:Slow")
"""
SCRIPT = """
import sys
from mmsdk.config import load_application
from mmsdk.data import read_samples, read_table
from mmsdk.embed import Embedder, EmbeddingCache, open_encoder, column
column.CHUNK_ROWS = (16, 16)
app = load_application({"inputs": {"word": {"column": "w", "modality": "word"}}})
samples, _ = read_samples(read_table([{"w": f"word {n}"} for n in range(96)]), app, partial=True)
print("ready", flush=True)
sys.stdin.readline()
result = Embedder(EmbeddingCache()).embed(samples, {"word": open_encoder("slow", "word")})
print(result.stats.encoded, result.stats.cached, float(result.values["word"].sum()))
"""


def test_each_row_is_encoded_once_by_two_processes_together(tmp_path):
    from mmsdk.testing.fakes import write_distribution

    write_distribution(tmp_path / "site", "mmsdk-slow", modules={"mmsdk_slow": textwrap.dedent(PLUGIN)})
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "site"),
        "MMSDK_CACHE_DIR": str(tmp_path / "cache"),
        "ENCODED": str(tmp_path / "encoded"),
    }
    both = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout.readline() == "ready\n", one.stderr.read()
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    answers = [one.communicate(timeout=120) for one in both]
    encoded, cached, sums = zip(*(out.split() for out, _ in answers), strict=True)
    log = [line.split(" ", 1) for line in (tmp_path / "encoded").read_text().splitlines()]
    assert sorted(text for _, text in log) == sorted(f"word {n}" for n in range(96))
    assert sum(map(int, encoded)) == 96
    assert sum(map(int, cached)) == 96
    assert sums[0] == sums[1]
    assert any("waiting for another process" in err for _, err in answers)


def test_threads_take_turns_and_other_names_do_not_wait(tmp_path):
    order, waited = [], []
    inside, leave = threading.Event(), threading.Event()

    def first():
        with turn(tmp_path, ["a"], list):
            inside.set()
            leave.wait(10)
            order.append("first")

    def second():
        with turn(tmp_path, ["a"], lambda: waited.append("second")):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    with turn(tmp_path, ["b"], lambda: waited.append("b")):
        order.append("other")
    while not waited:
        time.sleep(0.01)
    leave.set()
    for one in threads:
        one.join(10)
    assert order == ["other", "first", "second"]
    assert waited == ["second"]


def test_the_turn_of_a_killed_process_is_free(tmp_path):
    script = f"""
import time
from pathlib import Path
from mmsdk.embed.turns import turn
with turn(Path({str(tmp_path)!r}), ["a"], print):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with turn(tmp_path, ["a"], pytest.fail):
        assert (tmp_path / FOLDER / "a").exists()


def test_without_a_folder_or_where_it_takes_no_lock_nobody_waits(tmp_path):
    (tmp_path / "file").write_text("")
    entered = []
    with turn(None, ["a"], pytest.fail):
        entered.append("none")
    with turn(tmp_path / "file", ["a"], pytest.fail):
        entered.append("no folder")
    assert entered == ["none", "no folder"]
