"""The unified family of OT-based adversarial methods: WGAN, WGAN-GP, OTM, UOTM without cost, UOTM, UOTM-SD.

Choi et al. 2024, Algorithm 1: with c(x, y) = tau |x - y|^2 and y^ = T(x, z)

    L_v = mean g1(v(y^) - c(x, y^)) + mean g2(-v(y)) + lambda R,      L_T = mean g3(c(x, y^) - v(y^)).

The authors' code has tau/2 in places and lambda/2 for R; here tau and lambda are those of the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, cast

import torch
from torch import Tensor

from otviz.content.bibliography import cite
from otviz.core.params import OBJECTIVE, OPTIMISER, param
from otviz.methods.method import Adversarial, Adversary, Batch, Map, Scalars, learning_rate, scalar_mlp
from otviz.networks import MLP, Potential
from otviz.ot.convex import conjugate

Name = Literal["identity", "softplus", "kl", "chi2"]
Penalty = Literal["none", "r1", "gp"]


def cost(x: Tensor, generated: Tensor, tau: float) -> Tensor:
    """c(x, T(x, z)) = tau |x - T(x, z)|^2, without a factor 1/2, shape (B,).

    Args:
        x: source points, shape (B, d).
        generated: T(x, z), shape (B, d).
        tau: weight of the cost, in 1 / squared data units.
    """
    return tau * (x - generated).square().sum(1)


def potential_loss(
    v_generated: Tensor, v_target: Tensor, c: Tensor | float, g1: str, g2: str, alpha: float = 1.0
) -> Tensor:
    """L_v without R, shape () (Choi et al. 2024, Algorithm 1, line 5; with alpha, Eq. 13: g becomes alpha g(. / alpha)).

    Args:
        v_generated: v(T(x, z)), shape (B,).
        v_target: v(y), shape (B,).
        c: c(x, T(x, z)), shape (B,), or 0 for methods without cost.
        g1, g2: names of the convex functions, or texts.
        alpha: scale of g1 and g2.
    """
    on_generated = conjugate(g1).value(v_generated - c, alpha).mean()
    return on_generated + conjugate(g2).value(-v_target, alpha).mean()


def map_loss(v_generated: Tensor, c: Tensor | float, g3: str) -> Tensor:
    """L_T, shape () (Choi et al. 2024, Algorithm 1, line 10).

    Args:
        v_generated, c: as for `potential_loss`.
        g3: name of the function, or a text.
    """
    return conjugate(g3).value(c - v_generated, 1.0).mean()


def penalty_kind(default: Penalty) -> Any:
    """Declare R."""
    doc = "What keeps the potential smooth: r1 is |grad v(y)|^2 on data, gp is (|grad v| - 1)^2 between data and generated"
    return param(default, doc=doc, symbol="R", label="Gradient penalty", group=OBJECTIVE)


def penalty_strength(default: float) -> Any:
    """Declare lambda."""
    doc = "How strongly steep potentials are punished. Too small: training swings or diverges; too large: it hardly learns"
    return param(
        default, 0.0, 100, doc=doc, symbol="lambda", log=True, live=True, label="Gradient penalty λ", group=OBJECTIVE
    )


def convex(default: Name, which: str) -> Any:
    """Declare g1, g2 or g3."""
    on = {"g1": "generated points, v(T(x, z)) - c", "g2": "data, -v(y)", "g3": "the generator's loss"}[which]
    doc = f"Function that weighs {on}. identity: all mass must arrive; the others let outliers be left out"
    return param(default, doc=doc, symbol=which, label=f"Convex function {which}", group=OBJECTIVE)


def divergence_weight(default: float, when: str = "") -> Any:
    """Declare alpha, or its start or end."""
    doc = "How strictly all of the data must be matched (g becomes alpha g(x / alpha)). Too small: modes get lost; "
    label = f"α at the {when}" if when else "Divergence weight α"
    return param(
        default, 0.01, 1000, doc=f"{doc}too large: training gets unstable", symbol="alpha", log=True, live=True, label=label,
        group=OBJECTIVE,
    )  # fmt: skip


def penalty_interval() -> Any:
    """Declare k: the penalty is computed in every k-th step, with weight k lambda (Karras et al. 2020, Section 3.1)."""
    doc = "The penalty is left out of all but every k-th step and weighs k times as much there. More: faster steps, which jump"
    return param(1, 1, 64, doc=doc, symbol="k", unit="steps", log=True, label="Steps per penalty", group=OBJECTIVE)


def updates_of(whose: str, symbol: str) -> Any:
    """Declare the number of updates of the potential or the generator per step."""
    doc = f"Updates of the {whose} in each step. More of it: it stays ahead of the other, and steps are slower"
    label = f"{whose.capitalize()} updates per step"
    return param(1, 1, 20, doc=doc, symbol=symbol, label=label, group=OPTIMISER)


@dataclass(frozen=True)
class Unified(Adversarial):
    """Algorithm 1; subclasses define the cost, the convex functions and alpha."""

    paper: ClassVar[str] = cite("choi", "Algorithm 1")
    adversary_word: ClassVar[str] = "potential"
    basic: ClassVar[tuple[str, ...]] = ("penalty_weight", "lr", "adversary_lr")
    judges: ClassVar[tuple[tuple[str, str], ...]] = (("potential v", "potential"),)
    compilable: ClassVar[bool] = True
    shareable: ClassVar[bool] = True

    adversary_lr: float = learning_rate(1e-3, "potential")
    penalty: Penalty = penalty_kind("r1")
    penalty_weight: float = penalty_strength(0.05)
    penalty_every: int = penalty_interval()
    adversary_updates: int = updates_of("potential", "K_v")
    generator_updates: int = updates_of("generator", "K_T")

    def conjugates(self) -> tuple[str, str, str]:
        """g1, g2, g3: names, or texts for `otviz.ot.convex.conjugate`."""
        return "identity", "identity", "identity"

    def scalars(self, progress: float) -> dict[str, float]:
        return {"tau": 0.0, "alpha": 1.0, "penalty_weight": self.penalty_weight}

    @property
    def steps_alike(self) -> bool:
        return self.penalty_every == 1 or self.penalty == "none"

    def in_step(self, step: int) -> Self:
        if self.steps_alike:
            return self
        if step % self.penalty_every:
            return replace(self, penalty="none", penalty_every=1)
        return replace(self, penalty_weight=self.penalty_weight * self.penalty_every, penalty_every=1)

    def updates(self, step: int) -> tuple[int, int]:
        return self.adversary_updates, self.generator_updates

    def build_adversary(self, dim: int, rng: torch.Generator) -> MLP:
        return scalar_mlp(self, dim, rng)

    def adversary_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        with torch.no_grad():
            generated = generator(batch.source, batch.noise)
        c = cost(batch.source, generated, s["tau"])
        g1, g2, _ = self.conjugates()
        potential = cast(Potential, adversary)
        if self.penalty == "r1":
            both, slope = potential.value_and_gradient(batch.target, generated)
            v_target, v_generated = both[: len(batch.target)], both[len(batch.target) :]
            loss = potential_loss(v_generated, v_target, c, g1, g2, s["alpha"])
            return loss + s["penalty_weight"] * slope.square().sum(1).mean()
        both = adversary(torch.cat([generated, batch.target])).squeeze(-1)
        v_generated, v_target = both[: len(generated)], both[len(generated) :]
        loss = potential_loss(v_generated, v_target, c, g1, g2, s["alpha"])
        if self.penalty == "gp":
            _, slope = potential.value_and_gradient(torch.lerp(generated, batch.target, batch.mix))
            loss = loss + s["penalty_weight"] * (slope.norm(dim=1) - 1).square().mean()
        return loss

    def generator_loss(self, generator: Map, adversary: Adversary, batch: Batch, s: Scalars) -> Tensor:
        generated = generator(batch.source, batch.noise)
        c = cost(batch.source, generated, s["tau"])
        return map_loss(adversary(generated).squeeze(-1), c, self.conjugates()[2])

    def field(self, adversary: Adversary, points: Tensor, generated: Tensor, target: Tensor) -> Tensor:
        values: Tensor = adversary(points).squeeze(-1)
        return values

    def formula(self, progress: float) -> tuple[str, ...]:
        s = self.scalars(progress)
        c = rf"{s['tau']:.3g}\,|x - \hat y|^2" if s["tau"] else ""
        form = {"none": "", "r1": r"\overline{|\nabla v(y)|^2}", "gp": r"\overline{(|\nabla v| - 1)^2}"}[self.penalty]
        rest = rf" + {s['penalty_weight']:.3g}\,{form}" if form else ""
        minus = f" - {c}" if c else ""
        lines = [
            rf"L_v = \overline{{g_1(v(\hat y){minus})}} + \overline{{g_2(-v(y))}}{rest}",
            rf"L_T = \overline{{g_3({c} - v(\hat y))}}, \quad \hat y = T(x, z)",
        ]
        scaled = s["alpha"] != 1
        forms = [conjugate(name).formula_alpha if scaled else conjugate(name).formula for name in self.conjugates()]
        forms[2] = conjugate(self.conjugates()[2]).formula
        both = (
            ["g_1(x) = g_2(x) = " + forms[0]]
            if forms[0] == forms[1]
            else [f"g_1(x) = {forms[0]}", f"g_2(x) = {forms[1]}"]
        )
        lines += [*both, f"g_3(x) = {forms[2]}"]
        if scaled:
            lines.append(rf"\alpha = {s['alpha']:.3g}")
        return tuple(lines)


@dataclass(frozen=True)
class WGAN(Unified):
    """WGAN: no cost, g = identity (Table 1). R1 as in the paper's toys (without it they diverge), or weight clipping."""

    name: ClassVar[str] = "wgan"
    title: ClassVar[str] = "WGAN"
    line: ClassVar[str] = "A critic's distance, free moves"
    default_steps: ClassVar[int] = 12000

    lr: float = learning_rate(5e-4, "generator")
    adversary_lr: float = learning_rate(5e-4, "potential")
    clip: float = param(
        0.0, 0.0, 10, doc="Keeps the potential's weights within [-clip, clip], as the first WGAN did; 0: no clipping. "
        "Too small: it hardly learns",
        log=True, live=True, label="Weight clipping", group=OBJECTIVE,
    )  # fmt: skip

    def constrain(self, weights: Sequence[Tensor]) -> None:
        if self.clip:
            with torch.no_grad():
                for weight in weights:
                    weight.clamp_(-self.clip, self.clip)


