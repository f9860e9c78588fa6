"""Novelty: known rows are usual, rows from elsewhere are not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from mmsdk.confidence.evidence import subsets_to_calibrate
from mmsdk.confidence.judge import Confidence
from mmsdk.confidence.novelty import KEPT, POINTS, Novelty, distances, kept_rows, scale_of


def test_distances_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    known, asked = random.normal(size=(80, 6)), random.normal(size=(30, 6))
    expected = NearestNeighbors(n_neighbors=5).fit(known).kneighbors(asked)[0][:, -1]
    spread = np.sqrt(known.var(0).sum())
    assert np.allclose(distances(asked, known), expected / spread, atol=1e-5)
    assert np.allclose(distances(7 * asked, 7 * known), expected / spread, atol=1e-5)
    assert len(distances(asked, known[:2])) == 30  # fewer references than neighbours


def test_novelty_is_the_share_of_held_out_rows_that_are_less_far():
    random = np.random.default_rng(0)
    centre = np.zeros(8)
    centre[0] = 4
    known, held = random.normal(size=(300, 8)) + centre, random.normal(size=(200, 8)) + centre
    scale = scale_of(distances(held, known))
    novelty = Novelty(references=known.astype(np.float32), scales={(): scale})
    usual = novelty.of(random.normal(size=(500, 8)) + centre, scale)
    assert np.quantile(usual, 0.5) == pytest.approx(0.5, abs=0.1)
    assert (usual > 0.95).mean() < 0.1
    assert novelty.of(random.normal(size=(100, 8)) - centre, scale).min() == 1.0
    assert novelty.of(known, scale[:0]).tolist() == [0.0] * 300


def test_what_a_run_carries_is_bounded():
    rows = np.arange(10_000)
    assert len(kept_rows(rows)) == KEPT
    assert np.array_equal(kept_rows(rows), kept_rows(rows))
    assert np.array_equal(kept_rows(rows[:10]), rows[:10])
    many = scale_of(np.random.default_rng(0).random(5000))
    assert (len(many), np.diff(many).min() >= 0) == (POINTS, True)


def test_a_subset_that_was_not_calibrated_takes_the_scale_of_its_largest_known_part():
    """Of more than five inputs not every subset is calibrated; a row far off is novel from any of them."""
    names = tuple("abcdef")
    random = np.random.default_rng(0)
    known, held = random.normal(size=(300, 8)), random.normal(size=(200, 8))
    near = scale_of(distances(held, known))
    calibrated = subsets_to_calibrate(names, {name: np.ones(200, bool) for name in names})
    assert ("a", "b", "c") not in calibrated
    scales = dict.fromkeys(calibrated, near) | {("a",): near[:0], ("b", "c", "d", "e", "f"): 100 * near}
    confidence = Confidence(inputs=names, novelty=Novelty(references=known.astype(np.float32), scales=scales))

    def novelty(given, shift):
        return confidence.novelties(random.normal(size=(100, 8)) + shift, [given] * 100)

    assert novelty(("a", "b", "c"), 9.0).min() == 1.0
    assert novelty(("a", "b", "c"), 0.0).mean() == pytest.approx(0.5, abs=0.1)
    assert novelty(("b", "c", "d", "e", "f"), 9.0).max() == 0.0  # its own scale, not that of a part
    assert novelty(("a",), 9.0).min() == 1.0  # no row calibrated it: the scale of nothing given
    bare = Confidence(inputs=names, novelty=Novelty(references=known.astype(np.float32), scales={("b",): near}))
    assert bare.novelties(known[:2], [("a",), ("a", "b")])[0] == 0.0
