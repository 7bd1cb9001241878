"""What the one training loop asks of a method: its networks, its losses, how often to update each.

A method is a frozen dataclass of knobs. `progress` in [0, 1] is the only clock it sees; what changes with it, or under a
user's hand during a run, reaches the losses as named scalars, so that one compiled step can serve all their values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from otviz.distributed import ALONE, World
from otviz.networks import MLP, Generator
from otviz.params import Knobs, param

Scalars = Mapping[str, float]
Map = Callable[[Tensor, Tensor], Tensor]
Adversary = Callable[[Tensor], Tensor]


class Batch(NamedTuple):
    """One draw: source x (B, d), noise z (B, k), target y (B, d), uniform mix (B, 1), and a generator for the rest.

    With classes, the one to make is appended to z, and that of each image to y (`networks.with_class`).

    Where several processes share a batch, rows are those of one of them; `world` reaches the others'.
    """

    source: Tensor
    noise: Tensor
    target: Tensor
    mix: Tensor
    rng: torch.Generator
    world: World = ALONE


def step_size(default: float, whose: str) -> Any:
    """The knob of an optimiser's step size; `whose` is "generator" or "adversary"."""
    return param(default, 1e-6, 0.1, doc=f"Step size of the {whose}'s Adam", log=True, live=True)


def minibatch(default: int) -> Any:
    """The knob of the batch size."""
    return param(default, 2, 16384, doc="Points per minibatch", unit="points", log=True, advanced=True)


@dataclass(frozen=True)
class Method(Knobs, ABC):
    """A generator, perhaps an adversary, and what each descends.

    Class variables: `name` (lower case, hyphenated), `title`, `paper` (where it comes from), `default_steps`,
    `adversary_word` ("potential", "critic" or "" without one), `judges` (what stands between generated points and the loss, in
    order: a name, and the entry of the glossary that explains it), `compilable` (its losses are pure functions of the bound
    networks, the batch and the scalars, so that a whole update can be compiled, and many stacked), `shareable` (its losses
    are means over rows, or gather what spans the batch, so that the mean over processes with a part of its rows each is
    the loss of the whole), `pairs` (they serve pairs of an image and its class as they serve images: nothing in them
    compares x with T(x, z)).
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    default_steps: ClassVar[int] = 5000
    adversary_word: ClassVar[str] = ""
    judges: ClassVar[tuple[tuple[str, str], ...]] = ()
    compilable: ClassVar[bool] = False
    shareable: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    lr: float = step_size(1e-3, "generator")
    batch_size: int = minibatch(128)
    hidden: int = param(64, 4, 1024, doc="Width of each hidden layer", unit="units", advanced=True)
    layers: int = param(3, 1, 8, doc="Hidden layers", advanced=True)
    noise_dim: int = param(2, 0, 1024, doc="Dimension of the auxiliary noise z beside x", symbol="z", advanced=True)
    beta1: float = param(0.5, 0.0, 0.999, doc="Adam's memory of the gradient", advanced=True)
    beta2: float = param(0.9, 0.0, 0.9999, doc="Adam's memory of the squared gradient", advanced=True)
    ema: float = param(0.0, 0.0, 0.9999, doc="Memory of the averaged generator that is shown; 0: none", advanced=True)

    @property
    def rows(self) -> int:
        """Rows that one update draws of each of x, z, y."""
        return self.batch_size

    def check_shared(self, processes: int) -> None:
        """Raise ValueError unless that number of processes can share its batches."""
        if processes > 1 and not self.shareable:
            raise ValueError(
                f"{self.name} judges a batch as a whole, so {processes} processes cannot share it; train it in one"
            )
        if self.rows % processes:
            raise ValueError(
                f"{processes} processes cannot share a batch of {self.batch_size} evenly; "
                f"use a batch_size that is a multiple of {processes}"
            )

    def updates(self, step: int) -> tuple[int, int]:
        """How many updates of the adversary, then of the generator, make up this step (0, 1, 2 ...)."""
        return 0, 1

    def memory(self, step: int) -> float:
        """How much the averaged generator keeps of itself at this step (0, 1, 2 ...): `ema`, and less while little is averaged.

        With 0.998 from the start, what is shown would be grey for hundreds of steps.
        """
        return min(self.ema, (1 + step) / (10 + step))

    def scalars(self, progress: float) -> dict[str, float]:
        """Numbers the losses take by name; those that a user or a schedule changes during a run."""
        return {}

    def build_generator(self, dim: int, rng: torch.Generator) -> Generator:
        """A fresh generator for points of dimension `dim`."""
        return Generator(dim, self.noise_dim, self.hidden, self.layers, rng)

    def build_adversary(self, dim: int, rng: torch.Generator) -> nn.Module | None:
        """A fresh adversary, or None for a method without one."""
        return None

    @property
    def outputs(self) -> int:
        """Numbers that an adversary of images gives for each sample; 0 for a method without one."""
        return 0

    def completed(self, adversary: nn.Module, rng: torch.Generator) -> nn.Module:
        """The adversary of images, made of a network with that many outputs: the network itself by default."""
        return adversary

    @abstractmethod
    def generator_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        """What the generator descends, shape ()."""

    def adversary_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        """What the adversary descends, shape ()."""
        raise TypeError(f"{self.name} has no adversary")

    def constrain(self, weights: Sequence[Tensor]) -> None:
        """Project the adversary's weights, in place, after its update (weight clipping); nothing by default."""

    def field(self, adversary: Adversary, points: Tensor, generated: Tensor, target: Tensor) -> Tensor | None:
        """A scalar field to draw: the generator is pushed up its slope. Points (N, d) -> (N,); None for none.

        Args:
            points: where to evaluate.
            generated, target: a batch of each, for fields that depend on the samples.
        """
        return None

    def loss_floor(self, target: Tensor, other: Tensor) -> float | None:
        """The generator loss of real against real points, (B, d) each: its noise floor; None if it has none."""
        return None

    @abstractmethod
    def formula(self, progress: float) -> tuple[str, ...]:
        """The losses as LaTeX lines, with the chosen functions and numbers filled in."""


@dataclass(frozen=True)
class Adversarial(Method):
    """A method with an adversary, which may be frozen during the run."""

    adversary_lr: float = step_size(1e-3, "adversary")
    freeze_after: int = param(
        0, 0, 10_000_000, doc="Freeze the adversary after this step; 0: never", unit="steps", advanced=True
    )

    @property
    def outputs(self) -> int:
        return 1


def scalar_mlp(method: Method, dim: int, rng: torch.Generator) -> MLP:
    """The potential of the unified family: an MLP like the generator's, with one output."""
    return MLP([dim, *[method.hidden] * method.layers, 1], rng)
