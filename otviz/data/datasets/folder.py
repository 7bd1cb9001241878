"""A folder or a ZIP of the user's images, cropped to squares of one size and converted to one colour mode."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import param
from otviz.core.uploads import known_as
from otviz.data.datasets.archives import Listing, Read, list_files, reader
from otviz.data.datasets.cache import Once
from otviz.data.datasets.decoding import EXTENSIONS, Colour, as_bytes, read_picture
from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.own_images import PREFIX, find_upload
from otviz.data.datasets.rows import Shape

FEWEST = 16  # images needed to learn a distribution
MOST_CLASSES = 100  # more folders than this are not classes
SPLITS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation"))
TEST_SHARE = 10  # one in ten images is held out


class Loaded(NamedTuple):
    """The images of a folder or ZIP.

    Attributes:
        train, test: images (N, C, H, W), uint8, and the indices of their classes.
        classes: names of the sub-folders; empty if they are not classes.
        brightest: value taken as white in images of more than 8 bits; None if there are none.
        others: number of files that are not images by their extension.
        bad: images that could not be read, each as "name (reason)".
    """

    train: Images
    test: Images
    classes: tuple[str, ...]
    brightest: float | None
    others: int
    bad: tuple[str, ...]


@dataclass(frozen=True)
class Folder(ImageSet):
    """The user's images, read and checked when an instance is made; a tenth are test images."""

    name: ClassVar[str] = "folder"
    title: ClassVar[str] = "Your images"
    licence: ClassVar[str] = "that of your images"
    needs_file: ClassVar[bool] = True

    file: str = param("", doc=f"Path of a folder or ZIP of images ({', '.join(EXTENSIONS)}), or an uploaded ZIP")
    size: int = param(32, 8, 64, doc="Width and height that all images are resized to", unit="pixels")
    colour: Literal["grey", "rgb"] = param("rgb", doc="What all images are converted to")

    listing: ClassVar[Listing]  # set per instance; not fields, since the knobs determine them
    loaded: ClassVar[Loaded]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.file:
            raise ValueError("choose a folder or a ZIP of images; got none")
        path = find_upload(self.file) if self.file.startswith(PREFIX) else Path(self.file)
        listing = list_files(path)
        # Stored on the instance, so that training continues if the files change or disappear.
        object.__setattr__(self, "listing", listing)
        loaded = _LOADED.get((listing, self.size, self.colour), lambda: _load(listing, self.size, self.colour))
        object.__setattr__(self, "loaded", loaded)
        object.__setattr__(self, "class_names", loaded.classes)

    @property
    def shape(self) -> Shape:
        return (1 if self.colour == "grey" else 3, self.size, self.size)

    @property
    def counts(self) -> tuple[int, int]:
        return (len(self.loaded.train.pixels), len(self.loaded.test.pixels))

    def stamp(self) -> Hashable:
        return self.listing

    def read(self, which: Split) -> Images:
        return self.loaded.train if which == "train" else self.loaded.test

    def describe(self) -> str:
        """One sentence: number of images read and held out, size and classes, what was left out and why."""
        train, test = self.counts
        others, bad = self.loaded.others, self.loaded.bad
        left_out = f"; files that are not images: {others:,}" if others else ""
        left_out += f"; unreadable: {len(bad):,}, such as {bad[0]}" if bad else ""
        colour = "grey" if self.colour == "grey" else "RGB"
        names = ", ".join(" ".join(name.split())[:30] for name in self.class_names[:10])
        more = f" and {len(self.class_names) - 10} more" if len(self.class_names) > 10 else ""
        classes = f"; classes by folder: {names}{more}" if names else ""
        top = self.loaded.brightest
        scaled = "" if top is None else f"; {top:g}, the largest value of more than 8 bits, counts as white"
        return (
            f"{known_as(self.listing.path)}: {train + test:,} images read, {test:,} of them held out to test; "
            f"{self.size} x {self.size} {colour}{classes}{scaled}{left_out}."
        )


_LOADED: Once[Loaded] = Once(keep=4)


def _load(listing: Listing, size: int, colour: Colour) -> Loaded:
    names = [entry.name for entry in listing.entries if entry.name.lower().endswith(EXTENSIONS)]
    others = len(listing.entries) - len(names)
    _enough(listing.path, len(names), f"{others:,} other files" if others else "nothing else")
    # Pillow releases the GIL while it decodes and resizes.
    with reader(listing) as read, ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        results = list(pool.map(lambda name: _read(read, name, size, colour), names))
    bad = tuple(result for result in results if isinstance(result, str))
    good = [result for result in results if not isinstance(result, str)]
    kept = [name for name, result in zip(names, results, strict=True) if not isinstance(result, str)]
    _enough(listing.path, len(good), f"{len(bad)} that cannot be read, such as {bad[0]}" if bad else "nothing else")
    pixels, brightest = as_bytes([picture for _, picture in good])
    of_each = folders_of(kept)
    classes = tuple(sorted(set(of_each)))
    labels = np.array([classes.index(one) for one in of_each] or [0] * len(good), np.int64)
    test = held_out([digest for digest, _ in good])
    for label in set(labels.tolist()) - set(labels[~test].tolist()):
        test[np.argmax(labels == label)] = False  # so that every class has a training image
    train, held = (Images(pixels[part], labels[part]) for part in (~test, test))
    return Loaded(train, held, classes, brightest, others, bad)


def folders_of(names: Sequence[str]) -> list[str]:
    """The class of each image, from its folder: "cats" for "pets/train/cats/7.png".

    A common parent and folders such as "train" are ignored. Empty unless every image is in one of 2 to MOST_CLASSES folders
    with at least two images each.
    """
    parts = [name.split("/")[:-1] for name in names]
    while (
        parts
        and all(parts)
        and ({part[0] for part in parts} <= {parts[0][0]} or {part[0].lower() for part in parts} <= SPLITS)
    ):
        parts = [part[1:] for part in parts]
    classes = [part[0] for part in parts if part]
    counts = Counter(classes)
    good = len(classes) == len(names) and 1 < len(counts) <= MOST_CLASSES and min(counts.values()) > 1
    return classes if good else []


def _read(
    read: Read, name: str, size: int, colour: Colour
) -> tuple[bytes, NDArray[np.uint8] | NDArray[np.float32]] | str:
    """Digest and pixels of a file, or why it cannot be read: one bad image must not prevent the others."""
    try:
        data = read(name)
        return hashlib.sha256(data).digest(), read_picture(data, size, colour)
    except ValueError as error:
        return f"{' '.join(name.split())[-80:]} ({error})"


def _enough(path: Path, count: int, besides: str) -> None:
    if count < FEWEST:
        raise ValueError(
            f"{known_as(path)} must hold at least {FEWEST} images ({', '.join(EXTENSIONS)}); "
            f"it has {count} and {besides}: add some"
        )


def held_out(digests: list[bytes]) -> NDArray[np.bool_]:
    """Mask of the test images, (N,): the tenth of files with the smallest SHA-256.

    The choice does not depend on size, colour mode or file names, and hardly changes when images are added.
    """
    order = sorted(range(len(digests)), key=digests.__getitem__)
    chosen = np.zeros(len(digests), bool)
    chosen[order[: max(1, len(digests) // TEST_SHARE)]] = True
    return chosen
