"""Mistakes in the notebook, one experiment each; the sign of its step is in `notebook_step`."""

from __future__ import annotations

import numpy as np
import torch

from otviz.evaluation.metrics import diversity
from otviz.experiments.charts import Dots, Mark, Row, over
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.experiment import Experiment, Number, Part
from otviz.ot.costs import cityblock, cost_p, euclidean
from otviz.ot.reference import geomloss_divergence

KEPT = {"opposite": ((0, 4), "4.57"), "alternate": ((0, 2, 4, 6), "4.55"), "seven": (tuple(range(7)), "4.46"), "one": ((0,), "0.06")}  # fmt: skip


class Manhattan(Experiment):
    """p = 1 is called Manhattan."""

    name = "p1-distance"
    title = "With p = 1 the cost is the Manhattan distance"
    paper = "fuge"
    place = "Section 11.1.1, box “Experiment”"
    claim = "With p = 1 the cost is the Manhattan distance."
    summary_template = (
        "geomloss at p = 1 differs from the Manhattan distance by up to {to_manhattan:percent}, from the Euclidean by up to "
        "{to_euclidean:percent}."
    )
    chart = Dots(
        "largest relative difference from geomloss",
        (Row("Manhattan", "to_manhattan", high=0.01), Row("Euclidean", "to_euclidean", high=0.01)),
        log=True,
    )
    order = 100
    formula = (
        r"p = 1:",
        r"c(x, y) = |x - y|_2 = \sqrt{\textstyle\sum_j (x_j - y_j)^2} \neq \textstyle\sum_j |x_j - y_j|",
    )
    how = (
        "geomloss' divergence at p = 1 and a small blur between two single points in random directions. It is the cost itself, and is compared "
        "with both distances."
    )
    numbers = (
        Number("to_manhattan", "largest relative difference from the Manhattan distance", "0"),
        Number("to_euclidean", "largest relative difference from the Euclidean distance", "0", "code"),
    )
    parts = (
        Part(
            "geomloss at p = 1 gives the Manhattan distance, within 1 %", lambda got: float(got["to_manhattan"]) < 0.01
        ),
        Part(
            "it gives the Euclidean distance, within 1 %", lambda got: float(got["to_euclidean"]) < 0.01, instead=True
        ),
    )
    live = "transport?cost=euclidean"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        points = torch.from_numpy(np.random.default_rng([seed, 1]).standard_normal((10, 2, 2)).astype(np.float32))
        off: dict[str, list[float]] = {"to_manhattan": [], "to_euclidean": []}
        for x, y in points:
            found = float(geomloss_divergence(x[None], y[None], blur=0.01, p=1))
            for name, distance in (("to_manhattan", cityblock), ("to_euclidean", euclidean)):
                off[name].append(abs(found / float(distance(x[None], y[None])) - 1))
        return {name: max(values) for name, values in off.items()}


