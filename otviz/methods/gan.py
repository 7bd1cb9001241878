"""GAN baselines of Salimans et al. 2018, Fig. 2: the vanilla GAN, and DAN-S, whose critic sees a whole minibatch.

Goodfellow et al. 2014, non-saturating loss; Li et al. 2017 ("Distributional adversarial networks"), the sample version as in
OT-GAN's toy code: features averaged over the batch after a hidden layer, one logit per batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otviz.methods.method import Adversarial, Adversary, Batch, Map, Scalars, adam_beta2, minibatch, noise, width
from otviz.networks import MLP, Generator


@dataclass(frozen=True)
class GAN(Adversarial):
    """Vanilla GAN: the critic classifies points one by one."""

    name: ClassVar[str] = "gan"
    title: ClassVar[str] = "GAN"
    line: ClassVar[str] = "A critic judges point by point"
    paper: ClassVar[str] = "Goodfellow et al. 2014, non-saturating; baseline of Salimans et al. 2018, Fig. 2"
    default_steps: ClassVar[int] = 4000
    adversary_word: ClassVar[str] = "critic"
    judges: ClassVar[tuple[tuple[str, str], ...]] = (("critic D", "critic"),)
    compilable: ClassVar[bool] = True
    shareable: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    batch_size: int = minibatch(256)
    hidden: int = width(128, "Generator width")
    adversary_hidden: int = width(32, "Critic width")
    noise_dim: int = noise(62)
    beta2: float = adam_beta2(0.999)

    def updates(self, step: int) -> tuple[int, int]:
        return 1, 1

    def build_generator(self, dim: int, rng: torch.Generator) -> Generator:
        return Generator(dim, self.noise_dim, self.hidden, self.layers, rng, "relu", "xavier")

    def build_adversary(self, dim: int, rng: torch.Generator) -> nn.Module:
        return MLP([dim, *[self.adversary_hidden] * self.layers, 1], rng, "relu", "xavier", input_scale=0.25)

    def generator_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        return F.softplus(-adversary(generator(batch.source, batch.noise))).mean()

    def adversary_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        with torch.no_grad():
            generated = generator(batch.source, batch.noise)
        return F.softplus(-adversary(batch.target)).mean() + F.softplus(adversary(generated)).mean()

    def field(self, adversary: Adversary, points: Tensor, generated: Tensor, target: Tensor) -> Tensor:
        values: Tensor = adversary(points).squeeze(-1)
        return values

    def formula(self, progress: float) -> tuple[str, ...]:
        return (
            r"L_v = \overline{\log(1 + e^{-v(y)})} + \overline{\log(1 + e^{v(\hat y)})}",
            r"L_T = \overline{\log(1 + e^{-v(\hat y)})}, \quad \hat y = T(x, z)",
        )


class MeanCritic(nn.Module):
    """A critic of batches: `inner` features of each point, averaged over the batch, then `outer` to one logit."""

    def __init__(self, inner: nn.Module, outer: MLP) -> None:
        super().__init__()
        self.inner = inner
        self.outer = outer

    def forward(self, batch: Tensor) -> Tensor:
        """Logit of a whole batch: (B, d) -> (1, 1)."""
        logit: Tensor = self.outer(F.relu(self.inner(batch)).mean(0, keepdim=True))
        return logit

    def each(self, points: Tensor) -> Tensor:
        """Logit of each point as a batch of one: (N, d) -> (N,)."""
        logits: Tensor = self.outer(F.relu(self.inner(points))).squeeze(-1)
        return logits


@dataclass(frozen=True)
class DANS(GAN):
    """DAN-S: the vanilla loss on batches. With its critic frozen it loses balance, then modes (Salimans et al. 2018, Fig. 2)."""

    name: ClassVar[str] = "dan-s"
    title: ClassVar[str] = "DAN-S"
    line: ClassVar[str] = "A critic judges whole batches"
    paper: ClassVar[str] = "Li et al. 2017; baseline of Salimans et al. 2018, Fig. 2"
    compilable: ClassVar[bool] = False  # its critic is no plain MLP
    shareable: ClassVar[bool] = False  # one logit per batch

    batch_size: int = minibatch(512)

    @property
    def outputs(self) -> int:
        return self.adversary_hidden

    def build_adversary(self, dim: int, rng: torch.Generator) -> nn.Module:
        wide = self.adversary_hidden
        return self.completed(MLP([dim, wide, wide], rng, "relu", "xavier", input_scale=0.25), rng)

    def completed(self, adversary: nn.Module, rng: torch.Generator) -> nn.Module:
        wide = self.adversary_hidden
        return MeanCritic(adversary, MLP([wide, *[wide] * max(self.layers - 2, 0), 1], rng, "relu", "xavier"))

    def field(self, adversary: Adversary, points: Tensor, generated: Tensor, target: Tensor) -> Tensor:
        assert isinstance(adversary, MeanCritic)
        return adversary.each(points)

    def formula(self, progress: float) -> tuple[str, ...]:
        return (
            r"L_v = \log(1 + e^{-v(\bar f(Y))}) + \log(1 + e^{v(\bar f(\hat Y))})",
            r"L_T = \log(1 + e^{-v(\bar f(\hat Y))}), \quad \bar f \text{ the batch mean of features}",
        )
