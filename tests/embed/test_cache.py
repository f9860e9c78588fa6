"""The cache gives back what was put, or nothing: across processes, kills, full disks and damage."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mmsdk
from mmsdk.embed import EmbeddingCache, Space
from mmsdk.errors import StoreError

SPACE = Space(fingerprint="f", dim=8, name="tone")
ROOT = str(Path(mmsdk.__file__).parents[1])


def keys_of(*numbers):
    return [hashlib.blake2b(str(number).encode(), digest_size=32).digest() for number in numbers]


def vectors_of(*numbers, dim=8):
    return np.array([np.arange(dim) + number for number in numbers], np.float32).reshape(-1, dim)


def put(cache, numbers, space=SPACE):
    cache.put_many(space, keys_of(*numbers), vectors_of(*numbers, dim=space.dim))


def python(code, *arguments, **options):
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=environment, text=True, **options)


def test_gives_back_what_was_put_in_any_order(cache):
    put(cache, range(300))
    order = [7, 299, 0, 7, 1000, 150]
    found = cache.get_many(SPACE, keys_of(*order))
    assert found.hit.tolist() == [True, True, True, True, False, True]
    assert np.array_equal(found.vectors[found.hit], vectors_of(7, 299, 0, 7, 150))
    assert not found.vectors[4].any()


def test_remembers_inputs_that_hold_nothing(cache):
    cache.put_many(SPACE, keys_of(1), vectors_of(1), absent=keys_of(2))
    found = cache.get_many(SPACE, keys_of(1, 2, 3))
    assert found.hit.tolist() == [True, False, False]
    assert found.absent.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "other",
    [Space(fingerprint="g", dim=8), Space(fingerprint="f", dim=4), Space(fingerprint="f", dim=8, precision="fp32")],
)
def test_keeps_encoders_dims_and_precisions_apart(cache, other):
    put(cache, [1])
    assert not cache.get_many(other, keys_of(1)).hit.any()


def test_precision_is_what_it_says(cache):
    exact = Space(fingerprint="f", dim=8, precision="fp32")
    vector = np.full((1, 8), 1 / 3, np.float32)
    for space in (SPACE, exact):
        cache.put_many(space, keys_of(1), vector)
    assert np.array_equal(cache.get_many(exact, keys_of(1)).vectors, vector)
    assert np.array_equal(cache.get_many(SPACE, keys_of(1)).vectors, vector.astype(np.float16).astype(np.float32))


def test_refuses_vectors_that_do_not_fit_their_keys(cache):
    with pytest.raises(ValueError, match="2 keys of dim 8"):
        cache.put_many(SPACE, keys_of(1, 2), vectors_of(1))


def test_a_second_process_sees_it_and_a_fork_may_go_on(cache):
    put(cache, range(5))
    child = os.fork()
    if child == 0:
        put(cache, range(5, 10))
        os._exit(0 if cache.get_many(SPACE, keys_of(*range(10))).hit.all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get_many(SPACE, keys_of(*range(10))).hit.all()


def test_large_puts_are_split_over_files(cache, monkeypatch):
    monkeypatch.setattr("mmsdk.embed.cache.SEGMENT_BYTES", 16 * 10)
    put(cache, range(25))
    put(cache, range(25, 32))
    assert len(cache.segments.numbers()) == 4
    assert np.array_equal(cache.get_many(SPACE, keys_of(*range(32))).vectors, vectors_of(*range(32)))


@pytest.mark.parametrize("damage", ["flip", "cut", "swap", "delete"])
def test_damage_is_a_miss_and_never_a_wrong_vector(cache, damage):
    put(cache, range(10))
    path = cache.segments.path(1)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[3 * 16 + 5] ^= 1
    elif damage == "cut":
        del data[7 * 16 + 3 :]
    elif damage == "swap":
        data[:16], data[16:32] = data[16:32], data[:16]
    path.unlink() if damage == "delete" else path.write_bytes(bytes(data))
    reopened = EmbeddingCache(cache.folder)
    found = reopened.get_many(SPACE, keys_of(*range(10)))
    lost = {"flip": [3], "cut": [7, 8, 9], "swap": [0, 1], "delete": list(range(10))}[damage]
    assert np.flatnonzero(~found.hit).tolist() == lost
    assert np.array_equal(found.vectors[found.hit], vectors_of(*np.flatnonzero(found.hit)))
    put(reopened, lost)
    assert reopened.get_many(SPACE, keys_of(*range(10))).hit.all()
    reopened.close()


def test_a_damaged_index_says_what_to_do(tmp_path):
    (tmp_path / "entries.v1.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="delete that folder and it is made again"):
        EmbeddingCache(tmp_path)


def test_a_folder_that_cannot_be_made_says_which_setting(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="set MMSDK_CACHE_DIR"):
        EmbeddingCache(tmp_path / "file" / "cache")


def test_lies_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "mine"))
    cache = EmbeddingCache()
    assert cache.folder == tmp_path / "mine" / "embeddings"
    cache.close()


WRITER = """
import sys, hashlib, numpy as np
from pathlib import Path
from mmsdk.embed.cache import EmbeddingCache
from mmsdk.embed.spaces import Space
folder, start, count, batches = Path(sys.argv[1]), *map(int, sys.argv[2:5])
cache, space = EmbeddingCache(folder), Space(fingerprint="f", dim=8)
for batch in range(batches):
    numbers = [start + batch * count + i for i in range(count)]
    keys = [hashlib.blake2b(str(n).encode(), digest_size=32).digest() for n in numbers]
    cache.put_many(space, keys, np.array([np.arange(8) + n % 1000 for n in numbers], np.float32))
    print(numbers[-1] + 1, flush=True)
