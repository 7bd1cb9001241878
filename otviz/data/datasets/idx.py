"""IDX, the format of MNIST: two zero bytes, data type, number of dimensions, their lengths, the data."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

UNSIGNED_BYTE = 8


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of bytes.

    Args:
        path: the file.
        shape: expected shape; no more is unpacked, even if the file claims more.

    Raises:
        ValueError: damaged, or of another shape.
    """
    header, size = 4 + 4 * len(shape), math.prod(shape)
    try:
        with gzip.open(path) as file:
            data = file.read(header + size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged ({str(error)[:100]})") from error
    expected = _header(shape)
    if data[:header] != expected:
        raise ValueError(f"{path.name} is not an IDX file of {' x '.join(map(str, shape))} bytes")
    if len(data) != header + size:
        raise ValueError(
            f"{path.name} must hold {size} numbers; it holds {'more' if len(data) > header + size else len(data) - header}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _header(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, UNSIGNED_BYTE, len(shape), *shape)
