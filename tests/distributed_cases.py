"""Trainings that one process does alone and several do together, with `main(FOLDER)`.

In torchrun's environment each process trains every case with its share of the batch and saves, under its number, its
weights, first gradients, losses and samples, the shapes of the costs that it matched, and what was said to bad input.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from otviz.core.distributed import together, world
from otviz.data import datasets, distributions
from otviz.methods import Batch, Method, named
from otviz.networks import Networks
from otviz.ot import divergences
from otviz.training.loop import Training, start

STEPS = 5
SMALL = {"hidden": 16, "layers": 2, "batch_size": 24}
OT = {**SMALL, "n_gen": 1, "noise_dim": 4}
CNN = Networks(generator="cnn", adversary="cnn", width=4, adversary_width=4, from_source=False)

Case = tuple[str, Method, str, Networks | None]


def cases() -> Iterator[Case]:
    """Name, method, target, and networks of images."""
    yield "uotm", named("uotm")(**SMALL, ema=0.9), "ring", None
    yield "wgan-gp", named("wgan-gp")(**SMALL), "ring", None
    yield "gan", named("gan")(**SMALL), "ring", None
    yield "sinkhorn", named("sinkhorn")(**SMALL), "ring", None
    yield "ot-gan", named("ot-gan")(**OT), "ring", None
    yield "ot-gan random", named("ot-gan")(**OT, matching="random"), "ring", None
    yield "ot-gan digits", named("ot-gan")(**OT, cost="cosine"), "digits", CNN
    yield "gan digits", named("gan")(batch_size=16, noise_dim=4), "digits", CNN
    yield "uotm digits", named("uotm")(batch_size=16, noise_dim=4), "digits", Networks(generator="residual", width=4)


def begun(method: Method, target: str, networks: Networks | None) -> Training:
    """The training of a case; points in float64.

    Adam makes a whole step of the rounding errors of a gradient that is zero, such as that of the last bias of a critic
    whose loss knows only differences; in float64 they are far below its epsilon.
    """
    if networks is not None:
        return start(method, datasets.named(target)(), steps=STEPS, seed=3, networks=networks)
    training = start(method, distributions.named(target)(), steps=STEPS, seed=3)
    draw = training.batch

    def batch() -> Batch:
        return Batch(*(part.double() if isinstance(part, Tensor) else part for part in draw()))

    training.batch = batch
    for network in (training.generator, training.adversary, training.eval_generator):
        if network is not None:
            network.double()
    return training


def played(training: Training) -> dict[str, Tensor]:
    """What a training leaves after its steps."""
    found: dict[str, Tensor] = {}
    for number in range(STEPS):
        step = training.advance()
        if number < 2:  # OT-GAN updates one network in each
            for part, network in (("generator", training.generator), ("adversary", training.adversary)):
                for key, weight in [] if network is None else network.named_parameters():
                    if weight.grad is not None:
                        found.setdefault(f"gradient/{part}.{key}", weight.grad.clone())
        for which, loss in enumerate((step.generator_loss, step.adversary_loss)):
            if loss is not None:
                found[f"loss/{number}.{which}"] = loss
    for tensors, _ in training.parts():
        found.update({f"weight/{key}": value.detach().clone() for key, value in tensors.items()})
    like, rng = next(training.generator.parameters()), torch.Generator().manual_seed(9)
    dims = math.prod(training.target.shape), training.method.noise_dim
    x, z = (torch.randn(50, dim, generator=rng).to(like) for dim in dims)
    with torch.no_grad():  # as it learns: what batch norm remembers of the first steps holds such rounding errors too
        found["sample"] = training.generator(x, z)
    return found


def all_played() -> dict[str, Tensor]:
    """What all cases leave, and the shapes of the costs matched on the way, (calls, 3)."""
    seen, match = [], divergences.match_features

    def noting(costs: Tensor, *rest: object) -> Tensor:
        seen.append(torch.tensor(costs.shape))
        return match(costs, *rest)

    found: dict[str, Tensor] = {}
    divergences.match_features = noting
    try:
        for name, *case in cases():
            for key, value in played(begun(*case)).items():
                found[f"{name}/{key}"] = value.clone(memory_format=torch.contiguous_format)
    finally:
        divergences.match_features = match
    return {**found, "costs": torch.stack(seen)}


def refused() -> dict[str, str]:
    """Errors for trainings that processes cannot share."""
    ring = distributions.named("ring")()
    attempts: dict[str, Callable[[], object]] = {
        "batch": lambda: start(named("uotm")(**{**SMALL, "batch_size": 25}), ring),
        "whole batches": lambda: start(named("dan-s")(**SMALL), ring),
        "compile": lambda: start(named("uotm")(**SMALL), ring, compile=True),
        "arguments": lambda: world().agree({"steps": 5, "method": {"name": "uotm", "tau": world().rank}}),
    }
    said = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except ValueError as error:
            said[name] = str(error)
    return said


def main(folder: Path) -> None:
    """Train all cases with the others."""
    torch.set_num_threads(1)
    with together():
        save_file(all_played(), folder / f"{world().rank}.safetensors")
        (folder / f"{world().rank}.json").write_text(json.dumps(refused()))
        world().mean(torch.zeros(()))  # the first process waits here until all have saved