"""


def test_kill_9_loses_at_most_the_batch_being_written(tmp_path):
    """A real writer, killed ten times at moments of its own; what it reported as kept must be there, bit for bit."""
    kept = 0
    for attempt in range(10):
        writer = python(WRITER, tmp_path, kept, 40, 10**6, stdout=subprocess.PIPE)
        for line, _ in zip(writer.stdout, range(1 + attempt % 4), strict=False):
            kept = int(line)
        threading.Event().wait(0.003 * attempt)  # somewhere inside the batches that follow
        writer.send_signal(signal.SIGKILL)
        kept = int((writer.stdout.read().split() or [kept])[-1])
        writer.wait()
        writer.stdout.close()
        cache = EmbeddingCache(tmp_path)
        numbers = range(kept + 40)
        found = cache.get_many(SPACE, keys_of(*numbers))
        assert found.hit[:kept].all()
        assert found.hit[kept:].all() or not found.hit[kept:].any()
        expected = vectors_of(*(number % 1000 for number in numbers))
        assert np.array_equal(found.vectors[found.hit], expected[found.hit])
        cache.close()
    assert kept >= 10 * 40


def test_kill_9_while_pruning_leaves_a_whole_cache(tmp_path):
    code = WRITER.replace("print(", "cache.prune(60 * 116); print(").replace(
        "for batch in", "cache.clock = __import__('itertools').count(1).__next__\nfor batch in"
    )
    for attempt in range(5):
        writer = python(code, tmp_path, 1000 * attempt, 40, 10**6, stdout=subprocess.PIPE)
        for _ in zip(writer.stdout, range(2), strict=False):
            pass
        threading.Event().wait(0.002 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        cache = EmbeddingCache(tmp_path)
        entries = cache.database.read("SELECT key FROM entry")
        found = cache.get_many(SPACE, [key for (key,) in entries])
        assert found.hit.all()
        cache.prune(10**6)
        owned = {number for (number,) in cache.database.read("SELECT id FROM segment")}
        assert set(cache.segments.numbers()) == owned
        cache.close()


def test_several_processes_write_at_once(tmp_path):
    writers = [python(WRITER, tmp_path, 1000 * i, 20, 10, stdout=subprocess.DEVNULL) for i in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    cache = EmbeddingCache(tmp_path)
    numbers = [1000 * i + j for i in range(3) for j in range(200)]
    found = cache.get_many(SPACE, keys_of(*numbers))
    assert found.hit.all()
    assert np.array_equal(found.vectors, vectors_of(*(number % 1000 for number in numbers)))
    cache.close()


def test_threads_share_one_cache(cache):
    failed = []

    def work(start):
        put(cache, range(start, start + 50))
        if not np.array_equal(cache.get_many(SPACE, keys_of(start)).vectors, vectors_of(start)):
            failed.append(start)

    threads = [threading.Thread(target=work, args=(100 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert cache.info().entries == 200


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from mmsdk.embed.cache import EmbeddingCache
from mmsdk.embed.spaces import Space
from mmsdk.errors import StoreError
space, limit = Space(fingerprint="f", dim=8, precision="fp32"), int(sys.argv[2])
cache = EmbeddingCache(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for batch in range(1000):
    keys = [b"%031d" % (batch * 100 + i) for i in range(100)]
    try:
        cache.put_many(space, keys, np.full((100, 8), batch, np.float32))
    except StoreError as error:
        print(batch, error)
        break
"""


