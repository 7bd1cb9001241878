"""The rules for a snapshot, tried in order: the first that applies gives the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from otviz.evaluation.metrics import GONE, lost_modes, relative_shares, within_noise
from otviz.evaluation.verdicts import limits
from otviz.evaluation.verdicts.snapshot_rules import Look
from otviz.evaluation.verdicts.wording import Judgement, Kind, Meter, digits, length


def judge(meter: Meter, step: int | None = None, weights: Sequence[float] | None = None) -> Judgement:
    """The verdict on a snapshot.

    Args:
        meter: its metrics, `Snapshot.meter`.
        step: of the snapshot; if the target has modes, metrics of an earlier step (`measured_at`) are ignored.
        weights: of the target's modes, shape (k,), summing to 1; None: from the metrics, or equal.

    Raises ValueError for weights of another shape.
    """
    look = Look.of(meter, step, weights)
    rules = _WITH_MODES if len(look.weights) else _WITHOUT_MODES
    return next(found for rule in rules if (found := rule(look)) is not None)


def _few(look: Look) -> Judgement | None:
    if look.samples < limits.FEW:
        rule = f"Nothing is judged on fewer than {limits.FEW} samples."
        return _say(look, "not judged", rule, word="not judged: too few samples")
    if not len(look.weights) and math.isnan(look.w2):
        return Judgement(
            "not judged", "not judged", "Nothing is measured yet.", "A target without modes is judged by W2."
        )
    return None


def _collapsed(look: Look) -> Judgement | None:
    if not look.lost.any():
        return None
    rule = (
        f"Samples have collapsed if a mode holds less than {GONE:g} of its expected share of the samples on modes, and "
        "chance does not explain it."
    )
    found = int(look.number("modes_covered"))
    return _say(look, "collapsed", rule, word=f"collapsed: {found} of {len(look.weights)} modes left")


def _beside(look: Look) -> Judgement | None:
    if not (look.offset >= limits.OFF and look.spread < limits.WIDE):
        return None
    rule = f"Samples are off target if half the modes lie {limits.OFF:g} standard deviations or more away from their centres."
    return _say(look, "off target", rule)


def _one_beside(look: Look) -> Judgement | None:
    if not (look.beside & (look.offsets >= limits.OFF_ONE)).any():
        return None
    worst = float(look.offsets[look.beside].max())
    rule = (
        f"Samples are off target if one mode lies {limits.OFF_ONE:g} standard deviations or more away from its centre."
    )
    return _say(look, "off target", rule, first=f"One mode lies {worst:.1f} std away from its centre; ")


def _wide(look: Look) -> Judgement | None:
    held, mixed, outliers = (look.number(key) for key in ("high_quality", "mode_mixture", "outliers"))
    around = outliers >= limits.AROUND * look.number("outliers_if_wide") * mixed
    if not look.spread >= limits.WIDE or held < limits.SMEARED:
        return None
    if not around and (held < limits.ON_MODES or mixed >= limits.MIXED):
        return None
    return _say(
        look, "too wide", f"Samples are too wide if half the modes are {limits.WIDE:g} times as wide as real ones."
    )


def _mixes(look: Look) -> Judgement | None:
    mixed = look.number("mode_mixture")
    bridged = look.precision < limits.PRECISION and mixed >= limits.MIXED / 2
    if mixed < limits.MIXED and look.number("high_quality") >= limits.ON_MODES and not bridged:
        return None
    rule = (
        f"Samples mix modes if {limits.MIXED:.0%} or more of them lie between neighbouring modes, half as many with a "
        f"precision below {limits.PRECISION:.0%} of that of real points, or if fewer than {limits.ON_MODES:.0%} lie on a mode."
    )
    return _say(look, "mixes modes", rule)


def _narrow(look: Look) -> Judgement | None:
    if not (look.spread < limits.NARROW or (look.recall < limits.RECALL and not look.precision < limits.PRECISION)):
        return None
    rule = (
        f"Samples are too narrow if half the modes are less than {limits.NARROW:.0%} as wide as real ones, or if recall is "
        f"below {limits.RECALL:.0%} of that of real points."
    )
    return _say(look, "too narrow", rule)


def _unbalanced(look: Look) -> Judgement | None:
    shares = relative_shares(look.shares)
    off = 0.5 * float(np.abs(shares - look.weights).sum())
    held = max(look.samples * look.shares.sum(), 1.0)
    chance = 0.5 * float(np.sqrt(2 * look.weights * (1 - look.weights) / (math.pi * held)).sum())
    if off - chance < limits.UNBALANCED:
        return None
    rule = f"Samples are unbalanced if {limits.UNBALANCED:.0%} of the mass on modes or more, beyond chance, is in the wrong one."
    return _say(look, "unbalanced", rule, first=f"{off:.0%} of the mass on modes is in the wrong one; ")


def _off(look: Look) -> Judgement | None:
    strays = look.number("outliers") >= limits.OUTLIERS or (not len(look.weights) and look.stray >= limits.STRAY)
    if not (strays or look.precision < look.precise or look.recall < limits.RECALL or look.far):
        return None
    rule = (
        f"Samples are off target if {limits.OUTLIERS:.0%} of them are neither on a mode nor between two (without modes: if "
        f"they lie {limits.STRAY:g} times as far from real points as real ones do), if their precision is below "
        f"{look.precise:.0%}, or their recall below {limits.RECALL:.0%}, of that of real points, or if W2 is above "
        f"{limits.FAR:g} times its floor and more than {limits.FAR_STD:g} standard deviations above it."
    )
    return _say(look, "off target", rule)


def _partial(look: Look) -> Judgement | None:
    part = look.recall < (limits.RECALL_FAR if look.far else limits.RECALL)
    if not part or look.precision < look.precise:
        return None
    rule = (
        f"Without modes, samples have collapsed if recall is below {limits.RECALL:.0%} of that of real points "
        f"({limits.RECALL_FAR:.0%} where W2 is far above its floor) while precision is not below {look.precise:.0%}: they "
        "repeat few points, or leave a part of the target out."
    )
    return _say(look, "collapsed", rule, word=f"collapsed: recall {look.number('recall'):.2f}")


def _shares(look: Look) -> Judgement | None:
    if not look.far or look.precision < look.precise or math.isnan(look.precision):
        return None
    rule = (
        f"Without modes, samples are unbalanced if W2 is above {limits.FAR:g} times its floor, and more than "
        f"{limits.FAR_STD:g} standard deviations above it, though they lie where real points do."
    )
    return _say(look, "unbalanced", rule)


def _covers(look: Look) -> Judgement:
    modes = "every mode is found, in its place, as wide and as heavy as it should be, and " if len(look.weights) else ""
    rule = (
        f"Samples cover the target if {modes}precision, recall and W2 are near those of real draws of the same number."
    )
    return _say(look, "covers", rule)


_WITH_MODES: tuple[Callable[[Look], Judgement | None], ...] = (
    _few, _collapsed, _beside, _wide, _mixes, _one_beside, _narrow, _unbalanced, _off, _covers,
)  # fmt: skip
_WITHOUT_MODES: tuple[Callable[[Look], Judgement | None], ...] = (_few, _partial, _shares, _off, _covers)


def _say(look: Look, kind: Kind, rule: str, word: str = "", first: str = "") -> Judgement:
    return Judgement(kind, word or kind, f"{first}{numbers(look)}.{_light(look)}", rule)


def numbers(look: Look) -> str:
    """The metrics behind a verdict, as a sentence without full stop."""
    parts = []
    if len(look.weights):
        parts = [
            f"{int(look.number('modes_covered'))} of {len(look.weights)} modes hold at least a quarter of their expected share",
            f"of {look.samples} samples {look.number('high_quality'):.0%} lie on a mode and "
            f"{look.number('mode_mixture'):.0%} between modes",
        ]
    if math.isfinite(look.offset):
        parts.append(
            f"half the modes are {look.offset:.1f} std or more off their centres and {look.spread:.1f} times as wide"
        )
    if math.isfinite(look.w2):
        parts.append(f"W2 is {length(look.meter, look.w2)}{_floor(look)}")
    if math.isfinite(look.precision) and math.isfinite(look.recall):
        parts.append(
            f"precision is {look.number('precision'):.2f} and recall {look.number('recall'):.2f}{_reached(look)}"
        )
    if math.isfinite(look.stray) and not len(look.weights):
        parts.append(f"samples lie {look.stray:.1f} times as far from real points as real ones do")
    return ", ".join(parts)


def _floor(look: Look) -> str:
    mean, std = look.number("w2_floor"), look.number("w2_floor_std")
    if math.isnan(mean):
        return ""
    if math.isnan(std):
        return f" (floor {digits(look.meter, mean)})"
    near = digits(look.meter, mean), digits(look.meter, std)
    return f" (floor {near[0]} ± {near[1]}{': within noise' if within_noise(look.w2, mean, std) else ''})"


def _reached(look: Look) -> str:
    real = [look.number(f"{key}_floor") for key in ("precision", "recall")]
    return "" if any(map(math.isnan, real)) else f" (real points {real[0]:.2f} and {real[1]:.2f})"


def _light(look: Look) -> str:
    empty = np.zeros_like(look.shares)
    light = int((~lost_modes(empty, look.weights, look.samples) & (look.weights > 0)).sum())
    return (
        f" Too light to be missed among {look.samples} samples: {light} of {len(look.weights)} modes." if light else ""
    )
