"""Networks, built from the shape of a sample: small MLPs for points."""

from otviz.networks.points import MLP, Generator

__all__ = ["MLP", "Generator"]
