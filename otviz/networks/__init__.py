"""Networks, built from the shape of a sample: small MLPs for points, the architectures of `Networks` for images."""

from otviz.networks.image_networks import ImageCritic, ImageGenerator
from otviz.networks.point_networks import MLP, BoundMLP, Generator
from otviz.networks.potential import Potential
from otviz.networks.settings import Networks

__all__ = ["MLP", "BoundMLP", "Generator", "ImageCritic", "ImageGenerator", "Networks", "Potential"]
