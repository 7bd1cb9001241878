"""OT-GAN: the minibatch energy distance of adversarially learned features.

Salimans et al. 2018, Algorithm 1: with two minibatches each of data X, X' and generated Y, Y',

    L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y') - 2 W(X,X') - 2 W(Y,Y'),

W the soft-matched cost between features. Every (n_gen + 1)-th step the critic ascends L, otherwise the generator descends.
Algorithm 2 is the same with pairs of an image and its side information, (X, S) for X and (Y, S) for Y: here its class, which
`Networks.by_class` adds to rows and noise. S of Y is drawn from the training data, independently of that of X.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from otviz.bibliography import cite
from otviz.methods.base import Adversarial, Adversary, Batch, Map, Scalars, minibatch, step_size
from otviz.networks import MLP, Generator
from otviz.ot.divergences import minibatch_energy_distance
from otviz.params import param

FeatureCost = Literal["squared-l2", "cosine", "cosine-bias"]


@dataclass(frozen=True)
class OTGAN(Adversarial):
    """OT-GAN with the toy settings that show the paper's Fig. 2 in 4000 steps."""

    name: ClassVar[str] = "ot-gan"
    title: ClassVar[str] = "OT-GAN"
    paper: ClassVar[str] = cite("salimans", "Algorithm 1")
    default_steps: ClassVar[int] = 4000
    adversary_word: ClassVar[str] = "critic"
    judges: ClassVar[tuple[tuple[str, str], ...]] = (("critic", "features"), ("matching", "matching"))
    shareable: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    n_gen: int = param(5, 1, 50, doc="Generator steps per critic step", symbol="n_gen")
    epsilon: float = param(
        0.02,
        1e-4,
        10,
        doc="Entropy of the matching; 1 / lambda of the paper's code",
        symbol="epsilon",
        log=True,
        live=True,
    )
    iterations: int = param(10, 1, 500, doc="Sinkhorn normalisations per matching")
    cost: FeatureCost = param(
        "squared-l2", doc="Cost between features; plain cosine is blind to radius in 2D, cosine-bias mends it"
    )
    matching: Literal["optimal", "random"] = param("optimal", doc="Random matching is the ablation of section 5.2")
    features: int = param(16, 1, 512, doc="Features the critic computes", advanced=True)
    adversary_lr: float = step_size(2e-4, "adversary")
    batch_size: int = minibatch(256)
    hidden: int = param(128, 4, 1024, doc="Width of the generator's hidden layers", unit="units", advanced=True)
    adversary_hidden: int = param(32, 4, 1024, doc="Width of the critic's hidden layers", unit="units", advanced=True)
    noise_dim: int = param(62, 0, 1024, doc="Dimension of the auxiliary noise z beside x", symbol="z", advanced=True)
    beta2: float = param(0.999, 0.0, 0.9999, doc="Adam's memory of the squared gradient", advanced=True)

    @property
    def rows(self) -> int:
        return 2 * self.batch_size

    @property
    def outputs(self) -> int:
        return self.features

    def updates(self, step: int) -> tuple[int, int]:
        return (1, 0) if step % (self.n_gen + 1) == 0 else (0, 1)

    def scalars(self, progress: float) -> dict[str, float]:
        return {"epsilon": self.epsilon}

    def build_generator(self, dim: int, rng: torch.Generator) -> Generator:
        return Generator(dim, self.noise_dim, self.hidden, self.layers, rng, "relu", "xavier")

    def build_adversary(self, dim: int, rng: torch.Generator) -> MLP:
        sizes = [dim, *[self.adversary_hidden] * self.layers, self.features]
        return MLP(sizes, rng, "relu", "xavier", input_scale=0.25)

    def _distance(self, adversary: Adversary, generated: Tensor, batch: Batch, s: Scalars) -> Tensor:
        # Features of all processes, so that matchings span the whole batch (section 4: large batches need many GPUs).
        own = adversary(torch.cat([batch.target, generated]))
        x, y = batch.world.gather(own.reshape(2, len(generated), -1), dim=1)
        return minibatch_energy_distance(
            *x.chunk(2), *y.chunk(2), cost=self.cost, epsilon=s["epsilon"], iterations=self.iterations,
            matching=self.matching, rng=batch.rng, world=batch.world,
        )  # fmt: skip

    def generator_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        return self._distance(adversary, generator(batch.source, batch.noise), batch, s)

    def adversary_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        with torch.no_grad():
            generated = generator(batch.source, batch.noise)
        return -self._distance(adversary, generated, batch, s)

    def field(self, adversary: Adversary, points: Tensor, generated: Tensor, target: Tensor) -> Tensor:
        # Features have no one value; their projection on (mean of data - mean of generated) rises towards the data.
        with torch.no_grad():
            direction = adversary(target).mean(0) - adversary(generated).mean(0)
        values: Tensor = adversary(points) @ (direction / direction.norm().clamp_min(1e-12))
        return values

    def formula(self, progress: float) -> tuple[str, ...]:
        c = {
            "squared-l2": r"\tfrac12 |f - f'|^2",
            "cosine": r"1 - \cos(f, f')",
            "cosine-bias": r"1 - \cos([f, 1], [f', 1])",
        }[self.cost]
        w = "random" if self.matching == "random" else rf"\varepsilon = {self.epsilon:g}"
        return (
            r"L_T = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y') - 2W(X,X') - 2W(Y,Y'), \quad L_v = -L_T",
            rf"W = \mathrm{{Tr}}[M C^\top], \; c = {c}, \; {w}",
        )
