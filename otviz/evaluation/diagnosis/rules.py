"""From numbers to one word: findings, the gravest first. Each needs a size that matters and must be beyond chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otviz.evaluation.diagnosis.copying import Copying
from otviz.evaluation.diagnosis.measures import Measured
from otviz.evaluation.diagnosis.result import Cluster, Kind

UNLIKELY = 1e-3
"""Probability under chance, over all clusters together, below which a difference is taken to be real."""

MISSING = 0.02
"""Share of the real data with nothing near it, beyond the floor, from which samples have collapsed."""

MANY = 40
"""Real samples with nothing near them that chance does not explain: it makes one in a thousand, and leaves few side by side."""

COPIED = 0.03
"""Share of the samples that copy real ones, beyond the floor, from which they are memorised."""

DRAWN_IN, ERRORS = 0.1, 4.0
"""Excess of samples nearer to training points than to held-out ones, and the same in standard errors, for the same verdict."""

NARROW, WIDE = 0.7, 1.4
"""Width of clusters relative to real ones: the middle, on a logarithmic scale, between right and half, or twice."""

RIM = 0.1
"""Share of the real data in lost clusters that too narrow samples explain."""

SMEARED = 4.0
"""Width from which samples are off target rather than too wide."""

POINT = 0.35
"""Width below which samples have collapsed rather than too little spread, if parts of the data are missing."""

IN_PLACE = 0.6
"""Offset of clusters, in widths, up to which too narrow ones are in their place rather than cut."""

MISPLACED = 0.12
"""Total variation between the shares of clusters, beyond the floor, from which samples are unbalanced."""

BESIDE = 0.05
"""Share of samples beside the data that is mentioned after a graver finding."""

PRECISION, COVERAGE = 0.65, 0.6
"""Precision and coverage relative to their floors, below which samples lie beside the data though nothing is missing."""

FEW = 100
"""Fewer samples than this on either side cannot show that nothing is missing: a tenth of the data may be."""


@dataclass(frozen=True)
class Evidence:
    """What the rules look at.

    Attributes:
        sizes: numbers of real and generated samples.
        measured: over random halves.
        holes: share of all real samples with no generated one near, and the share expected by chance; nan with too few.
        copying: counts of copies.
        clusters: of the real data.
        regions: whether these are only regions of connected data.
        differ: probability of the clusters' shares under chance.
    """

    sizes: tuple[int, int]
    measured: Measured
    holes: tuple[float, float]
    copying: Copying
    clusters: tuple[Cluster, ...]
    regions: bool
    differ: float

    @property
    def lost(self) -> tuple[Cluster, ...]:
        """Clusters that generated samples hardly ever reach."""
        return tuple(cluster for cluster in self.clusters if cluster.lost)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that nothing is.

    Attributes:
        kind: the verdict it gives.
        word: for a badge.
        sentence: what is the case.
        why: the numbers.
        also: what is said if something graver is found.
    """

    kind: Kind
    word: str
    sentence: str
    why: str
    also: str = ""


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """Everything found, the gravest first; the first gives the verdict."""
    found = [finding for rule in _RULES if (finding := rule(evidence)) is not None]
    if len(found) > 1 and found[-1].kind == "unbalanced":  # shares are wrong wherever something is missing
        found.pop()
    return tuple(found) or (_sound(evidence),)


def _collapsed(e: Evidence) -> Finding | None:
    # Samples of half the spread do not reach the rim of the data, which may be regions or small clusters of their own.
    small = e.regions or sum(cluster.real for cluster in e.lost) < RIM
    explained = small and _width(e) > POINT and (_is_narrow(e) or _is_wide(e))
    if e.lost and not explained:
        names = listed([cluster.name for cluster in e.lost])
        share = max(sum(cluster.real - cluster.generated for cluster in e.lost), _missing(e))
        return _collapse(share, f"Hardly any sample lies in {names}: {_shares(e.lost)}.")
    if _missing(e) >= MISSING and not (_is_wide(e) or _is_off(e) or (_is_narrow(e) and _width(e) > POINT)):
        why = f"{percent(e.holes[0])} of the real samples have no generated one as near as their own neighbours"
        return _collapse(e.holes[0], f"{why}; of fresh real samples it would be {percent(e.holes[1])}.")
    return None


