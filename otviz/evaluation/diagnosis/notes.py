"""What was drawn, left out, decided, or cannot be known: sentences for the foot of a diagnosis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.near import COPY, nearest_others
from otviz.evaluation.diagnosis.pair import Pair
from otviz.evaluation.diagnosis.result import Kind
from otviz.evaluation.diagnosis.rules import FEW

SPACED = 1000
"""Number of samples whose spacing tells whether they repeat each other."""


def notes_of(pair: Pair) -> tuple[str, ...]:
    """The notes of a diagnosis."""
    reference, n = pair.reference, min(pair.sizes)
    sides = ((reference.samples, pair.sizes[0]), (pair.given, pair.sizes[1]))
    notes = [*reference.space.notes]
    for side, used in sides:
        total = side.total or len(side)
        if used < total:
            notes.append(f"Of {total:,} samples of {side.name}, {used:,} were drawn at random.")
        notes += [f"{side.name}: {note}." for note in side.notes]
    for name, at, value in reference.space.fixed:
        other = float((np.asarray(pair.given.values)[:, at] != value).mean())
        if other > 0:
            notes.append(f"Column {name} is {value:g} in every real row, but differs in {other:.0%} of the samples.")
    if n < FEW:
        notes.append(f"With {n} samples only large faults can be told from chance.")
    if not pair.rank:
        notes.append(
            "There are too few real samples for so few generated ones to tell holes from chance: give more of them."
        )
    if reference.held_out is None:
        notes.append(
            "No held-out samples are given: copies of single real samples are seen, but whether samples follow them more "
            "loosely is not. Floors compare one half of the real samples with the other."
        )
    return (*notes, *_swapped(pair))


def told_apart(first: Kind, probability: float) -> tuple[str, ...]:
    """A sentence, if samples cover the data and a test tells them apart from it all the same."""
    if first != "covers" or probability > 0.005:
        return ()
    return (
        f"A two-sample test tells both sides apart all the same (p = {probability:.3g}): the differences are small, but not "
        "chance.",
    )


def _swapped(pair: Pair) -> tuple[str, ...]:
    """A question, if the two sides look as if each were the other."""
    real, generated = (side.name.lower() for side in (pair.reference.samples, pair.given))
    named = any(word in real for word in ("generated", "fake", "sampled")) and any(
        word in generated for word in ("real", "train", "data")
    )
    repeated = _spacing(pair.reference.vectors.points) < COPY * _spacing(pair.vectors.points)
    if named or repeated:
        why = "so their names say" if named else "the real samples repeat each other, as generated ones would"
        return (f"Are the two sides swapped ({why})? The real samples come first.",)
    return ()


def _spacing(points: NDArray[np.float64]) -> float:
    """Median distance to the nearest other sample, among as many on each side."""
    return float(np.median(nearest_others(points[:SPACED], 1)[0]))
