"""Which part of the plane a picture shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otviz.runs.snapshots import square_box

Box = tuple[float, float, float, float]

HELD = 0.97
"""Share of the points of each cloud that a given box must hold."""


def box_of(given: Box | None, *clouds: NDArray[np.float32]) -> Box:
    """The box (x_low, x_high, y_low, y_high) given if it holds nearly all points (n, 2), else the square round them all."""
    if given is not None:
        low, high = np.array(given[::2]), np.array(given[1::2])
        if all(((cloud >= low) & (cloud <= high)).all(1).mean() >= HELD for cloud in clouds):
            return given
    return square_box(*clouds)