class BlurIsEpsilon(Experiment):
    """blur is called epsilon."""

    name = "blur-is-epsilon"
    title = "Blur is the entropic regularisation ε"
    paper = "fuge"
    place = "Section 11.1.1, box “Experiment”"
    claim = "The parameter blur is the entropic regularisation ε."
    summary_template = "geomloss at blur 0.5 gives {geomloss}; ε = 0.5 gives {at_blur}, ε = 0.25 gives {at_square}."
    chart = Dots(
        "cost ÷ geomloss' cost at the same blur",
        (
            Row("ε = blur", over("at_blur", "geomloss"), low=0.995, high=1.005),
            Row("ε = blur²", over("at_square", "geomloss"), low=0.995, high=1.005),
        ),
        (Mark("geomloss", 1.0),),
    )
    order = 80
    formula = (r"\varepsilon = \mathrm{blur}^p",)
    how = (
        "geomloss at p = 2 without debiasing, on 100 points each, is compared with a plain Sinkhorn iteration in the log domain, ten lines long, "
        "at ε = blur and at ε = blur²."
    )
    numbers = (
        Number("geomloss", "OT_ε of geomloss, blur 0.5"),
        Number("at_blur", "OT_ε of the plain iteration at ε = 0.5"),
        Number("at_square", "OT_ε of the plain iteration at ε = 0.25"),
    )
    parts = (
        Part("ε = blur gives geomloss' number, within 0.5 %",
             lambda got: abs(float(got["at_blur"]) / float(got["geomloss"]) - 1) < 5e-3),
        Part("ε = blur² gives it, within 0.5 %",
             lambda got: abs(float(got["at_square"]) / float(got["geomloss"]) - 1) < 5e-3,
             instead=True),
    )  # fmt: skip
    live = "transport?blur=0.5"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        x, y, _ = notebook_clouds(seed)
        x, y = x[:100].double(), y[:100].double()
        cost = cost_p(x, y, 2)
        found = float(geomloss_divergence(x, y, blur=0.5, debias=False, scaling=0.95))
        return {"geomloss": found, "at_blur": _plain(cost, 0.5), "at_square": _plain(cost, 0.25)}


def _plain(cost: torch.Tensor, epsilon: float, sweeps: int = 500) -> float:
    """OT_epsilon by plain log-domain sweeps: mean f + mean g."""
    g = torch.zeros_like(cost[0])
    for _ in range(sweeps):
        f = -epsilon * ((g - cost) / epsilon - np.log(cost.shape[1])).logsumexp(1)
        g = -epsilon * ((f[:, None] - cost) / epsilon - np.log(cost.shape[0])).logsumexp(0)
    return float(f.mean() + g.mean())


class Diversity(Experiment):
    """Variance per axis as a measure of mode collapse."""

    name = "variance-score"
    title = "The diversity score shows lost modes"
    paper = "fuge"
    place = "Section 11.2, diversity"
    claim = "The diversity score, the mean variance per axis, tells whether modes were lost."
    summary_template = (
        "All 8 modes score {whole}; every other mode lost, {alternate}; only two opposite modes left, {opposite}."
    )
    chart = Dots(
        "score ÷ score of all 8 modes",
        (
            Row("7 of 8 modes", over("seven", "whole"), high=0.95),
            Row("every other mode", over("alternate", "whole"), high=0.95),
            Row("two opposite modes", over("opposite", "whole"), high=0.95),
            Row("one mode", over("one", "whole"), high=0.95),
        ),
        (Mark("all 8 modes", 1.0),),
    )
    order = 90
    formula = (r"\text{score} = \tfrac1d \textstyle\sum_j \mathrm{Var}(y_j)",)
    how = "The notebook's 2000 points with only some of the 8 modes left. The score shows a loss if it falls by 5 % or more."
    numbers = (
        Number("whole", "score of all 8 modes (squared length)", "4.521", "computed"),
        Number("seven", "score with 7 of 8 modes", "4.46", "computed"),
        Number("alternate", "score with every other mode, 4 of 8", "4.55", "computed"),
        Number("opposite", "score with two opposite modes", "4.57", "computed"),
        Number("one", "score with one mode", "0.06", "computed"),
    )
    parts = (
        Part("it falls when only two opposite modes are left", lambda got: float(got["opposite"]) < 0.95 * float(got["whole"])),
        Part("it falls when every other mode is lost", lambda got: float(got["alternate"]) < 0.95 * float(got["whole"])),
        Part("it falls when one of 8 modes is lost", lambda got: float(got["seven"]) < 0.95 * float(got["whole"])),
        Part("it falls when one mode is left", lambda got: float(got["one"]) < 0.95 * float(got["whole"])),
    )  # fmt: skip
    live = "compare?preset=table-1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        _, target, modes = notebook_clouds(seed)
        points = target.numpy()
        found: dict[str, float | int | str] = {"whole": diversity(points)}
        return found | {name: diversity(points[np.isin(modes, kept)]) for name, (kept, _) in KEPT.items()}
