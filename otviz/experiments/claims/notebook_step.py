"""One giant step along the gradient, in the direction that the notebook prints and in the other."""

from __future__ import annotations

from torch import Tensor

from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.experiment import Experiment, Number, Part
from otviz.ot.costs import euclidean
from otviz.ot.divergences import sinkhorn_divergence


class NotebookStep(Experiment):
    """x -> x + 2000 grad, as printed."""

    name = "giant-step"
    title = "One giant step along the gradient reaches the ring"
    paper = "fuge"
    place = "Section 11.1.1"
    claim = "Moving each point by +2000 times its gradient carries the source onto the ring."
    summary_template = (
        "With the printed sign the points end {distance_printed} from the ring; with the opposite sign, {distance}."
    )
    chart = Dots(
        "mean distance to the ring after the step (length)",
        (Row("printed sign, +", "distance_printed", high=0.25), Row("opposite sign, −", "distance", high=0.25)),
    )
    order = 30
    formula = (
        r"x_i \leftarrow x_i \pm n\, \nabla_{x_i} S",
        r"n \nabla_{x_i} S = x_i - n \textstyle\sum_j P_{ij}\, y_j \text{ without debiasing}",
    )
    how = (
        "2000 points each (quick run: 500). One step of n times the gradient of S (blur 0.01, otviz' solver) in either direction, then the mean "
        "distance to the nearest target point, and S again. The reported numbers are by geomloss at scaling 0.9, which stops early."
    )
    numbers = (
        Number("radius_printed", "mean radius after + n ∇S, as printed (length)", "1.69", "computed"),
        Number("distance_printed", "mean distance to the ring's points after + n ∇S (length)", "0.636", "computed"),
        Number("left_printed", "S after + n ∇S", "0.877", "computed"),
        Number("radius", "mean radius after − n ∇S (length)", "2.95", "computed"),
        Number("distance", "mean distance to the ring's points after − n ∇S (length)", "0.011", "computed"),
        Number("left", "S after − n ∇S", "0.0033", "computed"),
    )
    parts = (
        Part("with the printed sign the points reach the ring (within its standard deviation, 0.25)",
             lambda got: float(got["distance_printed"]) < 0.25),
        Part("with the opposite sign they do", lambda got: float(got["distance"]) < 0.25, instead=True),
    )  # fmt: skip
    live = "transport?source.std=0.5&n=2000&blur=0.01&scaling=0.9&points=notebook"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 500 if quick else 2000
        x, y, _ = notebook_clouds(seed)
        x, y = x[:n], y[:n]
        gradient = sinkhorn_divergence(x, y, blur=0.01, scaling=0.9).gradient_x
        there, wrong = _after(x - n * gradient, y), _after(x + n * gradient, y)
        return {**there, **{f"{key}_printed": value for key, value in wrong.items()}}


def _after(moved: Tensor, y: Tensor) -> dict[str, float]:
    return {
        "radius": float(moved.norm(dim=1).mean()),
        "distance": float(euclidean(moved, y).amin(1).mean()),
        "left": float(sinkhorn_divergence(moved, y, blur=0.01, scaling=0.9).value),
    }
