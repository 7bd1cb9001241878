"""The notebook's interpolation between two latents."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from otviz.data.distributions.ring import Ring
from otviz.evaluation.metrics import WITHIN
from otviz.experiments.charts import Dots, Row
from otviz.experiments.experiment import Cost, Experiment, Number, Part
from otviz.experiments.trainings import QUICK_STEPS
from otviz.methods import named
from otviz.training.loop import start, train

PATHS, PARTS = 500, 400
"""Pairs of latents, and parts of the line between two of them."""


class LatentPaths(Experiment):
    """25 points between two latents in the notebook; more here."""

    name = "latent-path"
    title = "The path between two latents is smooth and crosses modes"
    paper = "fuge"
    place = "Section 11.2, latent interpolation"
    claim = "The images of the points on a straight line between two latents form a smooth path that crosses modes."
    summary_template = "{crossing:percent} of the paths visit two modes or more; halving a step shortens the longest image to {shrinks} of it."
    chart = Dots(
        "share or ratio",
        (
            Row("paths crossing modes", "crossing", low=0.5, high=1.0),
            Row("image of half a step", "shrinks", low=0.0, high=0.7),
        ),
    )
    order = 20
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"t \mapsto T\big((1 - t)\, x_0 + t\, x_1\big)",
        r"x_0, x_1 \sim N(0, I), \; t \in [0, 1]",
    )
    how = (
        f"The Sinkhorn generator with the notebook's settings, 1400 steps; {PATHS} pairs of latents, {PARTS} points on the line between "
        "them. The path is smooth if halving the step shortens the longest image of a step to less than 0.7 of it (at a jump it would stay at "
        "1). A path visits a mode where it comes within three standard deviations."
    )
    numbers = (
        Number("shrinks", "longest image of a step ÷ that of steps twice as long, mean over paths"),
        Number("longest", "longest image of a step, mean over paths (length; neighbouring modes are 2.3 apart)"),
        Number("visited", "modes visited by a path, mean"),
        Number("crossing", "share of paths that visit two modes or more"),
        Number("between", "share of the points on paths that lie on no mode"),
        Number("between_samples", "the same of fresh samples"),
    )
    parts = (
        Part("the path is smooth", lambda got: float(got["shrinks"]) < 0.7),
        Part("at least half of the paths visit two modes or more", lambda got: float(got["crossing"]) >= 0.5),
    )
    live = "train?method=sinkhorn&steps=1400&view=latent"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        ring, method = Ring(), named("sinkhorn")()
        training = start(method, ring, steps=QUICK_STEPS if quick else 1400, seed=seed)
        for _ in train(method, ring, training=training):
            pass
        mixture = ring.mixture()
        rng = np.random.default_rng([seed, 51])

        def image(
            points: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            with torch.no_grad():
                made: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = training.eval_generator(
                    torch.from_numpy(points.reshape(-1, 2)), torch.empty(points.size // 2, 0)
                ).numpy()
            return made.reshape(points.shape)

        def on_modes(
            points: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        ) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
            away = np.linalg.norm(points[..., None, :] - mixture.centres, axis=-1)
            near: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = away <= WITHIN * mixture.std
            return near

        ends = rng.standard_normal((2, PATHS, 1, 2)).astype(np.float32)
        at = np.linspace(0, 1, PARTS + 1, dtype=np.float32)[None, :, None]
        paths = image((1 - at) * ends[0] + at * ends[1])
        longest = np.linalg.norm(np.diff(paths, axis=1), axis=2).max(1)
        coarse = np.linalg.norm(np.diff(paths[:, ::2], axis=1), axis=2).max(1)
        near, fresh = on_modes(paths), on_modes(image(rng.standard_normal((4000, 2)).astype(np.float32)))
        visited = near.any(1).sum(1)
        return {
            "shrinks": float((longest / coarse).mean()), "longest": float(longest.mean()),
            "visited": float(visited.mean()), "crossing": float((visited >= 2).mean()),
            "between": float(1 - near.any(2).mean()), "between_samples": float(1 - fresh.any(1).mean()),
        }  # fmt: skip
