"""Costs against scipy's distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from otviz.ot import costs

SCIPY = {
    costs.squared_euclidean: lambda x, y: cdist(x, y, "sqeuclidean"),
    costs.euclidean: lambda x, y: cdist(x, y),
    costs.cityblock: lambda x, y: cdist(x, y, "cityblock"),
    costs.cosine: lambda x, y: cdist(x, y, "cosine"),
    costs.half_squared: lambda x, y: cdist(x, y, "sqeuclidean") / 2,
    costs.cosine_with_bias: lambda x, y: cdist(
        *(np.pad(z, ((0, 0), (0, 1)), constant_values=1) for z in (x, y)), "cosine"
    ),
}


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 2, 3, 8, 9, 40]), st.integers(0, 99))
@pytest.mark.parametrize("cost", SCIPY, ids=lambda cost: cost.__name__)
def test_costs_are_scipys(cost, n, m, d, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    found = cost(torch.from_numpy(x), torch.from_numpy(y))
    assert found.numpy() == pytest.approx(SCIPY[cost](x, y), abs=1e-12)
    batched = cost(torch.from_numpy(np.stack([x, 2 * x])), torch.from_numpy(np.stack([y, y])))
    assert batched[0].numpy() == pytest.approx(found.numpy(), abs=1e-12)
    assert batched[1].numpy() == pytest.approx(SCIPY[cost](2 * x, y), abs=1e-12)


@pytest.mark.parametrize("d", [2, 30])
def test_no_cancellation_far_from_the_origin(d):
    x = torch.randn(50, d, generator=torch.Generator().manual_seed(0)) + 1000
    y = x + 1e-2 * torch.randn(50, d, generator=torch.Generator().manual_seed(1))
    exact = cdist(x.double().numpy(), y.double().numpy(), "sqeuclidean")
    assert costs.squared_euclidean(x, y).numpy() == pytest.approx(exact, rel=1e-5, abs=1e-9)


def test_blocks_agree_with_one_piece():
    x = torch.randn(700, 3)
    with_blocks = costs.squared_euclidean(x, x)  # 490 000 entries: eight blocks
    whole = costs.squared_euclidean(x.clone().requires_grad_(), x)
    assert torch.equal(with_blocks, whole.detach())


@pytest.mark.parametrize("p", [1, 2])
def test_gradients_are_finite_at_coincident_points(p):
    x = torch.tensor([[0.0, 0.0], [1.0, 2.0]], requires_grad=True)
    costs.cost_p(x, x.detach().clone(), p).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_p_is_checked():
    with pytest.raises(ValueError, match="p must be 1"):
        costs.cost_p(torch.zeros(1, 2), torch.zeros(1, 2), 3)
