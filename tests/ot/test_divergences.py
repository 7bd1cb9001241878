"""Divergences against geomloss, finite differences, exact matchings and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from otviz.ot.costs import FEATURE_COSTS, cost_p
from otviz.ot.divergences import (
    energy_distance,
    fast_sinkhorn,
    match_features,
    minibatch_energy_distance,
    sinkhorn_divergence,
)
from otviz.ot.notebook_cost import notebook_points
from otviz.ot.reference import geomloss_divergence


def _clouds(n=60, m=60, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    return x.to(dtype), (torch.randn(m, 2, generator=generator, dtype=torch.float64) * 0.5 + 1).to(dtype)


def _value_and_gradients(loss, x, y, **options):
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    value = loss(x, y, **options)
    return value.item(), *(g.detach() for g in torch.autograd.grad(value, (x, y)))


@pytest.mark.parametrize("debias", [True, False])
@pytest.mark.parametrize("reach", [None, 1.0])
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("sizes", [(60, 60), (40, 70)])
def test_value_and_gradients_are_geomloss(p, reach, debias, sizes):
    x, y = _clouds(*sizes)
    options = {"blur": 0.3, "p": p, "reach": reach, "debias": debias, "scaling": 0.98}
    value, on_x, on_y = _value_and_gradients(fast_sinkhorn, x, y, **options)
    expected, expected_x, expected_y = _value_and_gradients(geomloss_divergence, x, y, **options)
    if reach is not None:  # geomloss takes the forward factor of Sejourne's Prop. 12 for the backward one too
        epsilon, rho = 0.3**p, reach**p
        expected_x, expected_y = (g * (rho + epsilon) / (rho + epsilon / 2) for g in (expected_x, expected_y))
    # neither has converged at scaling .98; test_gradient_is_the_finite_difference is the strict one
    assert value == pytest.approx(expected, rel=5e-3)
    assert float((on_x - expected_x).norm() / expected_x.norm()) < 0.03
    assert float((on_y - expected_y).norm() / expected_y.norm()) < 0.03


@pytest.mark.parametrize("debias", [True, False])
@pytest.mark.parametrize("reach", [None, 1.0])
@pytest.mark.parametrize("p", [1, 2])
def test_gradient_is_the_finite_difference(p, reach, debias):
    x, y = _clouds(12, 15)
    options = {"blur": 0.5, "p": p, "reach": reach, "debias": debias, "scaling": 0.99}

    def value(points, target):
        return float(sinkhorn_divergence(points, target, **options).value)

    found = sinkhorn_divergence(x, y, with_y=True, **options)
    for gradient, index in ((found.gradient_x, 0), (found.gradient_y, 1)):
        for i, k in ((0, 0), (3, 1), (11, 0)):
            step = torch.zeros_like((x, y)[index])
            step[i, k] = 1e-4
            up = value(x + step, y) if index == 0 else value(x, y + step)
            down = value(x - step, y) if index == 0 else value(x, y - step)
            assert float(gradient[i, k]) == pytest.approx((up - down) / 2e-4, rel=2e-3, abs=1e-5)


def test_the_notebooks_value():
    source, target = (torch.from_numpy(points) for points in notebook_points())
    ours = sinkhorn_divergence(source, target, blur=0.01)
    # geomloss gives 2.7932 at scaling .9 and 2.7946 at .99; the converged value lies a little above
    assert float(ours.value) == pytest.approx(2.7946, abs=1e-3)
    assert float(sinkhorn_divergence(source, target, blur=0.01, scaling=0.9).value) == pytest.approx(2.7946, abs=5e-4)
    moved = source - len(source) * ours.gradient_x  # the step the notebook takes, with the right sign
    # each point lands on its share of the target: the mean radius is that of the ring to 1 % (geomloss: 2.95)
    assert float(moved.norm(dim=1).mean()) == pytest.approx(float(target.norm(dim=1).mean()), rel=0.01)


def test_training_precision_is_no_worse_than_geomloss_at_scaling_nine_tenths():
    rng = np.random.default_rng(0)
    angles = rng.integers(8, size=512) * np.pi / 4
    ring = 3 * np.stack([np.cos(angles), np.sin(angles)], 1) + 0.25 * rng.standard_normal((512, 2))
    target = torch.from_numpy(ring[:256]).float()
    starts = {
        "far": torch.randn(256, 2, generator=torch.Generator().manual_seed(0)) / 2,
        "near": torch.from_numpy(ring[256:]).float(),
    }
    for start in starts.values():
        exact = _value_and_gradients(geomloss_divergence, start.double(), target.double(), blur=0.02, scaling=0.99)
        theirs = _value_and_gradients(geomloss_divergence, start, target, blur=0.02, scaling=0.9)
        ours = _value_and_gradients(fast_sinkhorn, start, target, blur=0.02)
        off = [float((g[1].double() - exact[1]).norm() / exact[1].norm()) for g in (ours, theirs)]
        assert off[0] <= off[1] * 1.02
        assert abs(ours[0] - exact[0]) <= abs(theirs[0] - exact[0]) + 1e-3


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("blur", [1e-4, 0.05, 10.0])
def test_equal_samples_are_at_distance_zero(p, blur):
    x, _ = _clouds(dtype=torch.float32)
    found = sinkhorn_divergence(x, x.clone(), blur=blur, p=p)
    assert float(found.value) == pytest.approx(0, abs=2e-3)
    assert float(found.gradient_x.abs().max()) * len(x) < 0.02


def test_large_blur_sees_only_the_means():
    x, y = _clouds()
    expected = 0.5 * (x.mean(0) - y.mean(0)).square().sum()
    assert float(sinkhorn_divergence(x, y, blur=100.0).value) == pytest.approx(float(expected), rel=1e-3)


def test_outliers_and_single_points_stay_finite():
    x, y = _clouds(dtype=torch.float32)
    x[:3] *= 1e4
    for points in (x, x[:1]):
        for reach in (None, 1.0):
            found = sinkhorn_divergence(points, y, blur=1e-3, reach=reach)
            assert torch.isfinite(found.value)
            assert torch.isfinite(found.gradient_x).all()


def test_geomloss_leaves_the_grad_mode_alone():
    x, y = _clouds(5, 5)
    with torch.no_grad():
        geomloss_divergence(x, y, blur=0.5)
        assert not torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("change", "words"),
    [({"blur": 0.0}, "blur"), ({"p": 3}, "p must"), ({"reach": -1.0}, "reach"), ({"scaling": 1.0}, "scaling")],
)
def test_bad_knobs_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        fast_sinkhorn(*_clouds(4, 4), **({"blur": 0.1} | change))


def _features(n=24, k=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, k, generator=generator, dtype=torch.float64) + (i > 1) for i in range(4)]


def test_energy_distance_is_its_definition():
    x, y = (points.numpy() for points in _clouds(20, 30))

    def spread(a, b):
        return np.linalg.norm(a[:, None] - b[None], axis=2)

    own = [spread(z, z) for z in (x, y)]
    v = 2 * spread(x, y).mean() - own[0].mean() - own[1].mean()
    u = 2 * spread(x, y).mean() - sum(d.sum() / (len(d) * (len(d) - 1)) for d in own)
    x, y = _clouds(20, 30)
    assert float(energy_distance(x, y, unbiased=False)) == pytest.approx(v)
    assert float(energy_distance(x, y)) == pytest.approx(u)


@pytest.mark.parametrize("cost", FEATURE_COSTS)
def test_minibatch_energy_distance_tends_to_the_hungarian_one(cost):
    x1, x2, y1, y2 = _features()

    def w(a, b):
        matrix = FEATURE_COSTS[cost](a, b).numpy()
        return matrix[linear_sum_assignment(matrix)].mean()

    expected = w(x1, y1) + w(x1, y2) + w(x2, y1) + w(x2, y2) - 2 * w(x1, x2) - 2 * w(y1, y2)
    found = minibatch_energy_distance(x1, x2, y1, y2, cost=cost, epsilon=1e-3, iterations=400)
    assert float(found) == pytest.approx(expected, abs=0.02 * w(x1, y1))  # the temperature blurs the matching


def test_matchings_are_the_log_domain_loop():
    costs = FEATURE_COSTS["squared-l2"](torch.stack(_features(seed=3)), torch.stack(_features(seed=4)))
    log_plan = -costs / 0.02
    for _ in range(3000):  # Salimans et al. 2018, Algorithm 2, to convergence
        log_plan = log_plan - torch.logsumexp(log_plan, -2, keepdim=True)
        log_plan = log_plan - torch.logsumexp(log_plan, -1, keepdim=True)
    plans = match_features(costs, 0.02, 600)
    assert plans.sum((1, 2)).numpy() == pytest.approx(np.ones(4))
    # a tenth of the sweeps, from a high temperature down, comes within a few per cent of them
    assert float((plans - log_plan.exp() / 24).abs().sum((1, 2)).max()) < 0.1


def test_random_matching_with_squared_cost_compares_means_only():
    values = [
        float(
            minibatch_energy_distance(*_features(400, seed=s), matching="random", rng=torch.Generator().manual_seed(s))
        )
        for s in range(40)
    ]
    # 2 (2 E|x-y|^2 - E|x-x'|^2 - E|y-y'|^2) / 2 = 2 |mean difference|^2 with every one of k means shifted by 1
    k = _features(400)[0].shape[1]
    assert np.mean(values) == pytest.approx(2.0 * k, abs=3 * np.std(values) / np.sqrt(40) + 0.01)


def test_minibatch_gradient_holds_the_plans():
    features = [f.clone().requires_grad_() for f in _features()]
    minibatch_energy_distance(*features, epsilon=0.02, iterations=10).backward()
    x1, x2, y1, y2 = (f.detach() for f in features)
    plans = match_features(FEATURE_COSTS["squared-l2"](torch.stack([x1, x1, x1]), torch.stack([y1, y2, x2])), 0.02, 10)
    pulls = [plan.sum(1, keepdim=True) * x1 - plan @ other for plan, other in zip(plans, (y1, y2, x2), strict=True)]
    assert torch.allclose(features[0].grad, pulls[0] + pulls[1] - 2 * pulls[2], atol=1e-10)


def test_a_cost_far_above_epsilon_keeps_matchings_finite():
    costs = torch.rand(2, 16, 16) * 1e6
    plans = match_features(costs, 0.02, 10)
    assert torch.isfinite(plans).all()
    assert cost_p(torch.zeros(1, 2), torch.zeros(1, 2)).item() == 0


def test_points_that_fly_away_give_nan_and_no_error() -> None:
    x = torch.full((8, 2), 1e30)
    assert not torch.isfinite(fast_sinkhorn(x, torch.zeros(8, 2), blur=0.05))


def _weights(n, seed):
    weights = torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1
    return weights / weights.sum()


@pytest.mark.parametrize("debias", [True, False])
@pytest.mark.parametrize("p", [1, 2])
def test_weighted_value_and_gradients_are_geomloss(p, debias):
    from geomloss import SamplesLoss

    x, y = (points.requires_grad_() for points in _clouds(40, 60))
    a, b = _weights(40, 1), _weights(60, 2)
    expected = SamplesLoss("sinkhorn", p=p, blur=0.3, debias=debias, scaling=0.98, backend="tensorized")(a, x, b, y)
    found = fast_sinkhorn(x, y, a=a, b=b, blur=0.3, p=p, debias=debias, scaling=0.98)
    # neither has converged at scaling .98
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=5e-3)
    for ours, theirs in zip(torch.autograd.grad(found, (x, y)), torch.autograd.grad(expected, (x, y)), strict=True):
        assert float((ours - theirs).norm() / theirs.norm()) < 0.03


@pytest.mark.parametrize("reach", [None, 1.0])
@pytest.mark.parametrize("p", [1, 2])
def test_weighted_gradient_is_the_finite_difference(p, reach):
    x, y = _clouds(10, 13)
    options = {"blur": 0.5, "p": p, "reach": reach, "scaling": 0.99, "a": _weights(10, 1), "b": _weights(13, 2)}
    gradient = sinkhorn_divergence(x, y, **options).gradient_x
    for i, k in ((0, 0), (3, 1), (9, 0)):
        step = torch.zeros_like(x)
        step[i, k] = 1e-4
        up, down = (float(sinkhorn_divergence(x + s * step, y, **options).value) for s in (1, -1))
        assert float(gradient[i, k]) == pytest.approx((up - down) / 2e-4, rel=2e-3, abs=1e-5)


def test_a_weight_counts_as_so_many_points():
    x, y = _clouds(10, 12)
    copies = torch.arange(10) % 3 + 1
    whole = sinkhorn_divergence(x.repeat_interleave(copies, 0), y, blur=0.3, scaling=0.99)
    weighed = sinkhorn_divergence(x, y, blur=0.3, scaling=0.99, a=copies / copies.sum().double())
    assert float(weighed.value) == pytest.approx(float(whole.value), rel=1e-9)


def test_weights_of_another_shape_or_sign_are_named():
    x, y = _clouds(4, 4)
    for weights in (torch.ones(3), torch.tensor([0.5, 0.5, 0.5, -0.5])):
        with pytest.raises(ValueError, match="weights a must be 4 numbers >= 0"):
            fast_sinkhorn(x, y, blur=0.1, a=weights)
