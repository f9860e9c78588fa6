"""Threads and processes on one index: answers are whole, and a change is seen at the next search."""

import multiprocessing
import subprocess
import sys
import threading

import numpy as np
import pytest
from index_data import clustered

from mmsdk.errors import StoreError
from mmsdk.index import JointIndex, database, keeper


def test_threads_search_while_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "TAIL_ROWS", 300)
    data = clustered(3000)
    with JointIndex.create(tmp_path / "i", 32, type="ivf") as index:
        index.add([f"fixed-{i}" for i in range(1500)], data[:1500])
        index.save()
        failures, stop = [], threading.Event()

        def search(seed: int) -> None:
            rng = np.random.default_rng(seed)
            try:
                while not stop.is_set():
                    which = rng.integers(0, 1500, 4)
                    rows = index.search(data[which], 5)
                    assert [row[0].id for row in rows] == [f"fixed-{i}" for i in which]
                    assert all(len(row) == 5 and len({hit.id for hit in row}) == 5 for row in rows)
                    assert len(index.search(data[which[:1]], 3, exclude=[f"fixed-{which[0]}"])[0]) == 3
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=search, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        for step in range(12):
            part = data[1500 + step * 100 : 1600 + step * 100]
            index.add([f"new-{step}-{i}" for i in range(100)], part)
            if step % 3 == 2:
                index.remove([f"new-{step - 1}-{i}" for i in range(100)])
            if step == 8:
                index.compact()
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(index) == 1500 + 1200 - 400


def test_threads_may_all_write(tmp_path):
    with JointIndex.create(tmp_path / "i", 4) as index:

        def add(which: int) -> None:
            for step in range(10):
                index.add([f"{which}-{step}"], np.full((1, 4), which + 1.0))

        threads = [threading.Thread(target=add, args=(which,)) for which in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(index.ids()) == sorted(f"{w}-{s}" for w in range(4) for s in range(10))


OTHER = """
import sys
import numpy as np
from mmsdk.index import JointIndex
with JointIndex.open(sys.argv[1]) as index:
    exec(sys.argv[2])
"""


def other_process(folder, code):
    ran = subprocess.run([sys.executable, "-c", OTHER, str(folder), code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_reader_sees_what_another_process_did(index, vectors, tmp_path):
    folder = tmp_path / "index"
    hit = index.search(vectors[200:201], 1)[0][0]
    other_process(folder, "index.add(['theirs'], np.ones((1, 32)), [{'new': 1}]); index.remove(['s000'])")
    assert index.search(np.ones((1, 32)), 1)[0][0].id == "theirs"
    assert index.ids("new = 1") == ["theirs"]
    assert "s000" not in [h.id for h in index.search(vectors[:1], 301)[0]]
    other_process(folder, "index.compact()")
    assert [h.id for h in index.search(vectors[5:8], 1)[1]] == ["s006"]
    assert index.search(vectors[9:10], 1, where="price < 10")[0][0].id == "s009"
    assert hit.row["price"] == 200.0
    assert len(index) == 300
    other_process(
        folder, "index.add([f'm{i}' for i in range(1000)], np.random.default_rng(0).standard_normal((1000, 32)))"
    )
    assert len(index) == 1300


def test_a_reader_follows_another_processs_snapshot(tmp_path):
    data = clustered(1500)
    with JointIndex.create(tmp_path / "i", 32, type="ivf") as index:
        index.add([str(i) for i in range(1500)], data)
        assert index.info()["type"] == "flat"
        other_process(tmp_path / "i", "index.save()")
        assert index.info()["type"] == "ivf"
        assert index.search(data[7:8], 1)[0][0].id == "7"


def test_a_stuck_writer_is_named(index, vectors, monkeypatch, tmp_path):
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    with JointIndex.open(tmp_path / "index") as second:
        with index._store.database.write():
            assert len(second.search(vectors[:1], 3)[0]) == 3
            with pytest.raises(StoreError, match="another process has been writing for 0 s"):
                second.add(["x"], vectors[:1])
        second.add(["x"], vectors[:1])
        assert "x" in index


def _child(index, query, queue):
    queue.put([hit.id for hit in index.search(query, 3, where="price < 100")[0]])


@pytest.mark.skipif(sys.platform == "win32", reason="fork is of Unix")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_server_worker_searches(index, vectors):
    expected = [hit.id for hit in index.search(vectors[:1], 3, where="price < 100")[0]]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(index, vectors[:1], queue))
    child.start()
    assert queue.get(timeout=30) == expected
    child.join()
    index.add(["still"], vectors[:1])
    assert "still" in index
