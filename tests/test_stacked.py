"""A stack of trainings is the trainings: the same weights, one by one, as each gives alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from otviz.data.distributions import named as distribution
from otviz.data.distributions.gaussian import Gaussian
from otviz.methods import Batch, Method
from otviz.methods import named as method
from otviz.training.loop import Training
from otviz.training.stacked import BLOCK, Stacked, check_stackable

RING = distribution("ring")(radius=2.0, std=0.1)  # type: ignore[call-arg]
SMALL = {"hidden": 12, "layers": 2, "batch_size": 16}
STEPS = BLOCK + 4


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Double(Training):
    """The same training in float64, where sums in another order differ by 1e-16 and not by 1e-7."""

    def __init__(self, chosen: Method, seed: int, steps: int = STEPS) -> None:
        super().__init__(chosen, RING, Gaussian(), steps, seed, torch.device("cpu"))
        for part, _ in self.parts():
            for weight in part.values():
                weight.data = weight.data.double()

    def batch(self) -> Batch:
        *drawn, rng, world = super().batch()
        return Batch(*(part.double() for part in drawn), rng, world)


def make(name: str, **knobs: object) -> Method:
    return method(name)(**SMALL, **knobs)  # type: ignore[arg-type]


SETS = {
    "tau": [make("uotm", tau=tau) for tau in (0.001, 0.05, 10.0)],
    "alpha": [make("uotm", alpha=alpha) for alpha in (0.2, 1.0, 5.0)],
    "lr": [make("otm", lr=lr, adversary_lr=2 * lr) for lr in (1e-4, 1e-3, 5e-3)],
    "penalty": [make("wgan-gp", penalty_weight=weight, ema=0.9) for weight in (0.1, 1.0, 10.0)],
    "clip": [make("wgan", clip=clip, adversary_updates=3) for clip in (0.0, 0.01, 0.1)],
    "schedule": [
        make("uotm-sd", schedule="geometric", alpha_max=high, generator_updates=2) for high in (1.0, 5.0, 9.0)
    ],
    "frozen": [make("uotm-no-cost", freeze_after=7, penalty_weight=weight) for weight in (0.0, 0.1)],
    "gan": [make("gan", lr=lr, adversary_hidden=6) for lr in (1e-4, 1e-3)],
    "no noise": [make("uotm-kl", noise_dim=0, tau=tau) for tau in (0.1, 1.0)],
}


@pytest.mark.parametrize("name", SETS)
def test_each_member_is_its_plain_training(name: str) -> None:
    chosen = SETS[name]
    alone = [Double(each, seed) for seed, each in enumerate(chosen)]
    stack = Stacked([Double(each, seed) for seed, each in enumerate(chosen)])
    losses = torch.cat([stack.advance(BLOCK + 1), stack.advance(STEPS - BLOCK - 1)])
    stack.sync_members()
    for index, (plain, member) in enumerate(zip(alone, stack.members, strict=True)):
        steps = [plain.advance() for _ in range(STEPS)]
        expected = torch.stack([step.generator_loss for step in steps])  # type: ignore[misc]
        torch.testing.assert_close(losses[:, index, 0], expected, rtol=1e-6, atol=1e-9)
        tensors, text = member.state()
        wanted, wanted_text = plain.state()
        assert text == wanted_text  # steps, frozen, where the streams are
        assert tensors.keys() == wanted.keys()
        for key, value in wanted.items():
            # 2^-52 magnified by 20 steps of Adam, which divides by gradients that may be tiny
            torch.testing.assert_close(tensors[key].double(), value.double(), rtol=1e-6, atol=1e-9, msg=key)


def test_a_member_goes_on_alone_as_if_it_had_never_been_stacked() -> None:
    chosen = SETS["tau"][1]
    plain, stack = Double(chosen, 5, 40), Stacked([Double(chosen, 5, 40), Double(SETS["tau"][0], 6, 40)])
    stack.advance(STEPS)
    stack.sync_members()
    for _ in range(STEPS):
        plain.advance()
    member = stack.members[0]
    for _ in range(5):
        left, right = plain.advance(), member.advance()
    torch.testing.assert_close(left.generator_loss, right.generator_loss)


def test_float32_ends_close_after_many_steps() -> None:
    """Rounding grows with the steps; after 50 of them the generated points still agree to a thousandth of the data."""
    from otviz.training.loop import start

    chosen = SETS["tau"][:2]
    stack = Stacked([start(each, RING, steps=50, seed=3) for each in chosen])
    stack.advance(50)
    stack.sync_members()
    points, noise = torch.randn(64, 2), torch.randn(64, 2)
    for each, member in zip(chosen, stack.members, strict=True):
        plain = start(each, RING, steps=50, seed=3)
        while plain.step < 50:
            plain.advance()
        with torch.no_grad():
            apart = (plain.eval_generator(points, noise) - member.eval_generator(points, noise)).abs().max()
        assert apart < 2e-3


def test_one_member_that_is_no_longer_a_number_leaves_the_others_alone() -> None:
    chosen = [make("otm", lr=0.1, adversary_lr=0.1, tau=100.0), make("otm")]
    alone, trainings = Double(chosen[1], 1), [Double(each, index) for index, each in enumerate(chosen)]
    next(iter(trainings[0].generator.parameters())).data[0, 0] = float("nan")
    stack = Stacked(trainings)
    losses = stack.advance(5)
    stack.sync_members()
    assert losses[:, 0].isnan().all()
    for _ in range(5):
        alone.advance()
    for one, two in zip(alone.generator.parameters(), stack.members[1].generator.parameters(), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ([method("sinkhorn")()], "sinkhorn cannot be stacked"),
        ([make("uotm"), make("otm")], "a stack holds one method; got uotm and otm"),
        ([make("uotm"), dataclasses.replace(make("uotm"), hidden=8)], "hidden must be the same.*12 and 8"),
    ],
)
def test_what_cannot_be_stacked_says_so(chosen: list[Method], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_stackable(chosen)


def test_members_must_begin_together() -> None:
    begun = Double(make("uotm"), 0)
    begun.advance()
    with pytest.raises(ValueError, match="same number of steps and not have begun"):
        Stacked([begun, Double(make("uotm"), 1)])
    with pytest.raises(ValueError, match="same number of steps and not have begun"):
        Stacked([Double(make("uotm"), 0), Double(make("uotm"), 1, 9)])
