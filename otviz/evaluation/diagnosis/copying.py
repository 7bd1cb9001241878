"""Do samples copy training points? Near to one real sample, compared with how near real samples are to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.near import COPY, nearest
from otviz.evaluation.diagnosis.samples import Samples
from otviz.evaluation.diagnosis.shares import more_than_chance
from otviz.evaluation.diagnosis.spaces import Space

Array = NDArray[np.float64]
Places = NDArray[np.int64]

SEARCHED = 60_000
"""Largest number of real samples among which copied ones are searched."""

ASKED = 1000
"""Number of samples of either side for which they are searched, where not all real samples are used otherwise."""

PIXELS = 50_000_000
"""Largest number of values of the real samples that are searched."""


@dataclass(frozen=True)
class Copying:
    """Counts of copies.

    Attributes:
        copies, of: number of samples that copy a real one, and of those examined.
        real_copies, of_real: the same among real samples, of the other real ones.
        searched: number of real samples among which copied ones were searched.
        nearer: share of the samples that are nearer to the real samples than to as many held-out ones; nan without these.
        nearer_of: number of samples of that share.
    """

    copies: int
    of: int
    real_copies: int
    of_real: int
    searched: int
    nearer: float = float("nan")
    nearer_of: int = 0

    @property
    def share(self) -> float:
        """Share of the samples that copy a real one, in [0, 1]."""
        return self.copies / self.of

    @property
    def floor(self) -> float:
        """The same share of real samples."""
        return self.real_copies / self.of_real

    @property
    def chance(self) -> float:
        """Probability that as many fresh real samples seem to be copies."""
        return more_than_chance(self.copies, self.of, self.real_copies, self.of_real)


def search(real: Samples, generated: Samples, space: Space, rng: np.random.Generator) -> Copying:
    """Search copies of all real samples, rather than of those drawn: of what is not drawn no copy is seen.

    Images are compared by their pixels, points in the space of the diagnosis.

    Args:
        real, generated: both sides.
        space: of the diagnosis.
        rng: for draws of the samples that are examined.
    """
    size = max(2 * ASKED, min(SEARCHED, PIXELS // int(np.prod(real.values.shape[1:]))))
    kept = rng.permutation(len(real))[:size]
    asked = rng.permutation(len(generated))[:ASKED]
    points, queries = (_rows(side, places, space) for side, places in ((real, kept), (generated, asked)))
    own = points[:ASKED]
    near, places = nearest(queries, points, 1)
    copies = near[:, 0] < COPY * _spacing(points, places[:, 0])
    # The nearest other one of a real sample, and of that one the nearest apart from these two.
    others, whose = (found[:, 1] for found in nearest(own, points, 2))
    around, which = nearest(points[whose], points, 3)
    third = np.where(which[:, 1] == np.arange(len(own)), around[:, 2], around[:, 1])
    return Copying(int(copies.sum()), len(queries), int((others < COPY * third).sum()), len(own), len(points))


def _rows(side: Samples, places: Places, space: Space) -> Array:
    values = side.values[places]
    if side.are_images:
        return values.reshape(len(values), -1).astype(np.float32)
    from dataclasses import replace

    return space.of(replace(side, values=values, labels=None, rows=None)).vectors


def _spacing(points: Array, places: Places) -> Array:
    """Distance of these points to the nearest other one."""
    return nearest(points[places], points, 2)[0][:, 1]


def nearer(points: Array, real: Array, held_out: Array, rng: np.random.Generator) -> tuple[float, int]:
    """Share of points (m, d) that are nearer to real ones than to as many held-out ones, and their number.

    One half if the generator has learned the distribution, whatever it is; more if it has learned the points (Meehan et al.
    2020 compare the same distances). Equal distances count half.

    Args:
        points: generated samples.
        real: real ones, (n, d).
        held_out: other real ones, (h, d).
        rng: for draws of as many of both.
    """
    size = min(len(real), len(held_out))
    sides = [nearest(points, side[rng.permutation(len(side))[:size]], 1)[0][:, 0] for side in (real, held_out)]
    return float((sides[0] < sides[1]).mean() + 0.5 * (sides[0] == sides[1]).mean()), len(points)


def in_reference(to_real: Array, places: Places, own: Array, spacing: Array) -> tuple[NDArray[np.bool_], Copying]:
    """Copies among all samples, where all real ones are used.

    Args:
        to_real: distance of each sample to its nearest real one, (m,).
        places: of these, (m,).
        own: distance of each real sample to the nearest other one, (n,).
        spacing: as `Reference.spacing`, (n,).
    """
    copies = np.asarray(to_real < COPY * own[places])
    return copies, Copying(int(copies.sum()), len(copies), int((own < COPY * spacing).sum()), len(own), len(own))