@dataclass(frozen=True)
class WGANGP(Unified):
    """WGAN-GP (Gulrajani et al. 2017): no cost, g = identity, gradient penalty. Weight 10 is too strong for 2D data."""

    name: ClassVar[str] = "wgan-gp"
    title: ClassVar[str] = "WGAN-GP"
    line: ClassVar[str] = "WGAN with slopes kept near 1"
    default_steps: ClassVar[int] = 8000

    lr: float = learning_rate(5e-4, "generator")
    adversary_lr: float = learning_rate(5e-4, "potential")
    penalty: Penalty = penalty_kind("gp")
    penalty_weight: float = penalty_strength(0.1)


@dataclass(frozen=True)
class OTM(Unified):
    """OTM (Rout et al. 2022): cost tau |x - y|^2, g = identity."""

    name: ClassVar[str] = "otm"
    title: ClassVar[str] = "OTM"
    line: ClassVar[str] = "Moves cost; all mass arrives"
    basic: ClassVar[tuple[str, ...]] = ("tau", "penalty_weight")

    tau: float = param(
        0.05, 0.0, 100, doc="Penalises long moves: a move costs tau |x - y|^2. Too small: modes get lost; "
        "too large: points stay near the start",
        symbol="tau", log=True, live=True, label="Transport cost τ", group=OBJECTIVE,
    )  # fmt: skip

    def scalars(self, progress: float) -> dict[str, float]:
        return {**super().scalars(progress), "tau": self.tau}


