"""The training of an image model as a panel of the player. Needs no torch."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np

from otviz.checkpoints.card import Card
from otviz.player.wire import PanelUpdate
from otviz.runs.saved.snapshots_file import unpack
from otviz.runs.snapshots import IMAGE_BOX, Curve, Scene, Snapshot

MOST = 8_000_000  # bytes of a file; unpacked it may have 8 times as many

Recorded = tuple[Scene, tuple[Snapshot, ...]]


def read_training(folder: Path) -> Recorded:
    """The scene and snapshots in the folder of a checkpoint. Raises ValueError if they are missing or damaged."""
    path = folder / "snapshots.npz"
    try:
        if path.stat().st_size > MOST or _unpacked(path) > 8 * MOST:
            raise ValueError(f"it has more than {MOST / 1e6:g} MB, or {8 * MOST / 1e6:g} unpacked")
        scene, snapshots = unpack(path.read_bytes())
        if any(snapshot.generated.dtype != np.uint8 for snapshot in snapshots):
            raise ValueError("its images are not bytes")
        return scene, snapshots
    except Exception as error:  # a damaged archive makes NumPy and zipfile raise errors of many kinds
        raise ValueError(f"{path.name} cannot be read ({' '.join(str(error).split())[:100]})") from error


def _unpacked(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def panel(card: Card, recorded: Recorded, title: str = "") -> PanelUpdate:
    """The whole training of a model as a panel of the player.

    Args:
        card: of the model.
        recorded: its scene and snapshots.
        title: of the panel; the title on the card if empty.
    """
    scene, snapshots = recorded
    judge = str(card.metrics.get("judge", ""))
    scene = dataclasses.replace(scene, title=title or card.title, judge=judge and f"Scored by {judge}")
    steps = np.array([snapshot.step for snapshot in snapshots])
    losses = np.array([(each.generator_loss, each.adversary_loss) for each in snapshots], np.float32)
    curve = Curve(steps, losses[:, 0], losses[:, 1])
    name = f"{card.name}-{str(card.record['sha256'])[:12]}"
    return PanelUpdate(name, IMAGE_BOX, scene, list(snapshots), curve, status="done", shape=card.shape)
