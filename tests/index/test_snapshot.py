"""The snapshot: searched beside what came after it, carried on, built again when it is lost."""

import numpy as np
import pytest
from index_data import clustered, unit

from mmsdk.index import JointIndex, keeper
from mmsdk.index import snapshot as snapshots
from mmsdk.plugins import get_registry

N = 2500
IDS = [f"s{i:04}" for i in range(N)]


@pytest.fixture(scope="module")
def data():
    return clustered(N + 500, centres=60)


@pytest.fixture(params=["ivf", "pq", "hnsw"])
def saved(request, tmp_path, data):
    with JointIndex.create(tmp_path / "i", 32, type=request.param) as index:
        index.add(IDS, data[:N], [{"n": i} for i in range(N)])
        index.save()
        yield index


def recall(index: JointIndex, data: np.ndarray, places: np.ndarray, names: list[str], **options) -> float:
    """Return recall@10 of 30 queries against exact search over some places of the data."""
    queries = data[places[:: len(places) // 30]]
    truth = np.argsort(-(unit(queries) @ unit(data[places]).T), axis=1)[:, :10]
    found = index.search(queries, 10, **options)
    true = [{names[places[i]] for i in line} for line in truth]
    return float(np.mean([len({h.id for h in row} & line) / 10 for row, line in zip(found, true, strict=True)]))


def test_tail_is_searched_beside_it(saved, data):
    names = [*IDS, *(f"t{i}" for i in range(500))]
    saved.add(names[N:], data[N:])
    info = saved.info()
    assert (info["covered"], info["tail"], info["count"]) == (N, 500, N + 500)
    assert saved.search(data[N : N + 1], 1)[0][0].id == "t0"
    assert recall(saved, data, np.arange(N + 500), names) >= 0.95
    saved.save()
    info = saved.info()
    assert (info["covered"], info["tail"]) == (N + 500, 0)
    assert recall(saved, data, np.arange(N + 500), names) >= 0.95
    assert len([name for name in info["bytes"] if name.startswith("snapshot")]) == 1


def test_removed_and_replaced_are_passed_over(saved, data):
    saved.remove(IDS[:200])
    saved.add(IDS[200:300], data[N : N + 100])
    kept = np.r_[300:N, N : N + 100]
    names = [*IDS, *IDS[200:300]]
    for _ in range(2):
        assert saved.search(data[N : N + 1], 1)[0][0].id == "s0200"
        assert recall(saved, data, kept, names) >= 0.95
        assert len(saved.search(data[:1], 2000)[0]) == 2000
        assert len(saved.search(data[:1], 5000)[0]) == N - 200
        saved.save()
    assert saved.info()["tail"] == 0


def test_where_removed_are_the_nearest(saved, data):
    order = np.argsort(-(unit(data[:1]) @ unit(data[:N]).T)[0])
    saved.remove([IDS[i] for i in order[:300]])
    assert [h.id for h in saved.search(data[:1], 5)[0]] == [IDS[i] for i in order[300:305]]


def test_filter_returns_k_whatever_the_type(saved, data, monkeypatch):
    import mmsdk.index.view as view

    for narrow in (20_000, 0):  # exact over the allowed, then through the index's own filter
        monkeypatch.setattr(view, "NARROW", narrow)
        rows = saved.search(data[:20], 10, where="n >= 1000")
        assert all(len(row) == 10 and all(int(h.id[1:]) >= 1000 for h in row) for row in rows)
        assert recall(saved, data, np.arange(1000, N), IDS, where="n >= 1000") >= 0.95
        far = [int(h.id[1:]) for h in saved.search(data[:1], 10, where="n in (1, 5, 9)")[0]]
        assert sorted(far) == [1, 5, 9]


def test_opens_without_building(saved, data, tmp_path, capsys, monkeypatch):
    found = saved.search(data[:5], 10)
    saved.close()
    monkeypatch.setattr(snapshots, "build", None)
    for mmap in (True, False):
        with JointIndex.open(tmp_path / "i", mmap=mmap) as again:
            assert again.search(data[:5], 10) == found
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", ["deleted", "torn", "foreign", "same size"])
def test_lost_snapshot_is_built_again(saved, data, tmp_path, capsys, damage):
    found = saved.search(data[:5], 10)
    saved.close()
    (path,) = (tmp_path / "i").glob("snapshot-*")
    whole = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes({"torn": whole[: len(whole) // 3], "foreign": b"x", "same size": b"\0" * len(whole)}[damage])
    with JointIndex.open(tmp_path / "i") as again:
        assert "building the snapshot again" in capsys.readouterr().err
        assert [h[0].id for h in again.search(data[:5], 10)] == [h[0].id for h in found]
        assert again.info()["covered"] == N
    assert [one.name for one in (tmp_path / "i").glob("snapshot-*")] != [path.name]


def test_another_type_is_built(saved, data, tmp_path):
    old = saved.info()["type"]
    saved.close()
    wanted = "hnsw" if old == "ivf" else "ivf"
    for _ in range(2):
        with JointIndex.open(tmp_path / "i", type=wanted) as again:
            assert again.info()["type"] == wanted
            assert recall(again, data, np.arange(N), IDS) >= 0.95


def test_compacted(saved, data, tmp_path):
    saved.remove(IDS[::2])
    saved.compact()
    assert saved.info()["removed"] == 0
    assert saved.info()["covered"] == N // 2
    assert recall(saved, data, np.arange(1, N, 2), IDS) >= 0.95
    saved.close()
    with JointIndex.open(tmp_path / "i") as again:
        assert recall(again, data, np.arange(1, N, 2), IDS) >= 0.95


def test_saving_twice_writes_once(saved, tmp_path):
    (before,) = (tmp_path / "i").glob("snapshot-*")
    saved.save()
    assert list((tmp_path / "i").glob("snapshot-*")) == [before]


def test_grown_tail_is_folded_in(tmp_path, data, monkeypatch):
    monkeypatch.setattr(keeper, "TAIL_ROWS", 300)
    with JointIndex.create(tmp_path / "i", 32, type="ivf") as index:
        for start in range(0, N, 250):
            index.add(IDS[start : start + 250], data[start : start + 250])
        info = index.info()
        assert info["type"] == "ivf"
        assert info["tail"] <= max(300, N // 10)
        assert recall(index, data, np.arange(N), IDS) >= 0.95


def test_auto_outgrows_exact_search(tmp_path, data, monkeypatch):
    from mmsdk.index import choose

    monkeypatch.setattr(choose, "EXACT_BELOW", 2000)
    monkeypatch.setattr(keeper, "TAIL_ROWS", 100)
    with JointIndex.create(tmp_path / "i", 32) as index:
        index.add(IDS[:1500], data[:1500])
        assert index.info()["type"] == "flat"
        index.add(IDS[1500:], data[1500:N])
        assert index.info()["type"] == "ivf"
        assert "inverted lists" in index.info()["why"]
        index.remove(IDS[1000:])
        index.save()
        assert index.info()["type"] == "flat"
        assert list((tmp_path / "i").glob("snapshot-*")) == []


def test_waste_is_packed_by_itself(tmp_path, data, monkeypatch):
    monkeypatch.setattr(keeper, "TAIL_ROWS", 100)
    with JointIndex.create(tmp_path / "i", 32) as index:
        for _ in range(4):
            index.add(IDS[:200], data[:200])
        assert index.info()["bytes"].get("vectors-1.f32", 10**9) <= 400 * 32 * 4
        assert len(index) == 200
        assert index.search(data[3:4], 1)[0][0].id == IDS[3]


def test_adding_writes_by_the_rows_added(saved, data, tmp_path):
    (snapshot,) = (tmp_path / "i").glob("snapshot-*")
    stamp, size = snapshot.stat().st_mtime_ns, (tmp_path / "i" / "vectors-0.f32").stat().st_size
    saved.add(["x", "y"], data[:2])
    assert snapshot.stat().st_mtime_ns == stamp
    assert (tmp_path / "i" / "vectors-0.f32").stat().st_size == size + 2 * 32 * 4


class Backwards:
    """A third party's type: brute force over a numpy file, nothing optional, no removal."""

    def __init__(self, dim, count):
        self.keys, self.vectors = np.empty(0, np.int64), np.empty((0, dim), np.float32)

    def train(self, vectors):
        assert len(vectors)

    def add(self, keys, vectors):
        self.keys, self.vectors = np.append(self.keys, keys), np.vstack([self.vectors, vectors])

    def remove(self, keys):
        raise AssertionError("called although the spec says it cannot")

    def search(self, vectors, k, allowed=None):
        scores = vectors @ self.vectors.T
        if allowed is not None:
            scores[:, ~np.isin(self.keys, allowed)] = -np.inf
        best = np.argsort(-scores, axis=1)[:, :k]
        found = np.take_along_axis(scores, best, 1)
        return found, np.where(np.isneginf(found), -1, self.keys[best])

    def save(self, path):
        with path.open("wb") as stream:
            np.savez(stream, keys=self.keys, vectors=self.vectors)

    def load(self, path, *, mmap):
        with np.load(path) as held:
            self.keys, self.vectors = held["keys"], held["vectors"]


class _Entry:
    name = "backwards"

    def __init__(self, removable):
        from mmsdk.specs import IndexSpec

        self.spec = IndexSpec(name="backwards", removable=removable)
        self.plugin = get_registry().rows[0]

    def load(self):
        return Backwards


def test_a_plugins_type_serves_as_well(tmp_path, data, monkeypatch):
    registry = get_registry()
    own = type(registry).get
    monkeypatch.setattr(
        type(registry), "get", lambda self, kind, name: _Entry(False) if name == "backwards" else own(self, kind, name)
    )
    with JointIndex.create(tmp_path / "i", 32, type="backwards") as index:
        index.add(IDS[:400], data[:400], [{"n": i} for i in range(400)])
        index.save()
        assert index.info()["type"] == "backwards"
        assert index.info()["recall_at_10"] == 1.0
        index.remove(IDS[:10])
        index.save()
        assert recall(index, data, np.arange(10, 400), IDS) == 1.0
        assert len(index.search(data[:1], 9, where="n < 15")[0]) == 5
    with JointIndex.open(tmp_path / "i") as index:
        assert recall(index, data, np.arange(10, 400), IDS) == 1.0
    monkeypatch.undo()
    with JointIndex.open(tmp_path / "i") as index:  # the plugin was uninstalled: slower, not broken
        assert index.info()["type"] == "flat"
        assert recall(index, data, np.arange(10, 400), IDS) == 1.0
