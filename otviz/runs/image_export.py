"""Exports of a run on images: sheets and arrays."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets import to_rows
from otviz.data.datasets.sheets import png, sheet
from otviz.runs.snapshots import Scene, Snapshot

PIXELS = 1024  # width of a PNG that is aimed at


def samples_png(scene: Scene, snapshot: Snapshot) -> bytes:
    """The generated images of a snapshot side by side, enlarged by a whole number, as PNG."""
    pixels = _pixels(scene, snapshot.generated)
    columns = math.isqrt(len(pixels) - 1) + 1
    channels, height, width = pixels.shape[1:]
    picture = sheet(to_rows(pixels), (channels, height, width), columns)
    times = max(1, PIXELS // picture.shape[1])
    return png(picture.repeat(times, 0).repeat(times, 1))


def samples_npz(scene: Scene, snapshot: Snapshot) -> bytes:
    """Generated, raw (weights not averaged, where they differ) and real images (n, C, H, W), uint8, and the step, as NPZ."""
    arrays = {"generated": _pixels(scene, snapshot.generated), "real": _pixels(scene, scene.target)}
    if snapshot.raw is not None:
        arrays["raw"] = _pixels(scene, snapshot.raw)
    out = io.BytesIO()
    np.savez_compressed(out, step=np.array(snapshot.step), **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def _pixels(scene: Scene, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images.reshape(-1, *scene.shape)
