"""The rules for a snapshot, tried in order: the first that applies gives the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from otviz.evaluation.metrics import GONE, lost_modes, relative_shares, within_noise
from otviz.evaluation.verdicts import limits
from otviz.evaluation.verdicts.snapshot_rules import SnapshotMetrics
from otviz.evaluation.verdicts.wording import Judgement, Kind, Meter, digits, length


def judge(meter: Meter, step: int | None = None, weights: Sequence[float] | None = None) -> Judgement:
    """The verdict on a snapshot.

    Args:
        meter: its metrics, `Snapshot.meter`.
        step: of the snapshot; if the target has modes, metrics of an earlier step (`measured_at`) are ignored.
        weights: of the target's modes, shape (k,), summing to 1; None: from the metrics, or equal.

    Raises ValueError for weights of another shape.
    """
    snapshot = SnapshotMetrics.of(meter, step, weights)
    rules = _WITH_MODES if len(snapshot.weights) else _WITHOUT_MODES
    return next(found for rule in rules if (found := rule(snapshot)) is not None)


def _few(snapshot: SnapshotMetrics) -> Judgement | None:
    if snapshot.samples < limits.FEW:
        rule = f"Nothing is judged on fewer than {limits.FEW} samples."
        return _judgement(snapshot, "not judged", rule, word="not judged: too few samples")
    if not len(snapshot.weights) and math.isnan(snapshot.w2):
        return Judgement(
            "not judged", "not judged", "Nothing is measured yet.", "A target without modes is judged by W2."
        )
    return None


def _collapsed(snapshot: SnapshotMetrics) -> Judgement | None:
    if not snapshot.lost.any():
        return None
    rule = (
        f"Samples have collapsed if a mode holds less than {GONE:g} of its expected share of the samples on modes, and "
        "chance does not explain it."
    )
    found = int(snapshot.number("modes_covered"))
    return _judgement(snapshot, "collapsed", rule, word=f"collapsed: {found} of {len(snapshot.weights)} modes left")


def _displaced(snapshot: SnapshotMetrics) -> Judgement | None:
    if not (snapshot.offset >= limits.OFF and snapshot.spread < limits.WIDE):
        return None
    rule = f"Samples are off target if half the modes lie {limits.OFF:g} standard deviations or more away from their centres."
    return _judgement(snapshot, "off target", rule)


def _one_displaced(snapshot: SnapshotMetrics) -> Judgement | None:
    if not (snapshot.displaced & (snapshot.offsets >= limits.OFF_ONE)).any():
        return None
    worst = float(snapshot.offsets[snapshot.displaced].max())
    rule = (
        f"Samples are off target if one mode lies {limits.OFF_ONE:g} standard deviations or more away from its centre."
    )
    return _judgement(snapshot, "off target", rule, first=f"One mode lies {worst:.1f} std away from its centre; ")


def _wide(snapshot: SnapshotMetrics) -> Judgement | None:
    held, mixed, outliers = (snapshot.number(key) for key in ("high_quality", "mode_mixture", "outliers"))
    around = outliers >= limits.AROUND * snapshot.number("outliers_if_wide") * mixed
    if not snapshot.spread >= limits.WIDE or held < limits.SMEARED:
        return None
    if not around and (held < limits.ON_MODES or mixed >= limits.MIXED):
        return None
    return _judgement(
        snapshot, "too wide", f"Samples are too wide if half the modes are {limits.WIDE:g} times as wide as real ones."
    )


def _mixes(snapshot: SnapshotMetrics) -> Judgement | None:
    mixed = snapshot.number("mode_mixture")
    bridged = snapshot.precision < limits.PRECISION and mixed >= limits.MIXED / 2
    if mixed < limits.MIXED and snapshot.number("high_quality") >= limits.ON_MODES and not bridged:
        return None
    rule = (
        f"Samples mix modes if {limits.MIXED:.0%} or more of them lie between neighbouring modes, half as many with a "
        f"precision below {limits.PRECISION:.0%} of that of real points, or if fewer than {limits.ON_MODES:.0%} lie on a mode."
    )
    return _judgement(snapshot, "mixes modes", rule)


def _narrow(snapshot: SnapshotMetrics) -> Judgement | None:
    if not (
        snapshot.spread < limits.NARROW
        or (snapshot.recall < limits.RECALL and not snapshot.precision < limits.PRECISION)
    ):
        return None
    rule = (
        f"Samples are too narrow if half the modes are less than {limits.NARROW:.0%} as wide as real ones, or if recall is "
        f"below {limits.RECALL:.0%} of that of real points."
    )
    return _judgement(snapshot, "too narrow", rule)


def _unbalanced(snapshot: SnapshotMetrics) -> Judgement | None:
    shares = relative_shares(snapshot.shares)
    off = 0.5 * float(np.abs(shares - snapshot.weights).sum())
    held = max(snapshot.samples * snapshot.shares.sum(), 1.0)
    chance = 0.5 * float(np.sqrt(2 * snapshot.weights * (1 - snapshot.weights) / (math.pi * held)).sum())
    if off - chance < limits.UNBALANCED:
        return None
    rule = f"Samples are unbalanced if {limits.UNBALANCED:.0%} of the mass on modes or more, beyond chance, is in the wrong one."
    return _judgement(snapshot, "unbalanced", rule, first=f"{off:.0%} of the mass on modes is in the wrong one; ")


def _off(snapshot: SnapshotMetrics) -> Judgement | None:
    strays = snapshot.number("outliers") >= limits.OUTLIERS or (
        not len(snapshot.weights) and snapshot.stray >= limits.STRAY
    )
    if not (strays or snapshot.precision < snapshot.precise or snapshot.recall < limits.RECALL or snapshot.far):
        return None
    rule = (
        f"Samples are off target if {limits.OUTLIERS:.0%} of them are neither on a mode nor between two (without modes: if "
        f"they lie {limits.STRAY:g} times as far from real points as real ones do), if their precision is below "
        f"{snapshot.precise:.0%}, or their recall below {limits.RECALL:.0%}, of that of real points, or if W2 is above "
        f"{limits.FAR:g} times its floor and more than {limits.FAR_STD:g} standard deviations above it."
    )
    return _judgement(snapshot, "off target", rule)


def _partial(snapshot: SnapshotMetrics) -> Judgement | None:
    part = snapshot.recall < (limits.RECALL_FAR if snapshot.far else limits.RECALL)
    if not part or snapshot.precision < snapshot.precise:
        return None
    rule = (
        f"Without modes, samples have collapsed if recall is below {limits.RECALL:.0%} of that of real points "
        f"({limits.RECALL_FAR:.0%} where W2 is far above its floor) while precision is not below {snapshot.precise:.0%}: they "
        "repeat few points, or leave a part of the target out."
    )
    return _judgement(snapshot, "collapsed", rule, word=f"collapsed: recall {snapshot.number('recall'):.2f}")


def _shares(snapshot: SnapshotMetrics) -> Judgement | None:
    if not snapshot.far or snapshot.precision < snapshot.precise or math.isnan(snapshot.precision):
        return None
    rule = (
        f"Without modes, samples are unbalanced if W2 is above {limits.FAR:g} times its floor, and more than "
        f"{limits.FAR_STD:g} standard deviations above it, though they lie where real points do."
    )
    return _judgement(snapshot, "unbalanced", rule)


def _covers(snapshot: SnapshotMetrics) -> Judgement:
    modes = (
        "every mode is found, in its place, as wide and as heavy as it should be, and " if len(snapshot.weights) else ""
    )
    rule = (
        f"Samples cover the target if {modes}precision, recall and W2 are near those of real draws of the same number."
    )
    return _judgement(snapshot, "covers", rule)


_WITH_MODES: tuple[Callable[[SnapshotMetrics], Judgement | None], ...] = (
    _few, _collapsed, _displaced, _wide, _mixes, _one_displaced, _narrow, _unbalanced, _off, _covers,
)  # fmt: skip
_WITHOUT_MODES: tuple[Callable[[SnapshotMetrics], Judgement | None], ...] = (_few, _partial, _shares, _off, _covers)


def _judgement(snapshot: SnapshotMetrics, kind: Kind, rule: str, word: str = "", first: str = "") -> Judgement:
    return Judgement(kind, word or kind, f"{first}{numbers(snapshot)}.{_light(snapshot)}", rule)


def numbers(snapshot: SnapshotMetrics) -> str:
    """The metrics behind a verdict, as a sentence without full stop."""
    parts = []
    if len(snapshot.weights):
        parts = [
            f"{int(snapshot.number('modes_covered'))} of {len(snapshot.weights)} modes hold at least a quarter of their expected share",
            f"of {snapshot.samples} samples {snapshot.number('high_quality'):.0%} lie on a mode and "
            f"{snapshot.number('mode_mixture'):.0%} between modes",
        ]
    if math.isfinite(snapshot.offset):
        parts.append(
            f"half the modes are {snapshot.offset:.1f} std or more off their centres and {snapshot.spread:.1f} times as wide"
        )
    if math.isfinite(snapshot.w2):
        parts.append(f"W2 is {length(snapshot.meter, snapshot.w2)}{_floor(snapshot)}")
    if math.isfinite(snapshot.precision) and math.isfinite(snapshot.recall):
        parts.append(
            f"precision is {snapshot.number('precision'):.2f} and recall {snapshot.number('recall'):.2f}{_reached(snapshot)}"
        )
    if math.isfinite(snapshot.stray) and not len(snapshot.weights):
        parts.append(f"samples lie {snapshot.stray:.1f} times as far from real points as real ones do")
    return ", ".join(parts)


def _floor(snapshot: SnapshotMetrics) -> str:
    mean, std = snapshot.number("w2_floor"), snapshot.number("w2_floor_std")
    if math.isnan(mean):
        return ""
    if math.isnan(std):
        return f" (floor {digits(snapshot.meter, mean)})"
    near = digits(snapshot.meter, mean), digits(snapshot.meter, std)
    return f" (floor {near[0]} ± {near[1]}{': within noise' if within_noise(snapshot.w2, mean, std) else ''})"


def _reached(snapshot: SnapshotMetrics) -> str:
    real = [snapshot.number(f"{key}_floor") for key in ("precision", "recall")]
    return "" if any(map(math.isnan, real)) else f" (real points {real[0]:.2f} and {real[1]:.2f})"


def _light(snapshot: SnapshotMetrics) -> str:
    empty = np.zeros_like(snapshot.shares)
    light = int((~lost_modes(empty, snapshot.weights, snapshot.samples) & (snapshot.weights > 0)).sum())
    return (
        f" Too light to be missed among {snapshot.samples} samples: {light} of {len(snapshot.weights)} modes."
        if light
        else ""
    )
