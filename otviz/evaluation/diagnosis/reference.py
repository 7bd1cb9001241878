"""Real samples, prepared once to judge any number of sets of generated ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis import grouping as grouped
from otviz.evaluation.diagnosis.grouping import Grouping
from otviz.evaluation.diagnosis.measures import Vectors
from otviz.evaluation.diagnosis.near import nearest_others
from otviz.evaluation.diagnosis.planes import Plane, plane_of
from otviz.evaluation.diagnosis.samples import Samples
from otviz.evaluation.diagnosis.spaces import Seen, Space, space_of

Places = NDArray[np.int64]


class Reference:
    """Real samples, with their space, clusters and neighbours.

    Args:
        real: all real samples.
        held_out: other real ones, if there are any.
        seed: of what is drawn.
        most: largest number of samples that are used of each.
    """

    def __init__(self, real: Samples, held_out: Samples | None, seed: int, most: int) -> None:
        rng = np.random.default_rng(seed)
        self.samples, self.seed, self.most = real, seed, most
        self.index = drawn(len(real), most, rng)
        kept = chosen(real, self.index)
        self.space: Space = space_of(kept)
        seen = self.space.of(kept)
        self.grouping: Grouping = _grouping(kept, seen, self.space, rng)
        self.vectors = Vectors(seen.vectors, self.grouping.real)
        self.held_out: Vectors | None = None
        if held_out is not None:
            points = self.space.of(chosen(held_out, drawn(len(held_out), most, rng))).vectors
            self.held_out = Vectors(points, self.grouping.of(points))
        self.plane: Plane = plane_of(kept, seen.vectors, self.space)
        self.coordinates = self.plane.of(seen.vectors, kept)
        self._own: NDArray[np.float64]
        self._own, self._own_places = nearest_others(seen.vectors, min(12, len(kept) - 1))

    def own(self, rank: int) -> NDArray[np.float64]:
        """Distance of each real sample to its `rank`-th nearest other one, (n,)."""
        if rank > self._own.shape[1]:
            self._own, self._own_places = nearest_others(self.vectors.points, rank)
        return np.asarray(self._own[:, rank - 1], np.float64)

    def spacing(self) -> NDArray[np.float64]:
        """Of each real sample's nearest other one, the distance to the nearest real sample apart from these two, (n,)."""
        first = self._own_places[:, 0]
        mutual = self._own_places[first, 0] == np.arange(len(first))
        return np.asarray(np.where(mutual, self._own[first, 1], self._own[first, 0]), np.float64)

    def example(self, group: int) -> int:
        """The real sample nearest to the mean of a cluster, as its place among all that were given."""
        members = np.flatnonzero(self.vectors.groups == group)
        if not len(members):
            return 0
        points = self.vectors.points[members]
        return int(self.index[members[np.linalg.norm(points - points.mean(0), axis=1).argmin()]])


def drawn(n: int, most: int, rng: np.random.Generator) -> Places:
    """Places of at most `most` of n samples, in order.

    Args:
        n: number of samples.
        most: largest number to draw.
        rng: for the draw.
    """
    return np.sort(rng.choice(n, most, replace=False)) if n > most else np.arange(n)


def chosen(samples: Samples, index: Places) -> Samples:
    """The samples at these places."""
    labels = None if samples.labels is None else samples.labels[index]
    rows = index if samples.rows is None else samples.rows[index]
    return replace(samples, values=samples.values[index], labels=labels, rows=rows)


def _grouping(real: Samples, seen: Seen, space: Space, rng: np.random.Generator) -> Grouping:
    if seen.classes is not None:
        return grouped.by_classes(seen.vectors, seen.classes, space.classes, "classes that our classifier sees")
    if real.labels is not None:
        return grouped.by_classes(seen.vectors, real.labels, real.classes, f"labels of {real.name}")
    return grouped.found(seen.vectors, rng)
