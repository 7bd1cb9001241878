"""The bodies of image networks, small to DCGAN-size; sizes measured on CPUs are in `otviz.training.presets`.

Generators make images (B, C, H, W), not yet in [-1, 1], of inputs (B, n); critics make numbers (B, outputs) of images.
Sides that are no multiple of what doubles are made larger and cropped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otviz.networks.image_networks import Shape
from otviz.networks.layers import BatchNorm, Crop, Halving, Modulated, norm

HIDDEN = 256  # units before the first image of `dense`
EMBEDDED = 128  # units that z becomes in `Residual`
WIDEST = 512  # channels of a DCGAN's or residual critic's widest layer


def mlp_generator(shape: Shape, inputs: int, width: int, layers: int) -> nn.Module:
    """Linear layers with SiLU; loses modes beyond about 16x16."""
    return nn.Sequential(_linears([inputs, *[width] * layers, math.prod(shape)]), nn.Unflatten(1, shape))


def mlp_critic(shape: Shape, outputs: int, width: int, layers: int) -> nn.Module:
    """Linear layers with SiLU."""
    return nn.Sequential(nn.Flatten(), _linears([math.prod(shape), *[width] * layers, outputs]))


def cnn_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """Two convolutional blocks with batch norm, as in the MNIST report (Vu, section 3): 2c channels, then c."""
    return nn.Sequential(
        *_seed(shape, inputs, 2 * width, 4), BatchNorm(2 * width), nn.ReLU(),
        _doubling(2 * width, width), BatchNorm(width), nn.ReLU(),
        _doubling(width, shape[0]), Crop(*shape[1:]),
    )  # fmt: skip


def cnn_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """Two convolutional blocks of stride 2, c and 2c channels, and a linear layer (Vu, section 3).

    The report does not tell the size of its kernels, and much hangs on it: with 4, as in the generator, where every pixel has
    the same say, OT-GAN's Fréchet distance on mnist8 is 25 after four epochs (seed 0), with 3 it is 47.
    """
    c, act, left = width, nn.LeakyReLU(0.2), math.prod(length // 4 for length in shape[1:])
    return nn.Sequential(
        nn.Conv2d(shape[0], c, 4, stride=2, padding=1), act, nn.Conv2d(c, 2 * c, 4, stride=2, padding=1), act,
        nn.Flatten(), nn.Linear(2 * c * left, outputs),
    )  # fmt: skip


def dense_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """Two linear layers to 2c channels at a quarter of the side, then doubled twice, with group norm and SiLU."""
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.SiLU(), *_seed(shape, HIDDEN, 2 * width, 4), norm(2 * width), nn.SiLU(),
        _doubling(2 * width, width), norm(width), nn.SiLU(), _doubling(width, shape[0]), Crop(*shape[1:]),
    )  # fmt: skip


def conv_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """Convolutions of stride 2 with SiLU, c, 2c, 4c ... channels until the side is at most 4."""
    return _strided(shape, outputs, _widths(shape, width, 128), nn.SiLU())


def dcgan_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """DCGAN (Radford et al. 2016): 4c channels at an eighth of the side, doubled three times, batch norm."""
    c = width
    blocks = [[_doubling(a, b), BatchNorm(b), nn.ReLU()] for a, b in ((4 * c, 2 * c), (2 * c, c))]
    return nn.Sequential(
        *_seed(shape, inputs, 4 * c, 8), BatchNorm(4 * c), nn.ReLU(), *itertools.chain(*blocks),
        _doubling(c, shape[0]), Crop(*shape[1:]),
    )  # fmt: skip


def dcgan_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """DCGAN's critic without its norms, which a penalty on the slope forbids."""
    return _strided(shape, outputs, _widths(shape, width, WIDEST), nn.LeakyReLU(0.2))


def residual_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """Residual blocks that halve the side until it is at most 4, without norms."""
    channels = [width, *_widths(shape, width, WIDEST)]
    blocks = [Halving(a, b) for a, b in itertools.pairwise(channels)]
    left = _after(shape, len(blocks))
    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, padding=1), *blocks, nn.SiLU(), nn.Flatten(),
        nn.Linear(channels[-1] * left, outputs),
    )  # fmt: skip


class Residual(nn.Module):
    """A small U-net: x as an image goes down twice, through blocks that z modulates, and up again beside what it was.

    Args:
        shape: of an image.
        noise_dim: dimension k of z, which follows x in the inputs (B, d + k).
        width: channels c at full size; 2c at half, 4c at a quarter.
    """

    def __init__(self, shape: Shape, noise_dim: int, width: int) -> None:
        super().__init__()
        self.shape = shape
        self.noise_dim = noise_dim
        self.embed = nn.Sequential(nn.Linear(max(noise_dim, 1), EMBEDDED), nn.SiLU())
        self.enter = nn.Conv2d(shape[0], width, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(c, 2 * c, 3, stride=2, padding=1) for c in (width, 2 * width))
        self.middle = nn.ModuleList(Modulated(4 * width, EMBEDDED) for _ in range(2))
        self.up = nn.ModuleList(_doubling(2 * c, c) for c in (2 * width, width))
        self.beside = nn.ModuleList(Modulated(c, EMBEDDED) for c in (2 * width, width))
        self.leave = nn.Sequential(norm(width), nn.SiLU(), nn.Conv2d(width, shape[0], 3, padding=1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Images (B, C, H, W) of x and z in one row each."""
        dim = math.prod(self.shape)
        z = self.embed(inputs[:, dim:] if self.noise_dim else torch.zeros_like(inputs[:, :1]))
        h = self.enter(inputs[:, :dim].reshape(-1, *self.shape))
        passed = []
        for halve in self.down:
            passed.append(h)
            h = halve(F.silu(h))
        for block in self.middle:
            h = block(h, z)
        for double, block, before in zip(self.up, self.beside, reversed(passed), strict=True):
            h = double(F.silu(h))[:, :, : before.shape[2], : before.shape[3]] + before
            h = block(h, z)
        images: Tensor = self.leave(h)
        return images


def _linears(sizes: Sequence[int]) -> nn.Sequential:
    pairs = [[nn.Linear(a, b), nn.SiLU()] for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(*list(itertools.chain(*pairs))[:-1])


def _seed(shape: Shape, inputs: int, channels: int, factor: int) -> list[nn.Module]:
    """A linear layer to an image of `channels` whose side, times `factor`, is at least that of `shape`."""
    side = [math.ceil(length / factor) for length in shape[1:]]
    return [nn.Linear(inputs, channels * math.prod(side)), nn.Unflatten(1, (channels, *side))]


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    # 4 is a multiple of the stride, so that every pixel gets the same number of terms: fewer checkerboards
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


def _strided(shape: Shape, outputs: int, widths: Sequence[int], act: nn.Module) -> nn.Module:
    pairs = [[nn.Conv2d(a, b, 3, stride=2, padding=1), act] for a, b in itertools.pairwise([shape[0], *widths])]
    return nn.Sequential(
        *itertools.chain(*pairs), nn.Flatten(), nn.Linear(widths[-1] * _after(shape, len(widths)), outputs)
    )


def _widths(shape: Shape, width: int, widest: int) -> list[int]:
    """Channels of the layers that halve the side until it is at most 4; two at least, so that features see their neighbours."""
    count = max(2, math.ceil(math.log2(max(shape[1:]) / 4)))
    return [min(width * 2**layer, max(width, widest)) for layer in range(count)]


def _after(shape: Shape, halvings: int) -> int:
    """Pixels left of one channel after a number of halvings, each rounded up."""
    return math.prod(math.ceil(length / 2**halvings) for length in shape[1:])
