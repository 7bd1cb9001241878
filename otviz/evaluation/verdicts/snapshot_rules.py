"""The metrics of a snapshot, relative to real draws and to the width of a mode."""

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
class SnapshotMetrics:
    """Metrics of a snapshot as numbers, nan if unknown. Shares, offsets and spreads have shape (k,), one per mode.

    Attributes:
        precision, recall, stray: relative to real draws of the same size.
        samples: number of samples of the shares.
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
    def of(cls, meter: Meter, step: int | None = None, weights: Sequence[float] | None = None) -> SnapshotMetrics:
        """Read the metrics of a snapshot.

        Args:
            meter, step, weights: as for `rules.judge`.

        Raises:
            ValueError: weights of another shape.
        """
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
        """The lowest accepted precision, relative to real draws; a separate rule handles bridges between modes."""
        return limits.PRECISION if len(self.weights) else limits.PRECISION_PLAIN

    def number(self, key: str) -> float:
        """A metric; nan if unknown."""
        return number_in(self.meter, key)

    @property
    def offset(self) -> float:
        """Weighted median of the modes' offsets; nan if all are unknown."""
        return _median(self.offsets, self.weights)

    @property
    def spread(self) -> float:
        """Weighted median of the modes' spreads; nan if all are unknown."""
        return _median(self.spreads, self.weights)

    @property
    def displaced(self) -> NDArray[np.bool_]:
        """Modes whose samples are concentrated away from the centre: large offset, and not smeared."""
        return np.asarray((self.offsets >= limits.OFF) & (self.spreads < limits.WIDE))

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Modes with too few samples that are not just displaced from their centre."""
        return lost_modes(self.shares, self.weights, self.samples) & ~self.displaced & ~self._smeared

    @property
    def far(self) -> bool:
        """Whether W2 is far above its noise floor, by ratio and by standard deviations."""
        mean, std = self.number("w2_floor"), number_in(self.meter, "w2_floor_std", 0.0)
        return self.w2 > max(limits.FAR * mean, mean + limits.FAR_STD * std)

    @property
    def _smeared(self) -> NDArray[np.bool_]:
        """Modes with their share of samples nearby, but almost none within 3 std, where the count is left to chance."""
        return np.asarray(np.isfinite(self.spreads) & (self.shares.sum() < GONE))


def _known(values: Sequence[float] | None, k: int) -> Array:
    """Values of the modes (k,), nan if unknown."""
    found = np.full(k, math.nan) if not values else np.asarray(values, dtype=np.float64)
    return np.where(found < 0, math.nan, found)


def _median(values: Array, weights: Array) -> float:
    known = np.isfinite(values)
    if not known.any():
        return math.nan
    order = np.argsort(values[known])
    mass = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(mass, mass[-1] / 2)])
