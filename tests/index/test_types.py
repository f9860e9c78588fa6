"""Every index type behind the one interface: what it finds, filters, keeps, and cannot do."""

import faiss
import numpy as np
import pytest
from index_data import clustered, unit

from mmsdk.errors import StoreError
from mmsdk.index.choose import choose
from mmsdk.index.exact import above, nearest
from mmsdk.index.gpu import GpuIndex
from mmsdk.index.tune import tune
from mmsdk.plugins import get_registry

TYPES = ("flat", "ivf", "pq", "hnsw")
N = 3000


@pytest.fixture(scope="module")
def data():
    return unit(clustered(N, centres=60)).astype(np.float32)


@pytest.fixture(scope="module")
def made(data):
    """Return one index a type; keys are three times the place."""
    indexes = {}
    for name in TYPES:
        index = get_registry().get("index", name).load()(data.shape[1], N)
        index.train(data)
        index.add(np.arange(N) * 3, data)
        indexes[name] = index
    return indexes


@pytest.mark.parametrize("name", TYPES)
def test_finds_true_neighbours(made, data, name):
    index = made[name]
    recall = tune(_by_place(index), data, np.arange(N))
    assert recall >= (1.0 if name == "flat" else 0.95)
    scores, keys = index.search(data[:20], 10)
    assert (scores.dtype, keys.dtype, keys.shape) == (np.float32, np.int64, (20, 10))
    assert (np.diff(scores, axis=1) <= 0).all()
    assert np.allclose(scores, np.einsum("bd,bkd->bk", data[:20], data[keys // 3]), atol=0.02)


@pytest.mark.parametrize("name", TYPES)
def test_takes_a_filter(made, data, name):
    allowed = np.arange(0, N, 7) * 3
    scores, keys = made[name].search(data[:20], 5, allowed)
    assert np.isin(keys[keys >= 0], allowed).all()
    assert (keys >= 0).mean() > 0.9
    assert np.isneginf(scores[keys < 0]).all()


@pytest.mark.parametrize("name", TYPES)
def test_empty_places_are_marked(made, data, name):
    scores, keys = made[name].search(data[:2], 5, np.array([3, 6]))
    assert (keys[:, -1] == -1).all()
    assert np.isneginf(scores[:, -1]).all()


@pytest.mark.parametrize("name", TYPES)
def test_keys_may_be_far_apart(data, name):
    keys = np.arange(1500, dtype=np.int64) * 7 + 5_000_000_000
    index = get_registry().get("index", name).load()(data.shape[1], 1500)
    index.train(data[:1500])
    index.add(keys, data[:1500])
    assert np.isin(index.search(data[:9], 3)[1], keys).all()
    found = index.search(data[:9], 3, keys[::2])[1]
    assert np.isin(found[found >= 0], keys[::2]).all()
    assert (index.search(data[:2], 3, keys[:0])[1] == -1).all()


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("name", TYPES)
def test_file_answers_the_same(made, data, name, mmap, tmp_path):
    made[name].save(tmp_path / "x.index")
    again = get_registry().get("index", name).load()(data.shape[1], N)
    again.load(tmp_path / "x.index", mmap=mmap)
    assert np.array_equal(again.search(data[:9], 8)[1], made[name].search(data[:9], 8)[1])
    allowed = np.arange(0, N, 2) * 3
    assert np.array_equal(again.search(data[:9], 8, allowed)[1], made[name].search(data[:9], 8, allowed)[1])
    assert len(again) == N


@pytest.mark.parametrize("name", TYPES)
def test_torn_file_is_refused(made, data, name, tmp_path):
    path = tmp_path / "x.index"
    made[name].save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="no readable index"):
        get_registry().get("index", name).load()(data.shape[1], N).load(path, mmap=False)


@pytest.mark.parametrize("name", TYPES)
def test_specs_tell_what_can_be_removed(data, name):
    entry = get_registry().get("index", name)
    index = entry.load()(data.shape[1], 500)
    index.train(data[:500])
    index.add(np.arange(500), data[:500])
    if entry.spec.removable:
        index.remove(np.arange(0, 500, 2))
        assert len(index) == 250
        assert (index.search(data[:50], 3)[1] % 2 == 1).all()
    else:
        with pytest.raises(RuntimeError):
            index.remove(np.arange(3))


def test_more_effort_finds_more(data):
    index = get_registry().get("index", "ivf").load()(data.shape[1], N)
    index.train(data)
    index.add(np.arange(N), data)
    rough = np.random.default_rng(0).standard_normal((50, data.shape[1])).astype(np.float32)
    truth = nearest(rough, data, 10)[1]
    shares = []
    for index.effort in (1, 8, 64):
        shares.append(np.mean([len(set(a) & set(b)) for a, b in zip(index.search(rough, 10)[1], truth, strict=True)]))
    assert shares[0] < shares[1] <= shares[2] == 10


def test_hnsw_keeps_enough_candidates(made, data):
    assert (made["hnsw"].search(data[:3], 200)[1] >= 0).all()


def test_pq_is_the_smallest_to_keep_in_memory(made):
    codes = made["pq"].inner.code_size
    assert codes * 16 <= data_bytes(made["pq"].dim)


def data_bytes(dim: int) -> int:
    """Return the bytes of one float32 vector."""
    return dim * 4


def test_exact_types_have_no_effort(made):
    assert not hasattr(made["flat"], "effort")


@pytest.mark.skipif(hasattr(faiss, "StandardGpuResources"), reason="faiss-gpu is installed")
def test_gpu_says_what_is_missing():
    with pytest.raises(StoreError, match="pip install faiss-gpu"):
        GpuIndex(32)


@pytest.mark.parametrize("queries", [1, 7, 8, 40])
@pytest.mark.parametrize("rows", [None, np.arange(5, 2900, 3)])
def test_exact_search_equals_the_reference(data, monkeypatch, queries, rows):
    import mmsdk.index.exact as exact

    monkeypatch.setattr(exact, "BLOCK", 512)
    monkeypatch.setattr(exact, "TORCH_PAIRS", 10)
    asked = clustered(queries, seed=5)
    scores, places = nearest(asked, data, 12, rows)
    full = asked.astype(np.float64) @ data.T.astype(np.float64)
    if rows is not None:
        full[:, np.setdiff1d(np.arange(N), rows)] = -np.inf
    assert np.array_equal(places, np.argsort(-full, axis=1)[:, :12])
    assert np.allclose(scores, -np.sort(-full, axis=1)[:, :12], atol=1e-5)
    near = above(asked[0], data, float(scores[0, 5]), rows)
    assert np.array_equal(near[1], places[0, :6])


def test_exact_search_reads_what_cannot_be_written(data, tmp_path, monkeypatch):
    import mmsdk.index.exact as exact

    monkeypatch.setattr(exact, "TORCH_PAIRS", 10)
    data.tofile(tmp_path / "v")
    mapped = np.memmap(tmp_path / "v", np.float32, "r", shape=data.shape)
    assert np.array_equal(nearest(data[:9], mapped, 3)[1], nearest(data[:9], data, 3)[1])


def test_copies_tie_to_the_bit():
    rng = np.random.default_rng(0)
    data = np.tile(rng.standard_normal((10, 37)).astype(np.float32), (100, 1))
    for size in (1, 12):
        scores, places = nearest(data[:size], data, 100)
        assert (places[0] == np.arange(0, 1000, 10)).all()
        assert len(set(scores[0].tolist())) == 1


@pytest.mark.parametrize(
    ("wanted", "count", "dim", "type_name", "why"),
    [
        ("auto", 49_999, 256, "flat", "exact search is quick"),
        ("auto", 50_000, 256, "ivf", "50,000 rows: inverted lists"),
        ("auto", 10_000_000, 256, "ivf", "inverted lists"),
        ("auto", 10_000_000, 768, "pq", "7.2 GiB"),
        ("hnsw", 10, 256, "hnsw", "as asked"),
        ("ivf", 999, 256, "flat", "exact until 1,000 rows"),
        ("ivf", 1000, 256, "ivf", "as asked"),
    ],
)
def test_type_follows_from_size(wanted, count, dim, type_name, why):
    choice = choose(wanted, count, dim)
    assert choice.type == type_name
    assert why in choice.why


def test_codes_shrink_as_the_collection_grows():
    load = get_registry().get("index", "ivf").load()
    half, byte = load(256, 1_000_000), load(256, 5_000_000)
    assert half.index.sq.code_size == 512
    assert byte.index.sq.code_size == 256


class _by_place:
    """An index whose keys are three times the place, seen by place."""

    def __init__(self, index):
        self.index = index
        self.max_effort = index.max_effort

    def search(self, vectors, k):
        scores, keys = self.index.search(vectors, k)
        return scores, keys // 3

    @property
    def effort(self):
        return self.index.effort

    @effort.setter
    def effort(self, value):
        self.index.effort = value
