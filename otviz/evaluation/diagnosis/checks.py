"""What samples must be, before they are compared: one sentence for each thing that is wrong."""

from __future__ import annotations

import numpy as np

from otviz.evaluation.diagnosis.measures import FEWEST
from otviz.evaluation.diagnosis.samples import Samples


def checked(samples: Samples) -> Samples:
    """The samples, if they can be diagnosed. Raises ValueError otherwise."""
    values, name = samples.values, samples.name
    if samples.are_images:
        if values.dtype != np.uint8:
            raise ValueError(
                f"{name} must hold images of 8 bits, (n, C, H, W); got {values.dtype} of shape {values.shape}"
            )
    elif values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(f"{name} must have two columns or more, (n, d) with d >= 2; got shape {values.shape}")
    else:
        bad = ~np.isfinite(np.asarray(values, np.float64)).all(1)
        if bad.any():
            raise ValueError(
                f"{name} has {int(bad.sum()):,} rows with numbers that are missing or infinite, the first is row "
                f"{samples.row(int(bad.argmax())) + 1}: remove them"
            )
    if len(values) < FEWEST:
        raise ValueError(
            f"{name} must have at least {FEWEST} samples, twice as many as neighbours are compared; got {len(values)}"
        )
    return samples


def check_pair(real: Samples, other: Samples) -> None:
    """Raise ValueError if both sides cannot be compared."""
    if real.are_images != other.are_images:
        kinds = ["images" if side.are_images else "points" for side in (real, other)]
        raise ValueError(
            f"both sides must be points, or both images; {real.name} has {kinds[0]}, {other.name} {kinds[1]}"
        )
    one, two = real.values.shape[1:], other.values.shape[1:]
    if one != two:
        what = "images of one size and colour" if real.are_images else "equally many columns"
        raise ValueError(
            f"both sides must have {what}; {real.name} has {' x '.join(map(str, one))}, {other.name} {' x '.join(map(str, two))}"
        )
