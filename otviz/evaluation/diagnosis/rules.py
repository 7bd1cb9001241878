"""From numbers to one word: findings, the gravest first. Each needs a size that matters and must be beyond chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otviz.evaluation.diagnosis.measures import Measured
from otviz.evaluation.diagnosis.result import Cluster, Kind
from otviz.evaluation.diagnosis.shares import more_than_chance

GONE = 0.25
"""A cluster with less than this part of its share of the real samples is lost."""

UNLIKELY = 1e-3
"""Probability under chance, over all clusters together, below which a difference is taken to be real."""

MISSING = 0.05
"""Share of the real data with nothing near it, beyond the floor, from which samples have collapsed."""

COPIED = 0.03
"""Share of the samples that copy real ones, beyond the floor, from which they are memorised."""

NARROW, WIDE = 0.7, 1.4
"""Width of clusters relative to real ones: the middle, on a logarithmic scale, between right and half, or twice."""

POINT = 0.1
"""Width below which samples are a few points rather than too narrow."""

IN_PLACE = 0.6
"""Offset of clusters, in widths, up to which too narrow ones are in their place rather than cut."""

MISPLACED = 0.1
"""Total variation between the shares of clusters, beyond the floor, from which samples are unbalanced."""

PRECISION, RECALL = 0.65, 0.6
"""Precision and recall relative to their floors, as for runs (`verdicts.limits`)."""

FEW = 100
"""Fewer samples than this on either side cannot show that nothing is missing: a tenth of the data may be."""


@dataclass(frozen=True)
class Evidence:
    """What the rules look at.

    Attributes:
        sizes: numbers of real and generated samples.
        measured: over random halves.
        holes: share of all real samples with no generated one near, and the share expected by chance; nan with too few.
        copies: number of samples that copy a real one.
        real_copies: number of real samples that copy another one.
        clusters: of the real data.
        regions: whether these are only regions of connected data.
        differ: probability of the clusters' shares under chance.
    """

    sizes: tuple[int, int]
    measured: Measured
    holes: tuple[float, float]
    copies: int
    real_copies: int
    clusters: tuple[Cluster, ...]
    regions: bool
    differ: float

    @property
    def lost(self) -> tuple[Cluster, ...]:
        """Clusters that generated samples hardly ever reach."""
        return tuple(cluster for cluster in self.clusters if cluster.lost)

    @property
    def copied(self) -> float:
        """Share of copies beyond that among real samples."""
        return self.copies / self.sizes[1] - self.real_copies / self.sizes[0]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that nothing is.

    Attributes:
        kind: the verdict it gives.
        word: for a badge.
        sentence: what is the case.
        why: the numbers.
    """

    kind: Kind
    word: str
    sentence: str
    why: str


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """Everything found, the gravest first; the first gives the verdict."""
    found = [finding for rule in _RULES if (finding := rule(evidence)) is not None]
    return tuple(found) or (_sound(evidence),)


def _lost(e: Evidence) -> Finding | None:
    if not e.lost or (e.regions and (_is_narrow(e) or _is_wide(e))):
        return None
    share = sum(cluster.real - cluster.generated for cluster in e.lost)
    names = listed([cluster.name for cluster in e.lost])
    return Finding(
        "collapsed",
        f"collapsed: {percent(share)}",
        f"Collapsed: about {percent(share)} of the real data has nothing generated near it.",
        f"Hardly any sample lies in {names}: {_shares(e.lost)}.",
    )


def _holes(e: Evidence) -> Finding | None:
    missing = e.measured["missing"]
    share = e.holes[0] - e.holes[1]
    if not (share >= MISSING and missing.value - missing.floor >= MISSING / 2 and missing.beyond()) or _is_off(e):
        return None
    return Finding(
        "collapsed",
        f"collapsed: {percent(e.holes[0])}",
        f"Collapsed: about {percent(e.holes[0])} of the real data has nothing generated near it.",
        f"{percent(e.holes[0])} of the real samples have no generated one as near as their own neighbours; of fresh real "
        f"samples it would be {percent(e.holes[1])}.",
    )


