"""OT-GAN: the minibatch energy distance of adversarially learned features.

Salimans et al. 2018, Algorithm 1: with two minibatches each of data X, X' and generated Y, Y',

    L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y') - 2 W(X,X') - 2 W(Y,Y'),

W the soft-matched cost between features. Every (n_gen + 1)-th step the critic ascends L; otherwise the generator descends it.
Algorithm 2 replaces X and Y by pairs (X, S) and (Y, S) with side information: here the class, which `Networks.by_class`
appends to rows and noise. S of Y is drawn from the training data, independently of S of X.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from otviz.content.bibliography import cite
from otviz.core.params import NETWORK, OBJECTIVE, OPTIMISER, param
from otviz.methods.method import (
    Adversarial,
    Adversary,
    Batch,
    Map,
    Scalars,
    adam_beta2,
    learning_rate,
    minibatch,
    noise,
    width,
)
from otviz.networks import MLP, Generator
from otviz.ot.divergences import minibatch_energy_distance

FeatureCost = Literal["squared-l2", "cosine", "cosine-bias"]


@dataclass(frozen=True)
class OTGAN(Adversarial):
    """OT-GAN; the defaults reproduce Fig. 2 of the paper in 4000 steps."""

    name: ClassVar[str] = "ot-gan"
    title: ClassVar[str] = "OT-GAN"
    line: ClassVar[str] = "Optimal matching of minibatches"
    basic: ClassVar[tuple[str, ...]] = ("epsilon", "n_gen", "matching")
    paper: ClassVar[str] = cite("salimans", "Algorithm 1")
    default_steps: ClassVar[int] = 4000
    adversary_word: ClassVar[str] = "critic"
    judges: ClassVar[tuple[tuple[str, str], ...]] = (("critic", "features"), ("matching", "matching"))
    shareable: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    n_gen: int = param(
        5, 1, 50, doc="Generator steps for each step of the critic. Too few: the critic runs ahead and modes may be lost",
        symbol="n_gen", label="Generator steps per critic step", group=OPTIMISER,
    )  # fmt: skip
    epsilon: float = param(
        0.02, 1e-4, 10, doc="How soft the matching is (1 / lambda of the paper's code). Too small: noisy gradients; "
        "too large: every point is matched with the mean, and detail is lost",
        symbol="epsilon", log=True, live=True, label="Entropic blur ε", group=OBJECTIVE,
    )  # fmt: skip
    iterations: int = param(
        10, 1, 500, doc="Sinkhorn normalisations for each matching. Too few: the matching is not balanced; more: slower",
        label="Sinkhorn iterations", group=OBJECTIVE,
    )  # fmt: skip
    cost: FeatureCost = param(
        "squared-l2", doc="Distance between features. Plain cosine cannot see the radius in 2D; cosine-bias can",
        label="Feature cost", group=OBJECTIVE,
    )  # fmt: skip
    matching: Literal["optimal", "random"] = param(
        "optimal", doc="How points are paired. Random pairs show what optimal transport adds (section 5.2 of the paper)",
        label="Matching", group=OBJECTIVE,
    )  # fmt: skip
    features: int = param(
        16, 1, 512, doc="Numbers the critic computes of each sample. Too few: it sees too little; more: slower",
        label="Critic features", group=NETWORK,
    )  # fmt: skip
    adversary_lr: float = learning_rate(2e-4, "critic")
    batch_size: int = minibatch(256)
    hidden: int = width(128, "Generator width")
    adversary_hidden: int = width(32, "Critic width")
    noise_dim: int = noise(62)
    beta2: float = adam_beta2(0.999)

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
        # Gather the features of all processes: matchings span the whole batch (section 4: large batches need many GPUs).
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
        # Features are vectors; their projection on (mean of data - mean of generated) rises towards the data.
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
