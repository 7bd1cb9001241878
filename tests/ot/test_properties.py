"""What must hold of Sinkhorn divergences and plans of any samples: sign, symmetry, invariance, finite numbers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from otviz.ot.costs import cost_p
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.sinkhorn import solve


@st.composite
def problems(draw):
    """Two weighted clouds, float32 or float64, perhaps far apart, tiny, or with points that coincide; and a setting."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    n, m, d = draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 9))
    scale = draw(st.sampled_from([1e-4, 1.0, 1.0, 30.0]))
    x, y = (torch.randn(k, d, generator=generator, dtype=torch.float64) * scale for k in (n, m))
    y = y + draw(st.sampled_from([0.0, 1.0, 1e4]))
    if draw(st.booleans()):
        x[n // 2 :], y[m // 2 :] = x[0].clone(), y[0].clone()
    weights = [None, None]
    if draw(st.booleans()):
        weights = [torch.rand(k, generator=generator, dtype=torch.float64) + 0.1 for k in (n, m)]
        weights = [w / w.sum() for w in weights]
    setting = {
        "blur": draw(st.sampled_from([0.05, 0.5, 5.0])),
        "p": draw(st.sampled_from([1, 2])),
        "reach": draw(st.sampled_from([None, None, 1.0])),
        "scaling": 0.97,
    }
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    return x.to(dtype), y.to(dtype), weights[0], weights[1], setting


def _slack(x, y, p, blur):
    """What rounding and unfinished sweeps may cost: float32 keeps seven digits of the largest cost."""
    largest = float(cost_p(x, y, p).max())
    return (1e-6 if x.dtype == torch.float32 else 1e-9) * largest + 0.02 * min(blur**p, largest) + 1e-6


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems())
def test_the_divergence_is_finite_nonnegative_and_symmetric(problem):
    x, y, a, b, setting = problem
    there = sinkhorn_divergence(x, y, a=a, b=b, with_y=True, **setting)
    back = sinkhorn_divergence(y, x, a=b, b=a, **setting)
    slack = _slack(x, y, setting["p"], setting["blur"])
    assert torch.isfinite(there.value)
    assert torch.isfinite(there.gradient_x).all()
    assert torch.isfinite(there.gradient_y).all()
    assert there.value.dtype == x.dtype
    assert float(there.value) > -slack
    assert float(back.value) == pytest.approx(
        float(there.value), rel=2e-2, abs=slack
    )  # sweeps of a dozen points end slowly


@settings(max_examples=40, deadline=None, derandomize=True)
@given(problems(), st.integers(0, 999))
def test_the_divergence_moves_and_turns_with_its_points(problem, seed):
    x, y, a, b, setting = problem
    x, y = x.double(), y.double()
    before = sinkhorn_divergence(x, y, a=a, b=b, **setting)
    shift = torch.randn(x.shape[1], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    moved = sinkhorn_divergence(x + shift, y + shift, a=a, b=b, **setting)
    turn = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    turned = sinkhorn_divergence(x[turn], y, a=None if a is None else a[turn], b=b, **setting)
    # float64 keeps eleven digits of a cost of 1e8, in units of an epsilon of 2.5e-3
    slack = _slack(x, y, setting["p"], setting["blur"])
    assert float(moved.value) == pytest.approx(float(before.value), rel=1e-6, abs=slack)
    assert float(turned.value) == pytest.approx(float(before.value), rel=1e-7, abs=slack)
    # past 8 dimensions a distance is the root of a difference of products, good to 1e-8 of the radius
    close = 1e-5 * float(before.gradient_x.abs().max()) + 1e-9
    assert torch.allclose(turned.gradient_x, before.gradient_x[turn], atol=close)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems())
def test_plans_have_rows_of_their_weights_and_finite_costs(problem):
    x, y, a, b, setting = problem
    cost = cost_p(x, y, setting["p"])
    rho = None if setting["reach"] is None else setting["reach"] ** setting["p"]
    found = solve(cost, setting["blur"] ** setting["p"], a=a, b=b, rho=rho)
    assert torch.isfinite(found.coupling).all()
    assert (found.coupling >= 0).all()
    assert torch.isfinite(found.entropic_cost)
    assert torch.isfinite(found.potential_x).all()
    if rho is None:
        rows = torch.full((len(x),), 1 / len(x), dtype=torch.float64) if a is None else a
        # an exponent of C / epsilon keeps seven digits in float32
        assert torch.allclose(found.coupling.double().sum(1), rows, rtol=2e-2)
        # twenty sweeps leave a marginal error, which counts at first order in the one and at second in the other
        slack = float(found.marginal_error) * float(cost.max()) + _slack(x, y, setting["p"], setting["blur"])
        assert float(found.entropic_cost) >= float(found.transport_cost) - slack
