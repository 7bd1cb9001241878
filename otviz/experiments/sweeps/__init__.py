"""Robustness: how methods depend on tau, lambda, lr or alpha, over several seeds."""

from otviz.experiments.sweeps.sweep import MOST_CELLS, Cell, Extent, Outcome, Sweep, label

__all__ = ["MOST_CELLS", "Cell", "Extent", "Outcome", "Sweep", "label"]
