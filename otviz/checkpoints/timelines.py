"""Timelines: sheets of images from fixed latents at several steps of a training, as a small NPZ. Needs no torch."""

from __future__ import annotations

import io
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.core.records import LARGEST

FRAMES, FRAMES_LARGE = 33, 17  # number of snapshots, and that of large images
LARGE = 1024  # numbers of an image from which on it is large
MOST = 8_000_000  # bytes of a file; unpacked it may have 8 times as many
SCORES = ("frechet", "precision", "recall", "classes_effective")


class Timeline(NamedTuple):
    """Snapshots of one training.

    Attributes:
        steps: of the snapshots, shape (f,), increasing.
        seconds: training time until then, shape (f,).
        images: shape (f, n, C*H*W), uint8.
        losses: of generator and adversary, averaged since the snapshot before, shape (f, 2); nan without.
        scores: `SCORES` of each snapshot, shape (f, 4); nan if not measured.
        samples: number of images for each score; 0 if nothing was measured.
    """

    steps: NDArray[np.int64]
    seconds: NDArray[np.float32]
    images: NDArray[np.uint8]
    losses: NDArray[np.float32]
    scores: NDArray[np.float32]
    samples: int


def looks(steps: int, frames: int = FRAMES, bend: float = 1.6) -> list[int]:
    """Steps at which to take snapshots, from 0 to `steps`.

    Args:
        steps: of the training.
        frames: number of snapshots, at most.
        bend: exponent of their spacing; above 1, early snapshots are closer together.
    """
    shares = np.linspace(0, 1, frames) ** bend
    return sorted({round(share * steps) for share in shares.tolist()})


def pack(timeline: Timeline) -> bytes:
    """The timeline as a compressed NPZ."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {**timeline._asdict(), "samples": np.array(timeline.samples)}
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def unpack(data: bytes) -> Timeline:
    """The inverse of `pack`. Raises ValueError for invalid data; nothing is unpickled."""
    try:
        if len(data) > MOST or _unpacked(data) > 8 * MOST:
            raise ValueError(f"it has more than {MOST / 1e6:g} MB, or {8 * MOST / 1e6:g} unpacked")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: file[name] for name in Timeline._fields}
        timeline = Timeline(**{**found, "samples": int(found["samples"])})
        frames = len(timeline.steps)
        fits = timeline.images.ndim == 3 and timeline.images.dtype == np.uint8 and timeline.steps.ndim == 1
        shapes = (timeline.seconds.shape, timeline.losses.shape, timeline.scores.shape)
        if not fits or not frames or shapes != ((frames,), (frames, 2), (frames, len(SCORES))):
            raise ValueError("its parts do not fit together")
        if len(timeline.images) != frames:
            raise ValueError("it has not as many frames as steps")
        numbers = [array.dtype.kind for array in (timeline.seconds, timeline.losses, timeline.scores)]
        ordered = timeline.steps.dtype.kind in "iu" and timeline.steps[0] >= 0 and (np.diff(timeline.steps) >= 0).all()
        if numbers != ["f"] * 3 or not ordered or not 0 <= timeline.samples <= LARGEST:
            raise ValueError("its steps or numbers are out of range")
        return timeline
    except Exception as error:  # a damaged archive makes NumPy and zipfile raise errors of many kinds
        raise ValueError(f"timeline.npz cannot be read ({' '.join(str(error).split())[:100]})") from error


def _unpacked(data: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(entry.file_size for entry in archive.infolist())
