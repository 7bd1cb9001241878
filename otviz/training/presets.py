"""Settings that were measured to work for a method on a data set of images; the user's settings override them.

tau |x - y|^2 grows with the dimension D of an image: tau * D near 0.3 works (0.03 to 3; at 30 the images are noise).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otviz.data.target import Target
from otviz.methods import Method, named
from otviz.methods.gan import GAN
from otviz.methods.ot_gan import OTGAN
from otviz.methods.unified import OTM, WGAN, WGANGP, Unified
from otviz.networks import Networks
from otviz.networks.settings import SMALL

TAU_TIMES_DIM = 0.3

PENALTY_EVERY = 8
"""Steps per R1 penalty on large images: MNIST trains 1.3 times as fast, and its Fréchet distance is not larger (three seeds)."""


@dataclass(frozen=True)
class Preset:
    """Settings of a training.

    Attributes:
        method: knobs of the method that differ from its defaults, by name.
        networks: architectures.
        steps: number of steps until images are recognisable.
    """

    method: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    networks: Networks = field(default_factory=Networks)
    steps: int = 3000

    def applied(self, cls: type[Method], **chosen: Any) -> Method:
        """The method with these settings, overridden by `chosen`."""
        return cls(**{**self.method, **chosen})


def preset(method: str, images: Target) -> Preset:
    """The preset of `method` for a data set, without reading its images. Raises ValueError for an unknown method."""
    cls, small = named(method), max(images.shape[1:]) <= SMALL
    if issubclass(cls, OTGAN):
        return _ot_gan(small)
    if issubclass(cls, GAN):
        return _gan(small)
    if issubclass(cls, Unified):
        return _unified(cls, images.dim, small)
    return _sinkhorn(images.dim)


def _unified(cls: type[Unified], dim: int, small: bool) -> Preset:
    lr = 5e-4 if small and issubclass(cls, WGAN | WGANGP) else 1e-3
    knobs: dict[str, Any] = {
        "batch_size": 64 if small else 32, "noise_dim": 16, "ema": 0.998, "penalty": "r1", "penalty_weight": 0.1,
        "lr": lr, "adversary_lr": lr,
    }  # fmt: skip
    if issubclass(cls, OTM):
        knobs["tau"] = round(TAU_TIMES_DIM / dim, 7)
    if issubclass(cls, WGANGP):  # the paper's weight of 10 is too strong at these sizes
        knobs |= {"penalty": "gp", "penalty_weight": 1.0, "adversary_updates": 4 if small else 1}
    elif not small:
        knobs["penalty_every"] = PENALTY_EVERY
    return Preset(knobs, Networks(), 3000)


def _ot_gan(small: bool) -> Preset:
    knobs = {
        "batch_size": 32, "noise_dim": 16, "features": 16, "epsilon": 0.05, "cost": "cosine", "n_gen": 5,
        "lr": 3e-4, "adversary_lr": 3e-4,
    }  # fmt: skip
    return Preset(knobs, Networks(generator="cnn", adversary="cnn", from_source=False), 7500 if small else 5000)


def _gan(small: bool) -> Preset:
    knobs = {"batch_size": 64, "noise_dim": 16, "lr": 2e-4, "adversary_lr": 2e-4, "ema": 0.99}
    return Preset(knobs, Networks(generator="cnn", adversary="cnn", from_source=False), 5000)


def _sinkhorn(dim: int) -> Preset:
    # |x - y|^2 / 2 between images is near D / 4; a blur of sqrt(D) / 20 makes epsilon about a hundredth of that.
    return Preset({"batch_size": 256, "noise_dim": 16, "lr": 1e-3, "blur": round(dim**0.5 / 20, 3), "ema": 0.99})
