"""Layers of image networks; their weights are drawn from a given generator, never from torch's global one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otviz.core.distributed import world

Layer = TypeVar("Layer", bound=nn.Module)
_WEIGHED = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
_NORMED = nn.BatchNorm2d | nn.GroupNorm


def drawn(build: Callable[[], Layer], rng: torch.Generator) -> Layer:
    """The layer that `build` makes, on the CPU, with weights drawn from `rng`: uniform in +-1/sqrt(fan in), torch's default.

    Raises:
        TypeError: a layer has parameters of an unknown kind.
    """
    with torch.device("meta"):  # allocates nothing and draws nothing
        network = build()
    network.to_empty(device="cpu")
    for layer in network.modules():
        if isinstance(layer, _WEIGHED):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for weight in layer.parameters(recurse=False):
                nn.init.uniform_(weight, -bound, bound, generator=rng)
        elif isinstance(layer, _NORMED):
            layer.reset_parameters()
        elif next(layer.parameters(recurse=False), None) is not None:
            raise TypeError(f"{type(layer).__name__} has weights that are not drawn")
    return network


class BatchNorm(nn.BatchNorm2d):
    """Batch norm (Ioffe and Szegedy 2015) over the batch of all processes; in one process, torch's own."""

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images of the same shape."""
        shared = world()
        if shared.size == 1 or not self.training:
            return super().forward(images)
        channels = images.transpose(0, 1).flatten(1).float()
        mean = shared.mean(channels.mean(1))
        variance = shared.mean((channels - mean[:, None]).square().mean(1))
        self._remember(mean.detach(), variance.detach(), channels.shape[1] * shared.size)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normed = (images - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        return normed.to(images.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.momentum is not None
        for kept, value in ((self.running_mean, mean), (self.running_var, variance * (count / (count - 1)))):
            assert kept is not None
            kept.lerp_(value, self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


class Crop(nn.Module):
    """Centre crop: (B, C, h, w) -> (B, C, height, width) with height <= h and width <= w."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = height, width

    def forward(self, images: Tensor) -> Tensor:
        """The centre of each image."""
        height, width = self.size
        top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
        return images[:, :, top : top + height, left : left + width]


def norm(channels: int) -> nn.GroupNorm:
    """GroupNorm in groups of about 8 channels."""
    groups = max(1, channels // 8)
    return nn.GroupNorm(groups if channels % groups == 0 else 1, channels)


class Modulated(nn.Module):
    """A residual block with features scaled and shifted by z (Perez et al. 2018, FiLM): (B, c, h, w), (B, k) -> (B, c, h, w)."""

    def __init__(self, channels: int, embedded: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.norms = nn.ModuleList([norm(channels), norm(channels)])
        self.film = nn.Linear(embedded, 2 * channels)

    def forward(self, h: Tensor, z: Tensor) -> Tensor:
        """h plus the modulated branch."""
        scale, shift = self.film(z)[:, :, None, None].chunk(2, dim=1)
        inner = self.first(F.silu(self.norms[0](h)))
        inner = self.second(F.silu(self.norms[1](inner) * (1 + scale) + shift))
        added: Tensor = h + inner
        return added


class Halving(nn.Module):
    """A residual block of a critic that halves the side: (B, c_in, h, w) -> (B, c_out, ceil(h/2), ceil(w/2)), no norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.beside = nn.Conv2d(inputs, outputs, 1)

    def forward(self, h: Tensor) -> Tensor:
        """Features at half the side."""
        inner = self.second(F.silu(self.first(F.silu(h))))
        return (_halved(self.beside(h)) + _halved(inner)) / math.sqrt(2)


def _halved(images: Tensor) -> Tensor:
    return F.avg_pool2d(images, 2, ceil_mode=True)
