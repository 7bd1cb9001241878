"""Drawings as text."""

import base64
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def write_strokes(strokes: Sequence[NDArray[np.uint8]]) -> str:
    """The text of a drawing, as the pad writes it: the inverse of `read_strokes`."""
    data = b"".join(struct.pack("<H", len(stroke)) + stroke.astype(np.uint8).tobytes() for stroke in strokes)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
