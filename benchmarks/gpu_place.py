"""What the parts of `python -m benchmarks gpu` share: where and until when to measure, lines of the table, and the timing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch

from otviz.core.params import param
from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.rows import Shape


@dataclass(frozen=True)
class Place:
    """Where to measure, whether at tiny size, and until when (time.monotonic)."""

    device: torch.device
    quick: bool
    until: float

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.until - time.monotonic()

    def wait(self) -> None:
        """Wait until the device has done all that was asked."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize()


@dataclass(frozen=True)
class Line:
    """A line of the table, and its numbers as plain values; `failed` among them is whether it is a fault."""

    what: str
    shown: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Noises(ImageSet):
    """Random pixels in the shape of CIFAR-10, since the machine may have no images; speed does not depend on them."""

    name: ClassVar[str] = "noises"
    title: ClassVar[str] = "Random pixels"
    count: int = param(10_000, 16, 50_000, doc="Training images", unit="images")
    side: int = param(32, 8, 64, doc="Side of an image", unit="pixels")

    @property
    def shape(self) -> Shape:
        return (3, self.side, self.side)

    @property
    def counts(self) -> tuple[int, int]:
        return (self.count, 10)

    def stamp(self) -> None:
        return None

    def read(self, which: Split) -> Images:
        count = self.counts[which == "test"]
        pixels = np.random.default_rng(0).integers(256, size=(count, *self.shape), dtype=np.uint8)
        return Images(pixels, np.zeros(count, np.int64))


Measure = Callable[[], Line]


def tried(place: Place, measures: Mapping[str, Measure]) -> Iterator[Line]:
    """The lines of all measures; one that fails gives its reason, and those for which no time is left are not begun."""
    for what, measure in measures.items():
        if place.left < 0:
            yield Line(what, "not begun: no time left", {"failed": True})
            continue
        try:
            yield measure()
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            yield Line(what, f"failed: {type(error).__name__}: {reason}", {"failed": True})


def pace(place: Place, step: Callable[[], object], seconds: float) -> float:
    """Median milliseconds of a step, by the clock, in blocks that fill so many seconds."""
    for _ in range(3):
        step()
    place.wait()
    found: list[float] = []
    count, until = 1, time.monotonic() + min(seconds, max(place.left, 0.0))
    while not found or time.monotonic() < until:
        begun = time.monotonic()
        for _ in range(count):
            step()
        place.wait()
        took = time.monotonic() - begun
        found.append(took / count)
        if took < seconds / 20:  # blocks long enough that waiting for their end does not count
            count, found = 2 * count, found if time.monotonic() > until else []
    return 1000 * statistics.median(found)