@dataclass(frozen=True)
class UOTMNoCost(Unified):
    """UOTM without cost: tau = 0, g1 = g2 = softplus (Table 1). Modes are lost late: train for 12 000 steps."""

    name: ClassVar[str] = "uotm-no-cost"
    title: ClassVar[str] = "UOTM without cost"
    line: ClassVar[str] = "UOTM with free moves"
    basic: ClassVar[tuple[str, ...]] = ("lr", "adversary_lr")
    default_steps: ClassVar[int] = 12000

    lr: float = learning_rate(5e-4, "generator")
    adversary_lr: float = learning_rate(5e-4, "potential")
    penalty: Penalty = penalty_kind("none")

    def conjugates(self) -> tuple[str, str, str]:
        return "softplus", "softplus", "identity"


@dataclass(frozen=True)
class UOTM(OTM):
    """UOTM (Choi et al. 2023): cost and convex functions g1, g2 that bound the potential's loss."""

    name: ClassVar[str] = "uotm"
    title: ClassVar[str] = "UOTM"
    line: ClassVar[str] = "Moves cost; outliers may be left"
    basic: ClassVar[tuple[str, ...]] = ("tau", "alpha")

    g1: Name = convex("softplus", "g1")
    g2: Name = convex("softplus", "g2")
    g3: Name = convex("identity", "g3")
    alpha: float = divergence_weight(1.0)

    def conjugates(self) -> tuple[str, str, str]:
        return self.g1, self.g2, self.g3

    def scalars(self, progress: float) -> dict[str, float]:
        return {**super().scalars(progress), "alpha": self.alpha}


