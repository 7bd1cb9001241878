"""The notebook's target, 8 Gaussian clusters on a ring."""

from __future__ import annotations

import numpy as np

from otviz.experiments.charts import Dots, Mark, Row, over
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.experiment import Experiment, Number, Part

COUNTS = (270, 244, 246, 250, 255, 249, 245, 241)
"""Points of each mode in the notebook's draw (NumPy's seed 42), which is experiment seed 0."""


class NotebookRing(Experiment):
    """The ring as sampled."""

    name = "ring-target"
    title = "The target is a ring of 8 Gaussians"
    paper = "fuge"
    place = "Section 11.1.1"
    claim = "The target is 2000 points in 8 clusters of standard deviation 0.25 on a circle of radius 3."
    summary_template = "Mean radius {radius}, standard deviation {std} within a cluster."
    chart = Dots(
        "measured ÷ stated",
        (
            Row("radius", over("radius", 3.0), low=0.99, high=1.01),
            Row("standard deviation", over("std", 0.25), low=0.88, high=1.12),
        ),
        (Mark("as stated", 1.0),),
    )
    order = 10
    formula = (
        r"y = 3\,(\cos \tfrac{2\pi k}{8}, \sin \tfrac{2\pi k}{8}) + 0.25\,\xi",
        r"\xi \sim N(0, I)",
    )
    how = "2000 points from numpy's seed 42 + s. Seed 0 is the notebook's own draw, whose points per mode must be the same."
    numbers = (
        Number("modes", "modes with points", "8"),
        Number("least", "points in the smallest mode", "241", "computed"),
        Number("most", "points in the largest mode", "270", "computed"),
        Number("radius", "mean radius of the cluster means (length)", "3", "code"),
        Number("std", "standard deviation within a cluster, per axis (length)", "0.25", "code"),
    )
    parts = (
        Part("8 clusters at radius 3 with standard deviation 0.25, within 0.03", lambda got: got["modes"] == 8
             and abs(float(got["radius"]) - 3) < 0.03 and abs(float(got["std"]) - 0.25) < 0.03),
        Part("the draw of seed 42 has 270, 244, 246, 250, 255, 249, 245 and 241 points in its modes", lambda got: got["as_notebook"] == 1),
    )  # fmt: skip
    live = "transport?source.std=0.5&n=2000&blur=0.01&scaling=0.9&points=notebook"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        _, target, modes = notebook_clouds(seed)
        counts = np.bincount(modes, minlength=8)
        clusters = [target.numpy()[modes == mode] for mode in range(8)]
        return {
            "modes": int((counts > 0).sum()),
            "least": int(counts.min()),
            "most": int(counts.max()),
            "radius": float(np.mean([np.hypot(*cluster.mean(0)) for cluster in clusters])),
            "std": float(np.mean([cluster.std(0).mean() for cluster in clusters])),
            "as_notebook": int(tuple(np.bincount(notebook_clouds(0)[2], minlength=8)) == COUNTS),
        }
