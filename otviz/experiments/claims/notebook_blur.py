"""Small blur is accurate, large blur loses detail: measured beyond the range of the notebook's slider."""

from __future__ import annotations

from otviz.experiments.charts import Curves, Line, Mark
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.experiment import Experiment, Number, Part
from otviz.ot.costs import cost_p
from otviz.ot.divergences import energy_distance, sinkhorn_divergence
from otviz.ot.exact import exact_cost

BLURS = {0.01: "2.793", 0.7: "2.805", 1: "2.680", 2: "1.730", 3: "0.941", 5: "0.359", 10: "0.091"}
BLURS_1 = {0.01: "2.314", 0.7: "1.578", 10: "0.753"}


class NotebookBlur(Experiment):
    """From exact transport to a comparison of means."""

    name = "blur-range"
    title = "Too much blur loses the details"
    paper = "fuge"
    place = "Section 11.1 and box “Experiment”"
    claim = "A small blur gives accurate transport, a large one smooths, and too much of it loses the details."
    summary_template = "From blur 0.01 to 10 the loss falls from {s2_0.01} to {s2_10} at p = 2, and from {s1_0.01} to {s1_10} at p = 1."
    chart = Curves(
        "blur",
        "Sinkhorn divergence",
        (
            Line("p = 2", {float(blur): f"s2_{blur:g}" for blur in BLURS}),
            Line("p = 1", {float(blur): f"s1_{blur:g}" for blur in BLURS_1}),
        ),
        (Mark("exact cost at p = 2", "exact"), Mark("half the energy distance", "energy")),
        log_x=True,
        log_y=True,
    )
    order = 50
    formula = (
        r"S = \mathrm{OT}_\varepsilon(a, b) - \tfrac12 \mathrm{OT}_\varepsilon(a, a) - \tfrac12 \mathrm{OT}_\varepsilon(b, b)",
        r"\varepsilon = \mathrm{blur}^p, \; c = \tfrac1p |x - y|^p",
        r"\mathrm{blur} \to \infty:",
        r"S \to \tfrac12 |\bar x - \bar y|^2",
    )
    how = (
        "1000 points each (the reported numbers: 2000; quick run: 200), by otviz' solver. The exact cost is that of the linear programme. "
        "The means of the two clouds are nearly equal, so that only their shapes differ."
    )
    numbers = (
        Number("exact", "exact transport cost, |x − y|²/2"),
        *(Number(f"s2_{blur:g}", f"S at p = 2, blur {blur:g}", text, "computed") for blur, text in BLURS.items()),
        *(Number(f"s1_{blur:g}", f"S at p = 1, blur {blur:g}", text, "computed") for blur, text in BLURS_1.items()),
        Number("energy", "half the energy distance: the limit at p = 1"),
        Number("raw_0.01", "OT_ε at p = 2, blur 0.01", "2.794", "computed"),
        Number("raw_10", "OT_ε at p = 2, blur 10", "4.774", "computed"),
    )
    parts = (
        Part("at p = 2 and blur 10 S is below a tenth of its value at blur 0.01, though the shapes differ",
             lambda got: float(got["s2_10"]) < 0.1 * float(got["s2_0.01"])),
        Part("so it is at p = 1", lambda got: float(got["s1_10"]) < 0.1 * float(got["s1_0.01"])),
        Part("at blur 0.01 S is the exact cost within 1 %",
             lambda got: abs(float(got["s2_0.01"]) / float(got["exact"]) - 1) < 0.01),
        Part("without debiasing the cost rises as blur does",
             lambda got: float(got["raw_10"]) > float(got["raw_0.01"]), instead=True),
        Part("at p = 1 S tends to half the energy distance, which still sees shapes: at blur 10 it is within 15 % of it",
             lambda got: abs(float(got["s1_10"]) / float(got["energy"]) - 1) < 0.15, instead=True),
    )  # fmt: skip
    live = "transport?source.std=0.5&n=1000&blur=3&scaling=0.9&points=notebook"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 200 if quick else 1000
        x, y, _ = notebook_clouds(seed)
        x, y = x[:n], y[:n]
        values: dict[str, float | int | str] = {
            "exact": exact_cost(cost_p(x, y, 2).numpy()),
            "energy": float(energy_distance(x, y, unbiased=False)) / 2,
        }
        for p, blurs in ((2, BLURS), (1, BLURS_1)):
            for blur in blurs:
                wide = blur > 1  # S is then a small difference of large numbers
                left, right = (x.double(), y.double()) if wide else (x, y)
                values[f"s{p}_{blur:g}"] = float(sinkhorn_divergence(left, right, blur=blur, p=p, scaling=0.9).value)
        for blur in (0.01, 10.0):
            raw = sinkhorn_divergence(x.double(), y.double(), blur=blur, debias=False, scaling=0.9)
            values[f"raw_{blur:g}"] = float(raw.value)
        return values
