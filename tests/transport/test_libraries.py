"""After the stated conversion all libraries give one number; each of them is independent of ours and of the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from otviz.clouds.studies.libraries import agreement, compare

# geomloss does one sweep per temperature; POT stops at 1e-9 at a fixed one; OTT computes in float32
TOLERANCE = {"otviz": 0.0, "geomloss": 2e-3, "POT": 1e-5, "OTT-JAX": 1e-4}


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 2)).astype(np.float32)
    return x, (rng.standard_normal((35, 2)) * 0.5 + 1).astype(np.float32)


@pytest.mark.parametrize("reach", [None, 1.5])
@pytest.mark.parametrize("p", [1, 2])
def test_all_agree_after_conversion(clouds, p, reach):
    entries = list(compare(*clouds, p=p, blur=0.5, reach=reach, scaling=0.95))
    given = [entry for entry in entries if not entry.error]
    libraries = {entry.library for entry in given}
    assert {"otviz", "geomloss", "POT"} <= libraries
    for entry in given:
        scale = abs(entry.converted)
        assert abs(entry.difference) <= TOLERANCE[entry.library] * scale, (entry.library, entry.call, entry.difference)
        assert entry.converted == pytest.approx(entry.factor * entry.value + entry.offset)
        assert entry.why
        assert entry.seconds >= 0
    for entry in entries:
        if entry.error:
            assert np.isnan(entry.value)
            assert (entry.library, p) in {("geomloss", 1), ("OTT-JAX", 1), ("OTT-JAX", 2)}


def test_raw_numbers_differ_as_told(clouds):
    entries = {entry.call: entry for entry in compare(*clouds, p=2, blur=0.5, scaling=0.95)}
    raw = next(e for call, e in entries.items() if call.startswith("solve(") and "entropic_cost" in call).value
    plain = entries['ot.solve(C, a, b, reg=blur**p, reg_type="entropy").value']
    assert plain.value < 0 < raw
    assert plain.offset == pytest.approx(0.25 * np.log(40 * 35))
    sample = entries['ot.solve_sample(x, y, metric="sqeuclidean", reg=2 * blur**2).value']
    assert sample.value == pytest.approx(2 * raw, rel=1e-5)
    assert entries['ot.sinkhorn2(a, b, C, reg=blur**p, method="sinkhorn_log")'].value < raw


def test_unbalanced_value_of_pot_is_zero(clouds):
    """Without the mass terms the value is the derivative along the plan's mass, which vanishes at the optimum."""
    entries = compare(*clouds, p=2, blur=0.5, reach=1.5, scaling=0.95)
    (pot,) = [entry for entry in entries if entry.library == "POT"]
    assert pot.value == pytest.approx(0, abs=1e-6)
    assert pot.offset > 0.1


def test_gradient_trap_of_geomloss_is_still_there(clouds):
    """`geomloss.ot.solve_sample(...).value` has twice the gradient it should (0.3.1), as the comparison warns."""
    from geomloss import ot

    x, y = (torch.from_numpy(cloud).double() for cloud in clouds)

    def value(points):
        return ot.solve_sample(points, y, blur=0.5, max_iter=60).value

    moving = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(moving), moving)
    step = torch.zeros_like(x)
    step[0, 0] = 1e-4
    numeric = float(value(x + step) - value(x - step)) / 2e-4
    assert float(gradient[0, 0]) / numeric == pytest.approx(2, rel=0.05)


def test_a_library_that_fails_leaves_its_reason(clouds):
    entries = compare(*clouds, p=1, blur=0.5)
    reasons = [entry.error for entry in entries if entry.library == "geomloss" and entry.error]
    assert reasons == ["geomloss.ot.solve_sample supports the squared distance only; p = 1 needs geomloss.ot.solve"] * 2


@pytest.mark.parametrize("change", [{"x": np.zeros((501, 2))}, {"p": 3}, {"blur": 0.0}, {"reach": -1.0}])
def test_what_is_out_of_range_is_refused_at_once(clouds, change):
    with pytest.raises(ValueError, match=r"must|at most"):
        compare(**{"x": clouds[0], "y": clouds[1], **change})


@pytest.mark.parametrize("reach", [None, 1.5])
def test_all_agree_with_weights_some_of_them_zero(clouds, reach):
    a, b = (np.random.default_rng(seed).integers(0, 4, size=n) for seed, n in ((1, 40), (2, 35)))
    entries = list(compare(*clouds, blur=0.5, reach=reach, scaling=0.95, a=a / a.sum(), b=b / b.sum()))
    for entry in entries:
        if not entry.error:
            assert entry.difference == pytest.approx(0, abs=2 * TOLERANCE[entry.library] + 1e-12), entry.call
    assert agreement(entries) == "they agree within 1%."


def _entropic_by_descent(cost, a, b, epsilon, rho):
    """The definition at the top of `libraries`, minimised over the plan itself."""

    def kl(p, q):
        return (p * np.log(p / q) - p + q).sum()

    def objective(logs):
        plan = np.exp(logs).reshape(cost.shape)
        ends = kl(plan.sum(1), a) + kl(plan.sum(0), b)
        return (plan * cost).sum() + epsilon * kl(plan, np.outer(a, b)) + rho * ends

    return minimize(objective, np.log(np.outer(a, b)).ravel(), method="BFGS", options={"gtol": 1e-8}).fun


def test_ours_is_the_least_value_of_the_definition_and_pots_the_same_without_its_mass_terms():
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((5, 2)).astype(np.float32) for _ in range(2))
    cost = np.square(x[:, None].astype(float) - y[None]).sum(-1) / 2
    a, b = np.full(5, 0.2), np.array([0.1, 0.3, 0.2, 0.15, 0.25])
    expected = _entropic_by_descent(cost, a, b, 0.3**2, 1.0)
    entries = list(compare(x, y, blur=0.3, reach=1.0, a=a, b=b))
    (ours,) = (e for e in entries if e.library == "otviz" and e.quantity == "entropic_cost")
    (pots,) = (e for e in entries if e.library == "POT")
    assert ours.value == pytest.approx(expected, rel=1e-4)
    assert pots.converted == pytest.approx(expected, rel=1e-4)
    assert pots.value == pytest.approx(0, abs=1e-3)


def test_a_library_that_did_not_arrive_is_not_said_to_agree(clouds):
    entries = list(compare(*clouds, blur=0.01, reach=2.0, scaling=0.95))
    (pots,) = (entry for entry in entries if entry.library == "POT")
    assert abs(pots.difference) > 1  # e^(-C/epsilon) has vanished
    assert not pots.agrees
    assert "POT" in agreement(entries)
    assert "off by" in agreement(entries)
