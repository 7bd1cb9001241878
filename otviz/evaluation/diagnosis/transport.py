"""Optimal transport between both sides: distances, and where mass is missing or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.numbers import interval
from otviz.evaluation.diagnosis.result import Number
from otviz.evaluation.image_metrics import frechet_distance, moments

if TYPE_CHECKING:
    from otviz.evaluation.diagnosis.pair import Pair

Array = NDArray[np.float64]

SOLVED = 1000
"""Largest number of samples of either side between which transport is solved."""

DRAWS, STUDENT_3 = 4, 3.18
"""Draws of distances and of their floors, and the quantile 0.975 of Student's t for as many."""

NEIGHBOUR, USUAL, FAR = 5, 0.95, 2.0
"""Mass is left behind rather than moved further than FAR times the distance to the NEIGHBOUR-th neighbour of all but the loneliest
twentieth of the real samples."""


def carried(pair: Pair) -> tuple[Array, Array]:
    """Mass of each sample that the unbalanced plan leaves behind, relative to 1, (n,) and (m,).

    min <P, |x - y|^2> + reach^2 (TV of both marginals) / 2 moves mass up to `reach` and leaves the rest; it is solved as a
    balanced problem with the cost cut off at reach^2 (Caffarelli and McCann 2010). The plan is between up to SOLVED samples of
    either side, and the others have the value of the nearest of these.
    """
    from otviz.evaluation.diagnosis.near import nearest, nearest_others
    from otviz.ot.exact import exact_coupling, squared_distances

    real, generated = pair.reference.vectors.points, pair.vectors.points
    size = min(SOLVED, len(generated), len(real))
    x = real[pair.rng.permutation(len(real))[:size]]
    y = generated[pair.rng.permutation(len(generated))[:size]]
    limit = (FAR * float(np.quantile(nearest_others(x, min(NEIGHBOUR, size - 1))[0][:, -1], USUAL))) ** 2
    cost = squared_distances(x, y)
    plan = exact_coupling(np.minimum(cost, limit))
    kept = np.where(cost <= limit, plan, 0.0)
    sides = []
    for points, solved, held in ((real, x, kept.sum(1)), (generated, y, kept.sum(0))):
        left = (1 - held * size).clip(0, 1)
        sides.append(left[nearest(points, solved, 1)[1][:, 0]])
    return sides[0], sides[1]


def distances(pair: Pair, space: str) -> tuple[Number, ...]:
    """Fréchet distance, W2 and Sinkhorn divergence with their floors.

    Args:
        pair: both sides.
        space: where distances are measured.
    """
    from otviz.evaluation.metrics import sinkhorn, wasserstein2

    real, generated, held = pair.reference.vectors.points, pair.vectors.points, pair.reference.held_out
    size = min(SOLVED, len(generated), len(real) // 2 if held is None else min(len(real), len(held.points)))
    blur = 0.1 * float(real.std(0).mean())
    found: dict[str, list[tuple[float, float]]] = {"frechet": [], "w2": [], "sinkhorn": []}
    for _ in range(DRAWS):
        order = pair.rng.permutation(len(real))
        x, y = real[order[:size]], generated[pair.rng.permutation(len(generated))[:size]]
        fresh = (
            real[order[size : 2 * size]] if held is None else held.points[pair.rng.permutation(len(held.points))[:size]]
        )
        found["w2"].append((wasserstein2(y, x), wasserstein2(fresh, x)))
        found["sinkhorn"].append((sinkhorn(y, x, blur), sinkhorn(fresh, x, blur)))
        half = len(real) // 2
        order = pair.rng.permutation(len(real))
        many = pair.rng.permutation(len(generated))[:half]
        found["frechet"].append(
            (
                frechet_distance(moments(generated[many]), moments(real[order[:half]])),
                frechet_distance(moments(real[order[half : 2 * half]]), moments(real[order[:half]])),
            )
        )
    titles = {
        "frechet": ("Fréchet distance", "Squared W2 between Gaussians fitted to both sides (Heusel et al. 2017)."),
        "w2": ("W2", "Exact Wasserstein distance: root of the mean squared distance that mass moves."),
        "sinkhorn": (
            "Sinkhorn divergence",
            f"Half the squared transport cost, debiased, at blur {blur:.3g} (Feydy et al. 2019).",
        ),
    }
    return tuple(
        _number(key, *titles[key], pairs, (len(real) // 2,) * 2 if key == "frechet" else (size, size), space)
        for key, pairs in found.items()
    )


def _number(
    key: str, title: str, meaning: str, pairs: list[tuple[float, float]], sizes: tuple[int, int], space: str
) -> Number:
    values, floors = np.array(pairs).T
    means, errors = (
        [float(some.mean()) for some in (values, floors)],
        [float(some.std(ddof=1)) for some in (values, floors)],
    )
    ranges = [interval(mean, error, student=STUDENT_3) for mean, error in zip(means, errors, strict=True)]
    return Number(key, title, means[0], ranges[0], means[1], ranges[1], "low", sizes, space, "", meaning)
