"""Files of images for tests, written without our code."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def idx(array: NDArray[np.uint8]) -> bytes:
    """A gzipped IDX file, written by the description of the format and not by our code."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", length) for length in array.shape)
    return gzip.compress(header + array.tobytes())


def picture(
    colour: tuple[int, ...] | int, size: tuple[int, int] = (20, 20), kind: str = "PNG", mode: str = "RGB"
) -> bytes:
    """An image file of one colour."""
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()


def pictures(count: int) -> dict[str, bytes]:
    """Different images by file name."""
    return {f"{number:03}.png": picture((number, 255 - number, 40)) for number in range(count)}


def pack(path: Path, files: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a ZIP."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def spread(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a folder."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path
