"""A folder or a ZIP of the user's own images, all cut to squares of one size and converted to one colour."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.datasets.archives import Listing, Read, list_files, reader
from otviz.datasets.base import Images, ImageSet, Split
from otviz.datasets.once import Once
from otviz.datasets.pictures import EXTENSIONS, Colour, read_picture
from otviz.datasets.rows import Shape
from otviz.datasets.uploads import PREFIX, find_upload
from otviz.params import param

FEWEST = 16  # images; with fewer there is no distribution to learn
TEST_SHARE = 10  # one image in that many is held out


class Loaded(NamedTuple):
    """What a folder or ZIP gave.

    Attributes:
        train, test: (N, C, H, W), uint8.
        others: files that are no images by their extension.
        bad: images that could not be read, each as "name (why)".
    """

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]
    others: int
    bad: tuple[str, ...]


@dataclass(frozen=True)
class Folder(ImageSet):
    """The user's own images. They are read and checked when an instance is made; every tenth is held out to test."""

    name: ClassVar[str] = "folder"
    title: ClassVar[str] = "Your images"
    licence: ClassVar[str] = "that of your images"
    needs_file: ClassVar[bool] = True

    file: str = param("", doc=f"Path of a folder or ZIP of images ({', '.join(EXTENSIONS)}), or an uploaded ZIP")
    size: int = param(32, 8, 64, doc="Width and height that all images are resized to", unit="pixels")
    colour: Literal["grey", "rgb"] = param("rgb", doc="What all images are converted to")

    listing: ClassVar[Listing]  # set per instance; not fields, since they follow from the knobs
    loaded: ClassVar[Loaded]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.file:
            raise ValueError("choose a folder or a ZIP of images; got none")
        path = find_upload(self.file) if self.file.startswith(PREFIX) else Path(self.file)
        listing = list_files(path)
        # Held by the instance: training goes on undisturbed when the files change or go away.
        object.__setattr__(self, "listing", listing)
        loaded = _LOADED.get((listing, self.size, self.colour), lambda: _load(listing, self.size, self.colour))
        object.__setattr__(self, "loaded", loaded)

    @property
    def shape(self) -> Shape:
        return (1 if self.colour == "grey" else 3, self.size, self.size)

    @property
    def counts(self) -> tuple[int, int]:
        return (len(self.loaded.train), len(self.loaded.test))

    def stamp(self) -> Hashable:
        return self.listing

    def read(self, which: Split) -> Images:
        pixels = self.loaded.train if which == "train" else self.loaded.test
        return Images(pixels, np.zeros(len(pixels), np.int64))

    def describe(self) -> str:
        """One sentence: how many images were read and held out, their size, and what was left out, and why."""
        train, test = self.counts
        others, bad = self.loaded.others, self.loaded.bad
        left_out = f"; files that are no images: {others:,}" if others else ""
        left_out += f"; unreadable: {len(bad):,}, such as {bad[0]}" if bad else ""
        colour = "grey" if self.colour == "grey" else "RGB"
        return f"{train + test:,} images read, {test:,} of them held out to test; {self.size} x {self.size} {colour}{left_out}."


_LOADED: Once[Loaded] = Once(keep=4)


def _load(listing: Listing, size: int, colour: Colour) -> Loaded:
    names = [entry.name for entry in listing.entries if entry.name.lower().endswith(EXTENSIONS)]
    others = len(listing.entries) - len(names)
    _enough(listing.path, len(names), f"{others:,} other files" if others else "nothing else")
    # Pillow lets other threads compute while it unpacks and resizes.
    with reader(listing) as read, ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        results = list(pool.map(lambda name: _read(read, name, size, colour), names))
    bad = tuple(result for result in results if isinstance(result, str))
    good = [result for result in results if not isinstance(result, str)]
    _enough(listing.path, len(good), f"{len(bad)} that cannot be read, such as {bad[0]}" if bad else "nothing else")
    pixels = np.stack([picture for _, picture in good])
    test = held_out([digest for digest, _ in good])
    return Loaded(pixels[~test], pixels[test], others, bad)


def _read(read: Read, name: str, size: int, colour: Colour) -> tuple[bytes, NDArray[np.uint8]] | str:
    """Digest of a file and its pixels, or why it cannot be read: one bad image must not keep the others away."""
    try:
        data = read(name)
        return hashlib.sha256(data).digest(), read_picture(data, size, colour)
    except ValueError as error:
        return f"{' '.join(name.split())[-80:]} ({error})"


def _enough(path: Path, count: int, besides: str) -> None:
    if count < FEWEST:
        raise ValueError(
            f"{path.name} must hold at least {FEWEST} images ({', '.join(EXTENSIONS)}); "
            f"it has {count} and {besides}: add some"
        )


def held_out(digests: list[bytes]) -> NDArray[np.bool_]:
    """Which images are for testing, (N,): the tenth with the smallest SHA-256 of their files.

    So the choice is the same for every size and colour, whatever the files are called, and hardly changes
    when images are added.
    """
    order = sorted(range(len(digests)), key=digests.__getitem__)
    chosen = np.zeros(len(digests), bool)
    chosen[order[: max(1, len(digests) // TEST_SHARE)]] = True
    return chosen
