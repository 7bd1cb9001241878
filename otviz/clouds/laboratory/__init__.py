"""Diagnostics of a run: convex functions, sample weights, the scale of the cost, exactness, OT-GAN's matchings."""

from otviz.clouds.laboratory.exactness import Exactness, against_exact
from otviz.clouds.laboratory.potential import (
    Curves,
    SampleWeights,
    curves,
    rate_of_change,
    rates_now,
    sample_weights,
    weights_now,
)
from otviz.clouds.laboratory.tau import TauUnits, lasting_warning, tau_units

__all__ = [
    "Curves",
    "Exactness",
    "SampleWeights",
    "TauUnits",
    "against_exact",
    "curves",
    "lasting_warning",
    "rate_of_change",
    "rates_now",
    "sample_weights",
    "tau_units",
    "weights_now",
]
