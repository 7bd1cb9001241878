"""S against blur: both limits, geomloss in between, and what the notebook's points are reported to give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from geomloss import SamplesLoss
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from otviz.clouds.studies.sweeps import BLURS, blur_curve, limits


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((100, 2)).astype(np.float32)
    return x, (rng.standard_normal((100, 2)) * 0.4 + [1.5, 0.5]).astype(np.float32)


def _cost(x, y, p):
    return cdist(x.astype(float), y.astype(float)) ** p / p


@pytest.mark.parametrize("p", [1, 2])
def test_small_blur_is_the_programme(clouds, p):
    cost = _cost(*clouds, p)
    exact = cost[linear_sum_assignment(cost)].mean()
    (point,) = blur_curve(*clouds, p=p, blurs=[1e-3])
    assert limits(*clouds, p).exact_cost == pytest.approx(exact, rel=1e-6)
    # OT_epsilon lies above by at most epsilon log n = 5e-3 (p = 1); the solve itself is good to about a percent
    for value in (point.sinkhorn_divergence, point.entropic_cost, point.transport_cost):
        assert value == pytest.approx(exact, rel=0.015)


@pytest.mark.parametrize("p", [1, 2])
def test_large_blur_is_a_norm(clouds, p):
    """Means at p = 2, half the energy distance at p = 1: the terms of order 1 / epsilon are gone at blur 1000."""
    x, y = clouds
    (point,) = blur_curve(x, y, p=p, blurs=[1e3])
    if p == 2:
        limit = ((x.mean(0) - y.mean(0)) ** 2).sum() / 2
    else:
        limit = _cost(x, y, 1).mean() - _cost(x, x, 1).mean() / 2 - _cost(y, y, 1).mean() / 2
    assert limits(x, y, p).sinkhorn_divergence == pytest.approx(limit, rel=1e-4)
    assert point.sinkhorn_divergence == pytest.approx(limit, rel=5e-3)
    assert point.entropic_cost == pytest.approx(_cost(x, y, p).mean(), rel=2e-3)
    assert limits(x, y, p).entropic_cost == pytest.approx(_cost(x, y, p).mean(), rel=1e-5)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("blur", [0.05, 0.5, 3.0])
def test_in_between_is_geomloss(clouds, p, blur):
    x, y = (torch.from_numpy(cloud).double() for cloud in clouds)
    (point,) = blur_curve(*clouds, p=p, blurs=[blur])
    for debias, value in ((True, point.sinkhorn_divergence), (False, point.entropic_cost)):
        loss = SamplesLoss("sinkhorn", p=p, blur=blur, scaling=0.95, debias=debias, backend="tensorized")
        assert value == pytest.approx(float(loss(x, y)), rel=1e-2)


def test_curves_are_ordered(clouds):
    """<P, C> rises with epsilon (its plan leaves the optimum), and so does OT_epsilon (KL >= 0)."""
    points = list(blur_curve(*clouds, blurs=BLURS[::4]))
    for before, after in itertools.pairwise(points):
        assert after.entropic_cost >= before.entropic_cost * 0.999
        assert after.transport_cost >= before.transport_cost * 0.999
        # the plan read off unfinished potentials costs up to a percent more at the smallest blurs
        assert after.entropic_cost >= after.transport_cost * 0.99
    assert points[0].blur == pytest.approx(1e-3)
    assert points[-1].blur == pytest.approx(10)


@pytest.mark.parametrize("change", [{"blurs": [0.1, -1.0]}, {"p": 3}, {"scaling": 1.5}, {"x": np.zeros((1001, 2))}])
def test_what_is_out_of_range_is_refused_at_once(clouds, change):
    with pytest.raises(ValueError, match="must"):
        blur_curve(**{"x": clouds[0], "y": clouds[1], **change})


@pytest.mark.parametrize("p", [1, 2])
def test_masses_are_repeated_points(p):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((n, 2)).astype(np.float32) for n in (12, 9))
    counts = [rng.integers(0, 4, size=n) for n in (12, 9)]
    a, b = (c / c.sum() for c in counts)
    repeated = [np.repeat(points, c, 0) for points, c in zip((x, y), counts, strict=True)]
    assert vars(limits(x, y, p, a, b)) == pytest.approx(vars(limits(*repeated, p)), rel=1e-6)
    for point, same in zip(
        blur_curve(x, y, p, blurs=(0.1, 1.0), a=a, b=b), blur_curve(*repeated, p, blurs=(0.1, 1.0)), strict=True
    ):
        assert point.sinkhorn_divergence == pytest.approx(same.sinkhorn_divergence, rel=5e-3)
        assert point.entropic_cost == pytest.approx(same.entropic_cost, rel=5e-3)
