"""Compiles the updates of a training as suits its device."""

from __future__ import annotations

from otviz.methods import Method
from otviz.networks import MLP, Generator
from otviz.training import ahead
from otviz.training.compiled import Compiled, CompiledUpdates
from otviz.training.learners import Learners

AHEAD = ("cpu",)
"""Devices whose updates are compiled ahead of time; those of others are compiled by torch.compile, into CUDA graphs."""


def compile_updates(method: Method, learners: Learners, build: bool) -> CompiledUpdates:
    """The compiled updates of a training on points that has done a step.

    Args:
        method: with current live knobs.
        learners: of the training.
        build: on a CPU, compile them unless they are on disk.

    Raises:
        OSError, ValueError, RuntimeError: they are not on disk, or cannot be compiled or loaded.
    """
    generator, adversary = learners.generator, learners.adversary
    assert isinstance(generator, Generator)
    assert isinstance(adversary, MLP)
    assert learners.adversary_optimiser is not None
    weight, optimisers = next(adversary.parameters()), (learners.generator_optimiser, learners.adversary_optimiser)
    if weight.device.type not in AHEAD:
        return Compiled(method, generator, adversary, *optimisers)
    if build:
        ahead.build(method, weight.shape[1])
    return ahead.CompiledAhead(method, generator, adversary, *optimisers)
