"""Numbers of a diagnosis against the formulas of prdc and torch-fidelity, brute force, and probabilities counted by hand."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import ot
import pytest
import scipy.linalg
import scipy.stats
from scipy.spatial.distance import cdist

from otviz.evaluation.diagnosis import Samples, copying, diagnose
from otviz.evaluation.diagnosis.diagnosing import MOST
from otviz.evaluation.diagnosis.grouping import by_classes
from otviz.evaluation.diagnosis.measures import Vectors, measured
from otviz.evaluation.diagnosis.near import alone, chance_of_hole, hole_rank, nearest, nearest_others, reach
from otviz.evaluation.diagnosis.pair import Pair
from otviz.evaluation.diagnosis.reference import Reference
from otviz.evaluation.diagnosis.shares import fewer_than_chance, wilson
from otviz.evaluation.diagnosis.transport import carried
from otviz.evaluation.diagnosis.two_sample import p_value


def _prdc(real, fake, k):
    """Precision, recall, density and coverage as in the package prdc, its k-th value of each row counting the point itself."""

    def radius(x):
        return np.partition(cdist(x, x), k, axis=1)[:, k]

    r, f, d = radius(real), radius(fake), cdist(real, fake)
    return {
        "precision": (d < r[:, None]).any(0).mean(),
        "recall": (d < f[None, :]).any(1).mean(),
        "density": (1 / k) * (d < r[:, None]).sum(0).mean(),
        "coverage": (d.min(1) < r).mean(),
    }


@pytest.mark.parametrize("d", [2, 7, 40])
def test_precision_recall_density_and_coverage_are_those_of_prdc(d):
    rng = np.random.default_rng(d)
    real, fake, held = rng.standard_normal((3, 150, d)) * np.array([1, 0.9, 1])[:, None, None]
    groups = np.zeros(150, np.int64)
    one = by_classes(real, groups, ("all",), "")
    sides = (Vectors(points, groups) for points in (real, fake, held))
    found = measured(*sides, one, size=150, draws=2, rng=rng)
    for key, k in (("precision", 3), ("recall", 3), ("density", 5), ("coverage", 5)):
        assert found[key].value == pytest.approx(_prdc(real, fake, k)[key], abs=1e-6)
        assert found[key].floor == pytest.approx(_prdc(real, held, k)[key], abs=1e-6)


def test_frechet_distance_is_that_of_torch_fidelity():
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((400, 5)), rng.standard_normal((200, 5)) * 1.5 + 0.3
    number = next(one for one in diagnose(Samples(real), Samples(fake)).numbers if one.key == "frechet")
    values = []  # of every half of the real samples, whose mean the number is
    for _ in range(200):
        half = real[rng.permutation(400)[:200]]
        s, t = np.cov(half, rowvar=False), np.cov(fake, rowvar=False)
        root = scipy.linalg.sqrtm(s @ t).real
        shift = half.mean(0) - fake.mean(0)
        values.append(shift @ shift + np.trace(s) + np.trace(t) - 2 * np.trace(root))
    assert number.value == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(4))
    assert number.sizes == (200, 200)


def test_chance_of_a_hole_is_counted_over_all_orders():
    # Of 5 others of its own side and 4 of the other in random order, are the first 2 its own?
    own = sum(1 for places in itertools.combinations(range(9), 5) if {0, 1} <= set(places))
    assert chance_of_hole(2, 6, 4) == pytest.approx(own / comb(9, 5), rel=1e-12)


def test_holes_of_fresh_samples_are_as_rare_as_chance_says_in_any_distribution():
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(300):
        x, y = rng.standard_cauchy((2, 60, 1)) ** 3
        own, across = nearest_others(x, 4)[0][:, -1], nearest(x, y[:40], 1)[0][:, 0]
        shares.append(alone(own, across).mean())
    expected = chance_of_hole(4, 60, 40)
    assert np.mean(shares) == pytest.approx(expected, abs=4 * np.std(shares) / np.sqrt(300))
    assert chance_of_hole(hole_rank(500, 300), 500, 300) <= 1e-3 < chance_of_hole(hole_rank(500, 300) - 1, 500, 300)


def test_reach_lets_samples_beside_all_of_the_data_miss_no_part_of_it():
    rng = np.random.default_rng(0)
    plane = np.pad(rng.uniform(0, 20, (800, 2)), ((0, 0), (0, 1)))
    beside = np.pad(rng.uniform(0, 20, (800, 2)), ((0, 0), (0, 1)), constant_values=4.0)
    half = beside[beside[:, 0] < 10]

    def missing(samples):
        own, across = nearest_others(plane, 10)[0][:, -1], nearest(plane, samples, 1)[0][:, 0]
        to_real, places = nearest(samples, plane, 1)
        return alone(own, across).mean(), alone(own, across, reach(to_real[:, 0], own[places[:, 0]])).mean()

    assert missing(beside)[0] > 0.95
    assert missing(beside)[1] < 0.2
    assert 0.35 < missing(half)[1] < 0.6  # all but those that are nearer to the other half than it lies beside the data


def test_copies_are_counted_among_drawn_and_among_all_real_samples():
    rng = np.random.default_rng(1)
    real, fresh = rng.standard_normal((2, 2500, 8))
    fresh[:100] = real[rng.permutation(2500)[:100]] + 1e-9
    pair = Pair(Reference(Samples(real), None, 0, MOST), Samples(fresh[:1000]))
    assert pair.copies.nonzero()[0].tolist() == list(range(100))
    assert (pair.copying.copies, pair.copying.of, pair.copying.real_copies) == (100, 1000, 0)
    few = Pair(Reference(Samples(real), None, 0, 1000), Samples(fresh[:1000]))
    assert few.copies.sum() < 70  # most of those copied are not among the 1000 drawn
    assert (few.copying.copies, few.copying.of, few.copying.searched) == (100, 1000, 2500)


def test_nearer_to_training_than_to_held_out_points_is_one_half_unless_they_are_followed():
    rng = np.random.default_rng(2)
    train, held, fresh = rng.standard_normal((3, 700, 10))
    assert copying.nearer(fresh, train, held, rng)[0] == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(700))
    # Too far from the training points to be copies, but each follows one.
    followed = train[rng.permutation(700)[:400]] + 0.45 * rng.standard_normal((400, 10))
    found = diagnose(Samples(train), Samples(followed), Samples(held))
    assert found.number("copies") == 0
    assert found.kind == "memorised"
    assert diagnose(Samples(train), Samples(fresh), Samples(held)).kind == "covers"


def test_mass_left_behind_is_that_of_a_dummy_in_the_linear_program():
    rng = np.random.default_rng(4)
    real = np.concatenate([rng.standard_normal((30, 2)), rng.standard_normal((30, 2)) + 30])
    fake = rng.standard_normal((60, 2))
    left, too_much = carried(Pair(Reference(Samples(real), None, 0, MOST), Samples(fake)))
    assert left[30:].min() == 1  # no sample can come from there
    limit = (2 * np.quantile(np.sort(cdist(real, real), axis=1)[:, 5], 0.95)) ** 2
    cost = np.zeros((61, 61))
    cost[:60, :60] = cdist(real, fake) ** 2
    cost[:60, 60] = limit
    mass = np.append(np.full(60, 1 / 60), 1)
    plan = ot.emd(mass, mass, cost)
    assert left.mean() == pytest.approx(plan[:60, 60].sum(), abs=1e-9)
    assert too_much.mean() == pytest.approx(plan[60, :60].sum(), abs=1e-9)


def test_intervals_and_tests_of_shares_against_scipy():
    for count, n in ((0, 10), (3, 10), (950, 1000)):
        expected = scipy.stats.binomtest(count, n).proportion_ci(method="wilson")
        found = wilson(count, n)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    expected = scipy.stats.fisher_exact([[2, 28], [9, 31]], alternative="less").pvalue
    assert fewer_than_chance(2, 30, 9, 40) == pytest.approx(expected, rel=1e-9)


def test_two_sample_test_is_uniform_for_fresh_samples_and_small_for_others():
    rng = np.random.default_rng(5)
    values = [p_value(*rng.standard_normal((2, 60, 3)), rng) for _ in range(120)]
    assert scipy.stats.kstest(values, "uniform").pvalue > 1e-3
    assert p_value(rng.standard_normal((200, 3)), 1.5 * rng.standard_normal((200, 3)), rng) < 0.01
