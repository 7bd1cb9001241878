"""Real samples and generated ones that are judged against them."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis import copying
from otviz.evaluation.diagnosis.copying import Copying
from otviz.evaluation.diagnosis.measures import Measured, Vectors, compare_groups, measured
from otviz.evaluation.diagnosis.near import alone, chance_of_hole, hole_rank, nearest, reach
from otviz.evaluation.diagnosis.reference import Reference, chosen, drawn
from otviz.evaluation.diagnosis.result import Cluster, Side
from otviz.evaluation.diagnosis.rules import UNLIKELY, Evidence
from otviz.evaluation.diagnosis.samples import Samples
from otviz.evaluation.diagnosis.shares import fewer_than_chance, shares_differ, wilson
from otviz.evaluation.metrics import GONE

SHOWN = 3
"""Nearest neighbours on the other side that are kept of each sample."""

STRAY = 5
"""A generated sample beyond this many neighbours of every real one near it is a stray."""


class Pair:
    """Both sides, and the neighbours of each on the other.

    Args:
        reference: the real samples.
        generated: all generated ones.
    """

    def __init__(self, reference: Reference, generated: Samples) -> None:
        self.reference, self.given = reference, generated
        self.rng = np.random.default_rng([reference.seed, 1])
        self.index = drawn(len(generated), reference.most, self.rng)
        kept = chosen(generated, self.index)
        points = reference.space.of(kept).vectors
        self.vectors = Vectors(points, reference.grouping.of(points))
        self.coordinates = reference.plane.of(points, kept)
        real = reference.vectors.points
        self.sizes = len(real), len(points)
        shown = min(SHOWN, *self.sizes)
        self.to_generated, self.near_generated = nearest(real, points, shown)
        self.to_real, self.near_real = nearest(points, real, shown)
        self.rank = hole_rank(*self.sizes)
        self.holes, self.strays = self._holes(), self._strays()
        self.copies, self.copying = self._copies()

    def _holes(self) -> NDArray[np.bool_]:
        if not self.rank:
            return np.zeros(self.sizes[0], bool)
        own = self.reference.own(self.rank)
        return alone(own, self.to_generated[:, 0], reach(self.to_real[:, 0], own[self.near_real[:, 0]]))

    def _strays(self) -> NDArray[np.bool_]:
        around = self.reference.own(STRAY)[self.near_real]
        return np.asarray((self.to_real > around).all(1))

    def _copies(self) -> tuple[NDArray[np.bool_], Copying]:
        r = self.reference
        copies, found = copying.in_reference(self.to_real[:, 0], self.near_real[:, 0], r.own(1), r.spacing())
        # Copies of real samples that were not drawn would not be seen.
        if len(r.samples) > len(r.index) and r.most >= copying.ASKED:
            found = copying.search(r.samples, self.given, r.space, self.rng)
        if r.held_out is not None:
            share, of = copying.nearer(self.vectors.points, r.vectors.points, r.held_out.points, self.rng)
            found = dataclasses.replace(found, nearer=share, nearer_of=of)
        return copies, found

    def measured(self, size: int, draws: int) -> Measured:
        """Measures of both sides, and of real samples.

        Args:
            size: largest number of samples on either side of a draw.
            draws: number of draws.
        """
        r = self.reference
        return measured(r.vectors, self.vectors, r.held_out, r.grouping, size, draws, self.rng)

    def evidence(self, found: Measured) -> Evidence:
        """What the rules look at."""
        clusters, real = self.clusters(), self.reference.vectors
        counts = [np.bincount(side.groups, minlength=len(clusters)).tolist() for side in (self.vectors, real)]
        holes = float(self.holes.mean()) if self.rank else float("nan")
        chance = chance_of_hole(self.rank, *self.sizes) if self.rank else float("nan")
        regions = self.reference.grouping.regions
        return Evidence(
            self.sizes, found, (holes, chance), self.copying, clusters, regions, shares_differ(*counts)
        )  # fmt: skip

    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters with both shares."""
        real, generated, names = self.reference.vectors, self.vectors, self.reference.grouping.names
        widths = compare_groups(real, generated, len(names))
        counts = [np.bincount(side.groups, minlength=len(names)) for side in (real, generated)]
        found = []
        for group, name in enumerate(names):
            one, two = int(counts[0][group]), int(counts[1][group])
            n, m = self.sizes
            chance = fewer_than_chance(two, m, one, n) * len(names)
            found.append(
                Cluster(
                    name, one / n, two / m, wilson(one, n), wilson(two, m),
                    lost=two / m < GONE * one / n and chance < UNLIKELY,
                    spread=float(widths.spreads[group]), offset=float(widths.offsets[group]),
                    example=self.reference.example(group),
                )
            )  # fmt: skip
        return tuple(found)

    def sides(self) -> tuple[Side, Side]:
        """Both sides, sample by sample, without the mass that stays behind."""
        r, (n, m) = self.reference, self.sizes
        return (
            Side(
                r.index, r.coordinates, self.holes, np.zeros(n), self.index[self.near_generated], self.to_generated,
                r.vectors.groups, np.zeros(n, bool),
            ),
            Side(
                self.index, self.coordinates, self.strays, np.zeros(m), r.index[self.near_real], self.to_real,
                self.vectors.groups, self.copies,
            ),
        )  # fmt: skip
