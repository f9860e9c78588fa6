"""What the index answers, changes and refuses."""

import numpy as np
import pytest
from index_data import clustered, unit

from mmsdk.errors import PluginError, StoreError
from mmsdk.index import Hit, JointIndex


def test_search_equals_the_reference(index, vectors):
    queries = clustered(5, seed=7)
    scores = unit(queries) @ unit(vectors).T
    hits = index.search(queries, 10)
    for row, line in zip(hits, scores, strict=True):
        best = np.argsort(-line)[:10]
        assert [hit.id for hit in row] == [f"s{i:03}" for i in best]
        assert np.allclose([hit.score for hit in row], line[best], atol=1e-6)


def test_raw_search_is_the_same_in_arrays(index, vectors):
    scores, keys = index.search_raw(vectors[:3], 4)
    assert scores.dtype == np.float32
    assert keys.dtype == np.int64
    assert index.names(keys) == [hit.id for row in index.search(vectors[:3], 4) for hit in row]


def test_more_than_there_is(index, vectors):
    assert len(index.search(vectors[:1], 1000)[0]) == 300
    scores, keys = index.search_raw(vectors[:1], 1000)
    assert keys.shape == (1, 1000)
    assert (keys[0, 300:] == -1).all()
    assert np.isneginf(scores[0, 300:]).all()


def test_hit_reads_its_row_when_looked_at(index, vectors):
    hit = index.search(vectors[7:8], 1)[0][0]
    assert (hit.id, repr(hit)) == ("s007", "Hit('s007', 1.000)")
    index.update(["s007"], [{"price": 1.5}])
    assert hit.row == {"price": 1.5}
    assert hit == index.search(vectors[7:8], 1)[0][0]
    assert len({hit, index.search(vectors[7:8], 1)[0][0]}) == 1
    gone = index.search(vectors[7:8], 1)[0][0]
    index.remove(["s007"])
    assert gone.row == {}
    assert isinstance(gone, Hit)


def test_a_row_stays_its_own_after_compaction(index, vectors):
    hit = index.search(vectors[200:201], 1)[0][0]
    index.remove(["s000", "s001"])
    index.compact()
    assert hit.row["price"] == 200.0


def test_upsert_replaces_vector_and_row(index, vectors):
    index.add(["s000", "new"], vectors[[5, 6]], [{"price": -1}, {"price": -2}])
    assert len(index) == 301
    found, rows = index.get(["s000", "new"])
    assert np.allclose(found, unit(vectors[[5, 6]]), atol=1e-6)
    assert rows == [{"price": -1}, {"price": -2}]
    assert [hit.id for hit in index.search(vectors[5:6], 2)[0]] == ["s000", "s005"]
    assert "s000" not in [hit.id for hit in index.search(vectors[:1], 300)[0][:1]]


def test_update_leaves_the_vector(index, vectors):
    before = index.search(vectors[:1], 3)
    assert index.update(["s000", "nobody"], [{"price": 9, "colour": "red"}, {}]) == 1
    assert index.search(vectors[:1], 3) == before
    assert index.get(["s000"])[1] == [{"price": 9, "colour": "red"}]
    assert index.ids("colour = 'red'") == ["s000"]


def test_remove(index, vectors):
    assert index.remove(["s000", "s001", "s000", "nobody"]) == 2
    assert len(index) == 298
    assert "s000" not in index
    assert "s002" in index
    assert "s000" not in index.ids()
    found = [hit.id for hit in index.search(vectors[:1], 400)[0]]
    assert len(found) == 298
    assert not {"s000", "s001"} & set(found)
    with pytest.raises(StoreError, match=r"no item 's000' in the index \(1 of 2 missing\)"):
        index.get(["s000", "s002"])


def test_filtered_search_returns_k(index, vectors):
    scores = unit(vectors[:2]) @ unit(vectors).T
    for row, line in zip(index.search(vectors[:2], 20, where="price < 40 and category = 'lamp'"), scores, strict=True):
        allowed = [i for i in np.argsort(-line) if i < 40 and i % 2]
        assert [hit.id for hit in row] == [f"s{i:03}" for i in allowed]
    assert index.search(vectors[:1], 5, where="price < 0") == [[]]
    assert len(index.search(vectors[:1], 5, where="  ")[0]) == 5


