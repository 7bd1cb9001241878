"""N1: the notebook's target, 8 Gaussian clusters on a ring."""

from __future__ import annotations

import numpy as np

from otviz.experiments.base import Experiment, Number, Part
from otviz.experiments.clouds import notebook_clouds

COUNTS = (270, 244, 246, 250, 255, 249, 245, 241)
"""Points of each mode in the notebook's own draw (numpy's seed 42), which is experiment seed 0."""


class NotebookRing(Experiment):
    """The ring as it is drawn."""

    name = "n1"
    title = "The target: a ring of Gaussians"
    paper = "000"
    place = "11.1.1, L72-85"
    claim = "The target is 2000 points in 8 clusters of standard deviation 0.25 on a circle of radius 3."
    covers = ("N1",)
    formula = (
        r"y = 3\,(\cos \tfrac{2\pi k}{8}, \sin \tfrac{2\pi k}{8}) + 0.25\,\xi",
        r"\xi \sim N(0, I)",
    )
    how = "2000 points from numpy's seed 42 + s; seed 0 is the notebook's own draw, whose counts must be the same."
    numbers = (
        Number("modes", "modes with points", "8"),
        Number("least", "points in the smallest mode", "241", "computed"),
        Number("most", "points in the largest mode", "270", "computed"),
        Number("radius", "mean radius of the cluster means (length)", "3", "code"),
        Number("std", "standard deviation within a cluster, per axis (length)", "0.25", "code"),
    )
    parts = (
        Part("8 clusters of radius 3 and std 0.25, to 0.03", lambda got: got["modes"] == 8
             and abs(float(got["radius"]) - 3) < 0.03 and abs(float(got["std"]) - 0.25) < 0.03),
        Part("the draw of seed 42 has the counts 270 244 246 250 255 249 245 241", lambda got: got["as_notebook"] == 1),
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
