"""Anderson's acceleration: as GMRES on linear maps, and to the same fixed point on others."""

from __future__ import annotations

import numpy as np
import torch

from otviz.clouds.anderson import MEMORY, Anderson


def _steps(rates: torch.Tensor, weights: torch.Tensor, start: torch.Tensor, most: int) -> list[float]:
    """Distances from the fixed point 0 of x -> rates x, step by step."""
    faster, at, found = Anderson(weights), start, []
    for _ in range(most):
        at = faster.next(at, rates * at)
        found.append(float(at.norm()))
    return found


def test_as_many_steps_as_a_linear_map_has_rates() -> None:
    rng = torch.Generator().manual_seed(0)
    rates = torch.tensor([0.999, 0.99, 0.9, 0.5, 0.1], dtype=torch.float64).repeat(20)
    start, weights = (torch.rand(100, generator=rng, dtype=torch.float64) + 0.1 for _ in range(2))
    far = _steps(rates, weights, start, 8)
    assert far[0] > 0.3 * float(start.norm())  # a plain step
    assert far[5] < 1e-6 * float(start.norm())


def test_far_fewer_steps_than_plain_ones_where_a_map_is_slow() -> None:
    rates = torch.from_numpy(1 - np.geomspace(1e-3, 1, 60))
    far = _steps(rates, torch.ones(60, dtype=torch.float64), torch.ones(60, dtype=torch.float64), 10 * MEMORY)
    assert far[-1] < 1e-3  # plain steps leave .999^150 = .86 of the slowest


def test_a_map_that_is_not_linear_keeps_its_fixed_point() -> None:
    faster, at = Anderson(torch.ones(3, dtype=torch.float64)), torch.tensor([1.0, 0.3, 2.0], dtype=torch.float64)
    for _ in range(40):
        at = faster.next(at, at.cos())
    torch.testing.assert_close(at, torch.full_like(at, 0.7390851332151607), rtol=1e-6, atol=0)
    faster.forget()
    image = at.cos()
    assert torch.equal(faster.next(at, image), image)
