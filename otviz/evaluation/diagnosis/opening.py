"""Samples from files and data sets: points from tables, images from folders, ZIPs and arrays, published image sets by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otviz.core.uploads import PREFIX, find_upload, known_as
from otviz.data.datasets import ImageSet, datasets, named
from otviz.data.datasets.folder import Folder
from otviz.data.reading.formats import EXTENSIONS as TABLES
from otviz.data.reading.formats import open_table
from otviz.data.reading.image_arrays import read_image_array
from otviz.data.reading.wide_tables import read_points
from otviz.evaluation.diagnosis.samples import Samples

EXTENSIONS = (*TABLES, ".zip")
"""Of files that can be opened."""

SIDE = 32
"""Images of a folder are resized to this many pixels a side, unless the other side has a size."""


def open_samples(source: str, like: Samples | None = None, columns: Sequence[str] = (), label: str = "") -> Samples:
    """Read one side of a diagnosis.

    Args:
        source: a file of points or images, a folder or ZIP of images, an upload ("upload:" and 16 hex digits), or the name of
            a published image set, whose training images are read ("mnist8"), or its test images ("mnist8:test").
        like: the other side, if it is known: images are resized to its size, and columns of its names are read.
        columns: of points; empty: those of `like`, or all columns of coordinates.
        label: column of the classes of points; empty: one called so, if any; "none": none.

    Raises:
        ValueError: one sentence that names the file, what is wrong, and what to do.
    """
    name, _, split = source.partition(":")
    if name in datasets() and not named(name).needs_file:
        return of_set(named(name)(), split or "train")
    path = find_upload(source, EXTENSIONS) if source.startswith(PREFIX) else Path(source)
    if path.is_dir() or path.suffix.lower() == ".zip":
        return _of_folder(path, like)
    if not path.is_file():
        sets = ", ".join(name for name, kind in datasets().items() if not kind.needs_file)
        raise ValueError(f"there is no file, folder or published image set ({sets}) at {source!r}")
    if path.suffix.lower() in (".npy", ".npz") and (array := read_image_array(path)) is not None:
        names = () if array.labels is None else tuple(str(at) for at in range(int(array.labels.max(initial=0)) + 1))
        return fitted(Samples(array.pixels, known_as(path), (), array.labels, names, notes=array.notes), like)
    return _of_table(path, like, columns, label)


def of_set(images: ImageSet, split: str = "train") -> Samples:
    """The training or test images of a published set. Raises ValueError if they are not available."""
    if split not in ("train", "test"):
        raise ValueError(f"a split is train or test; got {split!r}")
    found = images.split("train" if split == "train" else "test")
    known = "" if images.needs_file else images.name
    words = "training" if split == "train" else "test"
    return Samples(found.pixels, f"{images.title}, {words} images", (), found.labels, images.class_names, images=known)


def _of_table(path: Path, like: Samples | None, columns: Sequence[str], label: str) -> Samples:
    table = open_table(path)
    shared = like.columns if like is not None and set(like.columns) <= set(table.numeric) else ()
    found = read_points(table, columns or shared, label)
    return Samples(
        found.values, table.name, found.columns, found.labels, found.classes, found.rows, notes=found.notes
    )  # fmt: skip


def _of_folder(path: Path, like: Samples | None) -> Samples:
    channels, side = (like.values.shape[1], like.values.shape[2]) if like is not None and like.are_images else (3, SIDE)
    found = Folder(file=str(path), size=side, colour="grey" if channels == 1 else "rgb")
    both = [found.split(part) for part in ("train", "test")]
    pixels, labels = (np.concatenate(parts) for parts in zip(*both, strict=True))
    known = found.class_names
    return Samples(
        pixels, known_as(path), (), labels if known else None, known, notes=(found.describe().rstrip("."),)
    )  # fmt: skip


def fitted(samples: Samples, like: Samples | None) -> Samples:
    """Images in the size and colours of another side; the same if they have them already, or there is no other side."""
    if like is None or not like.are_images or samples.values.shape[1:] == like.values.shape[1:]:
        return samples
    channels, height, width = like.values.shape[1:]
    resized = np.stack([_resized(image, channels, (width, height)) for image in samples.values])
    said = f"resized from {samples.values.shape[3]} x {samples.values.shape[2]} to {width} x {height} pixels"
    return dataclasses.replace(samples, values=resized, notes=(*samples.notes, said))


def _resized(image: NDArray[np.uint8], channels: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    picture = Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))
    picture = picture.convert("L" if channels == 1 else "RGB").resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
