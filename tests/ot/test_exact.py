"""The linear programme against sorting, the Hungarian algorithm and Gaussians; the notebook's points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from otviz.ot.exact import exact_cost, exact_coupling, squared_distances, wasserstein2
from otviz.ot.notebook_cost import notebook_modes, notebook_points


def test_hungarian_and_sorting():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 3)), rng.standard_normal((40, 3)) + 1
    cost = squared_distances(x, y)
    rows, columns = linear_sum_assignment(cost)
    assert wasserstein2(x, y) == pytest.approx(np.sqrt(cost[rows, columns].mean()))
    line_x, line_y = rng.standard_normal((50, 1)), rng.exponential(size=(50, 1))
    expected = np.sqrt(np.mean((np.sort(line_x[:, 0]) - np.sort(line_y[:, 0])) ** 2))
    assert wasserstein2(line_x, line_y) == pytest.approx(expected)


def test_weights():
    rng = np.random.default_rng(1)
    x, y, a, b = rng.random(7), rng.random(9), rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(9))
    cost = np.abs(x[:, None] - y)
    assert exact_cost(cost, a, b) == pytest.approx(wasserstein_distance(x, y, a, b))
    plan = exact_coupling(cost, a, b)
    assert plan.sum(1) == pytest.approx(a)
    assert plan.sum(0) == pytest.approx(b)


def test_gaussians():
    rng = np.random.default_rng(2)
    # samples of the two Gaussians: the error at 1500 points in the plane is about 1 %
    x, y = rng.standard_normal((1500, 2)) * [1, 2], rng.standard_normal((1500, 2)) * [2, 0.5] + [5, 0]
    truth = np.sqrt(5**2 + (1 - 2) ** 2 + (2 - 0.5) ** 2)  # squared distances of means and of standard deviations
    assert wasserstein2(x, y) == pytest.approx(truth, rel=0.03)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="finite"):
        wasserstein2([[0.0, np.nan]], [[0.0, 0.0]])
    with pytest.raises(ValueError, match="shapes"):
        wasserstein2(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="equal sums"):
        exact_cost(np.zeros((2, 2)), [1, 1], [0.5, 0.5])


def test_the_notebooks_draw():
    source, target = notebook_points()
    assert np.bincount(notebook_modes()).tolist() == [270, 244, 246, 250, 255, 249, 245, 241]
    assert np.var(target, axis=0).mean() == pytest.approx(4.521, abs=5e-4)
    state = np.random.get_state()  # what the notebook does, with numpy's global generator
    np.random.seed(42)
    np.random.choice(8, 2000), np.random.randn(2000, 2)
    assert np.array_equal(source, (np.random.randn(2000, 2) * 0.5).astype(np.float32))
    np.random.set_state(state)
