"""Choi et al. 2024, Theorem 4.1, Eq. 11 and tau in units of the data: mass kept by unbalanced transport, without training."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch

from otviz.clouds.unbalanced import kept_table
from otviz.data.distributions import named as distribution
from otviz.data.distributions.ring import Ring
from otviz.experiments.charts import Curves, Dots, Line, Mark, Row
from otviz.experiments.claims.clouds import gaussian
from otviz.experiments.experiment import SECOND_HAND, Experiment, Number, Part
from otviz.ot.costs import squared_euclidean
from otviz.ot.exact import exact_cost, wasserstein2
from otviz.ot.sinkhorn import solve

ALPHAS = (0.2, 1.0, 5.0, 50.0, 500.0)
TAUS = (0.1, 1.0, 0.01)
KEPT = {
    (0.1, 0.2): ".50", (0.1, 1.0): ".84", (0.1, 5.0): ".96", (1.0, 0.2): ".08", (1.0, 1.0): ".33", (1.0, 5.0): ".72",
    (0.01, 0.2): ".91", (0.01, 1.0): ".98", (0.01, 5.0): "1.00",
}  # fmt: skip
RADII = {0.2: "2.944", 1.0: "2.996", 5.0: "3.011"}


class TauTable(Experiment):
    """Mass kept over tau and alpha on the notebook's ring."""

    name = "mass-kept"
    title = "A larger τ drops mass, a larger α keeps it"
    paper = "choi"
    place = "Section 4"
    claim = "A larger τ drops more mass, a larger α keeps more: raising α from 1/5 to 5 carries unbalanced transport to the exact one."
    summary_template = "Mass kept at τ = 0.1: {kept_0.1_0.2:percent} at α = 1/5, {kept_0.1_5:percent} at α = 5."
    chart = Curves(
        "α",
        "mass kept",
        tuple(Line(f"τ = {tau:g}", {alpha: f"kept_{tau:g}_{alpha:g}" for alpha in RADII}) for tau in sorted(TAUS)),
        log_x=True,
    )
    order = 80
    formula = (
        r"\inf_\pi \int \tau|x - y|^2 d\pi + \alpha\,\mathrm{KL}(\pi_0 | \mu) + \alpha\,\mathrm{KL}(\pi_1 | \nu)",
    )
    how = (
        "Unbalanced entropic transport (ε is 1 % of the median cost) of 1000 points of N(0, I) to 1000 of the notebook's ring (quick run: "
        "100), with the KL divergence. The claim is theory; the paper prints no numbers."
    )
    numbers = (
        *(Number(f"kept_{tau:g}_{alpha:g}", f"mass kept at τ = {tau:g}, α = {alpha:g}", text, "computed")
          for (tau, alpha), text in KEPT.items()),
        *(Number(f"radius_{alpha:g}", f"mean radius of what arrives at τ = 0.1, α = {alpha:g} (length)", text, "computed")
          for alpha, text in RADII.items()),
        Number("radius", "mean radius of the target (length)", "3.016", "computed"),
    )  # fmt: skip
    parts = (
        Part("for each τ the mass kept rises with α", lambda got: all(
            float(got[f"kept_{tau:g}_0.2"]) < float(got[f"kept_{tau:g}_1"]) < float(got[f"kept_{tau:g}_5"]) for tau in TAUS
        )),
        Part("for each α it falls as τ rises", lambda got: all(
            float(got[f"kept_0.01_{a}"]) > float(got[f"kept_0.1_{a}"]) > float(got[f"kept_1_{a}"]) for a in ("0.2", "1", "5")
        )),
        Part("what arrives lies nearer the source than the target does, less so as α rises", lambda got: (
            float(got["radius_0.2"]) < float(got["radius_1"]) < float(got["radius_5"]) < float(got["radius"]) + 0.01
        )),
        Part("every value of the table agrees within 0.03", lambda got: all(
            abs(float(got[f"kept_{tau:g}_{alpha:g}"]) - float(text)) < 0.03 for (tau, alpha), text in KEPT.items()
        )),
    )  # fmt: skip
    live = "transport?view=unbalanced"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 100 if quick else 1000
        x = gaussian(n, seed, 30).numpy()
        y = Ring().sample(n, np.random.default_rng([seed, 31]))
        found: dict[str, float | int | str] = {"radius": float(np.hypot(*y.T).mean())}
        for kept in kept_table(x, y, TAUS, tuple(RADII)):
            found[f"kept_{kept.tau:g}_{kept.alpha:g}"] = kept.mass
            if kept.tau == 0.1:
                found[f"radius_{kept.alpha:g}"] = kept.target_radius
        return found


