"""Robustness: how far each method may stray from its best tau, lambda, lr or alpha before it fails, over several seeds."""

from otviz.experiments.sweeps.sweep import MOST_CELLS, Cell, Extent, Outcome, Sweep, label

__all__ = ["MOST_CELLS", "Cell", "Extent", "Outcome", "Sweep", "label"]