def test_excluded_never_come(index, vectors):
    ids = [hit.id for hit in index.search(vectors[:1], 10)[0]]
    rest = [hit.id for hit in index.search(vectors[:1], 5, exclude=[*ids[:5], "unknown"])[0]]
    assert rest == ids[5:]
    even = [hit.id for hit in index.search(vectors[:1], 10, where="category = 'chair'")[0]]
    assert [h.id for h in index.search(vectors[:1], 5, where="category = 'chair'", exclude=even[:5])[0]] == even[5:]
    assert len(index.search(vectors[:1], 300, exclude=ids)[0]) == 290


def test_range(index, vectors):
    index.remove(["s003"])
    line = (unit(vectors[:1]) @ unit(vectors).T)[0]
    line[3] = -2
    hits = index.range(vectors[0], 0.3)
    assert [hit.id for hit in hits] == [f"s{i:03}" for i in np.argsort(-line) if line[i] >= 0.3]
    assert [hit.id for hit in index.range(vectors[0], 0.3, where="price < 10")] == [
        hit.id for hit in hits if int(hit.id[1:]) < 10
    ]
    assert index.range(vectors[0], 1.5) == []


def test_equal_scores_come_by_id(tmp_path):
    with JointIndex.create(tmp_path / "i", 4) as index:
        same = np.tile(np.array([[0.3, 0.1, 0.7, 0.2]], np.float32), (50, 1))
        ids = [f"{(i * 37) % 50:02}" for i in range(50)]
        index.add([*ids, "zz"], np.vstack([same, [[1, 0, 0, 0]]]))
        for k in (1, 3, 20, 50):
            assert [hit.id for hit in index.search(same[:1], k)[0]] == sorted(ids)[:k]
        assert [hit.id for hit in index.range(same[0], 0.99)] == sorted(ids)


def test_zero_vectors(index):
    index.add(["zero"], np.zeros((1, 32)), [{}])
    assert len(index.search(np.zeros((1, 32)), 3)[0]) == 3
    assert {hit.score for hit in index.search(np.zeros((1, 32)), 3)[0]} == {0.0}
    assert index.get(["zero"])[0].tolist() == [[0.0] * 32]


def test_dot_keeps_lengths(tmp_path):
    with JointIndex.create(tmp_path / "i", 2, metric="dot") as index:
        index.add(["long", "short"], [[3, 4], [0.6, 0.8]])
        assert [(h.id, round(h.score, 5)) for h in index.search([[3.0, 4.0]], 2)[0]] == [("long", 25.0), ("short", 5.0)]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (np.ones((2, 31)), r"query: shape \(2, 31\), this index takes \(n, 32\)"),
        (np.ones(32), r"shape \(32,\)"),
        (np.full((1, 32), np.nan), "row 0 holds NaN"),
        (np.full((1, 32), 1e300), "row 0 holds NaN or an infinity"),
        ([["a"] * 32], "expected float32 numbers"),
    ],
)
def test_bad_queries_are_refused(index, queries, message):
    with pytest.raises(StoreError, match=message):
        index.search(queries, 3)
    with pytest.raises(StoreError, match="k = 0"):
        index.search(np.ones((1, 32)), 0)


def test_bad_items_change_nothing(index, vectors):
    bad = vectors[:3].copy()
    bad[2, 4] = np.inf
    for ids, array, rows, message in [
        (["x", "y", "z"], bad, None, "row 2 holds NaN"),
        (["x", "y"], vectors[:3], None, "2 ids, 3 vectors"),
        (["x", "x"], vectors[:2], None, "'x' stands twice"),
        (["x", ""], vectors[:2], None, "item 1 has id ''"),
        (["x", 3], vectors[:2], None, "item 1 has id 3"),
        (["x"], vectors[:1], [{"a": object()}], "row of 'x': cannot be kept as JSON"),
        (["x"], vectors[:1, :5], None, r"shape \(1, 5\)"),
        (["x\ud800"], vectors[:1], None, "no Unicode"),
        (["x"], vectors[:1], [{"a": "\ud800"}], "no Unicode"),
    ]:
        with pytest.raises(StoreError, match=message):
            index.add(ids, array, rows)
    with pytest.raises(StoreError, match="1 ids and 0 rows"):
        index.update(["s000"], [])
    assert len(index) == 300
    assert index.info()["changes"] == 1
    index.add([], np.empty((0, 32)))
    assert index.info()["changes"] == 1


