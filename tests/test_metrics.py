"""Metrics on samples whose modes, quality and distances are known by construction."""

from __future__ import annotations

import json

import numpy as np
import pytest

from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring
from otviz.evaluation import metrics

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


@pytest.mark.parametrize(("held", "count"), [(10, 7), (40, 8)])
def test_a_mode_needs_a_quarter_of_its_due(held, count):
    centres = RING.mixture().centres  # a quarter of an eighth of the samples on modes is 1/32
    samples = np.concatenate([np.repeat(centres[:7], (1000 - held) // 7, 0), np.repeat(centres[7:], held, 0)])
    strays = np.full((500, 2), 50.0)  # samples on no mode do not count
    for some in (samples, np.concatenate([samples, strays])):
        found = metrics.coverage(some, RING.mixture())
        assert found["modes_covered"] == count
        lost = metrics.lost_modes(np.array(found["mode_shares"]), RING.mixture().weights, len(some))
        assert lost.tolist() == [False] * 7 + [count == 7]


def test_chance_loses_no_mode():
    weights = np.array([0.996, 0.002, 0.002])  # two of 1000 are expected on the light ones
    assert not metrics.lost_modes(np.array([1.0, 0.0, 0.0]), weights, 1000).any()
    assert metrics.lost_modes(np.array([1.0, 0.0, 0.0]), weights, 10_000).tolist() == [False, True, True]


@pytest.mark.parametrize("target", [RING, Ring(radius=20.0, std=1.5), Ring(radius=0.2, std=0.01)])
def test_offset_and_spread_of_a_mode_are_those_it_was_made_with(target):
    rng, mixture = np.random.default_rng(0), target.mixture()
    which = np.arange(8000) % 8
    noise = mixture.std * rng.standard_normal((8000, 2))
    moved = mixture.centres[which] + np.where(which[:, None] == 3, 1.5 * mixture.std, 0)
    found = metrics.coverage(moved + 0.7 * noise, mixture)
    assert found["mode_spreads"] == pytest.approx([0.7] * 8, abs=0.06)  # a median of 1000 is known to 3 %
    assert found["mode_offsets"][3] == pytest.approx(1.5 * np.sqrt(2), abs=0.1)
    assert max(found["mode_offsets"][:3]) < 0.15
    few = metrics.coverage(mixture.centres[:1], mixture)
    assert few["mode_offsets"] == few["mode_spreads"] == [metrics.UNKNOWN] * 8


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


def test_w2_of_a_shift_is_its_length_and_two_modes_are_far_above_the_floor():
    real, floor = RING.sample(500, np.random.default_rng(0)), metrics.w2_floor(RING, 500)
    assert metrics.wasserstein2(real + np.float32(2.0), real) == pytest.approx(2 * np.sqrt(2), rel=1e-4)
    assert metrics.wasserstein2(_ring_of([0, 4], 500), real) > floor.mean + 10 * floor.std


@pytest.mark.parametrize("target", [RING, Gaussian()])
def test_true_samples_lie_as_often_above_the_floor_as_below(target):
    """Both sides are plain draws, so a perfect generator scores like the floor."""
    floor, rng = metrics.w2_floor(target, 200), np.random.default_rng(1)
    values = [metrics.wasserstein2(target.sample(200, rng), target.sample(200, rng)) for _ in range(60)]
    assert floor.samples == 200
    assert 12 <= sum(value < floor.mean for value in values) <= 48  # the mean of 12 draws is itself off by 0.3 std
    assert sum(metrics.within_noise(value, floor.mean, floor.std) for value in values) >= 50
    assert np.mean(values) == pytest.approx(floor.mean, abs=1.2 * floor.std)  # 4 standard errors


def test_a_floor_is_the_same_number_for_everybody():
    floor = metrics.w2_floor(RING, 50)
    metrics.w2_floor.cache_clear()
    assert metrics.w2_floor(RING, 50) == floor
    assert metrics.real_scores(RING, 50)["w2_floor"] == floor.mean
    assert "recall_floor" not in metrics.real_scores(RING, 3)


def test_stray_is_the_distance_to_the_nearest_real_point():
    real = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert metrics.stray(np.array([[0.0, 3.0], [10.0, 4.0]]), real) == pytest.approx(np.sqrt((9 + 16) / 2))


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
    found = metrics.measure(target.sample(300, np.random.default_rng(0)), target, np.random.default_rng(1), n=200)
    json.dumps(found)
    assert (found["samples"], found["samples_distance"]) == (300, 200)
    assert found["w2"] < found["w2_floor"] + 10 * found["w2_floor_std"] + 0.3
    assert set(metrics.mode_metrics(np.zeros((1, 2)), target)) <= set(found)
    if target.mixture() is None:
        assert found["modes_covered"] is None
    again = metrics.measure(target.sample(300, np.random.default_rng(0)), target, np.random.default_rng(1), n=200)
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

    code = "import otviz.evaluation.metrics, sys; sys.exit('torch' in sys.modules or 'ot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
