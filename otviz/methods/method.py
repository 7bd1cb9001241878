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

from otviz.core.distributed import ALONE, World
from otviz.core.params import NETWORK, OPTIMISER, Knobs, param
from otviz.networks import MLP, Generator

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
    """The knob of an optimiser's step size; `whose` is "generator", "critic" or "potential"."""
    doc = f"Step size of the {whose}'s Adam. Too small: it learns slowly; too large: it jumps about or diverges"
    return param(
        default, 1e-6, 0.1, doc=doc, log=True, live=True, label=f"{whose.capitalize()} learning rate", group=OPTIMISER
    )


def minibatch(default: int) -> Any:
    """The knob of the batch size."""
    doc = "Samples in one minibatch. Too small: noisy steps, and rare modes are missed; larger: steadier and slower"
    return param(default, 2, 16384, doc=doc, unit="samples", log=True, label="Batch size", group=OPTIMISER)


def width(default: int, of: str = "Width") -> Any:
    """The knob of how many units a hidden layer has; `of` says whose, such as "Generator width"."""
    doc = "Units in each hidden layer. Too few: the network cannot bend enough; more: slower"
    return param(default, 4, 1024, doc=doc, unit="units", label=of, group=NETWORK)


def depth(default: int) -> Any:
    """The knob of how many hidden layers there are."""
    doc = "Hidden layers of each network. Too few: it cannot bend enough; too many: slower and harder to train"
    return param(default, 1, 8, doc=doc, unit="layers", label="Hidden layers", group=NETWORK)


def noise(default: int) -> Any:
    """The knob of the dimension of the noise z that the generator gets beside x."""
    doc = "Numbers of random noise z that the generator gets beside the source point x. 0: one point for each x"
    return param(default, 0, 1024, doc=doc, symbol="z", label="Noise dimension", group=NETWORK)


def squared_memory(default: float) -> Any:
    """The knob of Adam's beta2."""
    doc = "How long Adam remembers the size of gradients. Nearer 1: steadier steps that adapt late"
    return param(default, 0.0, 0.9999, doc=doc, label="Adam β₂", group=OPTIMISER)


@dataclass(frozen=True)
class Method(Knobs, ABC):
    """A generator, perhaps an adversary, and what each descends.

    Class variables: `name` (lower case, hyphenated), `title`, `line` (what it does, in a few words for a list), `basic` (see
    `Knobs`), `paper` (where it comes from), `default_steps`,
    `adversary_word` ("potential", "critic" or "" without one), `judges` (what stands between generated points and the loss, in
    order: a name, and the entry of the glossary that explains it), `compilable` (its losses are pure functions of the bound
    networks, the batch and the scalars, so that a whole update can be compiled, and many stacked), `shareable` (its losses
    are means over rows, or gather what spans the batch, so that the mean over processes with a part of its rows each is
    the loss of the whole), `pairs` (they serve pairs of an image and its class as they serve images: nothing in them
    compares x with T(x, z)).
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

    lr: float = step_size(1e-3, "generator")
    batch_size: int = minibatch(128)
    hidden: int = width(64)
    layers: int = depth(3)
    noise_dim: int = noise(2)
    beta1: float = param(
        0.5, 0.0, 0.999, doc="How long Adam remembers the direction of gradients. Nearer 1: smoother, but it overshoots",
        label="Adam β₁", group=OPTIMISER,
    )  # fmt: skip
    beta2: float = squared_memory(0.9)
    ema: float = param(
        0.0, 0.0, 0.9999, doc="The generator shown is an average over its past. Nearer 1: calmer, but behind; 0: no average",
        label="Averaging (EMA)", group=OPTIMISER,
    )  # fmt: skip

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

    def ema_decay(self, step: int) -> float:
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

    basic: ClassVar[tuple[str, ...]] = ("lr", "adversary_lr")

    adversary_lr: float = step_size(1e-3, "critic")
    freeze_after: int = param(
        0, 0, 10_000_000, doc="The critic or potential stops learning after this step; 0: it never stops", unit="steps",
        label="Freeze the critic or potential after", group=OPTIMISER,
    )  # fmt: skip

    @property
    def outputs(self) -> int:
        return 1


def scalar_mlp(method: Method, dim: int, rng: torch.Generator) -> MLP:
    """The potential of the unified family: an MLP like the generator's, with one output."""
    return MLP([dim, *[method.hidden] * method.layers, 1], rng)
