"""What run and host say to each other: plain values and arrays in one safetensors text, its length before it.

The same format as the weights on disk, so nothing needs unpickling.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from otviz.runs.snapshots import Scene, Snapshot
from otviz.training.loop import TrainingState

Arrays = dict[str, NDArray[Any]]
Frame = tuple[dict[str, Any], Arrays]
NO_LOSSES = np.empty((0, 2), np.float32)


def write(out: IO[bytes], plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Send one frame. Raises OSError when nobody reads."""
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    data = save_arrays(whole, metadata={"plain": json.dumps(plain, default=_plain)})
    out.write(len(data).to_bytes(8, "little") + data)
    out.flush()


def read(source: IO[bytes]) -> Frame | None:
    """The next frame; None at the end."""
    length = source.read(8)
    if len(length) < 8:
        return None
    data = source.read(int.from_bytes(length, "little"))
    if len(data) < int.from_bytes(length, "little"):
        return None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["plain"]), load_arrays(data)


def pack(of: Scene | Snapshot) -> Frame:
    """Its plain fields, and its arrays."""
    fields = {field.name: getattr(of, field.name) for field in dataclasses.fields(of)}
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    return {name: value for name, value in fields.items() if name not in arrays}, arrays


def unpack_scene(plain: Mapping[str, Any], arrays: Arrays) -> Scene:
    """The scene that was packed."""
    tuples = {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    fields: dict[str, Any] = {**plain, **tuples, **arrays}
    return Scene(**fields)


def unpack_snapshot(plain: Mapping[str, Any], arrays: Arrays) -> Snapshot:
    """The snapshot that was packed."""
    fields: dict[str, Any] = {**plain, **arrays}
    return Snapshot(**fields)


def pack_state(state: TrainingState) -> Frame:
    """A training's state."""
    return {"rest": state[1]}, {f"state.{name}": value.numpy() for name, value in state[0].items()}


def unpack_state(plain: Mapping[str, Any], arrays: Arrays) -> TrainingState:
    """The state that was packed with whatever else is in these arrays, which lose it."""
    names = [name for name in arrays if name.startswith("state.")]
    return {name.removeprefix("state."): torch.from_numpy(arrays.pop(name)) for name in names}, plain["rest"]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value)} is not plain")
