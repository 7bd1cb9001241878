"""Networks, built from the shape of a sample: small MLPs for points."""

from otviz.networks.points import MLP, BoundMLP, Generator

__all__ = ["MLP", "BoundMLP", "Generator"]
