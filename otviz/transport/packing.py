"""A header and named arrays as bytes, for pictures that a page draws itself.

Layout, little endian: u32 length of the header, header (JSON, UTF-8), then the arrays, each on a multiple of 4 bytes.
`header["arrays"][name]` is {"at": byte within the array area, "shape": [...], "kind": a key of KINDS}.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = {"f4": np.float32, "i4": np.int32, "u2": np.uint16, "u1": np.uint8}


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Bytes of a header (plain values, no nan) and arrays of the types in KINDS.

    Raises:
        ValueError: an array of another type, or a number in the header that JSON has not.
    """
    entries: dict[str, Any] = {}
    parts: list[bytes] = []
    size = 0
    for name, values in arrays.items():
        kind = f"{values.dtype.kind}{values.dtype.itemsize}"
        if kind not in KINDS:
            raise ValueError(f"array {name} must be of a type in {', '.join(KINDS)}; got {values.dtype}")
        raw = np.ascontiguousarray(values).tobytes()
        raw += b"\0" * (-len(raw) % 4)
        entries[name] = {"at": size, "shape": list(values.shape), "kind": kind}
        parts.append(raw)
        size += len(raw)
    text = json.dumps({**header, "arrays": entries}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(parts)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The inverse of `pack`: the header without its list of arrays, and the arrays."""
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    arrays = {}
    for name, entry in header.pop("arrays").items():
        count = int(np.prod(entry["shape"], dtype=int))
        values = np.frombuffer(data, KINDS[entry["kind"]], count, 4 + length + entry["at"])
        arrays[name] = values.reshape(entry["shape"])
    return header, arrays
