"""GAN and DAN-S against torch's binary cross-entropy."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.training.loop import Training, start


def begun(name: str) -> Training:
    return start(named(name)(batch_size=32, hidden=16, noise_dim=4), distribution("ring")(), steps=5, seed=0)


@pytest.mark.parametrize("name", ["gan", "dan-s"])
def test_losses_are_binary_cross_entropies(name: str) -> None:
    training = begun(name)
    batch = training.batch()
    generated = training.generator(batch.source, batch.noise)
    real, fake = training.adversary(batch.target), training.adversary(generated)
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    for_critic = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)
    for_generator = F.binary_cross_entropy_with_logits(fake, ones)  # non-saturating
    found = [
        loss(training.generator, training.adversary, batch, {}).item()
        for loss in (training.method.adversary_loss, training.method.generator_loss)
    ]
    assert found == pytest.approx([for_critic.item(), for_generator.item()], rel=1e-5)


@pytest.mark.parametrize("name", ["gan", "dan-s"])
def test_a_critic_that_cannot_tell_pays_two_log_two(name: str) -> None:
    training = begun(name)
    with torch.no_grad():
        for weight in training.adversary.parameters():
            weight.zero_()
    batch = training.batch()
    assert training.method.adversary_loss(training.generator, training.adversary, batch, {}).item() == pytest.approx(
        2 * math.log(2)
    )


def test_dan_s_gives_one_logit_to_a_batch_whatever_its_order() -> None:
    critic = begun("dan-s").adversary
    points = torch.randn(64, 2)
    logit = critic(points)
    assert logit.numel() == 1
    assert torch.allclose(critic(points[torch.randperm(64)]), logit, atol=1e-6)
    assert torch.allclose(critic(points.repeat(3, 1)), logit, atol=1e-6), "a mean, not a sum"


def test_dan_s_draws_the_logit_of_each_point_alone() -> None:
    critic = begun("dan-s").adversary
    points = torch.randn(5, 2)
    assert torch.allclose(
        critic.each(points), torch.cat([critic(point[None]).flatten() for point in points]), atol=1e-6
    )


def test_gan_gives_a_logit_to_each_point() -> None:
    assert begun("gan").adversary(torch.randn(64, 2)).shape == (64, 1)
