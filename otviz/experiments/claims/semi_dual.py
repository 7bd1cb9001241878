"""The formulas of the unified objective, compared with independent computations."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import linprog

from otviz.experiments.charts import Dots, Mark, Row, over
from otviz.experiments.claims.clouds import gaussian
from otviz.experiments.experiment import Experiment, Number, Part
from otviz.methods import named
from otviz.ot.costs import squared_euclidean
from otviz.ot.exact import exact_cost


class SemiDual(Experiment):
    """The Kantorovich, dual and semi-dual problems have the same value."""

    name = "primal-dual"
    title = "Primal, dual and semi-dual give the same value"
    paper = "choi"
    place = "Section 2, Eq. 1 to 8"
    claim = "The Kantorovich problem, its dual, and the semi-dual with the c-transform of one potential have the same value."
    summary_template = "Primal {primal}, dual {dual}, semi-dual {semi_dual}; a random potential gives {below}."
    chart = Dots(
        "value ÷ primal value",
        (
            Row("dual", over("dual", "primal")),
            Row("semi-dual", over("semi_dual", "primal")),
            Row("random potential", over("below", "primal")),
        ),
        (Mark("primal", 1.0),),
    )
    order = 40
    formula = (
        r"\min_\pi \int c\, d\pi = \sup_{u \oplus v \le c} \int u\, d\mu + \int v\, d\nu = \sup_v \int v^c d\mu + \int v\, d\nu",
        r"v^c(x) = \inf_y\, c(x, y) - v(y)",
    )
    how = (
        "20 points each, τ = 0.05. The plan is found by the network simplex, the dual by a linear programme of another library; the semi-dual "
        "mean(vᶜ) + mean(v) is evaluated at the optimal v, and at a random v."
    )
    numbers = (
        Number("primal", "smallest cost <P, C>"),
        Number("dual", "largest mean(u) + mean(v), u + v ≤ c"),
        Number("semi_dual", "mean(vᶜ) + mean(v) at the dual's v"),
        Number("below", "the same at a random v: a lower bound"),
    )
    parts = (
        Part("all three agree within 10⁻⁶", lambda got: max(
            abs(float(got["dual"]) - float(got["primal"])), abs(float(got["semi_dual"]) - float(got["primal"]))
        ) < 1e-6),
        Part("a random potential gives less", lambda got: float(got["below"]) < float(got["primal"]) + 1e-9),
    )  # fmt: skip
    live = "transport?view=iterations"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 20
        cost = 0.05 * squared_euclidean(gaussian(n, seed, 40), 2 * gaussian(n, seed, 41) + 1).double().numpy()
        pairs = np.zeros((n * n, 2 * n))
        pairs[np.arange(n * n), np.repeat(np.arange(n), n)] = 1
        pairs[np.arange(n * n), n + np.tile(np.arange(n), n)] = 1
        found = linprog(np.full(2 * n, -1 / n), A_ub=pairs, b_ub=cost.ravel(), bounds=(None, None))
        v = found.x[n:]
        other = np.random.default_rng([seed, 42]).standard_normal(n) * 0.05
        return {
            "primal": exact_cost(cost),
            "dual": float(-found.fun),
            "semi_dual": float((cost - v).min(1).mean() + v.mean()),
            "below": float((cost - other).min(1).mean() + other.mean()),
        }


class Schedules(Experiment):
    """alpha over a run."""

    name = "schedule-values"
    title = "The schedules take α from 1/5 to 5"
    paper = "choi"
    place = "Section 4; the authors' code"
    claim = "Linear and cosine schedules lead α from 1/5 to 5; half way both are at 2.6, at a quarter 1.40 and 0.903."
    summary_template = (
        "Half way: linear {linear_0.5}, cosine {cosine_0.5}; at a quarter: {linear_0.25} and {cosine_0.25}."
    )
    chart = Dots(
        "α",
        (
            Row("linear, a quarter", "linear_0.25", 1.40),
            Row("cosine, a quarter", "cosine_0.25", 0.903),
            Row("linear, half way", "linear_0.5", 2.6),
            Row("cosine, half way", "cosine_0.5", 2.6),
        ),
    )
    order = 70
    formula = (
        r"\text{linear: } \alpha = (1 - t)\,\alpha_0 + t\,\alpha_1",
        r"\text{cosine: } \alpha = \alpha_0 + \tfrac12 (\alpha_1 - \alpha_0)(1 - \cos \pi t)",
    )
    how = "α of otviz' UOTM-SD at a quarter and half of the schedule, and at random places against the formulas of the authors' code."
    numbers = (
        Number("linear_0.25", "linear at a quarter", "1.40", "code"),
        Number("cosine_0.25", "cosine at a quarter", "0.903", "code"),
        Number("linear_0.5", "linear half way", "2.6", "code"),
        Number("cosine_0.5", "cosine half way", "2.6", "code"),
        Number("formula", "largest difference from the formulas at 50 random places", "0", "code"),
    )
    parts = (
        Part("the four values agree within 0.005", lambda got: abs(float(got["linear_0.25"]) - 1.40) < 5e-3
             and abs(float(got["cosine_0.25"]) - 0.903) < 5e-3 and abs(float(got["linear_0.5"]) - 2.6) < 5e-3
             and abs(float(got["cosine_0.5"]) - 2.6) < 5e-3),
        Part("the formulas hold at random places", lambda got: float(got["formula"]) < 1e-6),
    )  # fmt: skip
    live = "compare?preset=schedules&view=convex"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        made = {
            kind: named("uotm-sd").parse({"schedule": kind, "schedule_until": "1"}) for kind in ("linear", "cosine")
        }
        places = np.random.default_rng([seed, 43]).uniform(0, 1, 50)
        off = max(abs(made[kind].scalars(t)["alpha"] - _by_the_code(kind, float(t))) for kind in made for t in places)
        found: dict[str, float | int | str] = {
            f"{k}_{t:g}": float(made[k].scalars(t)["alpha"]) for k in made for t in (0.25, 0.5)
        }
        return found | {"formula": float(off)}


def _by_the_code(kind: str, t: float) -> float:
    """alpha at the share t of the schedule, as in the authors' code."""
    return (1 - t) * 0.2 + t * 5 if kind == "linear" else 0.2 + 0.5 * 4.8 * (1 - math.cos(math.pi * t))
