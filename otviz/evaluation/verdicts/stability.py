"""Stability of a training: losses and samples stay finite, modes stay covered, the loss does not fluctuate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.metrics import GONE, lost_modes, relative_shares
from otviz.evaluation.verdicts.limits import COMES_AND_GOES, FLOWN, FLOWN_FLOOR, HELD, LATE, MISSING, UNSTEADY, WANDERS
from otviz.evaluation.verdicts.wording import History, Meter, length, number_in, over_floor

Array = NDArray[np.float64]


def loss_spread(losses: NDArray[np.floating[Any]]) -> float:
    """Standard deviation of losses (n,) about their linear trend in the last quarter; nan for fewer than 8 finite values.

    The trend is removed because a potential is defined only up to a constant and may drift.
    """
    late = np.asarray(losses, dtype=np.float64)[int(LATE * len(losses)) :]
    late = late[np.isfinite(late)]
    if len(late) < 8:
        return math.nan
    at = np.linspace(-1, 1, len(late))
    return float(np.std(late - late.mean() - at * (at @ late) / (at @ at)))


def broken(history: History, losses: Array) -> str:
    """A message naming what is no longer finite, or ""; losses (n, 2) may be missing for one network or the first steps."""
    for column, name in enumerate(("generator", "adversary")):
        finite = np.isfinite(losses[:, column])
        if finite.any() and not finite[-1]:
            at = len(finite) - int(finite[::-1].argmax()) + 1
            return f"The {name} loss is not a finite number from step {at} on."
    if len(losses) > 1 and not np.isfinite(losses).any():
        return "No loss was ever a finite number."
    if history and "w2" in history[-1][1] and not math.isfinite(number_in(history[-1][1], "w2")):
        return "The generated points are no longer finite numbers."
    return ""


def shaking(history: History, losses: Array) -> str:
    """Sentences on what is unstable, with value and rule, or ""."""
    late = _late(history, max(len(losses), history[-1][0]))
    found = [_flown(history), _comes_and_goes(late), _wanders(late), _unsteady(losses)]
    return " ".join(filter(None, found))


def _flown(history: History) -> str:
    measured = [number_in(meter, "w2") for _, meter in history if meter.get("w2") is not None]
    if not measured or not measured[-1] > FLOWN * measured[0]:
        return ""
    if measured[-1] <= FLOWN_FLOOR * number_in(history[-1][1], "w2_floor"):
        return ""
    first, now = (length(history[-1][1], w2) for w2 in (measured[0], measured[-1]))
    return (
        f"W2 was {first} in the first snapshot and is {now} now; a run is unstable if it ends {FLOWN:g} "
        f"times further from the target than it began, and further than {FLOWN_FLOOR:g} times the floor."
    )


def _comes_and_goes(late: History) -> str:
    states = [_states(meter) for _, meter in late if meter.get("mode_shares")]
    if not states:
        return ""
    missing = float(np.mean([bool((state < 0).any()) for state in states]))
    found, before = 0, np.zeros(len(states[0]))
    for state in states:
        found += int(((before < 0) & (state > 0)).sum())
        before = np.where(state == 0, before, state)
    if found < COMES_AND_GOES or missing < MISSING:
        return ""
    return (
        f"In the last quarter lost modes came back {found} times, and {missing:.0%} of the snapshots miss one; a run is unstable "
        f"from {COMES_AND_GOES} times and {MISSING:.0%} of the snapshots on. A mode is lost below {GONE:g} of its expected share."
    )


def _states(meter: Meter) -> Array:
    """-1, 0 or 1 for each mode: lost, in between, covered."""
    shares, weights = np.asarray(meter["mode_shares"], float), np.asarray(meter["true_shares"], float)
    lost = lost_modes(shares, weights, int(meter.get("samples", 1000)))
    return np.where(lost, -1.0, np.where(relative_shares(shares) >= HELD * weights, 1.0, 0.0))


def _wanders(late: History) -> str:
    plain = [meter for _, meter in late if not meter.get("mode_shares") and meter.get("w2") is not None]
    ratios = np.array([over_floor(meter, "w2") for meter in plain])
    near, far = WANDERS
    if not ((ratios <= near).any() and (ratios[ratios.argmin() :] >= far).any()):
        return ""
    return (
        f"In the last quarter W2 went from {ratios.min():.1f} to {ratios.max():.1f} times its floor; without modes a run is "
        f"unstable if it rises from under {near:g} times to over {far:g} times."
    )


def _unsteady(losses: Array) -> str:
    spread = loss_spread(losses[:, 0])
    if not spread >= UNSTEADY:
        return ""
    return (
        f"Over the last quarter the generator loss spreads by {spread:.3g} about its trend; it is unsteady from "
        f"{UNSTEADY:g} on."
    )


def _late(history: History, done: int) -> History:
    return [snapshot for snapshot in history if snapshot[0] > LATE * done] or history[-1:]
