"""The networks of an image run: architectures and sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from otviz.core.params import Knobs, param
from otviz.networks import architectures as made_of
from otviz.networks.image_networks import ImageCritic, ImageGenerator, Shape
from otviz.networks.layers import drawn

GeneratorKind = Literal["auto", "mlp", "cnn", "dense", "dcgan", "upsampling", "residual"]
AdversaryKind = Literal["auto", "mlp", "cnn", "conv", "dcgan", "residual"]

SMALL = 12  # pixels: up to this side "auto" takes an MLP as generator; on larger images an MLP loses modes
_WIDTH = {"mlp": 256, "cnn": 32, "dense": 16, "dcgan": 64, "upsampling": 16, "residual": 32, "conv": 16}
_SMALL_CONV = 32


@dataclass(frozen=True)
class Networks(Knobs):
    """Generator and adversary for images."""

    name: ClassVar[str] = "network"
    title: ClassVar[str] = "Networks"

    generator: GeneratorKind = param(
        "auto",
        doc="auto is mlp up to 12 pixels and dense (small) beyond; upsampling repeats pixels, which leaves no checkerboard; "
        "residual is a small U-net of x that z modulates",
    )
    adversary: AdversaryKind = param(
        "auto", doc="auto is conv (small, with strides); cnn has two blocks, dcgan and residual are larger and slower",
        label="Critic",
    )  # fmt: skip
    width: int | None = param(
        None, 4, 1024, doc="Units or channels of the generator's narrowest layer; off: as fits its kind", unit="units",
        label="Generator width",
    )  # fmt: skip
    adversary_width: int | None = param(
        None, 4, 1024, doc="Units or channels of the critic's first layer; off: as fits its kind", unit="units",
        label="Critic width",
    )  # fmt: skip
    layers: int = param(3, 1, 8, doc="Hidden layers, where a network is an mlp", unit="layers", label="Hidden layers")
    from_source: bool = param(
        True, doc="The generator sees the source image x and noise z; off: noise alone, as in OT-GAN and GANs",
        label="Generator sees x",
    )  # fmt: skip
    by_class: bool = param(
        False, doc="Tell both networks the class of each image, to ask for one later (Salimans et al. 2018, Algorithm 2)",
        label="By class",
    )  # fmt: skip

    def kinds(self, shape: Shape) -> tuple[str, str]:
        """The architectures of generator and adversary for images of this shape; never "auto"."""
        small = max(shape[1:]) <= SMALL
        generator = ("mlp" if small else "dense") if self.generator == "auto" else self.generator
        return generator, "conv" if self.adversary == "auto" else self.adversary

    def check(self, shape: Shape, noise_dim: int) -> None:
        """Raise ValueError, saying what to change, if these networks cannot be built."""
        if not self.from_source and not noise_dim:
            raise ValueError("a generator without x needs noise z: from_source must be true or noise_dim at least 1")
        if not self.from_source and self.kinds(shape)[0] == "residual":
            raise ValueError("a residual generator is a map of x: from_source must be true, or generator another kind")

    def conditional_classes(self, classes: int) -> int:
        """Number of classes that generator and adversary are conditioned on: all or 0."""
        return classes if self.by_class else 0

    def build_generator(
        self, shape: Shape, noise_dim: int, rng: torch.Generator, autocast: bool = False, classes: int = 0
    ) -> ImageGenerator:
        """A new generator T(x, z) of images.

        Args:
            shape: (C, H, W) of an image.
            noise_dim: dimension of z.
            rng: draws the weights.
            autocast: compute in bfloat16 (see `ImageGenerator`).
            classes: number of classes of the data set.

        Raises:
            ValueError: as `check`.
        """
        self.check(shape, noise_dim)
        kind = self.kinds(shape)[0]
        width = self.width or _WIDTH[kind]
        conditional = self.conditional_classes(classes)
        inputs = noise_dim + conditional + (math.prod(shape) if self.from_source else 0)
        bodies = {
            "mlp": lambda: made_of.mlp_generator(shape, inputs, width, self.layers),
            "cnn": lambda: made_of.cnn_generator(shape, inputs, width),
            "dense": lambda: made_of.dense_generator(shape, inputs, width),
            "dcgan": lambda: made_of.dcgan_generator(shape, inputs, width),
            "upsampling": lambda: made_of.upsampling_generator(shape, inputs, width),
            "residual": lambda: made_of.Residual(shape, noise_dim + conditional, width),
        }
        return ImageGenerator(drawn(bodies[kind], rng), self.from_source, autocast, conditional)

    def build_adversary(
        self, shape: Shape, outputs: int, rng: torch.Generator, autocast: bool = False, classes: int = 0
    ) -> ImageCritic:
        """A new adversary of images.

        Args:
            outputs: numbers per image.
            shape, rng, autocast, classes: as for `build_generator`.
        """
        kind = self.kinds(shape)[1]
        conditional = self.conditional_classes(classes)
        seen = (shape[0] + conditional, *shape[1:])
        small = kind == "conv" and max(shape[1:]) <= SMALL
        width = self.adversary_width or (_SMALL_CONV if small else _WIDTH[kind])
        bodies = {
            "mlp": lambda: made_of.mlp_critic(seen, outputs, width, self.layers),
            "cnn": lambda: made_of.cnn_critic(seen, outputs, width),
            "conv": lambda: made_of.conv_critic(seen, outputs, width),
            "dcgan": lambda: made_of.dcgan_critic(seen, outputs, width),
            "residual": lambda: made_of.residual_critic(seen, outputs, width),
        }
        return ImageCritic(drawn(bodies[kind], rng), shape, autocast, conditional)
