"""What run and host send each other: a scene, a snapshot or a training's state as plain values and arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from otviz.core.container import Arrays
from otviz.core.workers.worker import Message
from otviz.runs.snapshots import Scene, Snapshot
from otviz.training.loop import TrainingState

NO_LOSSES = np.empty((0, 2), np.float32)


def pack(of: Scene | Snapshot) -> Message:
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


def pack_state(state: TrainingState) -> Message:
    """A training's state."""
    return {"rest": state[1]}, {f"state.{name}": value.numpy() for name, value in state[0].items()}


def unpack_state(plain: Mapping[str, Any], arrays: Arrays) -> TrainingState:
    """The state that was packed with whatever else is in these arrays, which lose it."""
    names = [name for name in arrays if name.startswith("state.")]
    return {name.removeprefix("state."): torch.from_numpy(arrays.pop(name)) for name in names}, plain["rest"]
