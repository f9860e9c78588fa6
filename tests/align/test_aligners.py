"""Aligners against independent references: lstsq, scipy's Procrustes, scikit-learn's CCA, closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import orthogonal_procrustes, sqrtm
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import Ridge

from mmsdk.align import (
    CanonicalAligner,
    ContrastiveAligner,
    CoralAligner,
    Moments,
    ProcrustesAligner,
    RidgeAligner,
    SpaceMap,
    WhiteningAligner,
    partner_ranks,
)
from mmsdk.align.retrieval import mean_reciprocal_rank
from mmsdk.errors import ConfigError

EXACT = 1e-9  # as a regularisation: none that shows


def views(dims=(6, 5), n=300, seed=0, noise=0.5, meanings=3):
    """Return inputs of one meaning, all present."""
    random, told = np.random.default_rng(seed), np.random.default_rng(9)
    meaning = random.normal(size=(n, meanings))
    ways = [told.normal(size=(meanings, dim)) for dim in dims]
    vectors = {
        f"in{number}": (meaning @ way + noise * random.normal(size=(n, way.shape[1])) + number).astype(np.float32)
        for number, way in enumerate(ways)
    }
    return vectors, np.ones((n, len(dims)), bool)


def fitted(kind, given, **options):
    aligner = kind(list(given[0]), **options)
    return aligner.fit(*given)


def test_ridge_without_a_penalty_is_least_squares():
    vectors, _ = given = views()
    maps = fitted(RidgeAligner, given, target="in1", regularisation=EXACT)
    h, g = (np.asarray(one, np.float64) for one in vectors.values())
    expected = np.linalg.lstsq(h - h.mean(0), g - g.mean(0), rcond=None)[0]
    assert np.allclose(maps["in0"].weights[0], expected, atol=1e-5)
    assert np.allclose(maps["in1"](vectors["in1"]), g - g.mean(0), atol=1e-5)


def test_ridge_is_scikit_learns():
    vectors, _ = given = views()
    maps = fitted(RidgeAligner, given, target="in1", regularisation=0.3)
    h, g = (np.asarray(one, np.float64) for one in vectors.values())
    penalty = 0.3 * np.trace(np.cov(h.T, bias=True)) / 6 * len(h)
    expected = Ridge(alpha=penalty).fit(h, g).predict(h) - g.mean(0)
    assert np.allclose(maps["in0"](vectors["in0"]), expected, atol=1e-4)


def test_procrustes_is_scipys():
    vectors, _ = given = views(dims=(5, 5))
    maps = fitted(ProcrustesAligner, given, target="in1")
    h, g = (one - one.mean(0) for one in vectors.values())
    assert np.allclose(maps["in0"].weights[0], orthogonal_procrustes(h, g)[0], atol=1e-5)


@pytest.mark.parametrize(("target", "shape"), [("in0", (4, 7)), ("in1", (7, 4))])
def test_procrustes_between_two_lengths_is_the_best_of_the_semi_orthogonal(target, shape):
    vectors, _ = given = views(dims=(7, 4))
    source = "in1" if target == "in0" else "in0"
    weight = fitted(ProcrustesAligner, given, target=target)[source].weights[0]
    assert weight.shape == shape
    small = weight @ weight.T if shape[0] < shape[1] else weight.T @ weight
    assert np.allclose(small, np.eye(4), atol=1e-5)
    h, g = (vectors[name] - vectors[name].mean(0) for name in (source, target))
    random = np.random.default_rng(0)
    for _ in range(20):
        turned = np.linalg.qr(random.normal(size=(7, 4)))[0]
        other = turned.T if shape[0] < shape[1] else turned
        assert np.trace(other.T @ h.T @ g) < np.trace(weight.T @ h.T @ g)


def test_cca_of_two_inputs_is_scikit_learns():
    vectors, _ = given = views()
    maps = fitted(CanonicalAligner, given, dim=3, regularisation=EXACT, power=0)
    ours = [maps[name](one) for name, one in vectors.items()]
    theirs = CCA(n_components=3, max_iter=5000, tol=1e-9).fit(*vectors.values()).transform(*vectors.values())
    for n in range(3):
        expected = np.corrcoef(theirs[0][:, n], theirs[1][:, n])[0, 1]
        assert np.corrcoef(ours[0][:, n], ours[1][:, n])[0, 1] == pytest.approx(expected, abs=1e-4)
        assert abs(np.corrcoef(ours[0][:, n], theirs[0][:, n])[0, 1]) == pytest.approx(1, abs=1e-3)
        assert ours[0][:, n].std() == pytest.approx(1, abs=1e-3)


def test_cca_of_three_inputs_has_the_largest_eigenvalue_of_the_correlations():
    """MAXVAR by its definition, against directions found by search: no other is better, and power weighs by it."""
    vectors, _ = given = views(dims=(4, 3, 5))
    maps = fitted(CanonicalAligner, given, dim=1, regularisation=EXACT, power=0)

    def largest(variates):
        return float(np.linalg.eigvalsh(np.corrcoef(np.stack(variates)))[-1])

    best = largest([maps[name](one)[:, 0] for name, one in vectors.items()])
    random = np.random.default_rng(0)
    ours = [one.weights[0][:, 0] for one in maps.values()]
    for scale in (0.01, 0.1, 1.0):
        for _ in range(20):
            moved = [way + scale * np.linalg.norm(way) * random.normal(size=way.shape) for way in ours]
            assert largest([one @ way for one, way in zip(vectors.values(), moved, strict=True)]) <= best + 1e-6
    weighed = fitted(CanonicalAligner, given, dim=1, regularisation=EXACT, power=1)
    assert np.allclose(weighed["in0"].weights[0], maps["in0"].weights[0] * (best - 1) / 2, rtol=1e-3)


@pytest.mark.parametrize("option", ["dim", "hidden", "epochs", "patience", "batch_size"])
@pytest.mark.parametrize("value", [0.5, 0, True, "8"])
def test_what_counts_is_a_whole_number(option, value):
    with pytest.raises(ConfigError, match=rf"align\.options\.{option} is {value!r}, expected a whole number"):
        ContrastiveAligner(["a", "b"], **{option: value})


def test_whitening_is_zca():
    vectors, _ = given = views()
    maps = fitted(WhiteningAligner, given, regularisation=EXACT)
    for name, one in vectors.items():
        assert np.allclose(np.cov(maps[name](one).T, bias=True), np.eye(one.shape[1]), atol=1e-3)
        assert np.allclose(maps[name].weights[0], np.linalg.inv(sqrtm(np.cov(one.T, bias=True))).real, atol=1e-3)


def test_coral_gives_the_targets_covariance():
    vectors, _ = given = views(dims=(5, 5))
    maps = fitted(CoralAligner, given, target="in1", regularisation=EXACT)
    covariances = [np.cov(maps[name](one).T, bias=True) for name, one in vectors.items()]
    assert np.allclose(*covariances, atol=1e-3)
    assert np.allclose(covariances[1], np.cov(vectors["in1"].T, bias=True), atol=1e-3)


def test_what_held_out_rows_choose_is_the_best_of_what_was_tried():
    given, held_out = views(n=40, noise=1.5), views(n=200, seed=1, noise=1.5)
    for kind in (RidgeAligner, CanonicalAligner):
        aligner = kind(list(given[0]))
        best = mean_reciprocal_rank(aligner.fit(*given, held_out=held_out), held_out)
        tried = [
            mean_reciprocal_rank(fitted(kind, given, regularisation=share), held_out)
            for share in (0.001, 0.01, 0.1, 1.0, 10.0)
        ]
        assert best == pytest.approx(max(tried))
        assert min(tried) < max(tried)
        assert aligner.chosen["regularisation"] in (0.001, 0.01, 0.1, 1.0, 10.0)
        unjudged = kind(list(given[0]))
        unjudged.fit(*given)
        assert unjudged.chosen == {"regularisation": 0.1}


def test_covariances_of_pairs_are_those_of_the_rows_with_both():
    vectors, present = views(dims=(3, 2, 4), n=50)
    present = np.random.default_rng(0).random(present.shape) < 0.6
    moments = Moments.of(vectors, present)
    both = present[:, 0] & present[:, 2]
    expected = np.cov(vectors["in0"][both].T, vectors["in2"][both].T, bias=True)[:3, 3:]
    assert np.allclose(moments.cross("in0", "in2"), expected, atol=1e-6)
    assert np.allclose(moments.cross("in2", "in0"), expected.T, atol=1e-6)
    teaching = present[:, 1] & (present.sum(1) > 1)
    assert np.allclose(moments.means["in1"], vectors["in1"][teaching].mean(0), atol=1e-6)


def test_too_wide_an_input_is_refused():
    wide = {"a": np.zeros((4, 8193), np.float32), "b": np.zeros((4, 2), np.float32)}
    with pytest.raises(ConfigError, match="input 'a' has 8,193 dims"):
        Moments.of(wide, np.ones((4, 2), bool))


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "infonce"},
        {"loss": "sigmoid"},
        {"loss": "consistency"},
        {"loss": "triplet"},
        {"layers": 2, "hidden": 32},
    ],
    ids=lambda one: "-".join(map(str, one.values())),
)
def test_learned_projections_find_partners_they_never_saw(options):
    given, held_out, fresh = (views(dims=(12, 9), n=n, seed=n, noise=0.1) for n in (200, 60, 80))
    common = {"dim": 8, "epochs": 15, "learning_rate": 0.01, "dropout": 0.0}
    aligner = ContrastiveAligner(list(given[0]), **common, **options)
    maps = aligner.fit(*given, held_out=held_out)
    found = (partner_ranks(*(maps[name](one) for name, one in fresh[0].items())) <= 1).mean()
    assert found > 0.4  # 0.0125 by chance
    assert maps["in0"].dims == (12, 8)
    assert len(maps["in0"].weights) == options.get("layers", 1)
    assert 1 <= aligner.chosen["epoch"] <= 15


def test_what_stops_learning_decides():
    given, held_out = views(dims=(12, 9), n=60, noise=1.0), views(dims=(12, 9), n=60, seed=5, noise=1.0)
    common = {"dim": 8, "epochs": 12, "patience": 12, "learning_rate": 0.02, "dropout": 0.0}
    epochs = {}
    for stop in ("recall", "loss"):
        aligner = ContrastiveAligner(list(given[0]), stop=stop, **common)
        aligner.fit(*given, held_out=held_out)
        epochs[stop] = aligner.chosen["epoch"]
    unjudged = ContrastiveAligner(list(given[0]), **common)
    unjudged.fit(*given)
    assert unjudged.chosen["epoch"] == 12
    assert epochs["loss"] < 12  # it overfits
    assert epochs["recall"] != epochs["loss"]


def test_patience_ends_learning():
    given, held_out = views(dims=(12, 9), n=60, noise=1.0), views(dims=(12, 9), n=60, seed=5, noise=1.0)
    common = {"dim": 8, "epochs": 12, "stop": "loss", "learning_rate": 0.02, "dropout": 0.0}
    found = {}
    for patience in (1, 12):
        aligner = ContrastiveAligner(list(given[0]), patience=patience, **common)
        aligner.fit(*given, held_out=held_out)
        found[patience] = aligner.chosen
    assert found[1]["epochs"] == found[1]["epoch"] + 1
    assert found[12]["epochs"] == 12


@pytest.mark.parametrize(
    "option", [{"batch_size": 20}, {"weight_decay": 5.0}, {"dropout": 0.9}, {"margin": 0.9}, {"seed": 3}]
)
def test_every_option_of_learning_acts(option):
    given = views(dims=(12, 9), n=60)
    common = {"dim": 4, "epochs": 2, "loss": "triplet", "learning_rate": 0.05}
    plain, changed = (fitted(ContrastiveAligner, given, **(common | more)) for more in ({}, option))
    assert not np.array_equal(plain["in0"].weights[0], changed["in0"].weights[0])


def test_a_map_is_what_its_arrays_say():
    random = np.random.default_rng(0)
    sizes = [(5, 6), (6, 3)]
    weights = tuple(random.normal(size=size).astype(np.float32) for size in sizes)
    biases = tuple(random.normal(size=size[1]).astype(np.float32) for size in sizes)
    one = SpaceMap(centre=random.normal(size=5).astype(np.float32), weights=weights, biases=biases)
    values = random.normal(size=(9, 5)).astype(np.float32)
    rows = torch.from_numpy(values - one.centre)
    hidden = torch.relu(torch.nn.functional.linear(rows, torch.from_numpy(weights[0].T), torch.from_numpy(biases[0])))
    expected = torch.nn.functional.linear(hidden, torch.from_numpy(weights[1].T), torch.from_numpy(biases[1])).numpy()
    assert np.allclose(one(values), expected, atol=1e-5)
    assert np.array_equal(SpaceMap.of_arrays(one.arrays())(values), one(values))
    present = np.arange(9) % 2 == 0
    values[~present] = np.nan
    assert np.allclose(one(values, present)[present], expected[present], atol=1e-5)
    assert not one(values, present)[~present].any()


def test_ranks_are_places_and_equals_share_theirs():
    asked, offered = np.eye(3), np.array([[1.0, 0, 0], [0.9, 0.1, 0], [0, 0, 1.0]])
    assert partner_ranks(asked, offered).tolist() == [1, 1, 1]
    assert partner_ranks(offered, asked).tolist() == [1, 2, 1]
    assert partner_ranks(np.ones((5, 2)), np.ones((5, 2))).tolist() == [3] * 5
