"""What every set of images offers: training and test images, and batches of rows in [-1, 1]."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.cache import Once
from otviz.data.datasets.rows import Rows, Shape, to_rows
from otviz.data.target import Kind, Target

Split = Literal["train", "test"]


class Images(NamedTuple):
    """One split of a set.

    Attributes:
        pixels: shape (N, C, H, W), uint8, 0 is black and 255 is white, the first row is the uppermost.
        labels: number of the class of each image, shape (N,), int64; all 0 where the set has no classes.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class ImageSet(Target):
    """A set of images of one shape, with a fixed split. Subclasses are frozen dataclasses of knobs.

    Attributes:
        licence: of the images, in a few words.
    """

    kind: ClassVar[Kind] = "images"
    licence: ClassVar[str] = ""

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """(C, H, W): channels (1 or 3), rows, columns."""

    @property
    @abstractmethod
    def counts(self) -> tuple[int, int]:
        """How many images there are to train and to test."""

    @abstractmethod
    def stamp(self) -> Hashable:
        """What the images depend on besides class and knobs: under another stamp they are read again."""

    @abstractmethod
    def read(self, which: Split) -> Images:
        """Read a split, without keeping it. Raises ValueError with one sentence that says what to do."""

    def split(self, which: Split) -> Images:
        """The training or the test images, read-only arrays; read once per process, for all threads.

        Raises:
            ValueError: `which` is neither, or the images cannot be had; one sentence says what to do.
        """
        if which not in get_args(Split):
            raise ValueError(f"a split is one of {', '.join(get_args(Split))}; got {which!r}")
        return self._train if which == "train" else self._test

    def sample(self, n: int, rng: np.random.Generator) -> Rows:
        """Draw n training images with replacement, as rows (n, dim), float32 in [-1, 1]. Raises ValueError as `split`."""
        # Kept as bytes: turning a batch into float32 costs 2 to 60 microseconds more than copying it out of
        # float32, but the set takes a quarter of the memory, and no seconds to be turned as a whole.
        pixels = self._train.pixels
        return to_rows(pixels.take(rng.integers(len(pixels), size=n), axis=0))

    def labels(self) -> NDArray[np.int64]:
        return self._train.labels

    def sample_labels(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Classes of n training images drawn with replacement, (n,). Raises ValueError as `split`."""
        labels = self._train.labels
        return labels[rng.integers(len(labels), size=n)]

    def describe(self) -> str:
        """One sentence: how many images, of what size and classes, and their licence."""
        channels, height, width = self.shape
        train, test = self.counts
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return (
            f"{self.title}: {train:,} training and {test:,} test images, {height} x {width} "
            f"{'grey' if channels == 1 else 'RGB'}{classes}; licence: {self.licence}."
        )

    # Held by the instance too: a run goes on undisturbed when files change, or others push its set out of _READ.
    @cached_property
    def _train(self) -> Images:
        return self._once("train")

    @cached_property
    def _test(self) -> Images:
        return self._once("test")

    def _once(self, which: Split) -> Images:
        return _READ.get((type(self), self, self.stamp(), which), lambda: _frozen(self.read(which)))


_READ: Once[Images] = Once(keep=10)


def _frozen(images: Images) -> Images:
    images.pixels.setflags(write=False)
    images.labels.setflags(write=False)
    return images
