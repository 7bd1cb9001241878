"""Bodies of image networks, from small to DCGAN size; `otviz.training.presets` has sizes that were measured on CPUs.

Generators map inputs (B, n) to images (B, C, H, W), not yet in [-1, 1]; critics map images to (B, outputs). If a side is not
a multiple of the upsampling factor, the image is made larger and cropped.
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

HIDDEN = 256  # units of the first layer of `dense`
EMBEDDED = 128  # units of the embedding of z in `Residual`
WIDEST = 512  # most channels of a DCGAN or a residual critic


def mlp_generator(shape: Shape, inputs: int, width: int, layers: int) -> nn.Module:
    """Linear layers with SiLU; loses modes beyond about 16x16.

    Args:
        shape: (C, H, W) of an image.
        inputs: numbers per row, n.
        width, layers: units per hidden layer, and number of hidden layers.
    """
    return nn.Sequential(_linears([inputs, *[width] * layers, math.prod(shape)]), nn.Unflatten(1, shape))


def mlp_critic(shape: Shape, outputs: int, width: int, layers: int) -> nn.Module:
    """Linear layers with SiLU.

    Args:
        shape, width, layers: as for `mlp_generator`.
        outputs: numbers per image.
    """
    return nn.Sequential(nn.Flatten(), _linears([math.prod(shape), *[width] * layers, outputs]))


def cnn_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """Two convolutional blocks with batch norm, as in the MNIST report (Vu, section 3): 2c channels, then c.

    Args:
        shape, inputs: as for `mlp_generator`.
        width: channels c.
    """
    return nn.Sequential(
        *_seed(shape, inputs, 2 * width, 4), BatchNorm(2 * width), nn.ReLU(),
        _doubling(2 * width, width), BatchNorm(width), nn.ReLU(),
        _doubling(width, shape[0]), Crop(*shape[1:]),
    )  # fmt: skip


def cnn_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """Two convolutional blocks of stride 2, c and 2c channels, and a linear layer (Vu, section 3).

    The report does not give the kernel size, which matters: with 4, as in the generator, every pixel has equal weight and
    OT-GAN's Fréchet distance on mnist8 is 25 after four epochs (seed 0); with 3 it is 47.

    Args:
        shape, outputs, width: as for `mlp_critic`; width is c.
    """
    c, act, left = width, nn.LeakyReLU(0.2), math.prod(length // 4 for length in shape[1:])
    return nn.Sequential(
        nn.Conv2d(shape[0], c, 4, stride=2, padding=1), act, nn.Conv2d(c, 2 * c, 4, stride=2, padding=1), act,
        nn.Flatten(), nn.Linear(2 * c * left, outputs),
    )  # fmt: skip


def dense_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """Two linear layers to 2c channels at a quarter of the side, then doubled twice, with group norm and SiLU.

    Args:
        shape, inputs, width: as for `cnn_generator`.
    """
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.SiLU(), *_seed(shape, HIDDEN, 2 * width, 4), norm(2 * width), nn.SiLU(),
        _doubling(2 * width, width), norm(width), nn.SiLU(), _doubling(width, shape[0]), Crop(*shape[1:]),
    )  # fmt: skip


def conv_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """Convolutions of stride 2 with SiLU, c, 2c, 4c ... channels until the side is at most 4.

    Args:
        shape, outputs, width: as for `cnn_critic`.
    """
    return _strided(shape, outputs, _widths(shape, width, 128), nn.SiLU())


def dcgan_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """DCGAN (Radford et al. 2016): 4c channels at an eighth of the side, doubled three times, batch norm.

    Args:
        shape, inputs, width: as for `cnn_generator`.
    """
    c = width
    blocks = [[_doubling(a, b), BatchNorm(b), nn.ReLU()] for a, b in ((4 * c, 2 * c), (2 * c, c))]
    return nn.Sequential(
        *_seed(shape, inputs, 4 * c, 8), BatchNorm(4 * c), nn.ReLU(), *itertools.chain(*blocks),
        _doubling(c, shape[0]), Crop(*shape[1:]),
    )  # fmt: skip


def upsampling_generator(shape: Shape, inputs: int, width: int) -> nn.Module:
    """Linear layers to 4c channels at 4 to 7 pixels a side, then layers that double the side, down to c channels.

    Pixels are repeated and then convolved, which leaves no checkerboard (Odena et al. 2016); group norm and SiLU.

    Args:
        shape, inputs, width: as for `cnn_generator`.
    """
    doublings = max(2, math.ceil(math.log2(max(shape[1:]) / 7)))
    channels = [4 * width, *(max(width, 4 * width >> layer) for layer in range(1, doublings + 1))]
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.SiLU(), *_seed(shape, HIDDEN, channels[0], 2**doublings),
        norm(channels[0]), nn.SiLU(),
        *itertools.chain(*(_upsampled(a, b) for a, b in itertools.pairwise(channels))),
        nn.Conv2d(channels[-1], shape[0], 3, padding=1), Crop(*shape[1:]),
    )  # fmt: skip


def dcgan_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """DCGAN's critic without normalisation, which gradient penalties rule out.

    Args:
        shape, outputs, width: as for `cnn_critic`.
    """
    return _strided(shape, outputs, _widths(shape, width, WIDEST), nn.LeakyReLU(0.2))


def residual_critic(shape: Shape, outputs: int, width: int) -> nn.Module:
    """Residual blocks that halve the side until it is at most 4, without normalisation.

    Args:
        shape, outputs, width: as for `cnn_critic`; width is c of the first layer.
    """
    channels = [width, *_widths(shape, width, WIDEST)]
    blocks = [Halving(a, b) for a, b in itertools.pairwise(channels)]
    left = _after(shape, len(blocks))
    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, padding=1), *blocks, nn.SiLU(), nn.Flatten(),
        nn.Linear(channels[-1] * left, outputs),
    )  # fmt: skip


class Residual(nn.Module):
    """A small U-Net of the image x with two resolutions down and up, skip connections, and blocks modulated by z.

    Args:
        shape: of an image.
        noise_dim: dimension k of z; the inputs (B, d + k) hold x, then z.
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
        """Images (B, C, H, W) of rows (B, d + k)."""
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
    """A linear layer to an image of `channels` whose side times `factor` is at least that of `shape`."""
    side = [math.ceil(length / factor) for length in shape[1:]]
    return [nn.Linear(inputs, channels * math.prod(side)), nn.Unflatten(1, (channels, *side))]


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    # Kernel 4 is a multiple of the stride, so that every pixel sums equally many terms: fewer checkerboard artefacts.
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


def _upsampled(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1), norm(outputs), nn.SiLU()]


def _strided(shape: Shape, outputs: int, widths: Sequence[int], act: nn.Module) -> nn.Module:
    pairs = [[nn.Conv2d(a, b, 3, stride=2, padding=1), act] for a, b in itertools.pairwise([shape[0], *widths])]
    return nn.Sequential(
        *itertools.chain(*pairs), nn.Flatten(), nn.Linear(widths[-1] * _after(shape, len(widths)), outputs)
    )


def _widths(shape: Shape, width: int, widest: int) -> list[int]:
    """Channels of the layers that halve the side until it is at most 4; at least two, for a wide enough receptive field."""
    count = max(2, math.ceil(math.log2(max(shape[1:]) / 4)))
    return [min(width * 2**layer, max(width, widest)) for layer in range(count)]


def _after(shape: Shape, halvings: int) -> int:
    """Pixels of one channel after `halvings` halvings, each rounded up."""
    return math.prod(math.ceil(length / 2**halvings) for length in shape[1:])