class TwoDiracs(Experiment):
    """The closed form between two points, and the tau of the authors' README on its ring."""

    name = "two-points"
    title = "τ = 1 suits the ring of radius 12"
    paper = "choi"
    place = "the authors' code (README)"
    claim = "τ = 1 suits the ring of radius 12: the README of the authors' code runs its toys so."
    summary_template = "At τ = 1 the share of the mass that is kept is {kept}; at τ = 0.2 / W2² it is {kept_scaled}."
    chart = Dots(
        "share of the mass that is kept",
        (Row("τ = 1", "kept", low=0.5, high=1.0), Row("τ = 0.2 / W2²", "kept_scaled", low=0.8, high=1.0)),
    )
    order = 90
    formula = (r"\text{mass kept} = e^{-\tau d^2 / 2\alpha}",)
    how = (
        "The mass kept between two points at distances drawn from the seed is compared with the closed form; W2² from N(0, I) to the rings is "
        "that of the linear programme on 1000 points (quick run: 200). Then the mass kept on the ring of radius 12 at τ = 1, and at a τ with "
        "τ W2² = 0.2; useful values of τ W2² lie near 0.1 to 0.3."
    )
    numbers = (
        Number("formula", "largest difference from e^(−τd²/2α)", "0", "derived"),
        Number(
            "w2_12",
            "W2² of the authors' ring, radius 12, standard deviation 0.632 (squared length)",
            "117.5",
            "computed",
        ),
        Number("w2_3", "W2² of the notebook's ring, radius 3", "3.46", "computed"),
        Number("w2_2", "W2² of OT-GAN's ring, radius 2, standard deviation 0.2", "0.88", "computed"),
        Number("kept", "mass kept at τ = 1 on the authors' ring", "about 0", "computed"),
        Number("kept_scaled", "mass kept at τ = 0.2 / W2² on the authors' ring"),
    )
    parts = (
        Part("at τ = 1 at least half of the mass is kept", lambda got: float(got["kept"]) > 0.5),
        Part("the closed form holds within 0.001", lambda got: float(got["formula"]) < 1e-3, instead=True),
        Part("at τ W2² = 0.2 more than 80 % is kept", lambda got: float(got["kept_scaled"]) > 0.8, instead=True),
    )
    live = "compare?preset=tau&view=tau"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n, rng = 200 if quick else 1000, np.random.default_rng([seed, 32])
        off = []
        for distance in rng.uniform(0.5, 4, 5):
            for tau, alpha in ((0.1, 1.0), (1.0, 1.0), (0.1, 5.0)):
                cost = torch.tensor([[tau * distance**2]], dtype=torch.float64)
                mass = float(solve(cost, 1e-4, rho=alpha, last=200).coupling.sum())
                off.append(abs(mass - math.exp(-tau * distance**2 / (2 * alpha))))
        x = gaussian(n, seed, 33).numpy()
        rings = {"12": Ring(radius=12.0, std=0.632), "3": Ring(), "2": Ring(radius=2.0, std=0.2)}
        clouds = {name: ring.sample(n, rng) for name, ring in rings.items()}
        squared = {f"w2_{name}": wasserstein2(x, cloud) ** 2 for name, cloud in clouds.items()}
        few = slice(0, min(n, 500))
        kept = [each.mass for each in kept_table(x[few], clouds["12"][few], (1.0, 0.2 / squared["w2_12"]), (1.0,))]
        return {"formula": max(off), **squared, "kept": kept[0], "kept_scaled": kept[1]}


