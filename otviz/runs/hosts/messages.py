"""Messages between a run and its host: scenes, snapshots and training states as plain values and arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from otviz.core.container import Arrays
from otviz.core.workers.pipe import Message
from otviz.runs.snapshots import Scene, Snapshot
from otviz.training.loop import TrainingState

NO_LOSSES = np.empty((0, 2), np.float32)


def pack(of: Scene | Snapshot) -> Message:
    """The plain fields, and the arrays by name."""
    fields = {field.name: getattr(of, field.name) for field in dataclasses.fields(of)}
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    return {name: value for name, value in fields.items() if name not in arrays}, arrays


def unpack_scene(plain: Mapping[str, Any], arrays: Arrays) -> Scene:
    """The inverse of `pack` for a scene."""
    tuples = {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    fields: dict[str, Any] = {**plain, **tuples, **arrays}
    return Scene(**fields)


def unpack_snapshot(plain: Mapping[str, Any], arrays: Arrays) -> Snapshot:
    """The inverse of `pack` for a snapshot."""
    fields: dict[str, Any] = {**plain, **arrays}
    return Snapshot(**fields)


def pack_state(state: TrainingState) -> Message:
    """A training state as plain values and arrays."""
    return {"rest": state[1]}, {f"state.{name}": value.numpy() for name, value in state[0].items()}


def unpack_state(plain: Mapping[str, Any], arrays: Arrays) -> TrainingState:
    """The inverse of `pack_state`. Removes the state from `arrays`, which may hold others too."""
    names = [name for name in arrays if name.startswith("state.")]
    return {name.removeprefix("state."): torch.from_numpy(arrays.pop(name)) for name in names}, plain["rest"]
