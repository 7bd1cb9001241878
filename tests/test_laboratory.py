"""The laboratory against finite differences, closed forms between two points, and the table reported for the notebook's ring."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from otviz.clouds.laboratory import (
    against_exact,
    curves,
    lasting_warning,
    rate_of_change,
    rates_now,
    sample_weights,
    tau_units,
    weights_now,
)
from otviz.data.distributions.ring import Ring
from otviz.methods.sinkhorn import Sinkhorn
from otviz.methods.unified import OTM, UOTM, WGAN, potential_loss
from otviz.networks import MLP
from otviz.ot.conjugates import CONJUGATES
from otviz.ot.convex import typed
from otviz.training.loop import start

REPORTED = {  # alpha: mass kept and mean target radius at tau = 0.1 on the notebook's ring, true radius 3.016
    0.2: (0.50, 2.944),
    1.0: (0.84, 2.996),
    5.0: (0.96, 3.011),
}


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(0)
    return rng.standard_normal((400, 2)).astype(np.float32), Ring().sample(400, rng)


def test_curves_are_the_function_and_its_slope():
    found = curves(CONJUGATES["softplus"], 0.2, np.linspace(-3, 3, 601))
    expected = 0.2 * (2 * np.log1p(np.exp(found.x / 0.2)) - 2 * math.log(2))
    np.testing.assert_allclose(found.value, expected, atol=1e-12)
    np.testing.assert_allclose(found.slope[1:-1], (found.value[2:] - found.value[:-2]) / 0.02, atol=2e-4)
    assert curves(typed("exp(x) - 1"), 1, [0.0]).slope == pytest.approx(1)
    with pytest.raises(ValueError, match="alpha must be > 0"):
        curves(CONJUGATES["kl"], 0, [1.0])


class TestSampleWeights:
    """Eq. 9: the gradient of L_v in v(T) is weight / n, in v(y) minus weight / m."""

    def _setting(self, method, alpha):
        rng = torch.Generator().manual_seed(0)
        x, z, y = (torch.randn(rows, 2, generator=rng, dtype=torch.float64) for rows in (7, 7, 5))
        critic = MLP([2, 8, 1], rng).double()
        scalars = {"tau": 0.3, "alpha": alpha}
        weights = sample_weights(method, lambda x, z: 1.5 * x + 0.1 * z, critic, x, z, y, scalars)
        return x, z, y, critic, weights

    @pytest.mark.parametrize(("name", "alpha"), [("softplus", 1.0), ("kl", 0.5), ("chi2", 3.0), ("identity", 1.0)])
    def test_finite_differences(self, name, alpha):
        method = UOTM(g1=name, g2=name)
        x, z, y, critic, weights = self._setting(method, alpha)
        moved = 1.5 * x + 0.1 * z
        c = 0.3 * ((x - moved) ** 2).sum(1)
        on_generated, on_target = critic(moved).detach().reshape(-1), critic(y).detach().reshape(-1)

        def loss(at, step, which):
            shifted = [on_generated.clone(), on_target.clone()]
            shifted[which][at] += step
            return float(potential_loss(*shifted, c, name, name, alpha))

        h = 1e-6
        for which, values, sign in ((0, weights.on_generated, 1), (1, weights.on_target, -1)):
            slopes = [(loss(at, h, which) - loss(at, -h, which)) / (2 * h) for at in range(len(values))]
            np.testing.assert_allclose(slopes, sign * values / len(values), rtol=1e-5)
        assert weights.constant == (name == "identity")
        assert (weights.on_target > 0).all()

    def test_they_make_up_the_step_of_the_potential(self):
        """The gradient in the network's own parameters is the weighted sum of the samples' (Eq. 9 itself)."""
        method = UOTM()
        x, z, y, critic, weights = self._setting(method, 0.7)
        moved = 1.5 * x + 0.1 * z
        c = 0.3 * ((x - moved) ** 2).sum(1)
        v_moved, v_y = critic(moved).reshape(-1), critic(y).reshape(-1)
        loss = 0.7 * (2 * torch.nn.functional.softplus((v_moved - c) / 0.7)).mean()
        loss = loss + 0.7 * (2 * torch.nn.functional.softplus(-v_y / 0.7)).mean()
        whole = torch.autograd.grad(loss, list(critic.parameters()))
        w_moved, w_y = torch.from_numpy(weights.on_generated), torch.from_numpy(weights.on_target)
        summed = (w_moved * critic(moved).reshape(-1)).mean() - (w_y * critic(y).reshape(-1)).mean()
        for found, expected in zip(torch.autograd.grad(summed, list(critic.parameters())), whole, strict=True):
            assert torch.allclose(found, expected, rtol=1e-5, atol=1e-8)

    def test_what_the_potential_tells_apart_badly_weighs_most(self):
        y = torch.tensor([[-3.0, 0.0], [3.0, 0.0]])
        found = sample_weights(
            UOTM(), lambda x, z: x, lambda p: p[:, :1], y, torch.zeros(2, 2), y, {"tau": 0.0, "alpha": 1.0}
        )
        assert found.on_target[0] > 1.9 > 0.1 > found.on_target[1]  # low v(y): a real point not believed
        assert found.on_generated[1] > 1.9 > 0.1 > found.on_generated[0]  # high v(T): a generated point believed

    @pytest.mark.parametrize("method", [WGAN(), OTM()])
    def test_identity_weighs_all_the_same(self, method):
        *_, found = self._setting(method, 1.0)
        assert found.constant
        assert (found.on_target == 1).all()
        assert (found.on_generated == 1).all()


def test_rate_of_change_of_a_plane_is_its_steepness_along_the_pair():
    x, y = torch.zeros(3, 2), torch.tensor([[2.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    found = rate_of_change(lambda p: 3 * p[:, :1] - p[:, 1:], x, y)
    assert found.tolist() == [3.0, 1.0]  # the pair that coincides is left out
    with pytest.raises(ValueError, match="pairs of one shape"):
        rate_of_change(lambda p: p[:, :1], x, y[:2])


def test_looks_at_a_training_are_of_its_own_networks_and_leave_it_alone():
    training = start(UOTM(tau=0.2), Ring(radius=2.0, std=0.1), steps=10, seed=0)
    before, text = training.state()
    weights, rates = weights_now(training, 50), rates_now(training, 50)
    after, same = training.state()
    assert same == text
    assert all(torch.equal(before[name], after[name]) for name in before)
    with torch.no_grad():
        v_t, v_y = (
            training.adversary(torch.from_numpy(p)).numpy().ravel() for p in (weights.generated, weights.target)
        )
    np.testing.assert_allclose(weights.on_target, 2 / (1 + np.exp(v_y)), rtol=1e-5)
    apart = np.hypot(*(weights.target - weights.generated).T)
    np.testing.assert_allclose(rates, np.abs(v_y - v_t) / apart, rtol=1e-3)  # float32 differences
    for look in (weights_now, rates_now):
        with pytest.raises(ValueError, match="has no potential"):
            look(start(Sinkhorn(), Ring(), steps=5))


class TestTau:
    @pytest.mark.parametrize("alpha", REPORTED)
    def test_the_table_reported_for_the_notebook_s_ring(self, clouds, alpha):
        x, y = clouds
        found = tau_units(y, x, 0.1, alpha)
        mass, radius = REPORTED[alpha]
        assert found.mass == pytest.approx(mass, abs=0.03)  # printed to two places, and draws differ by 0.02
        assert found.inward_bias == pytest.approx(3.016 - radius, abs=0.015)
        assert found.cost == pytest.approx(0.1 * found.w2_squared)

    def test_the_distance_is_the_one_reported(self, clouds):
        assert tau_units(clouds[1], clouds[0], 0.01, g="identity").w2_squared == pytest.approx(3.46, rel=0.08)

    @pytest.mark.parametrize("name", ["kl", "softplus", "chi2"])
    def test_between_two_clumps_the_mass_is_the_closed_form(self, name):
        """min_m C m + 2 alpha Psi(m) has m = g'(-C / (2 alpha)); KL: e^(-C / (2 alpha))."""
        x, y = np.zeros((2, 2), np.float32), np.float32([[1.5, 0], [1.5, 0]])
        tau, alpha = 0.4, 0.5
        exponent = tau * 2.25 / (2 * alpha)
        expected = {"kl": math.exp(-exponent), "softplus": 2 / (1 + math.exp(exponent)), "chi2": 1 - exponent / 2}
        assert tau_units(y, x, tau, alpha, name, sharpness=1e-3).mass == pytest.approx(expected[name], rel=2e-3)

    def test_a_typed_conjugate_is_solved_as_the_known_one(self, clouds):
        x, y = clouds[0][:120], clouds[1][:120]
        known, same = tau_units(y, x, 0.3, 1.0, "kl"), tau_units(y, x, 0.3, 1.0, typed("exp(x) - 1"))
        assert same.mass == pytest.approx(known.mass, abs=3e-3)
        assert same.kept_distance == pytest.approx(known.kept_distance, abs=3e-3)

    def test_near_balance_softplus_is_kl_at_twice_alpha(self, clouds):
        """Their second derivatives at 0 are 1/2 and 1."""
        x, y = clouds[0][:100], clouds[1][:100]
        assert tau_units(y, x, 0.02, 1, "softplus").mass == pytest.approx(tau_units(y, x, 0.02, 2, "kl").mass, abs=1e-3)

    def test_exact_marginals_keep_all(self, clouds):
        found = tau_units(clouds[1], clouds[0], 5.0, g="identity")
        assert (found.mass, found.inward_bias, found.useful, found.warning) == (1.0, 0.0, None, "")
        assert tau_units(clouds[1], clouds[0], 0.0).mass == 1.0

    def test_the_measured_settings_fall_on_their_side_of_the_range(self):
        """The ring of the measurements: 0.01, 0.05 and 0.2 fit, 0.001 and 10 do not; at six times the size, tau / 36."""
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((300, 2)).astype(np.float32), Ring(radius=2.0, std=0.1).sample(300, rng)
        for scale in (1, 6):
            units = [tau_units(scale * y, scale * x, tau / scale**2) for tau in (0.001, 0.0101, 0.05, 0.19, 1, 10)]
            sides = ["below" if "below" in u.warning else "above" if "above" in u.warning else "" for u in units]
            assert sides == ["below", "", "", "", "above", "above"]
        assert "Try 0.0" in units[0].warning

    def test_a_schedule_need_only_come_through_the_range(self, clouds):
        x, y = clouds[0][:60], clouds[1][:60]
        w2_squared = tau_units(y, x, 0.0, g="identity").w2_squared

        def warned(cost: float, *alphas: float, g: str = "kl") -> str:
            return lasting_warning([tau_units(y, x, cost / w2_squared, alpha, g) for alpha in alphas])

        assert not warned(0.05, 0.2, 5.0)  # above at first, useful later
        assert not warned(0.1, 0.02, 100.0)  # above at first, below at the end, useful between
        assert "above" in warned(3.0, 0.2, 5.0)
        assert "below" in warned(0.001, 0.2, 5.0)
        assert "above" in warned(1.0, 1.0)
        assert not warned(50.0, 1.0, g="identity")

    def test_what_is_out_of_range_is_refused(self, clouds):
        with pytest.raises(ValueError, match="tau must be >= 0"):
            tau_units(*clouds, -1.0)
        with pytest.raises(ValueError, match="g must be one of"):
            tau_units(*clouds, 1.0, g="kuhl")


