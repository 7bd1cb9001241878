"""snapshots.npz of a run or a checkpoint: its scene and its snapshots. Needs no torch."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.runs.saved.file_schema import check_arrays, looks_in
from otviz.runs.snapshots import Scene, Snapshot

_STACKED = ("generated", "potential", "arrows", "manifold", "raw")
_PLAIN = ("sequence", "step", "progress", "seconds", "generator_loss", "adversary_loss", "alpha", "meter")


def pack(scene: Scene | None, snapshots: Sequence[Snapshot]) -> bytes:
    """A scene and at least one snapshot as a compressed NPZ."""
    assert scene is not None
    arrays: dict[str, NDArray[Any]] = {"target": scene.target, "source": scene.source}
    if scene.centres is not None:
        arrays["centres"] = scene.centres
    for name in _STACKED:
        if getattr(snapshots[0], name) is not None:
            arrays[name] = np.stack([getattr(snapshot, name) for snapshot in snapshots])
    plain = {
        "title": scene.title, "box": scene.box, "adversary": scene.adversary, "steps": scene.steps,
        "loss_floor": scene.loss_floor, "shape": scene.shape, "classes": scene.classes, "judge": scene.judge,
        **({"unit": scene.unit} if scene.unit else {}),
        "snapshots": [{name: getattr(snapshot, name) for name in _PLAIN} for snapshot in snapshots],
    }  # fmt: skip
    arrays["plain"] = np.frombuffer(json.dumps(plain, default=_jsonable).encode(), np.uint8)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def unpack(data: bytes) -> tuple[Scene, tuple[Snapshot, ...]]:
    """The inverse of `pack`; nothing is unpickled.

    Raises:
        ValueError: its parts do not fit together.
        Exception: of any kind, for a damaged archive.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    plain = looks_in(held["plain"])
    scene = Scene(
        title=plain["title"], box=tuple(plain["box"]), target=held["target"], source=held["source"],
        centres=held.get("centres"), adversary=plain["adversary"], steps=plain["steps"],
        loss_floor=tuple(plain["loss_floor"]) if plain["loss_floor"] else None,
        shape=tuple(plain.get("shape", (2,))), classes=tuple(plain.get("classes", ())), judge=plain.get("judge", ""),
        unit=plain.get("unit", ""),
    )  # fmt: skip
    check_arrays({name: held[name] for name in held if name != "plain"}, len(plain["snapshots"]), scene.shape)
    snapshots = []
    for index, values in enumerate(plain["snapshots"]):
        stacked: dict[str, Any] = {name: held[name][index] if name in held else None for name in _STACKED}
        for name in ("generator_loss", "adversary_loss"):
            values[name] = math.nan if values[name] is None else values[name]
        snapshots.append(Snapshot(**values, **stacked))
    return scene, tuple(snapshots)


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value)} is not plain")
