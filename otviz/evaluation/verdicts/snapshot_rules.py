"""One look at the samples: the numbers of a meter, relative to real draws and to the width of a mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.metrics import GONE, lost_modes
from otviz.evaluation.verdicts import limits
from otviz.evaluation.verdicts.wording import Meter, number_in, over_floor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """One meter, as numbers: nan is not known. Shares, offsets and spreads have a number for each mode, shape (k,).

    Attributes:
        precision, recall, stray: over those of real draws of the same number.
        samples: behind the shares.
    """

    meter: Meter
    weights: Array
    shares: Array
    offsets: Array
    spreads: Array
    precision: float
    recall: float
    stray: float
    w2: float
    samples: int

    @classmethod
    def of(cls, meter: Meter, step: int | None = None, weights: Sequence[float] | None = None) -> Look:
        """The look. With modes, what was measured at another step than `step` is left out. ValueError for other weights."""
        shares = np.asarray(meter.get("mode_shares") or (), dtype=np.float64)
        k, stated = len(shares), weights if weights is not None else meter.get("true_shares")
        due = np.full(k, 1 / k) if k and stated is None else np.asarray(stated if k else (), dtype=np.float64)
        if due.shape != (k,):
            raise ValueError(f"weights must be {k} numbers, one per mode; got shape {due.shape}")
        fresh = not k or step is None or meter.get("measured_at", step) == step
        keys = ("precision", "recall", "stray")
        precision, recall, stray = (over_floor(meter, key) if fresh else math.nan for key in keys)
        w2 = number_in(meter, "w2") if fresh else math.nan
        offsets, spreads = (_known(meter.get(key), k) for key in ("mode_offsets", "mode_spreads"))
        samples = int(meter.get("samples", 1000))
        return cls(meter, due, shares, offsets, spreads, precision, recall, stray, w2, samples)

    @property
    def precise(self) -> float:
        """The least precision, over that of real draws: bridges between modes are judged by a rule of their own."""
        return limits.PRECISION if len(self.weights) else limits.PRECISION_PLAIN

    def number(self, key: str) -> float:
        """A number of the meter; nan where it is not known."""
        return number_in(self.meter, key)

    @property
    def offset(self) -> float:
        """Median offset of the modes, by weight; nan where none is known."""
        return _median(self.offsets, self.weights)

    @property
    def spread(self) -> float:
        """Median spread of the modes, by weight; nan where none is known."""
        return _median(self.spreads, self.weights)

    @property
    def beside(self) -> NDArray[np.bool_]:
        """Modes whose samples lie beside the centre, together: far off it, and not smeared."""
        return np.asarray((self.offsets >= limits.OFF) & (self.spreads < limits.WIDE))

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Modes that hold too few samples, and do not just lie beside their centre."""
        return lost_modes(self.shares, self.weights, self.samples) & ~self.beside & ~self._smeared

    @property
    def far(self) -> bool:
        """Whether W2 is far above its floor, by ratio and by noise."""
        mean, std = self.number("w2_floor"), number_in(self.meter, "w2_floor_std", 0.0)
        return self.w2 > max(limits.FAR * mean, mean + limits.FAR_STD * std)

    @property
    def _smeared(self) -> NDArray[np.bool_]:
        """Modes with their due of samples near them, but next to none within 3 std: which of them holds some is chance."""
        return np.asarray(np.isfinite(self.spreads) & (self.shares.sum() < GONE))


def _known(values: Sequence[float] | None, k: int) -> Array:
    """Numbers of the modes (k,), nan where they are not known."""
    found = np.full(k, math.nan) if not values else np.asarray(values, dtype=np.float64)
    return np.where(found < 0, math.nan, found)


def _median(values: Array, weights: Array) -> float:
    known = np.isfinite(values)
    if not known.any():
        return math.nan
    order = np.argsort(values[known])
    mass = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(mass, mass[-1] / 2)])
