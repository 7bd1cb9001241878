"""Endless minibatches and noise, from which a run can continue where it stopped.

Points are drawn on the CPU, thousands at once. Noise and indices of images are drawn where the training runs: a batch of
8000 pairs of CIFAR images takes 49 million normal numbers, which a CPU would draw for seconds. Draws of another device are
other numbers of the same distribution; `Draws` "cpu" gives every device those of the CPU, to compare them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.core.distributed import ALONE, World
from otviz.data.datasets import ImageSet, to_rows
from otviz.data.target import Target
from otviz.networks.image_networks import with_class

Draws = Literal["device", "cpu"]

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


class Noise:
    """Random numbers, drawn on the device of a training, or on the CPU.

    Attributes:
        rng: the generator they come from, for what else is drawn.

    Args:
        seed: of the draws.
        device: of the training.
        draws: where to draw.
    """

    def __init__(self, seed: int, device: torch.device, draws: Draws = "device") -> None:
        self.rng = torch.Generator(device if draws == "device" else "cpu").manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(*shape, generator=self.rng, device=self.rng.device)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1)."""
        return torch.rand(*shape, generator=self.rng, device=self.rng.device)

    def below(self, count: int, n: int) -> Tensor:
        """n uniform integers below `count`."""
        return torch.randint(count, (n,), generator=self.rng, device=self.rng.device)

    def state(self) -> dict[str, Tensor]:
        """The position, as bytes on the CPU, by the kind of device."""
        return {self._name: self.rng.get_state()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go to the position that `state` returned; from that of another kind of device, the numbers go on from here.

        Raises:
            KeyError: there is none.
        """
        if self._name in tensors or not any(name == "rng" or name.startswith("rng.") for name in tensors):
            self.rng.set_state(tensors[self._name])

    @property
    def _name(self) -> str:
        kind = self.rng.device.type
        return "rng" if kind == "cpu" else f"rng.{kind}"


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
        """Go to the position that `state` returned; from that of a `DeviceStream`, the numbers go on from here."""
        if "bytes" in state:
            return
        self._rng.bit_generator.state = state["rng"]
        if state["at"] < self._size:
            self._fill()
        self._at = state["at"]


class DeviceStream:
    """Minibatches that are drawn on the device.

    Args:
        draw: draws all rows of a minibatch.
        seed, device, look_up, among: as for `Stream`.
    """

    def __init__(
        self,
        draw: Callable[[Noise], Tensor],
        seed: int,
        device: torch.device,
        look_up: Callable[[Tensor], Tensor] | None = None,
        among: World = ALONE,
    ) -> None:
        self._draw = draw
        self._noise = Noise(seed, device)
        self._look_up = look_up
        self._among = among

    def next(self) -> Tensor:
        """The next minibatch, as `Stream.next`."""
        drawn = self._among.mine(self._draw(self._noise))
        return drawn if self._look_up is None else self._look_up(drawn)

    def state(self) -> dict[str, Any]:
        """The position in the stream, as plain values."""
        return {"bytes": {name: state.tolist() for name, state in self._noise.state().items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to the position that `state` returned; from that of a `Stream`, the numbers go on from here."""
        if "bytes" in state:
            kept = state["bytes"].items()
            self._noise.restore({name: torch.tensor(values, dtype=torch.uint8) for name, values in kept})


Minibatches: TypeAlias = Stream | DeviceStream


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
    target: Target,
    rows: int,
    seed: int,
    device: torch.device,
    among: World = ALONE,
    classes: int = 0,
    draws: Draws = "device",
) -> Minibatches:
    """Minibatches of a distribution, or of a data set's training images, drawn with replacement.

    Args:
        target: what to draw from.
        rows, seed, device, among: as for `Stream`.
        classes: as for `Shelf`.
        draws: where to draw images.
    """
    if not isinstance(target, ImageSet):
        return Stream(target, rows, seed, device, among=among)
    shelf = Shelf(target, device, classes)
    if _on(device, draws):
        return DeviceStream(lambda noise: noise.below(shelf.count, rows), seed, device, shelf.take, among)
    return Stream(Indices(shelf.count), rows, seed, device, shelf.take, among)


def source_of(
    source: Samples, rows: int, seed: int, device: torch.device, among: World = ALONE, draws: Draws = "device"
) -> Minibatches:
    """Minibatches of the source, which for images is white noise.

    Args:
        source: what to draw from.
        rows, seed, device, among: as for `Stream`.
        draws: where to draw white noise.
    """
    if isinstance(source, WhiteNoise) and _on(device, draws):
        dim = math.prod(source.shape)
        return DeviceStream(lambda noise: noise.normal(rows, dim), seed, device, among=among)
    return Stream(source, rows, seed, device, among=among)


def _on(device: torch.device, draws: Draws) -> bool:
    """Whether minibatches are drawn on the device, and not on the CPU."""
    return draws == "device" and device.type != "cpu"


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; from the CPU to CUDA, the copy is asynchronous."""
    if tensor.device.type == "cpu" and device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
