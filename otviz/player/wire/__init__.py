"""Snapshots as bytes: what the player is fed, and a recorded run in a file (`timeline.bin`).

Layout, little endian: b"OTVZ", u16 version, u16 zero, u32 length of the header, header (JSON, UTF-8), then blobs,
each on a multiple of 4 bytes. The header says of each blob where it starts in the blob area and its shape.

    positions  u16 pairs on a grid over the box and a margin around it; 65535 marks a point beyond the margin
    potential  u8, `low` + value / 255 * (`high` - `low`)
    arrows     i8 pairs, value / 127 * `scale`
    curves     u32 steps, f32 losses (nan where there is none)
    images     u8, shape (n, C, H, W), in place of positions; a message with any has version 2, others version 1

A message may repeat frames: the reader merges them by run and sequence number.
"""

from otviz.player.wire.codec import MAGIC, VERSIONS, decode, encode, pick
from otviz.player.wire.updates import STATUSES, PanelUpdate, news, select_snapshots, thin
from otviz.runs.snapshots import Curve

__all__ = [
    "MAGIC",
    "STATUSES",
    "VERSIONS",
    "Curve",
    "PanelUpdate",
    "decode",
    "encode",
    "news",
    "pick",
    "select_snapshots",
    "thin",
]