@pytest.mark.parametrize("limit", [120_000, 600_000], ids=["index", "vectors"])
def test_a_full_disk_is_one_sentence_and_harms_nothing(tmp_path, limit):
    """A limit on file size stands for the disk: the log of the index meets it first, or the vectors do."""
    space = Space(fingerprint="f", dim=8 if limit == 120_000 else 256, precision="fp32")
    code = FULL.replace("dim=8", f"dim={space.dim}").replace("(100, 8)", f"(100, {space.dim})")
    process = python(code, tmp_path, limit, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    assert not err
    assert "Make room or set MMSDK_CACHE_DIR" in out
    kept = int(out.split()[0])
    assert kept > 0
    cache = EmbeddingCache(tmp_path)
    found = cache.get_many(space, [b"%031d" % i for i in range(kept * 100 + 100)])
    assert found.hit.sum() == kept * 100
    assert np.array_equal(found.vectors[: kept * 100, 0], np.repeat(np.arange(kept), 100))
    cache.put_many(space, keys_of(1), vectors_of(1, dim=space.dim))
    assert cache.get_many(space, keys_of(1)).hit.all()
    cache.close()


def test_prunes_what_was_used_longest_ago(tmp_path):
    now = [0.0]
    cache = EmbeddingCache(tmp_path, clock=lambda: now[0])
    put(cache, range(50))
    now[0] = 10_000
    put(cache, range(50, 100))
    now[0] = 20_000
    cache.get_many(SPACE, keys_of(*range(10)))  # used again
    before = cache.info()
    dropped = cache.prune(60 * 116)
    found = cache.get_many(SPACE, keys_of(*range(100)))
    assert dropped == 40
    assert np.flatnonzero(found.hit).tolist() == [*range(10), *range(50, 100)]
    assert np.array_equal(found.vectors[found.hit], vectors_of(*np.flatnonzero(found.hit)))
    assert cache.info().bytes <= 60 * 116 < before.bytes
    assert sum(path.stat().st_size for path in tmp_path.glob("*.vectors")) == 60 * 16
    assert cache.prune(0) == 60
    assert not list(tmp_path.glob("*.vectors"))
    cache.close()


def test_keeps_itself_below_its_limit(tmp_path):
    now = [0.0]
    cache = EmbeddingCache(tmp_path, max_bytes=100 * 116, clock=lambda: now[0])
    for batch in range(6):
        now[0] += 1
        put(cache, range(40 * batch, 40 * batch + 40))
    assert cache.info().bytes <= 100 * 116
    assert cache.get_many(SPACE, keys_of(*range(200, 240))).hit.all()
    assert not cache.get_many(SPACE, keys_of(*range(40))).hit.any()
    cache.close()


def test_another_process_goes_on_while_one_prunes(cache):
    put(cache, range(20))
    other = EmbeddingCache(cache.folder)
    assert other.get_many(SPACE, keys_of(*range(20))).hit.all()
    cache.prune(10 * 116)
    assert other.get_many(SPACE, keys_of(*range(20))).hit.sum() == 10
    other.close()


def test_info_counts_by_encoder(cache):
    put(cache, range(4))
    put(cache, range(3), Space(fingerprint="g", dim=16, precision="fp32", name="other"))
    cache.remember_files([("/a", "1:2:3:4", b"x" * 32)])
    info = cache.info()
    assert (info.entries, info.files) == (7, 1)
    assert {(e.name, e.precision, e.dim, e.entries, e.bytes) for e in info.encoders} == {
        ("tone", "fp16", 8, 4, 4 * 116),
        ("other", "fp32", 16, 3, 3 * 164),
    }
    assert info.disk_bytes >= 4 * 16 + 3 * 64


def test_holds_no_pickle(cache):
    put(cache, range(4))
    columns = sqlite3.connect(cache.folder / "entries.v1.sqlite")
    assert columns.execute("SELECT typeof(key), typeof(crc) FROM entry").fetchone() == ("blob", "integer")
    columns.close()
    assert cache.segments.path(1).read_bytes() == vectors_of(*range(4)).astype("<f2").tobytes()