def _collapse(share: float, why: str) -> Finding:
    sentence = f"Collapsed: about {percent(share)} of the real data has nothing generated near it."
    return Finding("collapsed", f"collapsed: {percent(share)}", sentence, why)


def _missing(e: Evidence) -> float:
    """Share of the real data with nothing near it, if it is beyond chance; otherwise 0."""
    missing = e.measured["missing"]
    steady = missing.value - missing.floor >= MISSING / 2 and missing.beyond()
    found = e.holes[0] > e.holes[1] and (steady or e.holes[0] * e.sizes[0] >= MANY)
    return e.holes[0] if found else 0.0


def _memorised(e: Evidence) -> Finding | None:
    c = e.copying
    if c.share - c.floor >= COPIED and c.chance < UNLIKELY:
        return Finding(
            "memorised",
            f"memorised: {percent(c.share)}",
            f"Memorised: {percent(c.share)} of the samples copy training points.",
            f"{percent(c.share)} of the samples are more than ten times nearer to a real one than that one is to its next "
            f"real neighbour; among real samples it is {percent(c.floor)}.",
            f"{percent(c.share)} of the samples copy training points.",
        )
    share = 2 * c.nearer - 1
    if share >= DRAWN_IN and share * math.sqrt(c.nearer_of) > ERRORS:
        return Finding(
            "memorised",
            f"memorised: {percent(share)}",
            f"Memorised: about {percent(share)} of the samples follow single training points.",
            f"{percent(c.nearer)} of the samples are nearer to the training points than to as many held-out ones; it "
            "would be 50 % if the generator had learned the distribution.",
            f"About {percent(share)} of the samples follow single training points.",
        )
    return None


def _narrow(e: Evidence) -> Finding | None:
    if not _is_narrow(e):
        return None
    width = _width(e)
    return Finding(
        "too narrow",
        f"too narrow: {width:.2f} times",
        f"Too narrow: the samples spread {width:.2f} times as far as the real data.",
        f"{'They' if e.regions else 'The clusters'} are in their place, but {width:.2f} times as wide as real ones.",
        f"They spread {width:.2f} times as far as the real data.",
    )


def _wide(e: Evidence) -> Finding | None:
    if not _is_wide(e):
        return None
    width = _width(e)
    return Finding(
        "too wide",
        f"too wide: {width:.2f} times",
        f"Too wide: the samples spread {width:.2f} times as far as the real data.",
        f"{'They' if e.regions else 'The clusters'} are in their place, but {width:.2f} times as wide as real ones.",
        f"They spread {width:.2f} times as far as the real data.",
    )


def _off(e: Evidence) -> Finding | None:
    if not _is_off(e):
        return None
    precision, coverage = e.measured["precision"], e.measured["coverage"]
    beside = max(0.0, 1 - precision.value / precision.floor)
    but = (
        f"{percent(beside)} of the samples lie beside it"
        if beside >= BESIDE
        else "the samples do not come as near to it as real ones"
    )
    return Finding(
        "off target",
        "off target",
        f"Off target: no part of the data is missing, but {but}.",
        f"Precision is {precision.value:.2f} and coverage {coverage.value:.2f}; of fresh real samples it would be "
        f"{precision.floor:.2f} and {coverage.floor:.2f}.",
        f"{percent(beside)} of the samples lie beside the data." if beside >= BESIDE else "",
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


_RULES: Sequence[Callable[[Evidence], Finding | None]] = (_collapsed, _narrow, _wide, _memorised, _off, _unbalanced)


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
    return _width(e) < NARROW and beyond and (e.regions or e.measured["offset"].value < IN_PLACE)


def _is_wide(e: Evidence) -> bool:
    spread, width = e.measured["spread"], e.measured["width"]
    return WIDE < _width(e) < SMEARED and (spread.beyond() or (e.regions and width.beyond()))


def _is_off(e: Evidence) -> bool:
    precision, coverage = e.measured["precision"], e.measured["coverage"]
    beside = precision.value < PRECISION * precision.floor and precision.beyond()
    return beside or (coverage.value < COVERAGE * coverage.floor and coverage.beyond())


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