class TestAgainstExact:
    def test_numbers_are_those_of_an_assignment(self):
        training = start(UOTM(tau=0.2, alpha=2.0), Ring(radius=2.0, std=0.1), steps=10, seed=0)
        found = against_exact(training, n=60)
        x, t, y = found.source, found.generated, found.target
        for value, left, right in ((found.exact_cost, x, y), (found.own_cost, x, t), (found.mismatch, t, y)):
            squared = cdist(left, right) ** 2
            rows, columns = linear_sum_assignment(squared)
            assert value == pytest.approx(squared[rows, columns].mean(), rel=1e-5)
        assert found.map_cost == pytest.approx(((x - t) ** 2).sum(1).mean(), rel=1e-6)
        assert found.map_cost >= found.own_cost - 1e-6
        assert sorted(found.partner) == list(range(60))
        assert ((x - y[found.partner]) ** 2).sum(1).mean() == pytest.approx(found.exact_cost, rel=1e-5)
        assert found.bound == pytest.approx(0.2 * found.exact_cost)

    def test_divergence_is_the_entropy_of_the_weights(self):
        """softplus: Psi(w) = w log w + (2 - w) log(2 - w) at the weights of Eq. 9."""
        training = start(UOTM(tau=0.2, alpha=2.0), Ring(radius=2.0, std=0.1), steps=10, seed=0)
        found = against_exact(training, n=60)
        with torch.no_grad():
            v_t, v_y = (
                training.adversary(torch.from_numpy(p)).numpy().ravel() for p in (found.generated, found.target)
            )
        l_hat = 0.2 * ((found.source - found.generated) ** 2).sum(1) - v_t
        expected = 0.0
        for at in (-l_hat, -v_y):
            w = 2 / (1 + np.exp(-at.astype(np.float64) / 2))
            expected += 2 * (w * np.log(w) + (2 - w) * np.log(2 - w)).mean()
        assert found.divergence == pytest.approx(expected, rel=1e-3)  # float32, and the sum is near 0 at w = 1

    def test_exact_marginals_have_no_divergence_and_other_methods_no_bound(self):
        ring = Ring(radius=2.0, std=0.1)
        assert against_exact(start(OTM(), ring, steps=5), n=30).divergence == 0
        found = against_exact(start(Sinkhorn(), ring, steps=5), n=30)
        assert (found.bound, found.divergence) == (None, None)
        with pytest.raises(ValueError, match="n must be >= 2"):
            against_exact(start(OTM(), ring, steps=5), n=1)
