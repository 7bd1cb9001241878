"""Trainings with snapshots, cached as NPZ: several claims share them, and a killed one continues from its last save."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save as save_tensors

from otviz.core.files import write_whole
from otviz.core.locks import alone
from otviz.experiments.results import experiments_folder
from otviz.experiments.sweeps.sweep import identity
from otviz.runs.config import RunConfig
from otviz.training.driver import AtSteps, Chunk, LossHistory, SingleTrainer, drive, every
from otviz.training.loop import Training

SAVE_SECONDS = 30.0  # of training between saves
CHUNK_SECONDS = 5.0  # between looks at the clock

Arrays = Mapping[str, NDArray[Any]]
Look = Callable[[Training], Arrays | None]


def cached(kind: str, config: RunConfig, begin: Callable[[], Training], looks: Sequence[int], look: Look) -> Arrays:
    """The snapshots of a training: cached by this version of otviz, or trained now, by one process at a time.

    Args:
        kind: folder of the cache.
        config: identifies the training.
        begin: makes the training.
        looks: steps of the snapshots, increasing.
        look: takes a snapshot, as arrays by name; None ends the training.

    Returns:
        `steps` (L,), `losses` (n, 2) of every step, and what `look` returns, stacked to (L, ...).
    """
    path = experiments_folder() / kind / f"{identity(config)}.npz"
    with alone(path):
        found = _read(path)
        if found is None:
            unfinished = path.with_suffix(".unfinished")
            found = _Recorder(begin, look, unfinished).play(looks)
            packed = io.BytesIO()
            np.savez_compressed(packed, **found)  # type: ignore[arg-type]
            with contextlib.suppress(OSError):  # without a cache the result is the same
                write_whole(path, packed.getvalue())
                unfinished.unlink(missing_ok=True)
    return found


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    """The cached arrays; None if they are missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        whole = {len(values) for name, values in found.items() if name != "losses"} == {len(found["steps"])}
        return found if whole and found["losses"].shape[1:] == (2,) else None
    except Exception:  # NumPy raises many types of error for damaged files
        return None


class _Recorder:
    """A training with the snapshots so far, continued from a save if there is one."""

    def __init__(self, begin: Callable[[], Training], look: Look, path: Path) -> None:
        self._look, self._path = look, path
        self._training, self._losses, self._seconds = begin(), LossHistory(), 0.0
        self._taken: dict[str, list[NDArray[Any]]] = {}
        if not path.exists():
            return
        try:
            self._resume()
        except Exception:  # damaged: begin anew
            self._training, self._losses, self._seconds = begin(), LossHistory(), 0.0
            self._taken = {}

    def play(self, looks: Sequence[int]) -> dict[str, NDArray[Any]]:
        """Train to the last of these steps, or until a snapshot is None."""
        observers = [self._losses.record, self._record, every(SAVE_SECONDS, self._save, self._seconds)]
        ahead = AtSteps(looks[len(self._taken.get("steps", ())) :], CHUNK_SECONDS)
        for step, _ in drive(SingleTrainer(self._training), ahead, observers, seconds=self._seconds, check=False):
            if (taken := self._look(self._training)) is None:
                break
            for name, values in {"steps": np.array(step), **taken}.items():
                self._taken.setdefault(name, []).append(values)
        return {"losses": self._losses.all(), **self._stacked()}

    def _stacked(self) -> dict[str, NDArray[Any]]:
        return {name: np.stack(values) for name, values in self._taken.items()}

    def _record(self, chunk: Chunk) -> None:
        self._seconds = chunk.seconds

    def _save(self) -> None:
        tensors, text = self._training.state()
        held = {f"state.{name}": value for name, value in tensors.items()}
        held |= {f"taken.{name}": torch.from_numpy(values) for name, values in self._stacked().items()}
        held["losses"] = torch.from_numpy(self._losses.all())
        with contextlib.suppress(OSError):  # a full disk: the training goes on
            write_whole(self._path, save_tensors(held, metadata={"state": text, "seconds": repr(self._seconds)}))

    def _resume(self) -> None:
        with safe_open(self._path, "pt") as file:
            rest, held = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = {name.removeprefix("state."): value for name, value in held.items() if name.startswith("state.")}
        self._training.restore(state, rest["state"])
        self._losses, self._seconds = LossHistory(held["losses"].numpy()), float(rest["seconds"])
        self._taken = {
            name.removeprefix("taken."): list(value.numpy())
            for name, value in held.items()
            if name.startswith("taken.")
        }
