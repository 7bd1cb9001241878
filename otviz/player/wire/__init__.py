"""The binary format of snapshots for the player.

Messages are containers (`otviz.core.container`). The header describes the panels; the blobs are:

    positions  u16 pairs on a grid over the box and a margin around it; 65535 marks a point outside the margin
    potential  u8, `low` + value / 255 * (`high` - `low`)
    arrows     i8 pairs, value / 127 * `scale`
    curves     u32 steps, f32 losses (nan without)
    images     u8, shape (n, C, H, W), instead of positions; messages with images have version 2, others version 1

Messages may repeat frames: the reader merges them by run and sequence number.
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