class ToExactPlan(Experiment):
    """Theorem 4.1 on two samples: the unbalanced plan converges to the exact one."""

    name = "exact-plan-limit"
    title = "As α grows, the unbalanced plan becomes the exact one"
    paper = "choi"
    place = "Section 4, Theorem 4.1, Eq. 11"
    claim = "The optimal α-unbalanced plan converges to the optimal transport plan as α → ∞, and its divergences never exceed τ W2²."
    summary_template = "Total variation from the exact plan: {tv_5} at α = 5, {tv_50} at 50, {tv_500} at 500."
    chart = Curves(
        "α",
        "total variation from the exact plan",
        (Line("unbalanced plan", {alpha: f"tv_{alpha:g}" for alpha in ALPHAS}),),
        (Mark("claimed at α = 500", 0.02),),
        log_x=True,
        log_y=True,
    )
    order = 60
    formula = (
        r"\inf_\pi \int c\, d\pi + \alpha D_{\Psi_1}(\pi_0 | \mu) + \alpha D_{\Psi_2}(\pi_1 | \nu)",
        r"\alpha = 1: \; D_{\Psi_1} + D_{\Psi_2} \le \tau W_2^2",
    )
    how = (
        "60 points of N(0, I) and 60 of two moons, τ = 1, KL, ε is 1 % of the median cost. The total variation from the plan with exact "
        "marginals at the same ε is measured at five α; the theorem is about the limit, so small α are not judged. Then the transport cost at "
        f"α = 500 against the linear programme's, and the divergences D(π₀|µ) + D(π₁|ν) of the plan at α = 1. {SECOND_HAND}"
    )
    numbers = (
        *(
            Number(f"tv_{alpha:g}", f"total variation from the plan with exact marginals at α = {alpha:g}")
            for alpha in ALPHAS
        ),
        Number("cost_500", "transport cost at α = 500 ÷ the linear programme's"),
        Number("divergences", "D(π₀|µ) + D(π₁|ν) at α = 1"),
        Number("bound", "its bound τ W2²"),
    )
    parts = (
        Part("from α = 5 on the distance falls with every larger α", lambda got: all(
            float(got[f"tv_{a:g}"]) > float(got[f"tv_{b:g}"]) for a, b in itertools.pairwise(ALPHAS[2:])
        )),
        Part("at α = 500 it is below 0.02", lambda got: float(got["tv_500"]) < 0.02),
        Part("at α = 500 the cost is that of the linear programme, within 5 %", lambda got: abs(float(got["cost_500"]) - 1) < 0.05),
        Part("Eq. 11 holds: the divergences are at most τ W2²", lambda got: float(got["divergences"]) <= float(got["bound"])),
    )  # fmt: skip
    live = "transport?target=moons&view=unbalanced"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 60
        x, rng = gaussian(n, seed, 34).double(), np.random.default_rng([seed, 35])
        y = torch.from_numpy(distribution("moons")().sample(n, rng)).double()
        cost = squared_euclidean(x, y)
        bound, epsilon = exact_cost(cost.numpy()), 0.01 * float(cost.median())
        exact = solve(cost, epsilon, per_level=10, last=3000).coupling
        found: dict[str, float | int | str] = {"bound": bound}
        for alpha in ALPHAS:
            plan = solve(cost, epsilon, rho=alpha, per_level=10, last=1000).coupling
            found[f"tv_{alpha:g}"] = float((plan - exact).abs().sum() / 2)
            if alpha == 1:
                found["divergences"] = sum(_kl(plan.sum(side)) for side in (0, 1))
        found["cost_500"] = float((plan * cost).sum()) / bound
        return found


def _kl(mass: torch.Tensor) -> float:
    """KL(mass | uniform) between measures of any mass, mass (n,)."""
    ratio = mass * len(mass)
    return float((torch.special.xlogy(ratio, ratio) - ratio + 1).mean())
