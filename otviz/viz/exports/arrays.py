"""Runs as arrays: scene, snapshots, losses and metrics."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.runs.run_view import RunView
from otviz.viz.exports.run_tables import Runs

PER_SNAPSHOT = ("generated", "raw", "potential", "arrows", "manifold")

NOTE = (
    "All points, those of the source too, and all lengths are in the units of the target's file: offset + factor * (the "
    "coordinates in which the method trained). Losses and the values of the potential are those of the training."
)


def arrays_npz(runs: Runs) -> bytes:
    """Scene, snapshots, losses and metrics as NPZ; read it with numpy.load(file, allow_pickle=False).

    The scene is target, source, centres and box. Arrays with one entry per snapshot: step, seconds, generated
    (snapshots, n, 2), potential, arrows, manifold, and meter_<name>, nan where it was not measured. One entry per step:
    generator_loss and adversary_loss. Images are bytes, (snapshots, n, C, H, W). config is JSON. Points and lengths are in the
    units of the target's file, described by `units` (JSON) unless they are data units. With several runs, names begin with
    run0_, run1_ ..., and `runs` has their labels.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for index, run in enumerate(runs.values()):
        prefix = f"run{index}_" if len(runs) > 1 else ""
        arrays |= {prefix + name: value for name, value in _arrays(run).items()}
    if len(runs) > 1:
        arrays["runs"] = np.array(list(runs))
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _arrays(run: RunView) -> dict[str, NDArray[Any]]:
    scene, snapshots = run.scene, run.snapshots
    assert scene is not None
    found: dict[str, NDArray[Any]] = {
        "config": np.array(json.dumps(run.config.record())),
        "box": np.array(scene.box),
        "target": scene.target.reshape(-1, *scene.shape),
        "source": scene.source.reshape(-1, *scene.shape),
        "step": np.array([snapshot.step for snapshot in snapshots]),
        "seconds": np.array([snapshot.seconds for snapshot in snapshots]),
        "generator_loss": run.losses()[:, 0],
        "adversary_loss": run.losses()[:, 1],
    }
    if scene.unit:
        found["units"] = np.array(json.dumps({**run.config.target.units.record(), "note": NOTE}))
    if scene.centres is not None:
        found["centres"] = scene.centres
    for name in PER_SNAPSHOT:
        if getattr(snapshots[0], name) is not None:
            found[name] = np.stack([getattr(snapshot, name) for snapshot in snapshots])
            if name in ("generated", "raw"):
                found[name] = found[name].reshape(len(snapshots), -1, *scene.shape)
    names = dict.fromkeys(name for snapshot in snapshots for name in snapshot.meter if name != "unit")
    return found | {f"meter_{re.sub(r'[^a-z0-9_]', '_', name)}": _over_snapshots(run, name) for name in names}


def _over_snapshots(run: RunView, name: str) -> NDArray[Any]:
    """Shape (snapshots,) or (snapshots, k), nan where it was not measured."""
    values = [snapshot.meter.get(name) for snapshot in run.snapshots]
    width = max((len(value) for value in values if isinstance(value, list)), default=0)
    nothing = [np.nan] * width if width else np.nan
    return np.array([nothing if value is None else value for value in values], dtype=np.float64)
