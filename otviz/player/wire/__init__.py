"""Snapshots as bytes: what the player is fed.

The container is that of `otviz.core.container`; its header has the panels, and these are the blobs:

    positions  u16 pairs on a grid over the box and a margin around it; 65535 marks a point beyond the margin
    potential  u8, `low` + value / 255 * (`high` - `low`)
    arrows     i8 pairs, value / 127 * `scale`
    curves     u32 steps, f32 losses (nan where there is none)
    images     u8, shape (n, C, H, W), in place of positions; a message with any has version 2, others version 1

A message may repeat frames: the reader merges them by run and sequence number.
"""

from otviz.player.wire.codec import VERSIONS, decode, encode, pick
from otviz.player.wire.updates import STATUSES, PanelUpdate, news, select_snapshots, thin
from otviz.runs.snapshots import Curve

__all__ = [
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
