"""Scores of images against SciPy, matrices of distances, scores by hand, and samples whose scores are known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from scipy.spatial.distance import cdist

from otviz.evaluation import image_metrics, metrics


def _features(n, d=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


def _by_sqrtm(x, y):
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(s @ t).real
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * root)


@pytest.mark.parametrize("seed", range(5))
def test_frechet_distance_is_that_of_the_matrix_square_root(seed):
    x, y = _features(500, seed=seed), _features(400, seed=seed + 100)
    found = image_metrics.frechet_distance(image_metrics.moments(x), image_metrics.moments(y))
    assert found == pytest.approx(_by_sqrtm(x, y), rel=1e-8)


def test_frechet_distance_of_diagonal_gaussians_has_a_closed_form():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 3, 20), rng.uniform(0, 3, 20)
    mean, other = rng.standard_normal(20), rng.standard_normal(20)
    found = image_metrics.frechet_distance(
        image_metrics.Moments(mean, np.diag(a**2)), image_metrics.Moments(other, np.diag(b**2))
    )
    assert found == pytest.approx(((mean - other) ** 2).sum() + ((a - b) ** 2).sum(), rel=1e-12)


def test_frechet_distance_is_symmetric_and_zero_for_the_same():
    a, b = image_metrics.moments(_features(90)), image_metrics.moments(_features(80, seed=1))
    assert image_metrics.frechet_distance(a, b) == pytest.approx(image_metrics.frechet_distance(b, a), rel=1e-10)
    assert 0 <= image_metrics.frechet_distance(a, a) < 1e-9


def test_frechet_distance_bears_fewer_samples_than_features_and_copies():
    few, copies = image_metrics.moments(_features(5)), image_metrics.moments(np.ones((9, 12)))
    assert image_metrics.frechet_distance(few, image_metrics.moments(_features(500, seed=1))) > 0
    assert image_metrics.frechet_distance(copies, copies) == 0
    expected = ((1 - few.mean) ** 2).sum() + np.trace(few.covariance)
    assert image_metrics.frechet_distance(copies, few) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "m"), [(250, 250), (130, 310), (7, 60)])
def test_neighbours_are_those_of_whole_matrices(n, m):
    samples, real = _features(n, 5) * 0.8, _features(m, 5)
    found = image_metrics.neighbours(samples, real)
    assert (found.precision, found.recall) == metrics.precision_recall(samples, real, k=3)
    inside = cdist(real, samples) <= np.sort(cdist(real, real), axis=1)[:, 5, None]
    assert found.density == pytest.approx(inside.sum() / (5 * n), rel=1e-12)
    assert found.coverage == inside.any(1).mean()


def test_neighbours_do_not_see_where_the_origin_is_and_take_single_precision():
    samples, real = _features(200, 5).astype(np.float32), _features(210, 5).astype(np.float32)
    here = image_metrics.neighbours(samples, real)
    far = image_metrics.neighbours(samples.astype(float) + 1e4, real.astype(float) + 1e4)
    assert here == pytest.approx(far, abs=1e-12)


def test_neighbours_tell_copies_from_collapse_from_the_real():
    real, again = _features(1200, 4), _features(1200, 4)[::-1] + 0.0
    same = image_metrics.neighbours(again, real)  # in another order
    assert same.precision == same.recall == same.coverage == 1
    rng = np.random.default_rng(1)
    gaussian, fresh = rng.standard_normal((2, 1500, 4))
    good = image_metrics.neighbours(fresh, gaussian)
    assert good.density == pytest.approx(1, abs=0.1)  # its mean for samples of the same distribution
    assert good.coverage == pytest.approx(1 - 0.5**5, abs=0.03)  # Naeem et al. 2020: 1 - 1/2^k on average for n = m
    copies = image_metrics.neighbours(np.repeat(gaussian[:50], 30, axis=0), gaussian)
    assert copies.precision == 1
    assert copies.recall == pytest.approx(50 / 1500)  # only copied points are in a ball of radius 0
    assert copies.coverage < 0.3


def test_radii_known_beforehand_change_nothing():
    samples, real = _features(120, 6), _features(150, 6, seed=3)
    known = image_metrics.neighbours(samples, real, image_metrics.radii(samples), image_metrics.radii(real))
    assert known == image_metrics.neighbours(samples, real)


def test_neighbours_keep_memory_bounded():
    samples = np.random.default_rng(0).standard_normal((4000, 8))
    tracemalloc.start()
    image_metrics.neighbours(samples, samples[::-1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32e6  # the matrix of 4000 x 4000 doubles alone has 128 MB


def test_inception_style_score_by_hand_and_by_scipy():
    assert image_metrics.inception_style_score(np.eye(10)) == pytest.approx(10)
    assert image_metrics.inception_style_score(np.full((7, 10), 0.1)) == pytest.approx(1)
    assert image_metrics.inception_style_score(np.eye(10)[[3, 3, 3]]) == pytest.approx(1)
    p = np.random.default_rng(0).dirichlet(np.ones(6), size=400)
    expected = np.exp(np.mean(scipy.stats.entropy(p, p.mean(0), axis=1)))
    assert image_metrics.inception_style_score(p) == pytest.approx(expected, rel=1e-10)


def test_classes_are_counted():
    p = np.array([[0.95, 0.05, 0], [0.6, 0.4, 0], [0.1, 0.9, 0], [0.02, 0.98, 0]])
    shares = image_metrics.class_shares(p)
    assert shares.tolist() == [0.5, 0.5, 0]
    assert image_metrics.class_entropy(shares) == pytest.approx(np.log(2))
    assert image_metrics.confident(p) == 0.5
    assert str(image_metrics.class_entropy(np.array([0.0, 1.0, 0.0]))) == "0.0"
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    assert image_metrics.class_entropy(weights) == pytest.approx(scipy.stats.entropy(weights))


def test_nearest_images_are_those_of_all_distances():
    rng = np.random.default_rng(0)
    training = rng.integers(0, 256, (9000, 1, 4, 4), dtype=np.uint8)  # more than a block
    images = np.concatenate([rng.integers(0, 256, (40, 1, 4, 4), dtype=np.uint8), training[[8999, 4000, 3]]])
    found = image_metrics.nearest_images(images, training)
    rows = [pixels.reshape(len(pixels), -1) / 127.5 - 1 for pixels in (images, training)]
    every = cdist(*rows)
    assert found.distances == pytest.approx(every.min(1), abs=1e-9)
    assert found.places.tolist() == every.argmin(1).tolist()
    assert found.distances[-3:].tolist() == [0, 0, 0]
    assert found.places[-3:].tolist() == [8999, 4000, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: image_metrics.moments(np.ones((1, 3))), r"n >= 2; got \(1, 3\)"),
        (lambda: image_metrics.radii(np.ones((5, 3))), r"n >= 6; got \(5, 3\)"),
        (lambda: image_metrics.neighbours(np.ones((9, 3)), np.ones((9, 4))), "equally long; got 3 and 4"),
        (lambda: image_metrics.nearest_images(*(np.ones((2, 1, s, s), np.uint8) for s in (8, 9))), "one shape"),
        (lambda: image_metrics.nearest_images(*(np.ones((n, 1, 8, 8), np.uint8) for n in (2, 0))), "1 or more"),
    ],
)
def test_what_cannot_be_scored_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
