"""The nearest-neighbour two-sample test: are neighbours of a point of its own side more often than chance makes them?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.near import nearest_others
from otviz.evaluation.diagnosis.pair import Pair
from otviz.evaluation.diagnosis.result import Number

NEIGHBOURS, PERMUTATIONS, MOST = 5, 400, 2000
"""Neighbours of each point, permutations of the sides, and largest number of points on each side."""


def two_sample_test(pair: Pair, space: str) -> Number:
    """The test as a number: its p-value.

    Args:
        pair: both sides.
        space: where distances are measured.
    """
    real, generated = pair.reference.vectors.points, pair.vectors.points
    size = min(MOST, len(real), len(generated))
    drawn = [side[pair.rng.permutation(len(side))[:size]] for side in (real, generated)]
    value = p_value(drawn[0], drawn[1], pair.rng)
    return Number(
        "two_sample_p", "Two-sample test, p-value", value, None, float("nan"), None, "high", (size, size), space, "",
        f"Probability that fresh real samples can be distinguished as well by their {NEIGHBOURS} nearest neighbours (Schilling 1986); "
        f"at least {1 / (PERMUTATIONS + 1):.2g}.",
    )  # fmt: skip


def p_value(x: NDArray[np.float64], y: NDArray[np.float64], rng: np.random.Generator) -> float:
    """p-value of the test of Schilling (1986) by permutations, in (0, 1]: exact for any distribution, whatever the dimension.

    Args:
        x, y: points of both sides, (n, d) and (m, d).
        rng: for the permutations.
    """
    sides = np.repeat([False, True], [len(x), len(y)])
    near = nearest_others(np.concatenate([x, y]), NEIGHBOURS)[1]
    found = float((sides[near] == sides[:, None]).mean())
    chance = (rng.permutation(sides) for _ in range(PERMUTATIONS))
    higher = sum(float((side[near] == side[:, None]).mean()) >= found - 1e-12 for side in chance)
    return (1 + higher) / (1 + PERMUTATIONS)
