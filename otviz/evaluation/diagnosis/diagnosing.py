"""From two sets of samples to a diagnosis, in stages: a first look at few samples, the verdict on all, every number.

for found in stages(real, generated):
    print(found.stage, found.sentence)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis import grouping as grouped
from otviz.evaluation.diagnosis.advice import advice
from otviz.evaluation.diagnosis.checks import check_pair, checked
from otviz.evaluation.diagnosis.grouping import Grouping
from otviz.evaluation.diagnosis.measures import Measured, Vectors, compare_groups, measured
from otviz.evaluation.diagnosis.near import alone, chance_of_hole, copies, hole_rank, nearest, nearest_others
from otviz.evaluation.diagnosis.numbers import numbers_of
from otviz.evaluation.diagnosis.planes import Plane, plane_of
from otviz.evaluation.diagnosis.result import Cluster, Diagnosis, Side, Stage
from otviz.evaluation.diagnosis.rules import GONE, UNLIKELY, Evidence, findings
from otviz.evaluation.diagnosis.samples import Samples
from otviz.evaluation.diagnosis.shares import fewer_than_chance, shares_differ, wilson
from otviz.evaluation.diagnosis.spaces import Seen, Space, space_of

Array = NDArray[np.float64]
Places = NDArray[np.int64]

MOST = 10_000
"""Largest number of samples of either side; of more, this many are drawn."""

FIRST, FIRST_DRAWS = 1000, 4
"""Samples of either side, and draws, of the first look."""

SIZE, DRAWS = 2500, 8
"""Largest number of samples of either side in a draw of the numbers with floors, and the number of draws."""

SHOWN = 3
"""Nearest neighbours on the other side that are kept of each sample."""


def diagnose(real: Samples, generated: Samples, held_out: Samples | None = None, seed: int = 0) -> Diagnosis:
    """What generated samples miss, and where: the last of `stages`.

    Args:
        real: real samples, as a rule those the generator was trained on.
        generated: of any model.
        held_out: real samples that the generator has not seen.
        seed: of what is drawn.

    Raises:
        ValueError: samples that cannot be compared; the message says what to do.
    """
    *_, last = stages(real, generated, held_out, seed)
    return last


def stages(real: Samples, generated: Samples, held_out: Samples | None = None, seed: int = 0) -> Iterator[Diagnosis]:
    """A first look, the verdict on all samples, and the complete diagnosis, each as soon as it is known.

    Args:
        real, generated, held_out, seed: as for `diagnose`.

    Raises:
        ValueError: as `diagnose`, before the first stage.
    """
    yield from prepared(real, held_out, seed).stages(generated)


def prepared(real: Samples, held_out: Samples | None = None, seed: int = 0) -> Reference:
    """Real samples, ready to judge several sets of generated ones.

    Args:
        real, held_out, seed: as for `diagnose`.

    Raises:
        ValueError: samples that cannot be used.
    """
    real = checked(real)
    if held_out is not None:
        check_pair(real, checked(held_out))
    return Reference(real, held_out, seed)


class Reference:
    """Real samples, prepared to judge generated ones."""

    def __init__(self, real: Samples, held_out: Samples | None, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.samples, self.seed = real, seed
        self.index = _drawn(len(real), MOST, rng)
        kept = _at(real, self.index)
        self.space: Space = space_of(kept)
        self.seen: Seen = self.space.of(kept)
        self.grouping: Grouping = _grouping(kept, self.seen, self.space, rng)
        self.vectors = Vectors(self.seen.vectors, self.grouping.real)
        self.own, self.own_places = nearest_others(self.seen.vectors, 2)
        self.held_out: Vectors | None = None
        if held_out is not None:
            points = self.space.of(_at(held_out, _drawn(len(held_out), MOST, rng))).vectors
            self.held_out = Vectors(points, self.grouping.of(points))
        self.plane: Plane = plane_of(kept, self.seen.vectors, self.space)

    def stages(self, generated: Samples) -> Iterator[Diagnosis]:
        """The stages of one set of generated samples. Raises ValueError if they cannot be compared."""
        check_pair(self.samples, checked(generated))
        rng = np.random.default_rng([self.seed, 1])
        index = _drawn(len(generated), MOST, rng)
        kept = _at(generated, index)
        points = self.space.of(kept).vectors
        vectors = Vectors(points, self.grouping.of(points))
        pair = _Pair(self, generated, kept, index, vectors)
        yield pair.diagnosis("first look", measured(
            self.vectors, vectors, self.held_out, self.grouping, FIRST // 2, FIRST_DRAWS, rng
        ))  # fmt: skip
        final = measured(self.vectors, vectors, self.held_out, self.grouping, SIZE, DRAWS, rng)
        yield pair.diagnosis("judged", final)
        yield pair.diagnosis("complete", final)


@dataclass(frozen=True, eq=False)
class _Across:
    """Nearest neighbours between both sides."""

    to_generated: Array
    places_generated: Places
    to_real: Array
    places_real: Places


class _Pair:
    """Real samples, and generated ones that are judged against them."""

    def __init__(self, reference: Reference, given: Samples, kept: Samples, index: Places, vectors: Vectors) -> None:
        self.reference, self.given, self.kept, self.index, self.vectors = reference, given, kept, index, vectors
        real = reference.vectors.points
        shown = min(SHOWN, len(real), len(vectors.points))
        self.across = _Across(*nearest(real, vectors.points, shown), *nearest(vectors.points, real, shown))
        self.sizes = len(real), len(vectors.points)
        self.rank = hole_rank(*self.sizes)
        self.copied = copies(self.across.to_real[:, 0], self.across.places_real[:, 0], reference.own[:, 0])
        self.holes = self._holes()
        self.strays = self._strays()

    def _holes(self) -> NDArray[np.bool_]:
        if not self.rank:
            return np.zeros(self.sizes[0], bool)
        own = nearest_others(self.reference.vectors.points, self.rank)[0][:, -1]
        return alone(own, self.across.to_generated[:, 0])

    def _strays(self) -> NDArray[np.bool_]:
        """Generated samples outside the ball of every real one near them."""
        own = nearest_others(self.reference.vectors.points, max(5, self.rank or 5))[0][:, -1]
        around = own[self.across.places_real]
        return np.asarray((self.across.to_real > around).all(1))

    def diagnosis(self, stage: Stage, found: Measured) -> Diagnosis:
        """What is known with these measures."""
        evidence = self._evidence(found)
        all_found = findings(evidence)
        reference, first = self.reference, all_found[0]
        plane = reference.plane
        return Diagnosis(
            stage=stage, kind=first.kind, word=first.word, sentence=first.sentence, why=first.why,
            also=tuple(other.sentence for other in all_found[1:]), helps=advice(first.kind),
            numbers=numbers_of(evidence, reference.space.title), clusters=evidence.clusters,
            clustering=reference.grouping.how, real=self._real_side(), generated=self._generated_side(),
            space=reference.space.title, plane=plane.title, axes=plane.axes,
            names=(reference.samples.name, self.given.name),
            totals=(len(reference.samples), len(self.given)), notes=self._notes(),
        )  # fmt: skip

    def _evidence(self, found: Measured) -> Evidence:
        own, places = self.reference.own, self.reference.own_places
        # Of a real sample's nearest one, the distance to the nearest other one apart from the sample itself.
        mutual = places[places[:, 0], 0] == np.arange(len(places))
        spacing = np.where(mutual, own[places[:, 0], 1], own[places[:, 0], 0])
        real_copies = int((own[:, 0] < 0.1 * spacing).sum())
        clusters = self._clusters()
        counts = [
            np.bincount(side.groups, minlength=len(clusters)).tolist()
            for side in (self.vectors, self.reference.vectors)
        ]
        chance = chance_of_hole(self.rank, *self.sizes) if self.rank else float("nan")
        return Evidence(
            self.sizes, found, (float(self.holes.mean()) if self.rank else float("nan"), chance), int(self.copied.sum()),
            real_copies, clusters, self.reference.grouping.regions, shares_differ(*counts),
        )  # fmt: skip

    def _clusters(self) -> tuple[Cluster, ...]:
        real, generated, grouping = self.reference.vectors, self.vectors, self.reference.grouping
        widths = compare_groups(real, generated, len(grouping.names))
        found = []
        for group, name in enumerate(grouping.names):
            n, m = int((real.groups == group).sum()), int((generated.groups == group).sum())
            chance = fewer_than_chance(m, self.sizes[1], n, self.sizes[0]) * len(grouping.names)
            lost = m / self.sizes[1] < GONE * n / self.sizes[0] and chance < UNLIKELY
            found.append(
                Cluster(
                    name, n / self.sizes[0], m / self.sizes[1], wilson(n, self.sizes[0]), wilson(m, self.sizes[1]), lost,
                    float(widths.spreads[group]), float(widths.offsets[group]), self._example(group),
                )
            )  # fmt: skip
        return tuple(found)

    def _example(self, group: int) -> int:
        real = self.reference.vectors
        members = np.flatnonzero(real.groups == group)
        if not len(members):
            return 0
        middle = real.points[members].mean(0)
        return int(self.reference.index[members[np.linalg.norm(real.points[members] - middle, axis=1).argmin()]])

    def _real_side(self) -> Side:
        r, a = self.reference, self.across
        return Side(
            r.index, r.plane.of(r.vectors.points, _at(r.samples, r.index)), self.holes, np.zeros(len(r.index)),
            self.index[a.places_generated], a.to_generated, r.vectors.groups, np.zeros(len(r.index), bool),
        )  # fmt: skip

    def _generated_side(self) -> Side:
        r, a = self.reference, self.across
        return Side(
            self.index, r.plane.of(self.vectors.points, self.kept), self.strays, np.zeros(len(self.index)),
            r.index[a.places_real], a.to_real, self.vectors.groups, self.copied,
        )  # fmt: skip

    def _notes(self) -> tuple[str, ...]:
        drawn = [
            f"Of {total:,} samples of {name}, {used:,} were drawn at random."
            for name, total, used in (
                (self.reference.samples.name, len(self.reference.samples), self.sizes[0]),
                (self.given.name, len(self.given), self.sizes[1]),
            )
            if used < total
        ]
        return (*self.reference.space.notes, *drawn)


def _drawn(n: int, most: int, rng: np.random.Generator) -> Places:
    return np.sort(rng.choice(n, most, replace=False)) if n > most else np.arange(n)


def _at(samples: Samples, index: Places) -> Samples:
    from dataclasses import replace

    labels = None if samples.labels is None else samples.labels[index]
    rows = index if samples.rows is None else samples.rows[index]
    return replace(samples, values=samples.values[index], labels=labels, rows=rows)


def _grouping(real: Samples, seen: Seen, space: Space, rng: np.random.Generator) -> Grouping:
    if seen.classes is not None:
        return grouped.by_classes(seen.vectors, seen.classes, space.classes, "classes seen by our classifier")
    if real.labels is not None:
        return grouped.by_classes(seen.vectors, real.labels, real.classes, f"labels of {real.name}")
    return grouped.found(seen.vectors, rng)
