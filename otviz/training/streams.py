"""Endless minibatches, drawn on the CPU: all devices get the same samples, and a run can continue where it stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.core.distributed import ALONE, World
from otviz.data.datasets import ImageSet, to_rows
from otviz.data.target import Target
from otviz.networks.image_networks import with_class

_CHUNK = 4096  # samples drawn at once, which spreads the sampler's fixed cost over many minibatches
_VALUES = 2**21  # largest number of values drawn at once: 8 MiB of large images


class Samples(Protocol):
    """A source of n independent rows, shape (n, d) or (n,)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[Any]:
        """Draw n rows."""


@dataclass(frozen=True)
class WhiteNoise:
    """N(0, I) in the shape of an image: the source x of an image run."""

    name: ClassVar[str] = "noise"
    title: ClassVar[str] = "Gaussian noise"

    shape: tuple[int, ...]

    def record(self) -> dict[str, Any]:
        """As `Knobs.record`; the shape is that of the target."""
        return {"name": self.name}

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n independent rows, shape (n, C*H*W), float32."""
        return rng.standard_normal((n, math.prod(self.shape)), dtype=np.float32)


class Stream:
    """Minibatches on a device, drawn on the CPU.

    Args:
        data: what to draw from.
        rows: rows of a minibatch.
        seed: of the draws.
        device: where minibatches are sent.
        look_up: maps what was drawn to samples, on the device.
        among: processes that share each minibatch; each draws all rows and keeps its part.
    """

    def __init__(
        self,
        data: Samples,
        rows: int,
        seed: int,
        device: torch.device,
        look_up: Callable[[Tensor], Tensor] | None = None,
        among: World = ALONE,
    ) -> None:
        self._data = data
        self._rows = rows
        self._device = device
        self._look_up = look_up
        self._among = among
        self._size = rows * max(1, min(_CHUNK, _VALUES // math.prod(data.shape)) // rows)
        self._rng = np.random.default_rng(seed)
        self._before = self._rng.bit_generator.state
        self._chunk: Tensor = torch.empty(0, rows, 2)  # minibatches drawn at once
        self._at = self._size

    def next(self) -> Tensor:
        """The next minibatch, shape (rows, d); with several processes, this one's rows."""
        if self._at + self._rows > self._size:
            self._fill()
        drawn = self._chunk[self._at // self._rows]
        self._at += self._rows
        return drawn if self._look_up is None else self._look_up(drawn)

    def _fill(self) -> None:
        self._before = self._rng.bit_generator.state
        drawn = torch.from_numpy(self._data.sample(self._size, self._rng))
        minibatches = drawn.reshape(-1, self._rows, *drawn.shape[1:])
        self._chunk = sent(self._among.mine(minibatches, dim=1), self._device)
        self._at = 0

    def state(self) -> dict[str, Any]:
        """The position in the stream, as plain values."""
        used_up = self._at >= self._size  # then the next chunk is drawn, not this one again
        return {"rng": self._rng.bit_generator.state if used_up else self._before, "at": self._at}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to the position that `state` returned."""
        self._rng.bit_generator.state = state["rng"]
        if state["at"] < self._size:
            self._fill()
        self._at = state["at"]


@dataclass(frozen=True)
class Indices:
    """Uniform integers below `count`."""

    shape: ClassVar[tuple[int, ...]] = (1,)

    count: int

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw n integers, shape (n,)."""
        return rng.integers(self.count, size=n)


class Shelf:
    """Training images as bytes on the device, so that a minibatch needs only indices to be sent.

    Args:
        images: the data set.
        device: where to hold them.
        classes: number of classes to append to a row (`with_class`), or 0.
    """

    def __init__(self, images: ImageSet, device: torch.device, classes: int = 0) -> None:
        pixels, labels = images.split("train")
        self.count = len(pixels)
        self._pixels = pixels.reshape(self.count, -1)
        self._on_device = None if device.type == "cpu" else torch.tensor(self._pixels, device=device)
        self._classes = classes
        self._labels = torch.tensor(labels, device=device) if classes else None

    def take(self, indices: Tensor) -> Tensor:
        """Rows (B, C*H*W) in [-1, 1] of images (B,), with their classes appended."""
        if self._on_device is None:
            rows = torch.from_numpy(to_rows(self._pixels.take(indices.numpy(), axis=0)))
        else:
            rows = self._on_device[indices].float().div_(127.5).sub_(1)
        return rows if self._labels is None else with_class(rows, self._labels[indices], self._classes)


def stream_of(
    target: Target, rows: int, seed: int, device: torch.device, among: World = ALONE, classes: int = 0
) -> Stream:
    """Minibatches of a distribution, or of a data set's training images, drawn with replacement.

    Args:
        target: what to draw from.
        rows, seed, device, among: as for `Stream`.
        classes: as for `Shelf`.
    """
    if not isinstance(target, ImageSet):
        return Stream(target, rows, seed, device, among=among)
    shelf = Shelf(target, device, classes)
    return Stream(Indices(shelf.count), rows, seed, device, shelf.take, among)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; on CUDA, the copy is asynchronous."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
