"""OT-GAN's loop: who is updated when, what stays frozen, and what its loss is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from otviz.data.distributions import named as distribution
from otviz.methods import Method, named
from otviz.training.loop import Training, start


def method(**knobs: object) -> Method:
    return named("ot-gan")(**{"hidden": 16, "layers": 2, "batch_size": 16, "noise_dim": 2, **knobs})


def begun(**knobs: object) -> Training:
    return start(method(**knobs), distribution("ring")(), steps=100, seed=1)


def weights(training: Training) -> dict[str, list[Tensor]]:
    assert training.adversary is not None
    parts = {"generator": training.generator, "critic": training.adversary}
    return {name: [weight.detach().clone() for weight in part.parameters()] for name, part in parts.items()}


def moved(training: Training) -> set[str]:
    """Which networks one step changes."""
    before = weights(training)
    training.advance()
    after = weights(training)
    return {
        name for name in before if any(not torch.equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


@pytest.mark.parametrize("n_gen", [1, 2, 5])
def test_critic_learns_at_every_step_divisible_by_n_gen_plus_one(n_gen: int) -> None:
    training = begun(n_gen=n_gen)
    who = [moved(training) for _ in range(2 * n_gen + 3)]
    assert who == [{"critic"} if step % (n_gen + 1) == 0 else {"generator"} for step in range(2 * n_gen + 3)]


def test_the_critic_ascends_what_the_generator_descends() -> None:
    training = begun()
    batch, s = training.batch(), training.method.scalars(0.0)
    for_generator = training.method.generator_loss(training.generator, training.adversary, batch, s)
    for_critic = training.method.adversary_loss(training.generator, training.adversary, batch, s)
    assert for_critic.item() == pytest.approx(-for_generator.item(), rel=1e-6)


def squared_l2(f: Tensor, h: Tensor) -> np.ndarray:
    return (f[:, None] - h[None]).square().sum(-1).detach().numpy() / 2


def cosine_with_bias(f: Tensor, h: Tensor) -> np.ndarray:
    f, h = (torch.cat([part, torch.ones_like(part[:, :1])], 1) for part in (f, h))
    return 1 - torch.nn.functional.cosine_similarity(f[:, None], h[None], dim=-1).detach().numpy()


@pytest.mark.parametrize(("cost", "reference"), [("squared-l2", squared_l2), ("cosine-bias", cosine_with_bias)])
def test_loss_is_the_sum_of_six_assignments(cost: str, reference) -> None:
    """At small epsilon the soft matchings are the Hungarian algorithm's."""
    training = begun(cost=cost, epsilon=1e-4, iterations=500)
    batch = training.batch()
    with torch.no_grad():
        generated = training.generator(batch.source, batch.noise)
        (x1, x2), (y1, y2) = (training.adversary(part).chunk(2) for part in (batch.target, generated))

    def w(f: Tensor, h: Tensor) -> float:
        matrix = reference(f, h)
        return matrix[linear_sum_assignment(matrix)].mean()

    expected = w(x1, y1) + w(x1, y2) + w(x2, y1) + w(x2, y2) - 2 * w(x1, x2) - 2 * w(y1, y2)
    loss = training.method.generator_loss(training.generator, training.adversary, batch, training.method.scalars(0.0))
    # entropy blurs each matching by up to epsilon log n = 3e-4 in units of the cost; eight of them are summed
    assert loss.item() == pytest.approx(expected, abs=3e-3)


def test_random_matching_is_another_loss_and_follows_its_generator() -> None:
    values = []
    for seed in (0, 0, 1):
        training = begun(matching="random")
        batch = training.batch()._replace(rng=torch.Generator().manual_seed(seed))
        s = training.method.scalars(0.0)
        values.append(training.method.generator_loss(training.generator, training.adversary, batch, s).item())
    assert values[0] == values[1] != values[2]
    optimal = begun()
    s = optimal.method.scalars(0.0)
    matched = optimal.method.generator_loss(optimal.generator, optimal.adversary, optimal.batch(), s).item()
    assert matched != pytest.approx(values[0], rel=1e-3)


def test_freeze_after_keeps_the_critic_to_the_bit_and_the_generator_goes_on() -> None:
    training = begun(freeze_after=7, n_gen=2)
    who = [moved(training) for _ in range(20)]
    assert "critic" in who[6]
    assert not any("critic" in step for step in who[7:])
    assert all(step == {"generator"} for step in who[7:]), "no step is idle"
    assert training.frozen


def test_a_frozen_critic_can_learn_again() -> None:
    training = begun(freeze_after=3, n_gen=1)
    for _ in range(5):
        training.advance()
    training.frozen = False
    who = [moved(training) for _ in range(4)]
    assert {"critic"} in who


def test_plain_cosine_is_blind_to_radius_and_the_bias_mends_it() -> None:
    """A ReLU critic without biases is positively homogeneous, so its features' direction ignores the radius."""
    values = {}
    for cost in ("cosine", "cosine-bias"):
        training = begun(cost=cost)
        batch = training.batch()
        s = training.method.scalars(0.0)
        one, far = (
            training.method.generator_loss(lambda x, z, k=k: k * x, training.adversary, batch, s) for k in (1, 9)
        )
        values[cost] = abs(one.item() - far.item())
    assert values["cosine"] < 1e-4 < values["cosine-bias"]
