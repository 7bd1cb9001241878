"""A few real images of each published set, shipped so that what a model misses is seen without a download.

    python -m otviz real                # which there are
    python -m otviz real mnist          # write those of a set

They are test images, drawn once. A file `checkpoints/real/<set>.webp` is a sheet of them.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otviz.checkpoints.generator_weights import read_limited
from otviz.checkpoints.image_sheets import tiled
from otviz.core.files import CHECKPOINTS, write_whole
from otviz.data.datasets import ImageSet, datasets, named
from otviz.data.datasets.rows import Shape
from otviz.evaluation.diagnosis import Samples

REAL = CHECKPOINTS / "real"
COUNT, COLUMNS = 600, 30
EXACT = 100_000
"""Bytes; a file that would be larger without loss is compressed with some."""

_MOST = 2_000_000  # bytes


def real_images(images: ImageSet, folder: Path = REAL) -> Samples:
    """Real images of a set: the shipped ones, or test images on this machine; nothing is downloaded.

    Args:
        images: the set.
        folder: of the shipped files.

    Raises:
        ValueError: none are at hand, or the file is damaged.
    """
    path, known = folder / f"{images.name}.webp", "" if images.needs_file else images.name
    if not images.needs_file and path.is_file():
        pixels, words = read(path, images.shape), "test images"
    elif images.is_at_hand():
        pixels, words = _drawn(images), "real images"
    else:
        raise ValueError(
            f"no real images of {images.title} are at hand; python -m otviz real {images.name} writes some"
        )
    return Samples(pixels, f"{images.title}, {len(pixels)} {words}", (), None, images.class_names, images=known)


def read(path: Path, shape: Shape) -> NDArray[np.uint8]:
    """The images of a file, (n, C, H, W), uint8. Raises ValueError if it is damaged or of another shape."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(read_limited(path, _MOST)), formats=("WEBP",)) as found:
            whole = np.asarray(found.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name} cannot be read: it is no WebP picture") from error
    channels, height, width = shape
    if whole.shape[1] != COLUMNS * width or whole.shape[0] % height:
        raise ValueError(f"{path.name} does not hold rows of {COLUMNS} images of {width} x {height} pixels")
    grid = whole.reshape(-1, height, COLUMNS, width, 3)[..., :channels]
    return np.ascontiguousarray(grid.transpose(0, 2, 4, 1, 3).reshape(-1, channels, height, width))


def write(images: ImageSet, folder: Path = REAL) -> Path:
    """Write real images of a set; returns the file. Raises ValueError if they cannot be read, or OSError."""
    from PIL import Image

    pixels = _drawn(images)
    if len(pixels) % COLUMNS:
        raise ValueError(f"{images.title} has {len(pixels)} test images; a file of real images needs {COLUMNS} or more")
    picture = Image.fromarray(tiled(pixels, COLUMNS))
    exact, small = io.BytesIO(), io.BytesIO()
    picture.save(exact, "WEBP", lossless=True, method=6)
    picture.save(small, "WEBP", quality=85, method=6)
    path = folder / f"{images.name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (exact if exact.tell() <= EXACT else small).getvalue())
    return path


def _drawn(images: ImageSet) -> NDArray[np.uint8]:
    pixels = images.split("test").pixels
    count = min(COUNT, len(pixels) // COLUMNS * COLUMNS) or len(pixels)
    return pixels[np.sort(np.random.default_rng(0).permutation(len(pixels))[:count])]


def main(words: Sequence[str]) -> int:
    """Write the real images of sets, or print which there are. Returns 0, or 2 after an error message."""
    parser = argparse.ArgumentParser(prog="python -m otviz real", description="Real images that are shipped.")
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(datasets())}")
    args = parser.parse_args(words)
    try:
        for name in args.sets:
            path = write(named(name)())
            sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not args.sets:
        sys.stdout.write("".join(f"{path.name}\n" for path in sorted(REAL.glob("*.webp"))))
    return 0
