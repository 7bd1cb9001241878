"""What lies behind a run of the unified family: its convex functions, sample weights, cost in the data's own units, exactness."""

from otviz.laboratory.exactness import Exactness, against_exact
from otviz.laboratory.potential import Curves, SampleWeights, curves, rate_of_change, sample_weights
from otviz.laboratory.tau import TauUnits, tau_units

__all__ = [
    "Curves",
    "Exactness",
    "SampleWeights",
    "TauUnits",
    "against_exact",
    "curves",
    "rate_of_change",
    "sample_weights",
    "tau_units",
]