def _memorised(e: Evidence) -> Finding | None:
    share = e.copies / e.sizes[1]
    chance = more_than_chance(e.copies, e.sizes[1], e.real_copies, e.sizes[0])
    if e.copied < COPIED or chance > UNLIKELY:
        return None
    return Finding(
        "memorised",
        f"memorised: {percent(share)}",
        f"Memorised: {percent(share)} of the samples copy training points.",
        f"{percent(share)} of the samples lie on a real one, more than ten times nearer than its next real neighbour; "
        f"among real samples it is {percent(e.real_copies / e.sizes[0])}.",
    )


def _narrow(e: Evidence) -> Finding | None:
    if not _is_narrow(e):
        return None
    width = _width(e)
    return Finding(
        "too narrow",
        f"too narrow: {width:.2f} times",
        f"Too narrow: the samples spread {width:.2f} times as far as the real data.",
        f"The clusters are in their place, but {width:.2f} times as wide as real ones.",
    )


def _wide(e: Evidence) -> Finding | None:
    if not _is_wide(e):
        return None
    width = _width(e)
    return Finding(
        "too wide",
        f"too wide: {width:.2f} times",
        f"Too wide: the samples spread {width:.2f} times as far as the real data.",
        f"The clusters are in their place, but {width:.2f} times as wide as real ones.",
    )


def _off(e: Evidence) -> Finding | None:
    if not _is_off(e):
        return None
    precision = e.measured["precision"]
    return Finding(
        "off target",
        "off target",
        f"Off target: {percent(1 - precision.value)} of the samples lie where there is no real data.",
        f"Precision is {precision.value:.2f}; of fresh real samples it would be {precision.floor:.2f}.",
    )


def _unbalanced(e: Evidence) -> Finding | None:
    misplaced = e.measured["misplaced"]
    if misplaced.value - misplaced.floor < MISPLACED or e.differ > UNLIKELY:
        return None
    worst = sorted(e.clusters, key=lambda cluster: -abs(cluster.real - cluster.generated))[:3]
    return Finding(
        "unbalanced",
        "unbalanced",
        f"Unbalanced: everything is there, but {percent(misplaced.value - misplaced.floor)} of the mass is in the wrong place.",
        f"Shares differ beyond chance: {_shares(worst)}.",
    )


def _sound(e: Evidence) -> Finding:
    n = min(e.sizes)
    if n < FEW:
        return Finding(
            "cannot be told",
            f"cannot be told with n = {n}",
            f"Cannot be told with n = {n}: a tenth of the data could be missing without being seen.",
            f"Nothing wrong is found, but that takes at least {FEW} samples on both sides to mean something.",
        )
    m = e.measured
    return Finding(
        "covers",
        "covers",
        "Covers: no part of the real data is missing, and the samples lie where real ones do.",
        f"Coverage is {m['coverage'].value:.2f} and precision {m['precision'].value:.2f}; of fresh real samples it would be "
        f"{m['coverage'].floor:.2f} and {m['precision'].floor:.2f}.",
    )


_RULES: Sequence[Callable[[Evidence], Finding | None]] = (_lost, _narrow, _wide, _holes, _memorised, _off, _unbalanced)


def _width(e: Evidence) -> float:
    """Width relative to real samples: of the clusters, or of all, whichever differs more."""
    spread, width = e.measured["spread"], e.measured["width"]
    local = spread.value / spread.floor if spread.value > 0 and spread.floor > 0 else 1.0
    if not e.regions:
        return local
    overall = width.value / width.floor
    return max(local, overall, key=lambda value: abs(math.log(max(value, 1e-9))))


def _is_narrow(e: Evidence) -> bool:
    spread, width = e.measured["spread"], e.measured["width"]
    beyond = spread.beyond() or (e.regions and width.beyond())
    return POINT < _width(e) < NARROW and beyond and (e.regions or e.measured["offset"].value < IN_PLACE)


def _is_wide(e: Evidence) -> bool:
    spread, width = e.measured["spread"], e.measured["width"]
    return _width(e) > WIDE and (spread.beyond() or (e.regions and width.beyond()))


def _is_off(e: Evidence) -> bool:
    precision = e.measured["precision"]
    return precision.value < PRECISION * precision.floor and precision.beyond()


def _shares(clusters: Sequence[Cluster]) -> str:
    return ", ".join(
        f"{cluster.name} has {percent(cluster.generated)} of the samples instead of {percent(cluster.real)}"
        for cluster in clusters[:3]
    )


def percent(share: float) -> str:
    """A share for a sentence, as "18 %"."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 1 or value == 0 else f"{value:.1f} %"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence; only the first of many."""
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
