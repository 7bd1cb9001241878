"""Entropic plans against POT, the linear programme, and each other's domains."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from otviz.ot.costs import cost_p
from otviz.ot.exact import exact_cost
from otviz.ot.sinkhorn import sinkhorn, sinkhorn_log, solve

TIGHT = {"per_level": 20, "last": 3000}


def _clouds(n, m, seed=0, d=2):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return x, torch.randn(m, d, generator=generator, dtype=torch.float64) * 0.5 + 1


@pytest.mark.parametrize("solver", ["squaring", "log"])
@pytest.mark.parametrize("weighted", [False, True])
def test_balanced_against_pot(solver, weighted):
    x, y = _clouds(20, 30)
    cost = cost_p(x, y, 2)
    rng = np.random.default_rng(0)
    a, b = (rng.dirichlet(np.full(n, 5.0)) if weighted else np.full(n, 1 / n) for n in cost.shape)
    weights = {"a": torch.from_numpy(a), "b": torch.from_numpy(b)} if weighted else {}
    expected = ot.sinkhorn(a, b, cost.numpy(), reg=0.1, method="sinkhorn_log", stopThr=1e-13, numItermax=50_000)
    found = solve(cost, 0.1, solver=solver, **weights, **TIGHT)
    assert found.coupling.numpy() == pytest.approx(expected, abs=1e-9)
    assert float(found.transport_cost) == pytest.approx((expected * cost.numpy()).sum(), rel=1e-7)
    kl = (expected * np.log(expected / np.outer(a, b))).sum()
    assert float(found.entropic_cost) == pytest.approx((expected * cost.numpy()).sum() + 0.1 * kl, rel=1e-7)
    f, g = found.potential_x.numpy(), found.potential_y.numpy()
    implied = np.outer(a, b) * np.exp((f[:, None] + g - cost.numpy()) / 0.1)
    assert implied == pytest.approx(expected, abs=1e-9)
    assert float(found.marginal_error) < 1e-8
    assert found.solver == solver


@pytest.mark.parametrize("solver", ["squaring", "log"])
def test_unbalanced_against_pot(solver):
    x, y = _clouds(15, 12)
    cost = cost_p(x, y, 2)
    a, b = np.full(15, 1 / 15), np.full(12, 1 / 12)
    expected = ot.unbalanced.sinkhorn_unbalanced(
        a, b, cost.numpy(), reg=0.1, reg_m=0.7, reg_type="kl", stopThr=1e-14, numItermax=50_000
    )
    found = solve(cost, 0.1, rho=0.7, solver=solver, **TIGHT)
    assert found.coupling.numpy() == pytest.approx(expected, abs=1e-9)
    assert float(found.coupling.sum()) < 1
    assert float(found.marginal_error) < 1e-9

    def kl(p, q):
        return (p * np.log(p / q) - p + q).sum()

    primal = (expected * cost.numpy()).sum() + 0.1 * kl(expected, np.outer(a, b))
    primal += 0.7 * (kl(expected.sum(1), a) + kl(expected.sum(0), b))
    assert float(found.entropic_cost) == pytest.approx(primal, rel=1e-7)


def test_infinite_reach_is_balanced():
    cost = cost_p(*_clouds(12, 12), 2)
    free, held = solve(cost, 0.1, rho=1e6, **TIGHT), solve(cost, 0.1, **TIGHT)
    assert torch.allclose(free.coupling, held.coupling, atol=1e-6)


def test_small_epsilon_is_the_linear_programme():
    x, y = _clouds(60, 60)
    cost = cost_p(x, y, 2)
    assert float(solve(cost, 1e-4).transport_cost) == pytest.approx(exact_cost(cost), rel=0.01)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 12),
    st.integers(1, 4),
    st.sampled_from([1, 2]),
    st.integers(0, 999),
)
def test_plans_have_their_marginals(n, m, d, copies, p, seed):
    x, y = _clouds(n, m, seed, d)
    x = x.repeat(copies, 1).float()
    found = sinkhorn(x, y.float(), blur=0.3, p=p)
    assert found.coupling.sum(1).numpy() == pytest.approx(np.full(len(x), 1 / len(x)), rel=1e-4)
    assert float(found.marginal_error) < 0.02  # twenty sweeps at the last temperature
    assert (found.coupling >= 0).all()


def test_a_batch_is_a_loop():
    costs = torch.rand(3, 17, 23, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for solver in ("squaring", "log"):
        together = solve(costs, 0.01, solver=solver)
        for cost, plan, value in zip(costs, together.coupling, together.entropic_cost, strict=True):
            alone = solve(cost, 0.01, solver=solver)
            # levels follow the largest cost of the batch, so only well converged plans agree closely
            assert torch.allclose(alone.coupling, plan, atol=2e-4)
            assert float(alone.entropic_cost) == pytest.approx(float(value), rel=1e-3)


def test_float32_gives_way_to_float64_where_it_would_break():
    x, y = _clouds(100, 100)
    x[:3] *= 1000
    cost = cost_p(x, y, 2)
    wide, narrow = solve(cost, 1e-3), solve(cost.float(), 1e-3)  # C / epsilon of about 1e9
    assert narrow.coupling.dtype == torch.float32
    assert float((narrow.coupling - wide.coupling).abs().sum()) < 0.05  # the float32 costs differ by 0.1


def test_the_log_domain_stops_at_its_tolerance():
    cost = cost_p(*_clouds(20, 20), 2)
    found = sinkhorn_log(cost, 0.1, last=100_000, tolerance=1e-10)
    assert found.iterations < 20_000
    assert float(found.marginal_error) < 1e-9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epsilon": 0.0}, "epsilon must be > 0"),
        ({"rho": -1.0}, "rho must be > 0"),
        ({"a": torch.ones(3) / 3}, "weights a"),
        ({"cost": torch.zeros(0, 2)}, "cost must have"),
    ],
)
def test_bad_problems_are_named(change, words):
    problem = {"cost": torch.zeros(2, 2), "epsilon": 1.0} | change
    with pytest.raises(ValueError, match=words):
        solve(**problem)


@pytest.mark.parametrize("solver", ["squaring", "log"])
@pytest.mark.parametrize(("cost", "epsilon", "rho"), [(4.0, 0.01, 1.0), (4.0, 0.5, 1.0), (100.0, 0.01, 50.0)])
def test_mass_between_two_points_that_are_far_apart(solver, cost, epsilon, rho):
    """Both marginals and the plan are one number m: cost + epsilon log m + 2 rho log m = 0."""
    plan = solve(torch.full((1, 1), cost, dtype=torch.float64), epsilon, rho=rho, solver=solver)
    assert float(plan.coupling.sum()) == pytest.approx(np.exp(-cost / (2 * rho + epsilon)), rel=1e-3)
