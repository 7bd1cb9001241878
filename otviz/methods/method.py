"""The interface between a method and the training loop: networks, losses, and how often each network is updated.

A method is a frozen dataclass of hyperparameters. It sees no step counter, only `progress` in [0, 1]. Values that change
during a run (a schedule, a live slider) reach the losses as named scalars, so that one compiled step serves all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from otviz.core.distributed import ALONE, World
from otviz.core.params import NETWORK, OPTIMISER, Knobs, param
from otviz.networks import MLP, Generator

Scalars = Mapping[str, float]
Map = Callable[[Tensor, Tensor], Tensor]
Adversary = Callable[[Tensor], Tensor]


class Batch(NamedTuple):
    """A minibatch: source x (B, d), noise z (B, k), target y (B, d), uniform mix (B, 1), and a generator for the rest.

    With classes, the requested class is appended to z and the class of each image to y (`networks.with_class`).
    If several processes share a batch, the rows are those of this process; `world` gathers those of the others.
    """

    source: Tensor
    noise: Tensor
    target: Tensor
    mix: Tensor
    rng: torch.Generator
    world: World = ALONE


def learning_rate(default: float, whose: str) -> Any:
    """Declare a learning rate; `whose` is "generator", "critic" or "potential"."""
    doc = f"Step size of the {whose}'s Adam. Too small: it learns slowly; too large: it jumps about or diverges"
    return param(
        default, 1e-6, 0.1, doc=doc, log=True, live=True, label=f"{whose.capitalize()} learning rate", group=OPTIMISER
    )


def minibatch(default: int) -> Any:
    """Declare the batch size."""
    doc = "Samples in one minibatch. Too small: noisy steps, and rare modes are missed; larger: steadier and slower"
    return param(default, 2, 16384, doc=doc, unit="samples", log=True, label="Batch size", group=OPTIMISER)


def width(default: int, of: str = "Width") -> Any:
    """Declare the number of units of a hidden layer; `of` is its label, such as "Generator width"."""
    doc = "Units in each hidden layer. Too few: the network cannot bend enough; more: slower"
    return param(default, 4, 1024, doc=doc, unit="units", label=of, group=NETWORK)


def depth(default: int) -> Any:
    """Declare the number of hidden layers."""
    doc = "Hidden layers of each network. Too few: it cannot bend enough; too many: slower and harder to train"
    return param(default, 1, 8, doc=doc, unit="layers", label="Hidden layers", group=NETWORK)


def noise(default: int) -> Any:
    """Declare the dimension of the noise z, the second input of the generator."""
    doc = "Numbers of random noise z that the generator gets beside the source point x. 0: one point for each x"
    return param(default, 0, 1024, doc=doc, symbol="z", label="Noise dimension", group=NETWORK)


def adam_beta2(default: float) -> Any:
    """Declare Adam's beta2."""
    doc = "How long Adam remembers the size of gradients. Nearer 1: steadier steps that adapt late"
    return param(default, 0.0, 0.9999, doc=doc, label="Adam β₂", group=OPTIMISER)


