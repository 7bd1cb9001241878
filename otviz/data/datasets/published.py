"""Data sets published as files: found on disk or downloaded, and verified by checksum."""

from __future__ import annotations

import hashlib
import threading
from abc import abstractmethod
from collections.abc import Generator, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, get_args
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets import places
from otviz.data.datasets.download import Pace, RemoteFile, fetch, present, tell
from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.rows import Shape


class Sums(NamedTuple):
    """SHA-256 of a split: of its pixels (N, C, H, W), without `unchecked` classes, and of its labels as bytes."""

    pixels: str
    labels: str


@dataclass(frozen=True)
class Published(ImageSet):
    """A published data set. Its files are read from one of `places.roots()`, or downloaded.

    Attributes:
        folder: folder of its files, within a root.
        remote: the files that are downloaded, both splits; see `unpack`.
        image: shape (C, H, W) of an image.
        sizes: number of training and of test images.
        sums: hashes of the decoded images and labels.
        unchecked: classes whose images are left out of the hash, because copies of the data set differ in them.
    """

    folder: ClassVar[str]
    remote: ClassVar[tuple[RemoteFile, ...]]
    image: ClassVar[Shape]
    sizes: ClassVar[tuple[int, int]]
    sums: ClassVar[Mapping[Split, Sums]]
    unchecked: ClassVar[tuple[int, ...]] = ()

    @property
    def shape(self) -> Shape:
        return self.image

    @property
    def counts(self) -> tuple[int, int]:
        return self.sizes

    def stamp(self) -> Hashable:
        return places.roots()

    def is_at_hand(self) -> bool:
        return all(places.find(self.folder, self.files(which)) is not None for which in get_args(Split))

    @abstractmethod
    def files(self, which: Split) -> tuple[str, ...]:
        """The files of a split, relative to `folder`."""

    @abstractmethod
    def decode(self, place: Path, which: Split) -> Images:
        """Read a split from its files in `place`. Raises ValueError, naming the file, if one is damaged."""

    def unpack(self, place: Path) -> None:
        """Make the files of both splits from the downloaded ones in `place`, if these are others. Raises OSError or ValueError."""

    def read(self, which: Split) -> Images:
        place = places.find(self.folder, self.files(which)) or self._downloaded(which)
        try:
            images = self.decode(place, which)
            self._check(images, which)
        except ValueError as error:
            fix = f"put the published files there, or delete these, and {self.title} is downloaded again"
            raise ValueError(f"{self.title} in {place}: {error}; {fix}") from error
        return images

    def _check(self, images: Images, which: Split) -> None:
        expected = self.sums[which]
        if checksum(images.labels.astype(np.uint8)) != expected.labels:
            raise ValueError(f"the labels to {which} are not the published ones (another SHA-256)")
        checked = images.pixels[~np.isin(images.labels, self.unchecked)] if self.unchecked else images.pixels
        if checksum(checked) != expected.pixels:
            raise ValueError(f"the images to {which} are not the published ones (another SHA-256)")

    def to_download(self) -> int:
        return 0 if self.is_at_hand() else sum(file.size for file in self.remote)

    def downloaded(self) -> int:
        return present(self.remote, self._folder)

    def download(self) -> Generator[int, None, None]:
        try:
            yield from fetch(self.remote, self._folder, self.is_at_hand, self.unpack)
        except (OSError, ValueError) as error:
            files = sorted({*self.files("train"), *self.files("test")})
            raise ValueError(
                f"{self.title} is not on this computer and could not be downloaded ({_reason(error)}): "
                f"{places.advice(self.folder, files)}"
            ) from error

    def _downloaded(self, which: Split) -> Path:
        """Download the files, telling the progress on a terminal, and return their folder. Raises ValueError."""
        with _DOWNLOADING:  # another thread may have downloaded the files meanwhile
            if places.find(self.folder, self.files(which)) is None:
                tell(self.title, self.download(), Pace(self.downloaded(), self.to_download()))
        return self._folder

    @property
    def _folder(self) -> Path:
        return places.download_folder() / self.folder


_DOWNLOADING = threading.Lock()


def checksum(array: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of the bytes of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _reason(error: Exception) -> str:
    """A short message: the innermost cause of a network error."""
    reason = error.reason if isinstance(error, URLError) else error
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return " ".join((text or type(error).__name__).split())[:200]
