"""Entropic transport between Gaussians against its closed forms, on quadrature grids: no sampling noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from otviz.ot.costs import cost_p
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.sinkhorn import solve


def _line(mean, std, n=160, width=6.0):
    """Points and weights of a Gaussian on a regular grid: a trapezoidal sum, exact far beyond 1e-6."""
    t = torch.linspace(-width, width, n, dtype=torch.float64)
    weights = torch.exp(-t.square() / 2)
    return (mean + std * t)[:, None], weights / weights.sum()


def _plane(mean, stds, n=30, width=5.0):
    parts = [_line(m, s, n, width) for m, s in zip(mean, stds, strict=True)]
    points = torch.cartesian_prod(parts[0][0][:, 0], parts[1][0][:, 0])
    return points, (parts[0][1][:, None] * parts[1][1]).flatten()


def _janati(mean_a, var_a, mean_b, var_b, epsilon):
    """OT_epsilon of cost |x - y|^2 / 2 (Janati et al. 2020, Theorem 1, with sigma^2 = epsilon, halved); diagonal ones."""
    mean_a, var_a, mean_b, var_b = (np.atleast_1d(v) for v in (mean_a, var_a, mean_b, var_b))
    d = np.sqrt(4 * var_a * var_b + epsilon**2)
    bures = var_a + var_b - d + epsilon * (1 - math.log(2 * epsilon)) + epsilon * np.log(d + epsilon)
    return float((np.square(mean_a - mean_b) + bures).sum() / 2)


def _janati_unbalanced(mean_a, var_a, mean_b, var_b, epsilon, rho):
    """The same with marginals in KL at strength rho (their Theorem 3, with gamma = 2 rho), in 1D, masses 1."""
    sigma2, gamma = epsilon, 2 * rho
    tau, rest = gamma / (2 * sigma2 + gamma), sigma2 + gamma / 2
    tilde_a, tilde_b = (gamma / 2 * (1 - rest / (v + rest)) for v in (var_a, var_b))
    c = math.sqrt(tilde_a * tilde_b / tau + sigma2**2 / 4) - sigma2 / 2
    spread = var_a + var_b + rest
    mass = (sigma2 ** (sigma2 / (gamma + sigma2) / 2)) * (
        c * math.sqrt((tilde_a * tilde_b) ** tau / (var_a * var_b))
    ) ** (1 / (tau + 1))
    mass *= math.exp(-((mean_a - mean_b) ** 2) / spread / (2 * (tau + 1)))
    mass /= math.sqrt(c - 2 / gamma * tilde_a * tilde_b)
    return (gamma * 2 + 2 * sigma2 - 2 * (sigma2 + gamma) * mass) / 2


def _fixed_point(mean_a, var_a, mean_b, var_b, epsilon, rho):
    """The unbalanced optimum by Sinkhorn's iteration on the coefficients of quadratic potentials p x^2 + q x + r, in 1D.

    A soft minimum of a quadratic under a Gaussian is a quadratic; at the optimum OT = (2 rho + epsilon)(1 - mass).
    """
    damping = rho / (rho + epsilon)

    def soft(potential, mean, var):
        p, q, r = potential  # integral of exp((p y^2 + q y + r - (x - y)^2 / 2) / epsilon - (y - mean)^2 / (2 var))
        curve = (1 - 2 * p) / epsilon + 1 / var
        slope, constant = q / epsilon + mean / var, r / epsilon - mean**2 / (2 * var)
        square = -1 / (2 * epsilon) + 1 / (2 * epsilon**2 * curve)
        line = slope / (epsilon * curve)
        rest = constant + slope**2 / (2 * curve) - math.log(var * curve) / 2
        return tuple(-damping * epsilon * part for part in (square, line, rest))

    f = g = (0.0, 0.0, 0.0)
    for _ in range(20_000):
        g = soft(f, mean_a, var_a)
        f = soft(g, mean_b, var_b)
    p, q, r = (-part / rho for part in f)
    curve = 1 / var_a - 2 * p
    slope = q + mean_a / var_a
    mass = math.exp(r - mean_a**2 / (2 * var_a) + slope**2 / (2 * curve)) / math.sqrt(var_a * curve)
    return (2 * rho + epsilon) * (1 - mass)


@pytest.mark.parametrize("blur", [0.2, 0.5, 1.0])
def test_balanced_on_a_line(blur):
    (x, a), (y, b) = _line(0.0, 1.0), _line(1.5, 0.6)
    found = solve(cost_p(x, y, 2), blur**2, a=a, b=b, last=300)
    assert float(found.entropic_cost) == pytest.approx(_janati(0, 1, 1.5, 0.36, blur**2), rel=1e-3)


def test_balanced_in_the_plane():
    (x, a), (y, b) = _plane((0, 0), (1.0, 0.7)), _plane((1, -0.5), (0.6, 0.8))
    found = solve(cost_p(x, y, 2), 0.36, a=a, b=b, last=300)
    expected = _janati((0, 0), (1, 0.49), (1, -0.5), (0.36, 0.64), 0.36)
    assert float(found.entropic_cost) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("reach", [0.7, 1.5, 5.0])
@pytest.mark.parametrize("blur", [0.3, 1.0])
def test_unbalanced_on_a_line(blur, reach):
    (x, a), (y, b) = _line(0.0, 1.0), _line(1.5, 0.6)
    found = solve(cost_p(x, y, 2), blur**2, a=a, b=b, rho=reach**2, last=300)
    expected = _fixed_point(0, 1, 1.5, 0.36, blur**2, reach**2)
    assert float(found.entropic_cost) == pytest.approx(expected, rel=1e-3)
    assert expected == pytest.approx(_janati_unbalanced(0, 1, 1.5, 0.36, blur**2, reach**2), rel=1e-6)


@pytest.mark.parametrize("reach", [None, 1.5])
def test_the_divergence_on_a_line(reach):
    (x, a), (y, b) = _line(0.0, 1.0), _line(1.5, 0.6)
    found = float(sinkhorn_divergence(x, y, blur=0.5, reach=reach, scaling=0.98, a=a, b=b).value)

    def value(*pair):
        return _janati(*pair, 0.25) if reach is None else _fixed_point(*pair, 0.25, reach**2)

    own = value(0, 1, 0, 1) + value(1.5, 0.36, 1.5, 0.36)
    assert found == pytest.approx(value(0, 1, 1.5, 0.36) - own / 2, rel=1e-3)