@dataclass(frozen=True)
class Method(Knobs, ABC):
    """A generator, an optional adversary, and their losses.

    Class variables:
        name, title, line: the key (lower case, hyphenated), the title, and a description of a few words for lists.
        basic: see `Knobs`.
        paper: the source.
        default_steps: length of a training.
        adversary_word: "potential", "critic", or "" for a method without one.
        judges: what lies between generated points and the loss, in order: a name and its glossary entry.
        compilable: whether the losses are pure functions of networks, batch and scalars, so that an update can be compiled
            and several trainings stacked.
        shareable: whether the mean of the losses of processes with part of the rows each is the loss of the whole batch (the
            losses are means over rows, or gather what spans the batch).
        pairs: whether the losses also hold for pairs of an image and its class (nothing in them compares x with T(x, z)).
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    line: ClassVar[str] = ""
    basic: ClassVar[tuple[str, ...]] = ("lr",)
    paper: ClassVar[str] = ""
    default_steps: ClassVar[int] = 5000
    adversary_word: ClassVar[str] = ""
    judges: ClassVar[tuple[tuple[str, str], ...]] = ()
    compilable: ClassVar[bool] = False
    shareable: ClassVar[bool] = False
    pairs: ClassVar[bool] = False

    lr: float = learning_rate(1e-3, "generator")
    batch_size: int = minibatch(128)
    hidden: int = width(64)
    layers: int = depth(3)
    noise_dim: int = noise(2)
    beta1: float = param(
        0.5, 0.0, 0.999, doc="How long Adam remembers the direction of gradients. Nearer 1: smoother, but it overshoots",
        label="Adam β₁", group=OPTIMISER,
    )  # fmt: skip
    beta2: float = adam_beta2(0.9)
    ema: float = param(
        0.0, 0.0, 0.9999, doc="The generator shown is an average over its past. Nearer 1: calmer, but behind; 0: no average",
        label="Averaging (EMA)", group=OPTIMISER,
    )  # fmt: skip

    @property
    def rows(self) -> int:
        """Number of rows of x, z and y in one update."""
        return self.batch_size

    def check_shared(self, processes: int) -> None:
        """Raise ValueError if this number of processes cannot share a batch."""
        if processes > 1 and not self.shareable:
            raise ValueError(
                f"{self.name} judges a batch as a whole, so {processes} processes cannot share it; train it in one"
            )
        if self.rows % processes:
            raise ValueError(
                f"{processes} processes cannot share a batch of {self.batch_size} evenly; "
                f"use a batch_size that is a multiple of {processes}"
            )

    @property
    def steps_alike(self) -> bool:
        """Whether every step has the same losses, so that they can be compiled or stacked; see `in_step`."""
        return True

    @property
    def can_compile(self) -> bool:
        """Whether updates with these settings can be compiled."""
        return self.compilable and self.steps_alike

    def in_step(self, step: int) -> Self:
        """The method whose losses this step (counted from 0) has: itself, unless it leaves something out of most steps."""
        return self

    def updates(self, step: int) -> tuple[int, int]:
        """Number of updates of the adversary, then of the generator, in this step (counted from 0)."""
        return 0, 1

    def drawn(self, steps: int) -> int:
        """Number of target samples in the minibatches of that many steps: one minibatch per update."""
        return self.rows * sum(sum(self.updates(step)) for step in range(steps))

    def ema_decay(self, step: int) -> float:
        """Decay of the generator's moving average at this step (counted from 0): `ema`, and less in the first steps.

        With 0.998 from the start, the average would give grey images for hundreds of steps.
        """
        return min(self.ema, (1 + step) / (10 + step))

    def scalars(self, progress: float) -> dict[str, float]:
        """The values that may change during a run (a schedule, a live slider), by name, as arguments of the losses."""
        return {}

    def build_generator(self, dim: int, rng: torch.Generator) -> Generator:
        """A new generator for points of dimension `dim`."""
        return Generator(dim, self.noise_dim, self.hidden, self.layers, rng)

    def build_adversary(self, dim: int, rng: torch.Generator) -> nn.Module | None:
        """A new adversary, or None for a method without one."""
        return None

    @property
    def outputs(self) -> int:
        """Outputs per sample of an image adversary; 0 for a method without one."""
        return 0

    def completed(self, adversary: nn.Module, rng: torch.Generator) -> nn.Module:
        """The image adversary built from a network with `outputs` outputs; by default the network itself."""
        return adversary

    @abstractmethod
    def generator_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        """The generator's loss, shape ().

        Args:
            generator: T(x, z), (B, d) and (B, k) -> (B, d).
            adversary: v(y), (B, d) -> (B, outputs); unused without an adversary.
            batch: samples of source, noise and target.
            s: the current `scalars`.
        """

    def adversary_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        """The adversary's loss, shape (). Raises TypeError for a method without an adversary.

        Args:
            generator, adversary, batch, s: as for `generator_loss`.
        """
        raise TypeError(f"{self.name} has no adversary")

    def constrain(self, weights: Sequence[Tensor]) -> None:
        """Project the adversary's weights in place after each of its updates (weight clipping); by default do nothing."""

    def field(self, adversary: Adversary, points: Tensor, generated: Tensor, target: Tensor) -> Tensor | None:
        """A scalar field to draw, whose gradient the generator follows: (N, d) -> (N,); None for none.

        Args:
            adversary: v(y).
            points: where to evaluate, shape (N, d).
            generated, target: a batch of each, for fields that depend on the samples.
        """
        return None

    def loss_floor(self, target: Tensor, other: Tensor) -> float | None:
        """Noise floor: the generator loss between two sets of real points, (B, d) each; None if it has none."""
        return None

    @abstractmethod
    def formula(self, progress: float) -> tuple[str, ...]:
        """The losses as lines of LaTeX, with the chosen functions and values filled in."""


@dataclass(frozen=True)
class Adversarial(Method):
    """A method with an adversary, which may be frozen during the run."""

    basic: ClassVar[tuple[str, ...]] = ("lr", "adversary_lr")

    adversary_lr: float = learning_rate(1e-3, "critic")
    freeze_after: int = param(
        0, 0, 10_000_000, doc="The critic or potential stops learning after this step; 0: it never stops", unit="steps",
        label="Freeze the critic or potential after", group=OPTIMISER,
    )  # fmt: skip

    @property
    def outputs(self) -> int:
        return 1


def scalar_mlp(method: Method, dim: int, rng: torch.Generator) -> MLP:
    """The potential of the unified family: an MLP with one output and the generator's width and depth.

    Args:
        method: gives width and depth.
        dim: dimension of a point.
        rng: draws the weights.
    """
    return MLP([dim, *[method.hidden] * method.layers, 1], rng)
