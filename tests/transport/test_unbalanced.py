"""Soft marginals: the formula between two Diracs, the table reported for the notebook's ring, and outliers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from otviz.clouds.unbalanced import kept_table, reach_curve, with_outliers
from otviz.data.distributions.ring import Ring
from otviz.ot.sinkhorn import solve

REPORTED = {  # tau, alpha: mass, mean target radius where one is reported; with entropy of 1 % of the median cost
    (0.1, 0.2): (0.50, 2.944), (0.1, 1.0): (0.84, 2.996), (0.1, 5.0): (0.96, 3.011),
    (1.0, 0.2): (0.08, None), (1.0, 1.0): (0.33, None), (1.0, 5.0): (0.72, None),
    (0.01, 0.2): (0.91, None), (0.01, 1.0): (0.98, None), (0.01, 5.0): (1.00, None),
}  # fmt: skip


@pytest.mark.parametrize(("tau", "alpha"), [(0.1, 1.0), (1.0, 2.0), (0.3, 0.5)])
def test_two_diracs(tau, alpha):
    """Pairs (0, d) and (far, far): the first keeps e^(-tau d^2 / (2 alpha)) of its half, the other all of its own."""
    distance, far, epsilon = 1.5, 40.0, 1e-3
    x, y = torch.tensor([0.0, far]).double(), torch.tensor([distance, far]).double()
    plan = solve(tau * (x[:, None] - y) ** 2, epsilon, rho=alpha).coupling
    # the entropy, measured against a b, takes epsilon log 2 more off the exponent, and no more is between pairs
    assert float(plan[0, 0] * 2) == pytest.approx(math.exp(-tau * distance**2 / (2 * alpha)), rel=2e-3)
    assert float(plan[1, 1] * 2) == pytest.approx(1, rel=2e-3)


def test_table_is_the_one_reported():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((500, 2)).astype(np.float32), Ring().sample(500, rng)
    mean_radius = np.hypot(y[:, 0], y[:, 1]).mean()
    table = {(k.tau, k.alpha): k for k in kept_table(x, y, alphas=(0.2, 1.0, 5.0))}
    assert set(table) == set(REPORTED)
    for setting, (mass, radius) in REPORTED.items():
        # printed to two places; draws of 500 to 2000 points differ by up to 0.02
        assert table[setting].mass == pytest.approx(mass, abs=0.03), setting
        if radius is not None:  # reported where the true mean is 3.016; a draw's own mean moves by 0.25 / sqrt(500)
            assert table[setting].target_radius - mean_radius == pytest.approx(radius - 3.016, abs=0.015), setting
        assert table[setting].mass_y.mean() == pytest.approx(table[setting].mass, rel=1e-4)


def test_alpha_carries_to_balanced_transport():
    """Mass and target radius rise with alpha (the schedule's direction) and fall with tau."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((200, 2)).astype(np.float32), Ring().sample(200, rng)
    mass = np.array([k.mass for k in kept_table(x, y, taus=(0.05, 0.5), alphas=(0.2, 1, 5, 25))]).reshape(2, 4)
    assert (np.diff(mass, axis=1) > 0).all()
    assert (mass[0] > mass[1]).all()
    assert mass[0, -1] == pytest.approx(1, abs=0.02)


def test_reach_lets_outliers_in_at_their_distance():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((200, 2)).astype(np.float32) * 0.3
    y, far = with_outliers(rng.standard_normal((200, 2)).astype(np.float32) * 0.3, share=0.1, distance=8)
    assert far.sum() == 20
    curve = list(reach_curve(x, y, far, reaches=(0.5, 2.0, 8.0, 60.0)))
    shares = [point.outliers for point in curve]
    assert shares[0] < 1e-6  # e^(-d^2 / (4 reach^2)) = e^-64 between two Diracs
    assert all(after > before for before, after in itertools.pairwise(shares))
    assert 0.5 < shares[2] < 0.9  # e^(-1/4) = 0.78 between two Diracs; here the pull from both sides is shared
    assert shares[3] == pytest.approx(1, abs=0.03)
    for point in curve:
        assert point.mass == pytest.approx(0.1 * point.outliers + 0.9 * point.others, rel=1e-3)


def test_what_is_out_of_range_is_refused_at_once():
    points = np.zeros((4, 2), np.float32)
    with pytest.raises(ValueError, match="tau must be > 0"):
        kept_table(points, points, taus=(0.0,))
    with pytest.raises(ValueError, match="some of the 4"):
        reach_curve(points, points, np.zeros(4, bool))
    with pytest.raises(ValueError, match="share must lie"):
        with_outliers(points, share=1.0)


def test_masses_are_repeated_points():
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((n, 2)).astype(np.float32) for n in (12, 9))
    counts = [rng.integers(1, 4, size=n) for n in (12, 9)]
    a, b = (c / c.sum() for c in counts)
    repeated = [np.repeat(points, c, 0) for points, c in zip((x, y), counts, strict=True)]
    options = {"taus": (0.5,), "alphas": (1.0,), "sharpness": 0.1}
    (weighted,), (expected,) = kept_table(x, y, **options, a=a, b=b), kept_table(*repeated, **options)
    assert weighted.mass == pytest.approx(expected.mass, rel=0.02)  # epsilon follows the median cost, which differs
    assert np.repeat(weighted.mass_y, counts[1]) == pytest.approx(expected.mass_y, rel=0.05)
    outliers = np.arange(9) < 3
    (point,) = reach_curve(x, y, outliers, reaches=(1.0,), a=a, b=b)
    (same,) = reach_curve(*repeated, np.repeat(outliers, counts[1]), reaches=(1.0,))
    assert (point.mass, point.outliers, point.others) == pytest.approx(
        (same.mass, same.outliers, same.others), rel=1e-3
    )
