"""The unified family against closed forms, finite differences and the limits in which one method becomes another."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from otviz.data.distributions import named as distribution
from otviz.methods import Batch, Method, named
from otviz.methods.unified import alpha_at, cost, map_loss, potential_loss
from otviz.networks import MLP
from otviz.training.loop import start, train

SMALL = {"hidden": 16, "layers": 2, "batch_size": 32}


def method(name: str, **knobs: object) -> Method:
    return named(name)(**{**SMALL, **knobs})


def losses(chosen: Method, steps: int = 15) -> np.ndarray:
    found = train(chosen, distribution("ring")(), steps=steps, seed=4)
    return np.array([[step.generator_loss.item(), step.adversary_loss.item()] for step in found])


# Values by hand: v(y^) = 0, ln 3; v(y) = ln 2, 0; c = 0, ln 3

LN2, LN3 = math.log(2), math.log(3)
V_GENERATED, V_TARGET, C = (torch.tensor(pair, dtype=torch.float64) for pair in ([0, LN3], [LN2, 0], [0, LN3]))


@pytest.mark.parametrize(
    ("g", "alpha", "expected"),
    [
        # v(y^) - c = 0, 0; -v(y) = -ln 2, 0
        ("identity", 1.0, -LN2 / 2),
        ("identity", 7.0, -LN2 / 2),
        ("kl", 1.0, (0.5 - 1) / 2),  # e^-ln2 - 1
        ("softplus", 1.0, (2 * math.log(1.5) - 2 * LN2) / 2),  # 2 ln(1 + 1/2) - 2 ln 2
        ("chi2", 1.0, ((1 - LN2 / 2) ** 2 - 1) / 2),
        ("kl", 0.5, 0.5 * (0.25 - 1) / 2),  # alpha g(x / alpha): e^(-2 ln 2) = 1/4
        ("softplus", 0.5, 0.5 * (2 * math.log(1.25) - 2 * LN2) / 2),
    ],
)
def test_potential_loss_by_hand(g: str, alpha: float, expected: float) -> None:
    assert potential_loss(V_GENERATED, V_TARGET, C, g, g, alpha).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("g3", "expected"),
    [("identity", -LN3 / 2), ("kl", (1 / 3 - 1) / 2), ("softplus", math.log(4 / 3) - LN2)],
)
def test_map_loss_by_hand(g3: str, expected: float) -> None:
    assert map_loss(V_GENERATED, torch.zeros(2, dtype=torch.float64), g3).item() == pytest.approx(expected, abs=1e-12)


def test_cost_has_no_factor_one_half() -> None:
    x, generated = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([[3.0, 4.0], [1.0, 1.0]])
    assert cost(x, generated, 0.1).tolist() == pytest.approx([2.5, 0.0])


# One method becomes another


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (method("uotm", g1="identity", g2="identity"), method("otm")),
        (method("uotm", g1="kl", g2="kl"), method("uotm-kl")),
        (method("otm", tau=0.0, lr=5e-4, adversary_lr=5e-4), method("wgan")),
        (method("wgan", penalty="gp", penalty_weight=0.1), method("wgan-gp")),
        (
            method("uotm", penalty_weight=0.02, lr=1.5e-3, adversary_lr=1.5e-3),
            method("uotm-sd", alpha_min=1, alpha_max=1),
        ),
        (method("uotm", tau=0.0, penalty="none", lr=5e-4, adversary_lr=5e-4), method("uotm-no-cost")),
        (method("uotm", penalty_weight=0.0), method("uotm", penalty="none")),
    ],
    ids=lambda side: side.name,
)
def test_one_method_is_a_case_of_another(one: Method, other: Method) -> None:
    # equal up to the order of float32 sums, which Adam's first steps magnify
    assert losses(one) == pytest.approx(losses(other), abs=2e-4)


@pytest.mark.parametrize(("alpha", "tolerance"), [(10.0, 0.1), (100.0, 0.01), (1000.0, 2e-3)])
@pytest.mark.parametrize("g", ["softplus", "kl", "chi2"])
def test_large_alpha_is_otm(g: str, alpha: float, tolerance: float) -> None:
    # alpha g(x / alpha) = x + g''(0) x^2 / (2 alpha) + ..., with |x| about 1; float32 adds alpha * 1e-6
    balanced = losses(method("otm"), steps=1)
    assert losses(method("uotm", g1=g, g2=g, alpha=alpha), steps=1) == pytest.approx(balanced, abs=tolerance)


def test_small_tau_is_no_cost() -> None:
    chosen = method("uotm", tau=1e-6, penalty="none", lr=5e-4, adversary_lr=5e-4)
    assert losses(chosen) == pytest.approx(losses(method("uotm-no-cost")), abs=1e-3)


# The schedule of UOTM-SD, values of the paper's range 0.2 to 5


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("linear", 0.25, 1.40), ("cosine", 0.25, 0.903), ("linear", 0.5, 2.6), ("cosine", 0.5, 2.6),
        ("geometric", 0.5, 1.0), ("step", 0.0, 0.2), ("step", 0.5, 2.6), ("step", 0.99, 5.0),
    ],
)  # fmt: skip
def test_alpha_at(schedule: str, progress: float, expected: float) -> None:
    assert alpha_at(progress, 0.2, 5.0, schedule, 1.0) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "step", "geometric"])
@pytest.mark.parametrize("until", [0.05, 0.5, 1.0])
def test_alpha_rises_from_low_to_high_and_stays(schedule: str, until: float) -> None:
    sd = method("uotm-sd", schedule=schedule, schedule_until=until, alpha_min=0.2, alpha_max=5.0)
    alphas = [sd.scalars(progress)["alpha"] for progress in np.linspace(0, 1, 201)]
    assert alphas[0] == pytest.approx(0.2)
    assert np.diff(alphas).min() >= -1e-12
    reached = np.array([sd.scalars(progress)["alpha"] for progress in np.linspace(until, 1, 50)])
    assert reached == pytest.approx(np.full(50, 5.0))


# Penalties and constraints


def linear_potential(slope: tuple[float, float], offset: float = 0.0) -> MLP:
    """v(y) = slope . y + offset, as an MLP whose hidden units never switch off for |y| < 100."""
    net = MLP([2, 3, 1], torch.Generator(), "relu")
    with torch.no_grad():
        net.weights[0].copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
        net.biases[0].fill_(100.0)
        net.weights[1].copy_(torch.tensor([[*slope, 0.0]]))
        net.biases[1].fill_(offset - 100.0 * sum(slope))
    return net


class Shift(torch.nn.Module):
    """A generator that moves x by a fixed vector."""

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return x + torch.tensor([1.0, -2.0])


def batch() -> Batch:
    return start(named("otm")(batch_size=64), distribution("gaussian")(), steps=1).batch()


def penalty_of(name: str, penalty: str, slope: tuple[float, float]) -> float:
    """R, found as the difference between the losses at lambda = 1 and 0."""
    potential = linear_potential(slope)
    found = []
    for weight in (1.0, 0.0):
        chosen = named(name)(penalty=penalty, penalty_weight=weight)
        found.append(chosen.adversary_loss(Shift(), potential, batch(), chosen.scalars(0.0)).item())
    return found[0] - found[1]


def test_r1_of_a_linear_potential_is_its_squared_slope() -> None:
    assert penalty_of("wgan", "r1", (3.0, 4.0)) == pytest.approx(25.0, abs=1e-3)  # lambda |grad v|^2, no 1/2


@pytest.mark.parametrize(("slope", "expected"), [((0.6, 0.8), 0.0), ((3.0, 4.0), 16.0), ((0.0, 0.0), 1.0)])
def test_gradient_penalty_vanishes_at_slope_one(slope: tuple[float, float], expected: float) -> None:
    assert penalty_of("wgan-gp", "gp", slope) == pytest.approx(expected, abs=1e-3)


def test_losses_of_a_linear_potential_in_closed_form() -> None:
    drawn, w, offset, tau = batch(), np.array([0.3, -0.2]), 0.7, 0.05
    chosen = named("otm")(tau=tau, penalty_weight=0.0)
    potential, s = linear_potential((0.3, -0.2), offset), chosen.scalars(0.0)
    x, y = drawn.source.numpy().astype(float), drawn.target.numpy().astype(float)
    moved = x + np.array([1.0, -2.0])
    c = tau * 5.0  # |(1, -2)|^2 = 5
    on_generator = (c - moved @ w - offset).mean()
    on_potential = (moved @ w + offset - c).mean() - (y @ w + offset).mean()
    assert chosen.generator_loss(Shift(), potential, drawn, s).item() == pytest.approx(on_generator, abs=1e-4)
    assert chosen.adversary_loss(Shift(), potential, drawn, s).item() == pytest.approx(on_potential, abs=1e-4)


@pytest.mark.parametrize("clip", [0.01, 0.1])
def test_clipping_keeps_weights_within(clip: float) -> None:
    chosen = method("wgan", clip=clip, penalty="none")
    for step in train(chosen, distribution("ring")(), steps=4):
        adversary = step.training.adversary
        assert max(weight.abs().max().item() for weight in adversary.parameters()) <= clip * (1 + 1e-6)


@pytest.mark.parametrize("name", ["otm", "uotm", "uotm-kl", "wgan-gp"])
def test_gradients_are_finite_differences(name: str) -> None:
    training = start(method(name, penalty_weight=0.3), distribution("ring")(), steps=1, seed=2)
    generator, adversary = training.generator.double(), training.adversary.double()
    drawn = training.batch()
    drawn = Batch(*(part.double() if isinstance(part, torch.Tensor) else part for part in drawn))
    scalars = training.method.scalars(0.4)
    for loss_of, net in (("generator_loss", generator), ("adversary_loss", adversary)):

        def loss(loss_of: str = loss_of) -> torch.Tensor:
            same = drawn._replace(rng=torch.Generator().manual_seed(9))
            return getattr(training.method, loss_of)(generator, adversary, same, scalars)

        net.zero_grad()
        loss().backward()
        direction = torch.Generator().manual_seed(1)
        for weight in net.parameters():
            along = torch.randn(weight.shape, generator=direction, dtype=torch.float64)
            values = []
            for step in (1e-5, -1e-5):
                weight.data += step * along
                values.append(loss().item())
                weight.data -= step * along
            slope = (values[0] - values[1]) / 2e-5
            assert (weight.grad * along).sum().item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("name", ["wgan", "wgan-gp", "otm", "uotm", "uotm-kl", "uotm-sd", "uotm-no-cost"])
def test_potential_is_high_on_data(name: str) -> None:
    target = distribution("gaussian")(centre=(3.0, 0.0), std=0.5)
    *_, last = train(method(name), target, steps=40, seed=0)
    batch = last.training.batch()
    with torch.no_grad():
        on_data = last.training.adversary(batch.target).mean()
        on_source = last.training.adversary(batch.source).mean()
    assert on_data > on_source


def test_updates_per_step_are_k_v_and_k_t() -> None:
    chosen = method("otm", adversary_updates=3, generator_updates=2)
    assert chosen.updates(0) == (3, 2)
    training = start(chosen, distribution("ring")(), steps=2)
    training.advance()
    tensors, _ = training.state()
    assert int(tensors["adam.adversary.0.step"]) == 3
    assert int(tensors["adam.generator.0.step"]) == 2


def test_formula_names_the_chosen_numbers() -> None:
    text = " ".join(named("uotm")(tau=0.123, alpha=2.5, g1="kl", penalty_weight=0.077).formula(0.0))
    for part in ("0.123", "2.5", "0.077", r"e^{x/\alpha}"):
        assert part in text
    sd = named("uotm-sd")(alpha_min=0.25, alpha_max=4.75)
    assert "0.25" in " ".join(sd.formula(0.0))
    assert "4.75" in " ".join(sd.formula(1.0))
