"""Networks, built from the shape of a sample: small MLPs for points, what `Networks` chooses for images."""

from otviz.networks.choice import Networks
from otviz.networks.images import ImageCritic, ImageGenerator
from otviz.networks.points import MLP, BoundMLP, Generator
from otviz.networks.potential import Potential

__all__ = ["MLP", "BoundMLP", "Generator", "ImageCritic", "ImageGenerator", "Networks", "Potential"]
