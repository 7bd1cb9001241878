"""Values at default settings, within 1 % of a reference that shares no code, for any blur, reach, weights and scale."""

from __future__ import annotations

import itertools
from pathlib import Path

import log_domain
import numpy as np
import ot
import pytest
import torch

from otviz.clouds.problem import Problem
from otviz.clouds.solve import coarse, refine
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.summary import transport_numbers

CASES = Path(__file__).parent / "cases"


def _modes(rng, first, second):
    return np.concatenate([rng.standard_normal((first, 2)) * 0.2, rng.standard_normal((second, 2)) * 0.2 + [4, 0]])


def _ring(rng, n):
    angle = 2 * np.pi * rng.integers(8, size=n) / 8
    return 3 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.25 * rng.standard_normal((n, 2))


def _clouds(name):
    rng = np.random.default_rng(4)
    if name == "gaussians":
        return rng.standard_normal((25, 2)), rng.standard_normal((20, 2)) * [0.5, 0.8] + [1.5, 0.5]
    if name == "two rings":
        return _ring(rng, 24), _ring(rng, 24)
    if name == "one centre":
        x, y = rng.standard_normal((24, 2)), _ring(rng, 20)
        return x - x.mean(0), y - y.mean(0)
    if name == "modes":
        return _modes(rng, 8, 18), _modes(rng, 13, 13)
    if name == "duplicates":
        return np.repeat(rng.standard_normal((4, 2)), 6, 0), np.repeat(rng.standard_normal((3, 2)) + 1, 7, 0)
    points = rng.standard_normal((30, 2))
    return points[:22], points[8:]  # some points on both sides


def _weights(n, seed):
    weights = np.random.default_rng(seed).exponential(size=n) ** 2 + 1e-3
    return weights / weights.sum()


def _on_a_page(x, y, p, blur, reach, a, b):
    problem = Problem(cost="half-squared" if p == 2 else "euclidean", blur=blur, reach=reach)
    return coarse(problem, x, y, a, b).numbers.sinkhorn_divergence


def _alone(x, y, p, blur, reach, a, b, dtype=torch.float32):
    x, y, a, b = (None if array is None else torch.from_numpy(array).to(dtype) for array in (x, y, a, b))
    return float(sinkhorn_divergence(x, y, blur=blur, p=p, reach=reach, a=a, b=b).value)


GRID = [  # every cloud and p with weights and without, with half of the blurs each
    (
        name,
        p,
        (None, 0.1, 1.0, 20.0)[(k + shift) % 4],
        (0.001, 0.02, 0.05, 0.3, 2.0, 10.0)[shift:][::2],
        (k // 2 + k + shift) % 2,
    )
    for k, (name, p) in enumerate(
        itertools.product(("gaussians", "two rings", "one centre", "modes", "duplicates", "shared"), (1, 2))
    )
    for shift in (0, 1)
]


@pytest.mark.parametrize(("name", "p", "reach", "blurs", "weighted"), GRID)
def test_values_are_within_a_hundredth(name, p, reach, blurs, weighted):
    x, y = _clouds(name)
    a, b = (_weights(len(x), 1), _weights(len(y), 2)) if weighted else (None, None)
    for blur in blurs:
        expected = pytest.approx(log_domain.divergence(x, y, p, blur, reach, a, b), rel=0.01)
        assert _on_a_page(x, y, p, blur, reach, a, b) == expected, blur
        assert _alone(x, y, p, blur, reach, a, b) == expected, blur
        assert _alone(x, y, p, blur, reach, a, b, torch.float64) == expected, blur


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("blur", [0.05, 2.0])
@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0), (1e6, 0), (1.0, 1e6), (1.0, -3e5)])
def test_neither_scale_nor_place_matters(scale, shift, blur, p):
    x, y = (points * scale + shift for points in _clouds("modes"))
    a, b = _weights(len(x), 1), _weights(len(y), 2)
    expected = pytest.approx(log_domain.divergence(x, y, p, blur * scale, None, a, b), rel=0.01)
    assert _alone(x, y, p, blur * scale, None, a, b, torch.float64) == expected
    if 1e-3 <= blur * scale <= 10:
        assert _on_a_page(x, y, p, blur * scale, None, a, b) == expected


