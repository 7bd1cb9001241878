"""The distance that the notebook prints between its source and its ring."""

from __future__ import annotations

from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.experiment import Effect, Experiment, Number, Part, number_of
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.reference import geomloss_divergence


class NotebookValue(Experiment):
    """S at blur 0.01, by geomloss as in the notebook and by our converged solver."""

    name = "printed-distance"
    title = "The Sinkhorn divergence to the ring is 2.7932"
    paper = "fuge"
    place = "Section 11.1.1, printed output"
    claim = "The Sinkhorn divergence from N(0, 0.5²) to the ring is 2.7932 at blur 0.01."
    summary_template = "The notebook's own draw gives {notebook:exact}; other draws give {solved:range}."
    chart = Dots(
        "Sinkhorn divergence",
        (
            Row("the notebook's draw", "notebook", reported=2.7932),
            Row("a draw for each seed", "solved", low=2.7932 * 0.99, high=2.7932 * 1.01),
        ),
    )
    order = 20
    formula = (
        r"S = \mathrm{OT}_\varepsilon(a, b) - \tfrac12 \mathrm{OT}_\varepsilon(a, a) - \tfrac12 \mathrm{OT}_\varepsilon(b, b)",
        r"\varepsilon = \mathrm{blur}^p, \; c = \tfrac1p |x - y|^p",
    )
    how = (
        "2000 points each (quick run: 300) from numpy's seed 42 + s, blur 0.01, p = 2. The printed number is of one draw and of a solver that "
        "stops early. So geomloss at scaling 0.9 and at its default 0.5 is run on the notebook's own draw (seed 0), and otviz' solver, "
        "which converges, on a draw for each seed."
    )
    numbers = (
        Number("notebook", "S, geomloss at scaling 0.9, the notebook's draw", "2.7932"),
        Number("default", "S, geomloss at its default scaling 0.5, the notebook's draw", "2.6105", "computed"),
        Number(
            "solved", "S, otviz' solver, a draw for each seed", "2.7946 at seed 42; 2.84 to 2.91 at others", "computed"
        ),
        Number("raw", "OT_ε without debiasing, otviz' solver", "2.7939 at seed 42", "computed"),
    )
    parts = (
        Part("the notebook's draw gives 2.7932, every printed digit",
             lambda got: abs(float(got["notebook"]) - 2.7932) <= 5e-5 if "notebook" in got else None),
        Effect("it is the distance of the distributions, not only of one draw: the mean over draws is within 1 % of it",
               "mean of S over draws", lambda got: number_of(got, "solved"), 2.7932 * 0.99, 2.7932 * 1.01),
        Part("geomloss' default scaling gives a number at least 5 % lower",
             lambda got: float(got["default"]) < 0.95 * 2.7932 if "default" in got else None, instead=True),
    )  # fmt: skip
    live = "transport?source.std=0.5&n=2000&blur=0.01&scaling=0.9&points=notebook"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 300 if quick else 2000
        x, y, _ = notebook_clouds(seed)
        x, y = x[:n], y[:n]
        found: dict[str, float | int | str] = {
            "solved": float(sinkhorn_divergence(x, y, blur=0.01, scaling=0.9).value),
            "raw": float(sinkhorn_divergence(x, y, blur=0.01, scaling=0.9, debias=False).value),
        }
        if seed == 0:
            found["notebook"] = float(geomloss_divergence(x, y, blur=0.01))
            found["default"] = float(geomloss_divergence(x, y, blur=0.01, scaling=0.5))
        return found
