"""The interface of a data set of images: training and test images, and minibatches of rows in [-1, 1]."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Hashable
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
    """One split of a data set.

    Attributes:
        pixels: shape (N, C, H, W), uint8, 0 is black and 255 is white, top row first.
        labels: class index of each image, shape (N,), int64; all 0 without classes.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class ImageSet(Target):
    """A data set of images of one shape, with a fixed split. Subclasses are frozen dataclasses of knobs.

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
        """Number of training and of test images."""

    @abstractmethod
    def stamp(self) -> Hashable:
        """What the images depend on besides class and knobs; if it changes they are read again."""

    @abstractmethod
    def read(self, which: Split) -> Images:
        """Read a split without caching it. Raises ValueError, saying what to do, if it cannot be read."""

    def is_at_hand(self) -> bool:
        """Whether the images can be read on this machine without a download."""
        return True

    def to_download(self) -> int:
        """Bytes of the files to download first; 0 if the images are at hand."""
        return 0

    def downloaded(self) -> int:
        """How many of these bytes an earlier download has left here, to be continued."""
        return 0

    def download(self) -> Generator[int, None, None]:
        """Download the images, unless they are at hand; yields how many bytes have come, and continues when called again.

        Raises:
            ValueError: not possible; the message says why and what to do.
        """
        yield from ()

    def split(self, which: Split) -> Images:
        """The training or the test images, as read-only arrays; read once per process, for all threads.

        Raises:
            ValueError: unknown split, or the images are not available; the message says what to do.
        """
        if which not in get_args(Split):
            raise ValueError(f"a split is one of {', '.join(get_args(Split))}; got {which!r}")
        return self._train if which == "train" else self._test

    def sample(self, n: int, rng: np.random.Generator) -> Rows:
        """Draw n training images with replacement, as rows (n, dim), float32 in [-1, 1]. Raises ValueError as `split`."""
        # Stored as bytes: converting a batch takes 2 to 60 microseconds longer than copying float32 values, but the data set
        # takes a quarter of the memory and need not be converted as a whole, which takes seconds.
        pixels = self._train.pixels
        return to_rows(pixels.take(rng.integers(len(pixels), size=n), axis=0))

    def labels(self) -> NDArray[np.int64]:
        return self._train.labels

    def sample_labels(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Classes (n,) of training images drawn with replacement. Raises ValueError as `split`."""
        labels = self._train.labels
        return labels[rng.integers(len(labels), size=n)]

    def describe(self) -> str:
        """One sentence: number of images, size, classes and licence."""
        channels, height, width = self.shape
        train, test = self.counts
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return (
            f"{self.title}: {train:,} training and {test:,} test images, {height} x {width} "
            f"{'grey' if channels == 1 else 'RGB'}{classes}; licence: {self.licence}."
        )

    # Cached on the instance too, so that a run continues if files change or _READ drops its data set.
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
