"""Serialisation of plain values and arrays, for the player, the board and worker processes.

Layout, little endian: b"OTVZ", u16 version, u16 zero, u32 length of the header, header (JSON, UTF-8), then blobs,
each aligned to 4 bytes. The header has the offset ("at") and the shape of each blob. `readContainer` in
otviz/player/browser/shared.js reads the same format. Files for users are NPZ or safetensors instead.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"OTVZ"
BROWSER_KINDS = ("f4", "i4", "u2", "u1")
KINDS = (*BROWSER_KINDS, "f2", "f8", "i1", "i2", "i8", "u4", "u8", "b1")

Plain = dict[str, Any]
Arrays = dict[str, NDArray[Any]]

_PREFIX = struct.Struct("<4sHHI")


class Blobs:
    """Collects arrays, which must not change before `join`; `put` returns the header entry of an array."""

    def __init__(self) -> None:
        self.parts: list[bytes | memoryview] = []
        self._size = 0

    def put(self, values: NDArray[Any], **more: Any) -> Plain:
        """Add an array of little-endian values."""
        entry = {"at": self._size, "shape": list(values.shape), **more}
        padding = -values.nbytes % 4
        self.parts.append(values.data if values.flags.c_contiguous else values.tobytes())
        if padding:
            self.parts.append(bytes(padding))
        self._size += values.nbytes + padding
        return entry


def take(blobs: bytes | memoryview, entry: Mapping[str, Any], kind: str) -> NDArray[Any]:
    """The array of an entry, a view of the blobs if possible.

    Args:
        blobs: the blob area.
        entry: from the header.
        kind: its type, in KINDS.

    Raises:
        ValueError: the array exceeds the blobs, or has another type.
    """
    if kind not in KINDS:
        raise ValueError(f"the type of an array must be one of {', '.join(KINDS)}; got {kind!r}")
    shape = tuple(int(n) for n in entry["shape"])
    at, count = int(entry["at"]), math.prod(shape)
    if at < 0 or min(shape, default=0) < 0:
        raise ValueError(f"blob at {at} of shape {shape}")
    found = np.frombuffer(blobs, f"<{kind}", count, at).reshape(shape) if count else np.empty(shape, kind)
    return found if found.flags.aligned else found.copy()


def join(
    header: Mapping[str, Any], parts: Sequence[bytes | memoryview], version: int = 1, browser: bool = True
) -> bytes:
    """The bytes of a header and its blobs.

    Args:
        header: plain values, also NumPy scalars.
        parts: from `Blobs`.
        version: to be checked by `split`.
        browser: whether JavaScript reads it; then NaN and infinity raise ValueError, as JSON.parse cannot read them.
    """
    text = json.dumps(header, separators=(",", ":"), allow_nan=not browser, default=_plain).encode()
    text += b" " * (-len(text) % 4)
    return b"".join([_PREFIX.pack(MAGIC, version, 0, len(text)), text, *parts])


def split(data: bytes | bytearray | memoryview, versions: Sequence[int] = (1,)) -> tuple[Any, memoryview, int]:
    """The header, the area of the blobs, and the version.

    Raises:
        ValueError: another format or version, or a damaged or incomplete header.
    """
    if len(data) < _PREFIX.size or data[:4] != MAGIC:
        raise ValueError("not a message of otviz: it does not start with OTVZ")
    _, version, _, length = _PREFIX.unpack_from(data)
    if version not in versions:
        known = " or ".join(map(str, versions))
        raise ValueError(f"the version must be {known}; got {version}: make it again with this otviz")
    start = _PREFIX.size + length
    if start > len(data):
        raise ValueError(f"it is cut short: the header needs {length} bytes; got {len(data) - _PREFIX.size}")
    try:
        return json.loads(bytes(data[_PREFIX.size : start])), memoryview(data)[start:], version
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is damaged: {error}") from error


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], browser: bool = True) -> bytes:
    """The bytes of a header and named arrays, described in `header["arrays"]`.

    Args:
        header: plain values.
        arrays: with a type in BROWSER_KINDS, or in KINDS if not for a browser.
        browser: whether JavaScript reads it.

    Raises:
        ValueError: an array of another type, or NaN in a header for a browser.
    """
    blobs, entries, kinds = Blobs(), {}, BROWSER_KINDS if browser else KINDS
    for name, values in arrays.items():
        kind = f"{values.dtype.kind}{values.dtype.itemsize}"
        if kind not in kinds:
            raise ValueError(f"array {name} must be of a type in {', '.join(kinds)}; got {values.dtype}")
        entries[name] = blobs.put(values, kind=kind)
    return join({**header, "arrays": entries}, blobs.parts, browser=browser)


def unpack(data: bytes | bytearray | memoryview) -> tuple[Plain, Arrays]:
    """The inverse of `pack`: the header without its list of arrays, and the arrays. Raises ValueError for damaged bytes."""
    header, blobs, _ = split(data)
    try:
        arrays = {name: take(blobs, entry, entry["kind"]) for name, entry in header.pop("arrays").items()}
        return header, arrays
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"its list of arrays is damaged: {type(error).__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value)} is not plain")
