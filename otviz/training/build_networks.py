"""The networks of a training: the method's own for points, those of `Networks` for images."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from otviz.methods import Method
from otviz.networks import Networks
from otviz.networks.image_networks import ImageCritic, ImageGenerator, Shape


def check_classes(method: Method, networks: Networks, classes: int) -> None:
    """Check that generator and adversary can be conditioned on the classes.

    Args:
        method, networks: of the training.
        classes: number of classes of the data set.

    Raises:
        ValueError: they cannot; the message says what to change.
    """
    if networks.by_class and not classes:
        raise ValueError("these images have no classes: by_class must be false")
    if networks.by_class and not method.pairs:
        raise ValueError(f"{method.name} has no classes; set by_class to false, or choose ot-gan or gan")


def build_generator(
    method: Method,
    shape: tuple[int, ...],
    networks: Networks | None,
    rng: torch.Generator,
    autocast: bool = False,
    classes: int = 0,
) -> nn.Module:
    """A new generator.

    Args:
        method: gives the dimension of z and, for points, the network.
        shape: (d,) for points, (C, H, W) for images.
        networks: architectures for images; None for points.
        rng: draws the weights.
        autocast: compute in bfloat16 (images only).
        classes: number of classes of the data set.

    Raises:
        ValueError: the networks cannot be built.
    """
    if networks is None:
        return method.build_generator(shape[0], rng)
    made = networks.build_generator(cast(Shape, shape), method.noise_dim, rng, autocast, classes)
    return _by_channel(made)


def build_adversary(
    method: Method,
    shape: tuple[int, ...],
    networks: Networks | None,
    rng: torch.Generator,
    autocast: bool = False,
    classes: int = 0,
) -> nn.Module | None:
    """A new adversary; None for a method without one.

    Args:
        method, shape, networks, rng, autocast, classes: as for `build_generator`.
    """
    if networks is None:
        return method.build_adversary(shape[0], rng)
    if not method.outputs:
        return None
    made = networks.build_adversary(cast(Shape, shape), method.outputs, rng, autocast, classes)
    return _by_channel(method.completed(made, rng))


def check_compile(device: str) -> None:
    """Raise ValueError if image networks cannot be compiled for this type of device."""
    if device == "cpu":
        raise ValueError("on a CPU only trainings on points can be compiled; leave compile out for images")


def compile_images(*networks: nn.Module | None) -> None:
    """Compile the bodies of generator and adversary when they are first called; None is skipped."""
    for network in networks:
        for part in [] if network is None else network.modules():
            if isinstance(part, ImageGenerator | ImageCritic):
                part.compile_body()


def _by_channel(network: nn.Module) -> nn.Module:
    """The network in channels-last memory format: 10 to 20 % faster on a CPU, more on CUDA.

    `Module.to` also sets the strides of weights with one channel, which `Tensor.contiguous` leaves: images in one channel would
    then be laid out anew after each layer.
    """
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
