"""OT-GAN's inside against POT, the linear programme and closed forms of the entropy; its figures show what they were given."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import ot
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from otviz.clouds.laboratory import against_exact
from otviz.clouds.laboratory.matching_convergence import CONVERGED, convergence
from otviz.clouds.laboratory.matchings import (
    PAIRS,
    entropies,
    matchings,
    minibatches,
    normalised_entropy,
    one_partner_each,
    order_by_angle,
)
from otviz.data.distributions.ring import Ring
from otviz.methods import Batch
from otviz.methods.ot_gan import OTGAN
from otviz.methods.unified import OTM
from otviz.training.loop import Training, start
from otviz.viz.transport.matching_lines import blocks, entropy_curve, matrices, partners

N = 40
RING = Ring(radius=2.0, std=0.1)


@pytest.fixture(scope="module")
def training() -> Training:
    torch.set_num_threads(1)
    made = start(OTGAN(batch_size=N), RING, steps=100, seed=0)
    while made.step < 60:
        made.advance()
    return made


@pytest.fixture(scope="module")
def method(training) -> OTGAN:
    """With enough normalisations that its plans are converged."""
    return dataclasses.replace(training.method, iterations=500)


@pytest.fixture(scope="module")
def drawn(training):
    return minibatches(training)


class TestMatchings:
    @pytest.mark.parametrize("epsilon", [0.02, 0.2])
    def test_plans_costs_and_entropies_are_pot_s(self, method, drawn, epsilon):
        found = matchings(drawn, method, epsilon)
        uniform = np.full(N, 1 / N)
        for one, (rows, columns, _) in zip(found.six, PAIRS, strict=True):
            left, right = (drawn.features[name].double().numpy() for name in (rows, columns))
            cost = cdist(left, right) ** 2 / 2
            np.testing.assert_allclose(one.cost, cost, atol=1e-5)  # float32, by products
            plan = ot.sinkhorn(uniform, uniform, cost, epsilon, method="sinkhorn_log", stopThr=1e-10, numItermax=20000)
            assert np.abs(one.plan - plan).sum() < 2e-3
            assert one.transport_cost == pytest.approx((plan * cost).sum(), rel=1e-3)
            entropy = -(plan * np.log(plan + 1e-300)).sum()
            assert one.entropy == pytest.approx((entropy - math.log(N)) / math.log(N), abs=1e-3)

    def test_a_small_epsilon_is_the_assignment(self, method, drawn):
        for one in matchings(drawn, method, 2e-5).six:
            rows, columns = linear_sum_assignment(one.cost)
            assert one.transport_cost == pytest.approx(one.cost[rows, columns].mean(), rel=0.01)
            assert one.entropy < 0.2  # near-ties are shared still
            assert one.partners < N**0.2

    def test_a_large_epsilon_is_the_mean_over_all_pairs(self, method, drawn):
        for one in matchings(drawn, method, 100.0).six:
            assert one.transport_cost == pytest.approx(one.cost.mean(), rel=0.01)
            assert one.entropy == pytest.approx(1, abs=1e-3)
            assert one.partners == pytest.approx(N, rel=0.01)

    def test_they_make_up_the_loss_of_the_method(self, training, method, drawn):
        """Fed with these minibatches, its loss is the weighted sum."""
        moved = torch.from_numpy(np.concatenate([drawn.points["Y"], drawn.points["Y′"]]))
        target = torch.from_numpy(np.concatenate([drawn.points["X"], drawn.points["X′"]]))
        batch = Batch(moved, moved, target, moved[:, :1], torch.Generator())
        loss = method.generator_loss(lambda x, z: x, training.adversary, batch, {"epsilon": 0.02})
        assert matchings(drawn, method, 0.02).loss == pytest.approx(loss.item(), rel=1e-3, abs=1e-6)

    def test_epsilon_1_is_nearly_random_for_a_cosine_cost(self, method, drawn):
        """The kernel lies in [e^-2, 1]: a plan within e^2 of uniform (the setting of Vu, against 1/500)."""
        steps = [matchings(drawn, method, epsilon, "cosine") for epsilon in (1 / 500, 1 / 50, 1 / 5, 1.0)]
        found = [step.entropy for step in steps]
        assert found == sorted(found)
        assert found[-1] > 0.97
        assert found[0] < 0.7
        assert entropies(drawn, method, (1 / 50, 1.0), "cosine") == ((1 / 50, found[1]), (1.0, found[3]))
        for one in steps[-1].six:
            assert one.plan.max() * N**2 < math.e**4  # two scalings of at most e each, and the kernel
            rows, columns = linear_sum_assignment(one.cost)
            least = one.cost[rows, columns].mean()
            assert one.transport_cost - least > 0.5 * (one.cost.mean() - least)  # nearer to random than to optimal

    def test_random_matching_is_sharp_and_blind(self, method, drawn):
        random = matchings(drawn, dataclasses.replace(method, matching="random"))
        assert random.random
        assert random.entropy == pytest.approx(0, abs=1e-6)
        costs = [one.transport_cost / one.cost.mean() for one in random.six]
        assert np.mean(costs) == pytest.approx(1, abs=0.2)  # means of 40 pairs each

    def test_looking_does_not_move_the_training(self, training):
        before, text = training.state()
        minibatches(training, seed=5)
        after, same = training.state()
        assert same == text
        assert all(torch.equal(before[name], after[name]) for name in before)

    def test_minibatches_are_independent_and_follow_the_seed(self, training, drawn):
        assert len({points.tobytes() for points in drawn.points.values()}) == 4
        assert all(points.shape == (N, 2) for points in drawn.points.values())
        again, other = minibatches(training), minibatches(training, seed=1)
        assert np.array_equal(again.points["Y"], drawn.points["Y"])
        assert not np.array_equal(other.points["X"], drawn.points["X"])

    def test_what_does_not_fit_is_refused(self, method, drawn):
        with pytest.raises(ValueError, match="only OT-GAN matches minibatches; OTM has none"):
            minibatches(start(OTM(), RING, steps=5))
        with pytest.raises(ValueError, match="epsilon must be > 0"):
            matchings(drawn, method, 0.0)
        with pytest.raises(ValueError, match="cost must be one of squared-l2"):
            matchings(drawn, method, cost="l1")

    def test_the_exact_comparison_knows_it_too(self, training):
        assert against_exact(training, n=30).bound is None


class TestEntropy:
    @pytest.mark.parametrize("n", [4, 60])
    def test_closed_forms(self, n):
        assert normalised_entropy(np.eye(n) / n) == pytest.approx(0, abs=1e-12)
        assert normalised_entropy(np.full((n, n), 1 / n**2)) == pytest.approx(1)
        halves = np.kron(np.eye(2), np.full((n // 2, n // 2), 2 / n**2))
        assert normalised_entropy(halves) == pytest.approx(math.log(n / 2) / math.log(n))
        two = (np.eye(n) + np.roll(np.eye(n), 1, 0)) / (2 * n)
        assert normalised_entropy(two) == pytest.approx(math.log(2) / math.log(n))


def test_partners_follow_the_plan():
    shift = np.roll(np.eye(5), 2, axis=1).astype(np.float32) / 5
    assert one_partner_each(shift).tolist() == [2, 3, 4, 0, 1]
    plan = np.tile(np.float32([0.5, 0.0, 0.25, 0.25]), (4000, 1)) / 4000
    counts = np.bincount(one_partner_each(plan), minlength=4) / 4000
    assert counts == pytest.approx([0.5, 0.0, 0.25, 0.25], abs=0.03)  # four standard deviations


def test_order_goes_round():
    angles = np.array([0.3, -2.0, 3.0, -0.1])
    points = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32) + 5
    assert order_by_angle(points, np.float32([5, 5])).tolist() == [1, 3, 0, 2]


class TestFigures:
    def test_six_costs_above_six_matchings(self, method, drawn):
        step = matchings(drawn, method)
        figure = matrices(step)
        assert [trace.type for trace in figure.data] == ["heatmap"] * 12
        costs, plans = figure.data[::2], figure.data[1::2]
        assert {trace.coloraxis for trace in costs} == {"coloraxis"}
        for trace, plan, one in zip(costs, plans, step.six, strict=True):
            assert trace.z.mean() == pytest.approx(one.cost.mean(), rel=1e-4)
            assert plan.customdata.mean() == pytest.approx(1, rel=1e-4)  # in units of the uniform plan
            np.testing.assert_allclose(10**plan.z, plan.customdata.clip(0.01), rtol=1e-4)
        text = " ".join(note.text for note in figure.layout.annotations)
        assert "W(X′, Y)" in text
        assert "−2 W(Y, Y′)" in text
        assert f"entropy {step.six[0].entropy:.2f}" in text

    def test_large_matrices_are_drawn_as_means_of_blocks(self):
        found = blocks(np.arange(36, dtype=np.float32).reshape(6, 6), 3)
        assert found.tolist() == [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5], [27.5, 29.5, 31.5]]
        assert blocks(np.ones((257, 257), np.float32)).shape == (85, 85)

    def test_lines_join_a_point_with_its_partner(self, method, drawn):
        step = matchings(drawn, dataclasses.replace(method, matching="random"))
        pair = step.six[1]
        lines, left, right = partners(step, pair, (-3, 3, -3, 3)).data
        assert (left.name, right.name) == ("X (data)", "Y′ (generated)")
        assert left.marker.symbol != right.marker.symbol
        ends = np.stack([lines.x[1::3], lines.y[1::3]], 1)
        np.testing.assert_array_equal(ends, step.points["Y′"][pair.plan.argmax(1)])

    def test_entropy_over_epsilon_with_the_run_s_marked(self, method, drawn):
        lines = {name: entropies(drawn, method, cost=name) for name in ("squared-l2", "cosine")}
        figure = entropy_curve(lines, N, 0.02)
        assert [trace.name for trace in figure.data] == list(lines)
        assert figure.data[0].line.dash != figure.data[1].line.dash
        assert list(figure.data[0].x) == [1 / 500, 1 / 50, 1 / 5, 1.0]
        assert figure.layout.xaxis.type == "log"
        assert "this run" in [note.text for note in figure.layout.annotations]
        assert "this run" not in [note.text for note in entropy_curve(lines, N, None).layout.annotations]
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


class TestConvergence:
    def test_few_normalisations_miss_the_marginals_and_the_loss_of_pot(self, training, drawn):
        few = dataclasses.replace(training.method, iterations=2, epsilon=0.002)
        found = convergence(drawn, few)
        assert found is not None
        uniform, loss = np.full(N, 1 / N), 0.0
        for rows, columns, weight in PAIRS:
            left, right = (drawn.features[name].double().numpy() for name in (rows, columns))
            cost = cdist(left, right) ** 2 / 2
            plan = ot.sinkhorn(
                uniform, uniform, cost, few.epsilon, method="sinkhorn_log", stopThr=1e-10, numItermax=20000
            )
            loss += weight * float((plan * cost).sum())
        assert found.limit == pytest.approx(loss, abs=0.05 * abs(loss))
        assert found.error > CONVERGED
        assert not found.reached
        assert found.sentence.startswith("The matching has not converged: after 2 normalisations")
        assert f"up to {100 * found.error:.2g} % of the mass" in found.sentence

    def test_its_error_is_what_the_sums_of_the_plans_miss(self, training, drawn):
        few = dataclasses.replace(training.method, iterations=2, epsilon=0.002)
        plans = [one.plan for one in matchings(drawn, few).six]
        missed = [max(np.abs(1 / N - plan.sum(side)).sum() for side in (0, 1)) / 2 for plan in plans]
        found = convergence(drawn, few)
        assert found is not None
        assert found.error == pytest.approx(max(missed), rel=1e-4)

    def test_many_normalisations_of_a_soft_matching_have_converged(self, method, drawn):
        found = convergence(drawn, dataclasses.replace(method, epsilon=0.2))
        assert found is not None
        assert found.reached
        assert "has converged" in found.sentence

    def test_random_matchings_have_nothing_to_converge(self, method, drawn):
        assert convergence(drawn, dataclasses.replace(method, matching="random")) is None
