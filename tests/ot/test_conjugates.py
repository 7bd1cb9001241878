"""Conjugates against the supremum that defines them, and the numbers printed for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otviz.ot.conjugates import CONJUGATES, KL_LIMIT


def _xlogx(t):
    return np.where(t > 0, t * np.log(np.maximum(t, 1e-300)), 0.0)


# Psi as the papers write the divergence, normalised so that Psi(1) = 0
ENTROPIES = {
    "kl": lambda t: _xlogx(t) - t + 1,
    "chi2": lambda t: (t - 1) ** 2,
    # softplus is the conjugate of t log t + (2 - t) log(2 - t) on [0, 2]
    "softplus": lambda t: np.where(t <= 2, _xlogx(t) + _xlogx(2 - t), np.inf),
}


@pytest.mark.parametrize("name", ENTROPIES)
@pytest.mark.parametrize("alpha", [0.5, 1.0, 5.0])
def test_value_is_the_legendre_supremum(name, alpha):
    x = np.linspace(-4, 2, 25)
    t = np.linspace(0, 2 if name == "softplus" else 60, 600_001)
    psi = alpha * ENTROPIES[name](t)  # alpha Psi has the conjugate alpha g(x / alpha)
    expected = np.array([(value * t - psi).max() for value in x])
    found = CONJUGATES[name].value(torch.from_numpy(x), alpha)
    assert found.numpy() == pytest.approx(expected, abs=1e-4)  # the grid's step is 1e-4


@pytest.mark.parametrize("name", CONJUGATES)
def test_normalised_convex_and_slope_matches_autograd(name):
    g = CONJUGATES[name]
    x = torch.linspace(-6, 12, 4001, dtype=torch.float64, requires_grad=True)
    value = g.value(x, 0.7)
    (slope,) = torch.autograd.grad(value.sum(), x)
    assert torch.allclose(slope, g.slope(x, 0.7), atol=1e-12)
    assert (slope >= 0).all()
    assert (slope.diff() >= -1e-12).all()
    zero = torch.zeros(1, dtype=torch.float64)
    assert g.value(zero) == pytest.approx(0, abs=1e-15)
    assert g.slope(zero) == pytest.approx(1)


def test_values_in_the_papers():
    x = torch.tensor([1.0, -1.0], dtype=torch.float64)
    softplus, kl = CONJUGATES["softplus"], CONJUGATES["kl"]
    assert softplus.value(x).numpy() == pytest.approx([1.2402, -0.7598], abs=5e-5)
    assert softplus.value(x, 5.0).numpy() == pytest.approx([1.050, -0.950], abs=5e-4)
    assert softplus.value(x, 0.2).numpy() == pytest.approx([1.725, -0.275], abs=5e-4)
    assert kl.value(x, 5.0).numpy() == pytest.approx([1.107, -0.906], abs=5e-4)
    assert kl.value(x, torch.tensor(0.2)).numpy() == pytest.approx([29.5, -0.199], abs=2e-2)
    low = torch.tensor(-50.0)
    assert softplus.value(low) == pytest.approx(-1.3863, abs=1e-4)
    assert kl.value(low) == pytest.approx(-1)


@pytest.mark.parametrize("name", CONJUGATES)
def test_large_alpha_is_the_identity(name):
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)
    assert torch.allclose(CONJUGATES[name].value(x, 1e6), x, atol=1e-5)


def test_kl_stays_finite_and_keeps_a_slope():
    x = torch.tensor([1e4], requires_grad=True)
    value = CONJUGATES["kl"].value(x)
    value.backward()
    assert torch.isfinite(value).all()
    assert x.grad == pytest.approx(np.exp(KL_LIMIT), rel=1e-5)
