"""Metrics on samples whose modes, quality and distances are known by construction."""

from __future__ import annotations

import json

import numpy as np
import pytest

from otviz import metrics
from otviz.distributions.gaussian import Gaussian
from otviz.distributions.ring import Ring

RING = Ring()  # the notebook's: 8 modes, radius 3, std 0.25


def _ring_of(modes, n=4000, seed=0, std=0.25):
    rng = np.random.default_rng(seed)
    which = np.asarray(modes)[rng.integers(len(modes), size=n)]
    return RING.mixture().centres[which] + std * rng.standard_normal((n, 2)).astype(np.float32)


def test_a_real_sample_covers_everything():
    found = metrics.coverage(RING.sample(20_000, np.random.default_rng(0)), RING.mixture())
    assert found["modes_covered"] == found["modes_total"] == 8
    assert found["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.003)  # P(|N| < 3 std) in the plane
    assert found["mode_entropy"] == pytest.approx(1, abs=1e-3)
    assert sum(found["mode_shares"]) == pytest.approx(found["high_quality"])
    assert found["mode_mixture"] + found["outliers"] == pytest.approx(np.exp(-4.5), abs=0.003)


@pytest.mark.parametrize(("modes", "count"), [([0], 1), ([0, 4], 2), ([0, 2, 4, 6], 4), (range(7), 7)])
def test_missing_modes_are_counted(modes, count):
    found = metrics.coverage(_ring_of(list(modes)), RING.mixture())
    assert found["modes_covered"] == count
    assert found["mode_entropy"] == pytest.approx(np.log(count) / np.log(8), abs=0.01)


def test_a_mode_needs_one_per_cent_of_all_samples():
    centres = RING.mixture().centres
    samples = np.concatenate([np.repeat(centres[:1], 98, 0), np.repeat(centres[1:2], 1, 0), [[50.0, 50.0]]])
    assert metrics.coverage(samples, RING.mixture())["modes_covered"] == 2
    assert metrics.coverage(np.concatenate([samples, [[50.0, 50.0]]]), RING.mixture())["modes_covered"] == 1


def test_mixture_lies_between_neighbours_and_outliers_do_not():
    centres = RING.mixture().centres
    between = (centres + np.roll(centres, 1, axis=0)) / 2
    found = metrics.coverage(between, RING.mixture())
    assert (found["mode_mixture"], found["high_quality"], found["outliers"]) == (1, 0, 0)
    for lost in (np.zeros((1, 2)), np.array([[20.0, 0.0]]), -2 * centres):
        assert metrics.coverage(lost, RING.mixture())["outliers"] == 1
    jump = (centres[:1] + centres[2:3]) / 2  # between modes that are not neighbours
    assert metrics.coverage(jump, RING.mixture())["mode_mixture"] == 0


def test_one_mode_has_no_between():
    found = metrics.coverage(np.array([[0.0, 0.0], [9.0, 0.0]]), Ring(modes=1, centre=(-3.0, 0.0)).mixture())
    assert (found["modes_covered"], found["outliers"]) == (1, 0.5)


def test_diversity_is_blind_to_collapse():
    assert metrics.diversity(RING.sample(200_000, np.random.default_rng(0))) == pytest.approx(4.5625, abs=0.02)
    assert metrics.diversity(_ring_of([0, 4], 100_000)) == pytest.approx(4.57, abs=0.02)
    assert metrics.diversity(_ring_of([0, 2, 4, 6], 100_000)) == pytest.approx(4.55, abs=0.03)
    assert metrics.diversity(_ring_of([0])) == pytest.approx(0.0625, abs=0.005)


def test_held_out_points_are_stratified():
    target = Ring(modes=3, weights=(1.0, 2.0, 1.0), std=0.01)
    points = metrics.held_out(target, 100, np.random.default_rng(0))
    distance = np.linalg.norm(points[:, None] - target.mixture().centres, axis=2)
    assert np.bincount(distance.argmin(1)).tolist() == [25, 50, 25]
    assert metrics.held_out(RING, 1001, np.random.default_rng(0)).shape == (1001, 2)


def test_w2_of_a_shift_is_its_length_and_real_samples_stay_at_the_floor():
    rng = np.random.default_rng(0)
    real = metrics.held_out(RING, 500, rng)
    assert metrics.wasserstein2(real + np.float32(2.0), real) == pytest.approx(2 * np.sqrt(2), rel=1e-4)
    mean, std = metrics.floor(metrics.wasserstein2, RING, real, rng, draws=8)
    assert 0 < std < mean
    assert abs(metrics.wasserstein2(RING.sample(500, rng), real) - mean) < 4 * std
    assert metrics.wasserstein2(_ring_of([0, 4], 500), real) > mean + 10 * std


def test_sinkhorn_at_small_blur_is_half_the_squared_w2():
    rng = np.random.default_rng(0)
    for _ in range(5):  # two real batches: the floor of the notebook's loss
        x, y = RING.sample(256, rng), RING.sample(256, rng)
        exact = metrics.wasserstein2(x, y) ** 2 / 2
        assert metrics.sinkhorn(x, y, 0.02) == pytest.approx(exact, rel=0.05)  # geomloss at scaling .9: 0.7 of it


def test_precision_and_recall_tell_collapse_from_noise():
    rng = np.random.default_rng(0)
    real, again = RING.sample(800, rng), RING.sample(800, rng)
    precision, recall = metrics.precision_recall(again, real)
    assert precision > 0.9
    assert recall > 0.9
    precision, recall = metrics.precision_recall(_ring_of([0, 1], 800), real)
    assert precision > 0.9
    assert recall == pytest.approx(0.25, abs=0.08)
    precision, recall = metrics.precision_recall(rng.uniform(-5, 5, (800, 2)), real)
    assert precision < 0.3


def test_precision_and_recall_by_hand():
    # k = 1 on a line: balls reach the nearest neighbour: 1 around the real ones; 0.1, 0.1, 2.6 and 5.8
    real, samples = np.array([[0.0], [1.0], [2.0]]), np.array([[0.5], [0.6], [3.2], [9.0]])
    assert metrics.precision_recall(samples, real, k=1) == (0.5, pytest.approx(2 / 3))
    with pytest.raises(ValueError, match="more than k"):
        metrics.precision_recall(samples, real, k=3)


@pytest.mark.parametrize("target", [RING, Gaussian()])
def test_measure_is_complete_and_plain(target):
    found = metrics.measure(
        target.sample(300, np.random.default_rng(0)), target, np.random.default_rng(1), n=200, draws=2
    )
    json.dumps(found)
    assert (found["samples"], found["samples_distance"]) == (300, 200)
    assert found["w2"] < found["w2_floor"] + 10 * found["w2_floor_std"] + 0.3
    assert set(metrics.mode_metrics(np.zeros((1, 2)), target)) <= set(found)
    if target.mixture() is None:
        assert found["modes_covered"] is None
    again = metrics.measure(
        target.sample(300, np.random.default_rng(0)), target, np.random.default_rng(1), n=200, draws=2
    )
    assert found == again


def test_diverged_samples_are_named():
    samples = np.zeros((4, 2))
    samples[1, 0] = np.nan
    with pytest.raises(ValueError, match="1 of 4 are nan"):
        metrics.measure(samples, RING, np.random.default_rng(0))
    with pytest.raises(ValueError, match="shape"):
        metrics.coverage(np.zeros((4, 3)), RING.mixture())


def test_importing_metrics_leaves_torch_out():
    import subprocess
    import sys

    code = "import otviz.metrics, sys; sys.exit('torch' in sys.modules or 'ot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
