"""A penalty in every k-th step (Karras et al. 2020, Section 3.1)."""

from __future__ import annotations

import pytest
import torch

from otviz.data import distributions
from otviz.methods import Batch, named
from otviz.methods.unified import Unified
from otviz.runs.config import RunConfig
from otviz.training.loop import Training, start
from otviz.training.stacked import check_stackable

K = 4


def _begun(**settings: object) -> Training:
    return start(named("uotm")(batch_size=16, **settings), distributions.named("ring")(), steps=12, seed=3)


def _gradient(training: Training, method: Unified, step: int) -> torch.Tensor:
    """Gradient of the adversary's loss on one fixed batch, as one row."""
    adversary, batch = training.adversary, fixed(training)
    assert adversary is not None
    acting = method.in_step(step)
    loss = acting.adversary_loss(training.generator, adversary, batch, acting.scalars(0.0))
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(adversary.parameters()))])


def fixed(training: Training) -> Batch:
    """A batch that is the same at every call."""
    batch = training.batch()
    generator = torch.Generator().manual_seed(5)
    x, z, y, mix = (torch.randn(part.shape, generator=generator) for part in batch[:4])
    return batch._replace(source=x, noise=z, target=y, mix=mix)


@pytest.mark.parametrize("penalty", ["r1", "gp"])
def test_the_gradients_of_k_steps_add_up_to_those_of_k_whole_steps(penalty: str) -> None:
    training = _begun(penalty=penalty, penalty_weight=0.3)
    whole = training.method
    lazy = named("uotm")(batch_size=16, penalty=penalty, penalty_weight=0.3, penalty_every=K)
    assert isinstance(whole, Unified)
    assert isinstance(lazy, Unified)
    summed = sum(_gradient(training, lazy, step) for step in range(K))
    torch.testing.assert_close(summed, K * _gradient(training, whole, 0), rtol=1e-4, atol=1e-6)
    alone = _gradient(training, lazy, 1)
    assert not torch.allclose(alone, _gradient(training, whole, 1), rtol=1e-3)


def test_the_penalty_comes_in_the_first_step_and_every_kth() -> None:
    method = named("uotm")(penalty_every=K)
    assert isinstance(method, Unified)
    found = [method.in_step(step) for step in range(9)]
    assert [acting.penalty for acting in found] == ["r1", "none", "none", "none"] * 2 + ["r1"]
    assert found[0].penalty_weight == K * method.penalty_weight


def test_a_training_with_it_goes_on_as_if_never_interrupted() -> None:
    whole, begun, resumed = _begun(penalty_every=K), _begun(penalty_every=K), _begun(penalty_every=K)
    for _ in range(9):
        whole.advance()
    for _ in range(5):
        begun.advance()
    resumed.restore(*begun.state())
    for _ in range(4):
        resumed.advance()
    for ours, theirs in zip(whole.generator.parameters(), resumed.generator.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_it_is_neither_compiled_nor_stacked() -> None:
    method = named("uotm")(penalty_every=K)
    with pytest.raises(ValueError, match="penalty_every 1"):
        check_stackable([method, method])
    with pytest.raises(ValueError, match="penalty_every 1"):
        RunConfig(method=method, target=distributions.named("ring")(), compile=True)
