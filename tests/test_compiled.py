"""Compiled updates give the numbers of the plain ones, with live knobs as inputs and the same saved state."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest
import torch

from otviz.data.distributions import named as distribution
from otviz.methods import Method
from otviz.methods import named as method
from otviz.runs.config import RunConfig
from otviz.training.loop import Training, start

pytestmark = pytest.mark.slow
RING = distribution("ring")(radius=2.0, std=0.1)  # type: ignore[call-arg]
SMALL = {"hidden": 8, "layers": 1, "batch_size": 16}  # compiles quickest


@pytest.fixture(scope="module", autouse=True)
def _compiler() -> None:
    if shutil.which("g++") or shutil.which("clang++"):
        return
    if os.environ.get("CI"):
        pytest.fail("compiling needs a C++ compiler, and CI has none")
    pytest.skip("compiling needs a C++ compiler, and there is none here")


def both(chosen: Method) -> tuple[Training, Training]:
    return start(chosen, RING, steps=100), start(chosen, RING, steps=100, compile=True)


def test_compiled_steps_are_the_plain_ones() -> None:
    chosen = method("uotm-sd")(**SMALL)  # type: ignore[call-arg]
    plain, compiled = both(chosen)
    for number in range(12):
        if number == 6:  # a slider moved: the same graphs go on with the new values
            chosen = dataclasses.replace(chosen, tau=0.2, lr=3e-3, penalty_weight=0.1)  # type: ignore[call-arg]
            plain.retune(chosen)
            compiled.retune(chosen)
        one, two = plain.advance(), compiled.advance()
        for left, right in ((one.generator_loss, two.generator_loss), (one.adversary_loss, two.adversary_loss)):
            # float32 sums in another order; ten steps of Adam magnify it
            torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    tensors, text = compiled.state()
    expected, expected_text = plain.state()
    assert text == expected_text
    assert tensors.keys() == expected.keys()
    resumed = start(chosen, RING, steps=100)
    resumed.restore(tensors, text)
    torch.testing.assert_close(resumed.advance().generator_loss, plain.advance().generator_loss, rtol=1e-4, atol=1e-6)


def test_a_method_that_cannot_be_compiled_says_so() -> None:
    with pytest.raises(ValueError, match="sinkhorn cannot be compiled"):
        RunConfig(method("sinkhorn")(), RING, compile=True)