def test_rows_become_plain_json(index, vectors):
    import datetime

    row = {
        "n": np.float32(1.5),
        "nan": float("nan"),
        "inf": [float("inf")],
        "day": datetime.date(2024, 2, 3),
        "t": (1, 2),
    }
    index.add(["x"], vectors[:1], [row])
    assert index.get(["x"])[1] == [{"n": 1.5, "nan": None, "inf": [None], "day": "2024-02-03", "t": [1, 2]}]
    assert index.ids("nan is null and n = 1.5") == ["x"]


def test_iteration(index, vectors):
    index.remove(["s001"])
    assert list(index)[:2] == ["s000", "s002"]
    seen = list(index.items(batch=7))
    assert [name for name, _, _ in seen] == index.ids()
    assert np.allclose(seen[1][1], unit(vectors)[2], atol=1e-6)
    assert seen[1][2]["price"] == 2.0


def test_compaction_gives_room_back(index, vectors):
    index.remove([f"s{i:03}" for i in range(0, 300, 2)])
    before = index.search(vectors[:4], 10), index.ids()
    assert index.info()["removed"] == 150
    index.compact()
    info = index.info()
    assert (info["removed"], info["count"]) == (0, 150)
    assert info["bytes"]["vectors-1.f32"] == 150 * 32 * 4
    assert "vectors-0.f32" not in info["bytes"]
    assert (index.search(vectors[:4], 10), index.ids()) == before
    index.add(["after"], vectors[:1])
    assert index.search(vectors[:1], 1)[0][0].id == "after"


def test_info(index):
    info = index.info()
    assert (info["type"], info["wanted"], info["count"], info["dim"]) == ("flat", "auto", 300, 32)
    assert info["why"] == "300 rows: below 50,000 exact search is quick and misses nothing"
    assert (info["metric"], info["fingerprint"]) == ("cosine", "made by a")
    assert info["columns"] == ["category", "name", "price"]
    assert info["bytes"]["vectors-0.f32"] == 300 * 32 * 4


def test_another_model_is_refused(index, tmp_path):
    with JointIndex.open(tmp_path / "index", "made by a") as same:
        assert len(same) == 300
    with pytest.raises(StoreError, match="was made by made by a, and b was to use it"):
        JointIndex.open(tmp_path / "index", "b")


def test_creating_refuses(index, tmp_path):
    with pytest.raises(StoreError, match="an index is here already"):
        JointIndex.create(tmp_path / "index", 32)
    with pytest.raises(StoreError, match=r"metric 'cosin': expected cosine or dot. Did you mean 'cosine'"):
        JointIndex.create(tmp_path / "other", 32, metric="cosin")
    with pytest.raises(StoreError, match="dim 0"):
        JointIndex.create(tmp_path / "other", 0)
    with pytest.raises(PluginError, match="Did you mean 'hnsw'"):
        JointIndex.create(tmp_path / "other", 32, type="hnws")
    with pytest.raises(StoreError, match="no index here"):
        JointIndex.open(tmp_path / "other")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="no index can be made here"):
        JointIndex.create(tmp_path / "file" / "under", 32)


def test_an_empty_index_answers(tmp_path):
    with JointIndex.create(tmp_path / "i", 3) as index:
        assert index.search(np.ones((2, 3)), 5) == [[], []]
        assert index.range(np.ones(3), 0) == []
        assert (len(index), index.ids(), index.remove(["x"])) == (0, [], 0)
        assert index.get([])[0].shape == (0, 3)
        index.compact()
        index.save()
    with JointIndex.open(tmp_path / "i") as index:
        assert index.search(np.ones((1, 3)), 1) == [[]]