def _read(name, rows=slice(None)):
    return np.loadtxt(CASES / f"{name}.csv", delimiter=",", skiprows=1)[rows, :2]


def _exact(x, y, p):
    x, y = x - x[0], y - x[0]
    return ot.emd2([], [], log_domain.cost(x, y, p))


FROM_FILES = [  # source, target, p, blur, S, exact: values that came with the files
    (("shift_a",), ("shift_b",), 2, 0.05, 5000.0, 5000.0),
    (("modes_30_70",), ("modes_50_50",), 2, 0.05, 0.88954, 0.88882),
    (("modes_30_70",), ("modes_50_50",), 2, 0.5, 0.80691, 0.88882),
    (("modes_30_70",), ("modes_50_50",), 1, 0.05, 0.57819, None),
    (("far", slice(15)), ("far", slice(-15, None)), 2, 0.05, 0.35003, 0.35022),
    (("tiny", slice(15)), ("tiny", slice(-15, None)), 2, None, None, 3.2092e-13),
]


@pytest.mark.parametrize(("source", "target", "p", "blur", "value", "exact"), FROM_FILES)
def test_files_give_the_values_that_came_with_them(source, target, p, blur, value, exact):
    x, y = _read(*source), _read(*target)
    if exact is not None:
        assert _exact(x, y, p) == pytest.approx(exact, rel=1e-4)
        assert transport_numbers(torch.from_numpy(x), torch.from_numpy(y), p=p)["exact_cost"] == pytest.approx(
            exact, rel=1e-4
        )
        problem = Problem(cost="half-squared" if p == 2 else "euclidean")
        assert list(refine(problem, x, y, coarse(problem, x, y)))[-1].numbers.exact_cost == pytest.approx(
            exact, rel=1e-4
        )
    if value is not None:
        expected = pytest.approx(value, rel=2e-3)
        assert log_domain.divergence(x, y, p, blur) == pytest.approx(value, rel=1e-4)
        assert _alone(x, y, p, blur, None, None, None, torch.float64) == expected
        assert _on_a_page(x, y, p, blur, None, None, None) == expected
        assert (
            transport_numbers(torch.from_numpy(x), torch.from_numpy(y), p=p, blur=blur)["sinkhorn_divergence"]
            == expected
        )


@pytest.mark.parametrize("name", ["shift_a", "modes_30_70", "far", "tiny"])
@pytest.mark.parametrize("reach", [None, 1.0])
@pytest.mark.parametrize("p", [1, 2])
def test_a_file_to_itself_is_nothing_at_all(name, p, reach):
    x = _read(name)
    a = _weights(len(x), 1)
    for weights in (None, a):
        assert _alone(x, x.copy(), p, 0.05, reach, weights, weights) == 0
        assert _on_a_page(x, x.copy(), p, 0.05, reach, weights, weights) == 0
    assert _alone(x, x.copy(), p, 0.05, reach, None, a, torch.float64) > 0
    turned = x[::-1].copy()
    assert 0 <= _on_a_page(x, turned, p, 0.05, reach, None, None) < 1e-6
    assert 0 <= _alone(x, turned, p, 0.05, reach, None, None, torch.float64) < 1e-6


def test_two_gaussians_far_from_the_origin():
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((30, 2)) + np.array([1e5, 0]) for _ in range(2))
    expected = pytest.approx(log_domain.divergence(x, y, 2, 0.05), rel=0.01)
    assert _on_a_page(x, y, 2, 0.05, None, None, None) == expected
    assert _alone(x, y, 2, 0.05, None, None, None, torch.float64) == expected


def test_numbers_take_weights():
    x, y = _clouds("modes")
    a, b = _weights(len(x), 1), _weights(len(y), 2)
    tensors = (torch.from_numpy(array) for array in (x, y))
    found = transport_numbers(*tensors, blur=0.5, a=torch.from_numpy(a), b=torch.from_numpy(b))
    cost = log_domain.cost(x, y, 2)
    assert found["sinkhorn_divergence"] == pytest.approx(log_domain.divergence(x, y, 2, 0.5, None, a, b), rel=0.01)
    assert found["entropic_cost"] == pytest.approx(log_domain.entropic_cost(cost, a, b, 0.25), rel=1e-3)
    assert found["exact_cost"] == pytest.approx(ot.emd2(a, b, cost), rel=1e-9)
