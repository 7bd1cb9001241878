"""Our Adam is torch's to the last bit, and imports no compiler."""

from __future__ import annotations

import subprocess
import sys

import torch

from otviz.core.files import ROOT
from otviz.training.adam import FusedAdam

PROGRAM = """
import sys
from otviz.data.distributions.ring import Ring
from otviz.methods import named
from otviz.training.loop import start
training = start(named("uotm")(hidden=8, layers=1, batch_size=16), Ring(), steps=10)
for _ in range(3):
    training.advance()
print("torch._dynamo" in sys.modules)
"""


def test_its_steps_are_those_of_torch_to_the_last_bit() -> None:
    rng = torch.Generator().manual_seed(0)
    start = [torch.randn(5, 3, generator=rng), torch.randn(7, generator=rng), torch.randn(2, 3, 4, 4, generator=rng)]
    start[2] = start[2].contiguous(memory_format=torch.channels_last)
    ours, theirs = ([weight.clone().requires_grad_() for weight in start] for _ in range(2))
    one = FusedAdam(ours, 1e-2, (0.5, 0.9))
    two = torch.optim.Adam(theirs, lr=1e-2, betas=(0.5, 0.9), fused=True)
    for step in range(20):
        if step == 10:
            for optimiser in (one, two):
                optimiser.param_groups[0]["lr"] = 3e-3
        one.zero_grad()
        two.zero_grad()
        for left, right in zip(
            ours[: 2 + step % 2], theirs, strict=False
        ):  # the last one has no gradient in every other step
            left.grad = torch.randn(left.shape, generator=rng)
            right.grad = left.grad.clone()
        one.step()
        two.step()
        assert all(torch.equal(left, right) for left, right in zip(ours, theirs, strict=True))
    for left, right in zip(ours, theirs, strict=True):
        assert one.state[left].keys() == two.state[right].keys()
        assert all(torch.equal(one.state[left][key], two.state[right][key]) for key in one.state[left])


def test_a_training_imports_no_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "False\n"