@dataclass(frozen=True)
class UOTMKL(UOTM):
    """UOTM with g1 = g2 = exp(x) - 1, the conjugate of the Kullback-Leibler divergence."""

    name: ClassVar[str] = "uotm-kl"
    title: ClassVar[str] = "UOTM (KL)"
    line: ClassVar[str] = "UOTM with Kullback-Leibler"

    g1: Name = convex("kl", "g1")
    g2: Name = convex("kl", "g2")


def alpha_at(progress: float, low: float, high: float, schedule: str, until: float) -> float:
    """The divergence weight alpha of UOTM-SD at `progress` in [0, 1].

    Choi et al. 2024 name linear, cosine and step; linear and cosine follow the authors' code, step has five equal levels.
    geometric is an addition: it grows by equal factors in equal times.

    Args:
        progress: share of the run, in [0, 1].
        low, high: alpha at progress 0, and from progress `until` on.
        schedule: "linear", "cosine", "step" or "geometric".
        until: progress at the end of the schedule, in (0, 1].
    """
    t = min(progress / until, 1.0)
    if schedule == "step":
        return low + (high - low) * min(math.floor(5 * t), 4) / 4
    if schedule == "geometric":
        return low * math.pow(high / low, t)
    return low + (high - low) * (t if schedule == "linear" else 0.5 * (1 - math.cos(math.pi * t)))


@dataclass(frozen=True)
class UOTMSD(OTM):
    """UOTM-SD: alpha rises on a schedule, so that the plan goes from unbalanced to balanced transport (Thm 4.1)."""

    name: ClassVar[str] = "uotm-sd"
    title: ClassVar[str] = "UOTM-SD"
    line: ClassVar[str] = "UOTM that grows stricter"
    basic: ClassVar[tuple[str, ...]] = ("tau", "alpha_min", "alpha_max", "schedule")
    paper: ClassVar[str] = cite("choi", "Algorithm 1, with alpha on a schedule")
    default_steps: ClassVar[int] = 6000

    # While alpha is small, modes separate slowly. A larger learning rate, a weaker R and a schedule that ends at 3/4 of the
    # run, as in the authors' code, leave time to sharpen them.
    lr: float = learning_rate(1.5e-3, "generator")
    adversary_lr: float = learning_rate(1.5e-3, "potential")
    penalty_weight: float = penalty_strength(0.02)
    g1: Name = convex("softplus", "g1")
    g2: Name = convex("softplus", "g2")
    g3: Name = convex("identity", "g3")
    alpha_min: float = divergence_weight(0.2, "start")
    alpha_max: float = divergence_weight(5.0, "end")
    schedule: Literal["linear", "cosine", "step", "geometric"] = param(
        "linear", doc="How α goes from its start to its end: evenly, gently at both ends, in five steps, or by equal factors",
        label="α schedule", group=OBJECTIVE,
    )  # fmt: skip
    schedule_until: float = param(
        0.75, 0.05, 1.0, doc="Share of the run after which α stays at its end. Too small: modes are settled too early; "
        "1: no time is left to sharpen them",
        label="α schedule ends at", group=OBJECTIVE,
    )  # fmt: skip

    def conjugates(self) -> tuple[str, str, str]:
        return self.g1, self.g2, self.g3

    def scalars(self, progress: float) -> dict[str, float]:
        alpha = alpha_at(progress, self.alpha_min, self.alpha_max, self.schedule, self.schedule_until)
        return {**super().scalars(progress), "alpha": alpha}
