"""Convergence against POT's own iterations, and binned plans against the exact one."""

from __future__ import annotations

import itertools

import numpy as np
import ot
import pytest
from scipy.spatial.distance import cdist

from otviz.clouds.studies.convergence import BINS, SOLVERS, convergence, sharpening


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((90, 2)).astype(np.float32)
    return x, (rng.standard_normal((70, 2)) * 0.4 + [1.5, 0.5]).astype(np.float32)


@pytest.mark.parametrize("p", [1, 2])
def test_plain_error_is_that_of_pot(clouds, p):
    cost = cdist(*(cloud.astype(float) for cloud in clouds)) ** p / p
    steps = {s.iteration: s for s in convergence(*clouds, p=p, blur=0.3, iterations=12) if s.solver == "plain"}
    a, b = np.full(90, 1 / 90), np.full(70, 1 / 70)
    for iteration in (1, 5, 12):
        plan = ot.bregman.sinkhorn_log(a, b, cost, 0.3**p, numItermax=iteration, stopThr=0)
        assert steps[iteration].error == pytest.approx(np.abs(plan.sum(0) - b).sum(), rel=1e-5)


def test_falling_epsilon_is_ahead_at_small_blur(clouds):
    steps = list(convergence(*clouds, blur=0.05, iterations=120))
    assert list(dict.fromkeys(step.solver for step in steps)) == list(SOLVERS)
    last = {step.solver: step.error for step in steps}
    assert last["squaring"] < last["plain"] / 3
    assert last["scaled"] < last["plain"] / 3
    for solver in SOLVERS:
        own = [step for step in steps if step.solver == solver]
        assert all(0 <= step.error <= 2 for step in own)
        assert all(after.iteration > before.iteration for before, after in itertools.pairwise(own))
        assert own[-1].epsilon == pytest.approx(0.0025)
        assert own[-1].iteration <= 120


def test_all_solvers_arrive(clouds):
    last = {step.solver: step.error for step in convergence(*clouds, blur=1.0, iterations=150)}
    assert last["plain"] < 1e-9
    assert last["scaled"] < 1e-6
    assert last["squaring"] < 1e-4  # float32


def test_plan_sharpens_into_the_exact_one(clouds):
    x = clouds[0]
    y = x[::-1] + np.float32([5, 0])  # a translation: each point goes to its own copy, one partner each
    plans = list(sharpening(x, y, blurs=(30.0, 1.0, 0.01)))
    assert [plan.matrix.shape for plan in plans] == [(64, 64)] * 3
    assert BINS == 64
    for plan in plans:
        assert plan.matrix.sum() == pytest.approx(1, rel=1e-5)
        assert (plan.matrix >= 0).all()
    assert plans[0].partners == pytest.approx(90, rel=0.01)  # at large blur all pairs alike
    assert plans[0].partners > plans[1].partners > plans[2].partners
    assert plans[2].partners == pytest.approx(1, abs=0.2)
    assert np.trace(plans[2].matrix) > 0.9  # both clouds are ordered alike, so the exact plan is the diagonal


@pytest.mark.parametrize("change", [{"x": np.zeros((501, 2))}, {"p": 3}, {"blur": 0.0}, {"iterations": 0}])
def test_what_is_out_of_range_is_refused_at_once(clouds, change):
    with pytest.raises(ValueError, match=r"must|at most"):
        convergence(**{"x": clouds[0], "y": clouds[1], **change})
