"""Messages between a worker and its parent.

A request and each of its answers are one message: the length and a container (`otviz.core.container`) of plain values and
arrays. Nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from numpy.typing import NDArray

from otviz.core.container import Arrays, Plain, pack, unpack

Message = tuple[Plain, Arrays]


def write(out: IO[bytes], plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Send a message.

    Args:
        out: where to write.
        plain, arrays: the message.

    Raises:
        OSError: the reader has gone.
    """
    write_packed(out, pack(plain, arrays, browser=False))


def read(source: IO[bytes]) -> Message | None:
    """The next message, with writable arrays; None at the end."""
    length = source.read(8)
    if len(length) < 8:
        return None
    data = bytearray(int.from_bytes(length, "little"))
    return unpack(data) if source.readinto(data) == len(data) else None  # type: ignore[attr-defined]


def write_packed(out: IO[bytes], data: bytes) -> None:
    """Send a packed message. Raises OSError if the reader has gone."""
    out.write(len(data).to_bytes(8, "little"))
    out.write(data)
    out.flush()
