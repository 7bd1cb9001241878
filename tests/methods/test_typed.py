"""UOTM with typed functions: the known ones typed in train alike, gradients are finite differences, bad text is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from otviz.data.distributions import named as distribution
from otviz.methods import Batch, Method, named
from otviz.runs.config import RunConfig
from otviz.training.loop import start, train

SMALL = {"hidden": 16, "layers": 2, "batch_size": 32}
KL, SOFTPLUS = "exp(x) - 1", "2*log(1 + exp(x)) - 2*log(2)"


def method(name: str, **knobs: object) -> Method:
    return named(name)(**{**SMALL, **knobs})


def losses(chosen: Method, steps: int = 15) -> np.ndarray:
    found = train(chosen, distribution("ring")(), steps=steps, seed=4)
    return np.array([[step.generator_loss.item(), step.adversary_loss.item()] for step in found])


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        (method("uotm-typed", g1=SOFTPLUS, g2=SOFTPLUS), method("uotm")),
        (method("uotm-typed", g1=SOFTPLUS, g2=SOFTPLUS, alpha=0.3), method("uotm", alpha=0.3)),
        (method("uotm-typed", g1=KL, g2=KL, alpha=2.0), method("uotm-kl", alpha=2.0)),
        (method("uotm-typed", g1="x", g2="x"), method("otm")),
        (method("uotm-typed", g1="kl", g2="softplus"), method("uotm", g1="kl")),
    ],
    ids=lambda side: side.name,
)
def test_what_is_known_typed_in_trains_alike(typed: Method, known: Method) -> None:
    # equal up to the order of float32 operations, which Adam's first steps magnify
    assert losses(typed) == pytest.approx(losses(known), abs=2e-4)


@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_gradients_are_finite_differences(alpha: float) -> None:
    training = start(
        method("uotm-typed", g1=KL, penalty_weight=0.3, alpha=alpha), distribution("ring")(), steps=1, seed=2
    )
    generator, adversary = training.generator.double(), training.adversary.double()
    drawn = Batch(*(part.double() if isinstance(part, torch.Tensor) else part for part in training.batch()))
    scalars = training.method.scalars(0.4)
    assert scalars["alpha"] == alpha
    for loss_of, net in (("generator_loss", generator), ("adversary_loss", adversary)):
        net.zero_grad()
        loss = getattr(training.method, loss_of)
        loss(generator, adversary, drawn, scalars).backward()
        rng = torch.Generator().manual_seed(1)
        for weight in net.parameters():
            along = torch.randn(weight.shape, generator=rng, dtype=torch.float64)
            values = []
            for step in (1e-5, -1e-5):
                weight.data += step * along
                values.append(loss(generator, adversary, drawn, scalars).item())
                weight.data -= step * along
            slope = (values[0] - values[1]) / 2e-5
            assert (weight.grad * along).sum().item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("log(x)", "log of a negative number at x = -0.01"),
        ("2*x", "g'(0) must be 1; it is 2"),
        ("tanh(x)", "g must be convex"),
        ("__import__('os')", "leave out"),
        ("", "is empty"),
    ],
)
@pytest.mark.parametrize("which", ["g1", "g2"])
def test_what_cannot_be_used_is_refused_by_its_name(which: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{which} cannot be used: .*{re.escape(reason)}"):
        named("uotm-typed")(**{which: text})


def test_the_formula_shows_what_was_typed_and_a_record_brings_it_back() -> None:
    chosen = method("uotm-typed", g1=KL)
    text = " ".join(chosen.formula(0.0))
    assert "g_1(x) = e^{x} - 1" in text
    assert r"g_2(x) = x + \sqrt{x^{2} + 1} - 1" in text
    config = RunConfig(chosen, distribution("ring")())
    assert RunConfig.from_record(config.record()) == config
    with pytest.raises(ValueError, match="cannot be compiled"):
        RunConfig(chosen, distribution("ring")(), compile=True)
