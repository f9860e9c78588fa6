"""The erratum of docs/alignment.md: what a text prints as the least squares map is no minimiser, and what it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from mmsdk.align import RidgeAligner


def gaussians(g=4, h=4, n=2000, seed=0):
    """Return paired vectors, images g and texts h, each with its mean at 0."""
    random = np.random.default_rng(seed)
    h_rows = random.normal(size=(n, h)) @ random.normal(size=(h, h))
    g_rows = h_rows @ random.normal(size=(h, g)) + 0.5 * random.normal(size=(n, g)) @ random.normal(size=(g, g))
    return g_rows - g_rows.mean(0), h_rows - h_rows.mean(0)


def covariance(rows):
    return rows.T @ rows / len(rows)


def printed(s_g, s_h):
    """``A = (S_img S_text^-1)^(1/2) S_img^(-1/2)``, as printed."""
    return sqrtm(s_g @ np.linalg.inv(s_h)).real @ np.linalg.inv(sqrtm(s_g)).real


def loss(a, g, h):
    return 0.5 * np.square(g - h @ a.T).sum(1).mean()


def ours(g, h):
    """Return what ``align: ridge`` learns, as a matrix on columns."""
    given = {"text": h.astype(np.float32), "image": g.astype(np.float32)}
    aligner = RidgeAligner(list(given), target="image", regularisation=1e-9)
    return aligner.fit(given, np.ones((len(g), 2), bool))["text"].weights[0].T.astype(np.float64)


def test_the_minimiser_is_the_cross_covariance_over_the_texts_own():
    g, h = gaussians()
    a = ours(g, h)
    cross = g.T @ h / len(g)
    assert np.allclose(a, cross @ np.linalg.inv(covariance(h)), atol=1e-3)
    gradient = a @ covariance(h) - cross
    assert np.abs(gradient).max() < 1e-3 * np.abs(cross).max()


def test_the_printed_one_is_no_minimiser():
    g, h = gaussians()
    wrong, right = printed(covariance(g), covariance(h)), ours(g, h)
    gradient = wrong @ covariance(h) - g.T @ h / len(g)
    assert np.abs(gradient).max() > 0.1
    assert loss(wrong, g, h) > 2 * loss(right, g, h)
    assert loss(wrong - 0.01 * gradient, g, h) < loss(wrong, g, h)  # a step down from what is said to be the bottom


def test_the_printed_one_needs_two_spaces_of_one_length():
    g, h = gaussians(g=5, h=4)
    assert ours(g, h).shape == (5, 4)
    with pytest.raises(ValueError, match="mismatch"):
        printed(covariance(g), covariance(h))


def test_the_printed_one_does_not_know_who_belongs_to_whom():
    g, h = gaussians()
    mixed = np.random.default_rng(1).permutation(len(g))
    assert np.allclose(printed(covariance(g), covariance(h)), printed(covariance(g[mixed]), covariance(h)))
    assert np.abs(ours(g[mixed], h)).max() < 0.2 * np.abs(ours(g, h)).max()


def test_what_the_printed_one_resembles():
    g, h = gaussians()
    s_g, s_h = covariance(g), covariance(h)
    factor = sqrtm(s_g @ np.linalg.inv(s_h)).real
    root, inverse = sqrtm(s_h).real, np.linalg.inv(sqrtm(s_h).real)
    transport = inverse @ sqrtm(root @ s_g @ root).real @ inverse
    coral = sqrtm(s_g).real @ inverse
    for one in (factor, transport, coral):  # all three give texts the covariance of images
        assert np.allclose(one @ s_h @ one.T, s_g, atol=1e-6)
    assert np.allclose(transport, transport.T)  # of the three the optimal transport alone is symmetric
    assert not np.allclose(factor, factor.T, atol=0.05)
    assert not np.allclose(coral, coral.T, atol=0.05)
    assert not np.allclose(factor, coral, atol=0.05)
    whole = printed(s_g, s_h)
    assert not np.allclose(whole @ s_h @ whole.T, s_g, atol=0.05)  # with its last factor it gives them neither that
    assert not np.allclose(whole @ s_h @ whole.T, np.eye(4), atol=0.05)  # nor white


def test_where_the_covariances_commute_the_printed_one_whitens_texts_and_forgets_images():
    random = np.random.default_rng(2)
    basis = np.linalg.qr(random.normal(size=(4, 4)))[0]
    s_g, s_h = ((basis * random.uniform(0.5, 3, 4)) @ basis.T for _ in range(2))
    assert np.allclose(printed(s_g, s_h), np.linalg.inv(sqrtm(s_h)).real, atol=1e-8)
    assert np.allclose(printed(s_g, s_h) @ s_h @ printed(s_g, s_h).T, np.eye(4), atol=1e-8)
