"""Kills, full disks and damaged files: what was acknowledged is there, and the rest is said in a sentence."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from index_data import clustered

from mmsdk.errors import StoreError
from mmsdk.index import JointIndex

WRITER = """
import sys
import numpy as np
from mmsdk.index import JointIndex, keeper

keeper.TAIL_ROWS = 150  # write snapshots all the time
folder, start = sys.argv[1], int(sys.argv[2])
index = JointIndex.open(folder)
for step in range(start, 10_000):
    vectors = np.random.default_rng(step).standard_normal((20, 16)).astype(np.float32)
    index.add([f"{step}-{i}" for i in range(20)], vectors, [{"step": step, "i": i} for i in range(20)])
    print("add", step, flush=True)
    if step % 3 == 2:
        index.remove([f"{step - 1}-{i}" for i in range(20)])
        print("remove", step - 1, flush=True)
    if step % 40 == 39:
        index.compact()
        print("compact", step, flush=True)
"""


def test_kill_at_any_moment_loses_nothing_acknowledged(tmp_path):
    folder = tmp_path / "i"
    JointIndex.create(folder, 16, type="ivf").close()
    added, removed, start = set(), set(), 0
    for round_ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(0.05 + 0.07 * round_)
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read()  # not communicate(), which would lose what readline() read ahead
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        for line in "".join([*lines, rest]).splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # killed in the midst of saying so: nothing is acknowledged
            word, step = line.split()
            {"add": added, "remove": removed, "compact": set()}[word].add(int(step))
        start = max(added) + 2  # the step after the last acknowledged one may be there or not
        with JointIndex.open(folder) as index:
            present = set(index.ids())
            for step in added - removed:
                ids = [f"{step}-{i}" for i in range(20)]
                if step + 1 == max(added) and (step + 1) % 3 == 2 and not present & set(ids):
                    removed.add(step)  # done, and killed before it could say so
                    continue
                vectors, rows = index.get(ids)
                true = np.random.default_rng(step).standard_normal((20, 16)).astype(np.float32)
                assert np.allclose(vectors, true / np.linalg.norm(true, axis=1, keepdims=True), atol=1e-6)
                assert rows == [{"step": step, "i": i} for i in range(20)]
                assert index.search(true[:1], 1)[0][0].id == ids[0]
            for step in removed:
                assert not present & {f"{step}-{i}" for i in range(20)}
            counts = {}
            for name in present:
                counts[name.split("-")[0]] = counts.get(name.split("-")[0], 0) + 1
            assert set(counts.values()) == {20}  # an add is whole or absent
    assert len(added) >= 6


FILLER = """
import resource, sys
import numpy as np
from mmsdk.errors import StoreError
from mmsdk.index import JointIndex

index = JointIndex.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
done = 0
try:
    for step in range(1000):
        vectors = np.random.default_rng(step).standard_normal((50, 64)).astype(np.float32)
        index.add([f"{step}-{i}" for i in range(50)], vectors, [{"text": "x" * int(sys.argv[3])}] * 50)
        done += 1
except StoreError as error:
    print(done, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert len(index) == done * 50
    index.add(["after"], np.ones((1, 64)))
"""


@pytest.mark.parametrize(("limit", "text"), [(200_000, 1), (400_000, 3000)], ids=["vectors", "sqlite"])
def test_full_disk_is_said_and_loses_nothing(tmp_path, limit, text):
    folder = tmp_path / "i"
    JointIndex.create(folder, 64).close()
    ran = subprocess.run(
        [sys.executable, "-c", FILLER, str(folder), str(limit), str(text)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    done, message = ran.stdout.split(" ", 1)
    assert "nothing was changed" in message
    assert "make room" in message
    with JointIndex.open(folder) as index:
        assert len(index) == int(done) * 50 + 1
        assert "after" in index
        for step in range(int(done)):
            true = np.random.default_rng(step).standard_normal((50, 64)).astype(np.float32)
            assert index.search(true[:1], 1)[0][0].id == f"{step}-0"


def test_full_disk_while_saving_keeps_the_old_snapshot(tmp_path):
    folder = tmp_path / "i"
    with JointIndex.create(folder, 32, type="ivf") as index:
        index.add([str(i) for i in range(3000)], clustered(3000))
        index.save()
        index.add([f"n{i}" for i in range(50)], clustered(50, seed=3))
    before = {path.name for path in folder.iterdir()}
    code = (
        "import resource, sys; from mmsdk.errors import StoreError; from mmsdk.index import JointIndex\n"
        "index = JointIndex.open(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "try: index.save()\n"
        "except StoreError as error: print(error)\n"
        "print(len(index.search([[1.0] * 32], 3060)[0]))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert "cannot be written" in ran.stdout, ran.stderr
    assert "make room" in ran.stdout
    assert ran.stdout.endswith("3050\n")
    assert {path.name for path in folder.iterdir()} == before
    with JointIndex.open(folder) as index:
        assert len(index) == 3050


def test_damaged_database_is_refused(index, tmp_path):
    index.close()
    path = tmp_path / "index" / "items.sqlite"
    whole = path.read_bytes()
    for damage in (b"not a database" * 100, whole[:1000], b""):
        path.write_bytes(damage)
        with pytest.raises(StoreError, match=r"restore it from a backup|no index here"):
            JointIndex.open(tmp_path / "index")
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with (
        pytest.raises(StoreError, match="the file is damaged; restore it from a backup"),
        JointIndex.open(tmp_path / "index") as broken,
    ):
        broken.ids()


def test_damaged_vectors_are_refused(index, tmp_path):
    index.close()
    path = tmp_path / "index" / "vectors-0.f32"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(StoreError, match="holds 299 vectors, expected 300"):
        JointIndex.open(tmp_path / "index")
    path.unlink()
    with pytest.raises(StoreError, match=r"vectors-0.f32: missing; restore it"):
        JointIndex.open(tmp_path / "index")


def test_newer_schema_is_refused(index, tmp_path):
    with index._store.database.write() as connection:
        connection.execute("UPDATE meta SET value = 9 WHERE name = 'schema'")
    with pytest.raises(StoreError, match="schema 9, expected 1"):
        JointIndex.open(tmp_path / "index")


def test_folder_may_move(index, vectors, tmp_path):
    found = index.search(vectors[:3], 5)
    index.close()
    assert not (tmp_path / "index" / "items.sqlite-wal").exists()
    (tmp_path / "index").rename(tmp_path / "elsewhere")
    with JointIndex.open(tmp_path / "elsewhere") as moved:
        assert moved.search(vectors[:3], 5) == found


def test_read_only_folder_is_searched(index, vectors, tmp_path):
    index.close()
    code = (
        "import os, sys; from mmsdk.errors import StoreError; from mmsdk.index import JointIndex\n"
        "os.access = lambda path, mode: mode != os.W_OK\n"  # root may write everywhere
        "index = JointIndex.open(sys.argv[1])\n"
        "print(len(index.search([[1.0] * 32], 5)[0]), len(index))\n"
        "try: index.remove(['s000'])\n"
        "except StoreError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "index")], capture_output=True, text=True, check=False
    )
    assert ran.stdout.startswith("5 300\n"), ran.stderr
    assert "make it writable" in ran.stdout
    assert {path.name for path in (tmp_path / "index").iterdir()} == {"items.sqlite", "vectors-0.f32"}
