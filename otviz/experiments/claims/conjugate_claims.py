"""The conjugates, their derivatives, and the effect of alpha."""

from __future__ import annotations

import itertools
import math

import torch

from otviz.experiments.charts import Curves, Dots, Line, Mark, Row
from otviz.experiments.experiment import SECOND_HAND, Experiment, Number, Part
from otviz.ot.conjugates import CONJUGATES


def _at(name: str, x: float, alpha: float = 1.0) -> float:
    return float(CONJUGATES[name].value(torch.tensor(x, dtype=torch.float64), alpha))


class Conjugates(Experiment):
    """Values and bounds of Id, SP and KL."""

    name = "convex-functions"
    title = "Softplus and KL are bounded below, the identity is not"
    paper = "choi"
    place = "Section 3.1, footnote 2"
    claim = "SP(x) = 2 log(1 + eˣ) − 2 log 2 and eˣ − 1 are 0 with slope 1 at 0 and bounded below; the identity is not bounded."
    summary_template = "At x = −200: SP {sp_low}, KL {kl_low}, identity {id_low}."
    chart = Dots(
        "value at x = −200",
        (Row("SP", "sp_low"), Row("KL", "kl_low"), Row("identity", "id_low")),
    )
    order = 20
    formula = (
        r"\mathrm{SP}(x) = 2\log(1 + e^x) - 2\log 2",
        r"\mathrm{KL}^*(x) = e^x - 1",
    )
    how = "Each function is evaluated at places drawn from the seed, its slope at 0 by central differences, its bound at x = −200."
    numbers = (
        Number("sp_1", "SP(1)", "1.2402", "computed"),
        Number("sp_-1", "SP(−1)", "−0.7598", "computed"),
        Number("sp_low", "lower bound of SP", "−1.3863", "computed"),
        Number("kl_low", "lower bound of eˣ − 1", "−1", "computed"),
        Number("id_low", "identity at −200"),
        Number("origin", "largest |g(0)| and |g′(0) − 1| of SP and KL", "0"),
        Number("formula", "largest difference from the printed formula at 100 random places", "0"),
    )
    parts = (
        Part("g(0) = 0 and g′(0) = 1, to 1e-6", lambda got: float(got["origin"]) < 1e-6),
        Part("SP is bounded below by −2 log 2 and KL by −1", lambda got: (
            abs(float(got["sp_low"]) + 2 * math.log(2)) < 1e-9 and abs(float(got["kl_low"]) + 1) < 1e-9
        )),
        Part("the identity is not bounded", lambda got: float(got["id_low"]) == -200),
        Part("the printed formulas hold at random places, to 1e-9", lambda got: float(got["formula"]) < 1e-9),
    )  # fmt: skip
    live = "compare?preset=table-1&view=convex"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        step, off = 1e-4, []
        for name in ("softplus", "kl"):
            off += [abs(_at(name, 0)), abs((_at(name, step) - _at(name, -step)) / (2 * step) - 1)]
        x = torch.randn(100, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2
        sp = [2 * math.log1p(math.exp(each)) - 2 * math.log(2) for each in x.tolist()]
        kl = [math.expm1(each) for each in x.tolist()]
        difference = max(
            float((CONJUGATES["softplus"].g(x) - torch.tensor(sp, dtype=torch.float64)).abs().max()),
            float((CONJUGATES["kl"].g(x) - torch.tensor(kl, dtype=torch.float64)).abs().max()),
        )
        return {
            "sp_1": _at("softplus", 1), "sp_-1": _at("softplus", -1), "sp_low": _at("softplus", -200),
            "kl_low": _at("kl", -200), "id_low": _at("identity", -200), "origin": max(off), "formula": difference,
        }  # fmt: skip


class SampleWeights(Experiment):
    """g' weighs samples: between 0 and 2 for SP, always 1 for the identity."""

    name = "sample-weights"
    title = "Softplus weighs samples between 0 and 2, the identity all alike"
    paper = "choi"
    place = "Section 3.2.1, Eq. 9"
    claim = "g′ gives each sample a weight that grows the worse it is served; SP's lie in (0, 2), those of the identity are always 1."
    summary_template = "SP's weights go from {sp_least} to {sp_most}."
    chart = Dots(
        "weight of a sample",
        (
            Row("SP, smallest", "sp_least", low=0.0, high=2.0),
            Row("SP, largest", "sp_most", low=0.0, high=2.0),
            Row("identity", lambda got: 1 + float(got["id_spread"])),
        ),
    )
    order = 30
    formula = (
        r"w(y) = g_2'(-v(y))",
        r"\hat w(x) = g_1'(v(\hat y) - c(x, \hat y))",
    )
    how = "The slopes by automatic differentiation at 1000 places drawn from the seed between −20 and 20, and their order."
    numbers = (
        Number("sp_least", "least weight of SP", "0", "derived"),
        Number("sp_most", "largest weight of SP", "2", "derived"),
        Number("id_spread", "largest |weight − 1| of Id", "0", "derived"),
        Number("falls", "places where SP's weight falls as its argument rises", "0"),
    )
    parts = (
        Part(
            "SP's weights lie between 0 and 2", lambda got: float(got["sp_least"]) >= 0 and float(got["sp_most"]) <= 2
        ),
        Part("they rise with the argument", lambda got: got["falls"] == 0),
        Part("those of Id are 1", lambda got: float(got["id_spread"]) == 0),
    )
    live = "compare?preset=table-1&view=weights"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        draw = torch.rand(1000, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 40 - 20
        x = draw.sort().values.requires_grad_()
        (sp,) = torch.autograd.grad(CONJUGATES["softplus"].g(x).sum(), x)
        (one,) = torch.autograd.grad(CONJUGATES["identity"].g(x).sum(), x)
        return {
            "sp_least": float(sp.min()),
            "sp_most": float(sp.max()),
            "id_spread": float((one - 1).abs().max()),
            "falls": int((sp.diff() < 0).sum()),
        }


ALPHAS = (0.2, 1.0, 5.0, 50.0, 500.0)


class AlphaLimit(Experiment):
    """alpha g(x / alpha) tends to x."""

    name = "alpha-limit"
    title = "A large α turns every convex function into the identity"
    paper = "choi"
    place = "Section 4, Eq. 13"
    claim = "g^α(x) = α g(x/α) tends to x as α rises, so UOTM becomes OTM; as α falls SP tends to 2 max(x, 0)."
    summary_template = "On [−3, 3] SP is at most {off_5} from the identity at α = 5 and {off_500} at α = 500."
    chart = Curves(
        "α",
        "largest distance of SP from the identity",
        (Line("SP", {alpha: f"off_{alpha:g}" for alpha in ALPHAS}),),
        (Mark("claimed at α = 500", 0.01),),
        log_x=True,
        log_y=True,
    )
    order = 50
    formula = (
        r"g^\alpha(x) = \alpha\, g(x / \alpha) \to x \; (\alpha \to \infty)",
        r"\mathrm{SP}^\alpha(x) \to 2\max(x, 0) \; (\alpha \to 0)",
    )
    how = f"SP and KL at ±1 for five α, and their largest distance from x at places drawn from the seed in [−3, 3]. {SECOND_HAND}"
    numbers = (
        Number("sp_5_1", "SP^5(1)", "1.050", "computed"),
        Number("sp_5_-1", "SP^5(−1)", "−0.950", "computed"),
        Number("kl_5_1", "KL^5(1)", "1.107", "computed"),
        Number("sp_0.2_1", "SP^(1/5)(1)", "1.725", "computed"),
        Number("sp_0.2_-1", "SP^(1/5)(−1)", "−0.275", "computed"),
        Number("kl_0.2_1", "KL^(1/5)(1)", "29.5", "computed"),
        *(Number(f"off_{alpha:g}", f"largest |SP^α(x) − x| at α = {alpha:g}") for alpha in ALPHAS),
        Number("relu", "largest |SP^α(x) − 2 max(x, 0)| at α = 0.001", "0", "computed"),
    )
    parts = (
        Part("the distance from x falls with every larger α", lambda got: all(
            float(got[f"off_{a:g}"]) > float(got[f"off_{b:g}"]) for a, b in itertools.pairwise(ALPHAS)
        )),
        Part("at α = 500 it is below 0.01 on [−3, 3]", lambda got: float(got["off_500"]) < 0.01),
        Part("at α = 0.001 SP is 2 max(x, 0) to 0.002", lambda got: float(got["relu"]) < 2e-3),
    )  # fmt: skip
    live = "compare?preset=schedules&view=convex"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        x = torch.rand(500, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 6 - 3
        sp = CONJUGATES["softplus"]
        found: dict[str, float | int | str] = {
            f"{short}_{alpha:g}_{at:g}": _at(name, at, alpha)
            for short, name in (("sp", "softplus"), ("kl", "kl")) for alpha in (5.0, 0.2) for at in (1.0, -1.0)
        }  # fmt: skip
        found |= {f"off_{alpha:g}": float((sp.value(x, alpha) - x).abs().max()) for alpha in ALPHAS}
        return found | {"relu": float((sp.value(x, 1e-3) - 2 * x.clamp(min=0)).abs().max())}
