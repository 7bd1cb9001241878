"""Runs on disk: one folder for each run. Files are written atomically, and nothing is pickled.

config.json            RunConfig.record()
past.json              ChangeLog.record(): the initial settings, and each change with its step
history.csv            step, generator_loss, adversary_loss
snapshots.npz          the scene and the snapshots kept
generator.safetensors  weights of the generator, averaged if the method averages
state.safetensors      the training state
.lock                  held by the process that trains the run (see run_lock.py)
tags.json              tags given by users, if any
summary.json           status, message, step, seconds, last metrics, processor and versions; written last
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from otviz.core import __version__, records
from otviz.core.files import home, refused, write_whole
from otviz.core.owners import EVERYBODY, Owner
from otviz.core.records import listed, text
from otviz.runs.change_log import ChangeLog, RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.run_view import ENDED, RunView, Status
from otviz.runs.saved.file_schema import CONFIG, STATE, SUMMARY
from otviz.runs.saved.run_files import history_csv
from otviz.runs.saved.run_lock import elsewhere, is_locked
from otviz.runs.saved.snapshots_file import pack, unpack
from otviz.runs.snapshots import Scene

T = TypeVar("T")

ID = re.compile(r"[a-z0-9][a-z0-9-]{2,79}")
LONGEST_TAG = 40
MOST_TAGS = 12
TAGS_FILE = "tags.json"

MOST_PAST = 16_000_000  # bytes of past.json: enough for an hour of moving a slider


@dataclass(frozen=True)
class SavedRunInfo:
    """A run on disk, without its arrays."""

    id: str
    config: RunConfig
    status: Status
    message: str
    step: int
    seconds: float
    created: float
    meter: dict[str, Any]
    origin: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class Store:
    """A folder of runs.

    Args:
        folder: by default `runs` under OTVIZ_HOME (.otviz).
        owner: who asks.
    """

    def __init__(self, folder: Path | None = None, owner: Owner = EVERYBODY) -> None:
        self.folder = home() / "runs" if folder is None else folder
        self._owner = owner

    def path(self, run_id: str) -> Path:
        """The folder of a run. Raises ValueError for an invalid id, so that an id can never be another path, or another's."""
        if not ID.fullmatch(run_id):
            raise ValueError(f"a run id has 3 to 80 characters from a-z, 0-9 and -; got {run_id[:80]!r}")
        self._owner.check(run_id)
        return self.folder / run_id

    def save(self, run: RunView) -> None:
        """Save a run as of its last snapshot. Raises OSError if the disk is full; existing files then stay intact."""
        save_run(run, self.path(run.id))

    def ids(self) -> list[str]:
        """Ids of all saved runs, most recently saved first."""
        found = [path for path in self.folder.glob("*/summary.json") if ID.fullmatch(path.parent.name)]
        return [path.parent.name for path in sorted(found, key=_changed, reverse=True)]

    def read(self, run_id: str) -> SavedRunInfo:
        """Read a run without its arrays. Raises ValueError if it is missing or damaged."""
        return read_run(self.path(run_id))

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Replace the tags of a run. Raises ValueError for invalid tags or if there is no such run."""
        folder = self.path(run_id)
        if not folder.is_dir():
            raise ValueError(f"the run {run_id!r} is not saved yet, or was deleted; it cannot be tagged")
        write_tags(folder, tags)

    def delete(self, run_id: str) -> None:
        """Delete a run, if it exists. Raises ValueError while a process trains it, or if it cannot be deleted."""
        if is_locked(self.path(run_id)):
            raise ValueError(elsewhere(self.path(run_id)))
        try:
            shutil.rmtree(self.path(run_id))
        except FileNotFoundError:
            return
        except OSError as error:
            raise ValueError(refused(self.path(run_id), error, "cannot be deleted")) from error


def save_run(run: RunView, folder: Path) -> None:
    """Write all files of a run, as of its last snapshot, into `folder`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    last = run.snapshots[-1]
    summary = {
        "id": run.id, "status": run.status, "message": run.message, "step": last.step, "seconds": run.seconds,
        "created": run.created, "meter": last.meter, "origin": run.origin,
        "made": run.environment,
    }  # fmt: skip
    tensors, text = run.state()
    prefix = "averaged." if run.config.method.ema else "generator."
    weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    write_config(run.config, folder)
    write_whole(folder / "past.json", json.dumps(run.change_log.record(), indent=1).encode())
    write_whole(folder / "history.csv", history_csv(run.losses()).encode())
    write_whole(folder / "snapshots.npz", pack(run.scene, run.snapshots))
    write_whole(folder / "generator.safetensors", save_tensors(weights))
    write_whole(folder / "state.safetensors", save_tensors(tensors, metadata={"rest": text}))
    write_whole(folder / "summary.json", json.dumps(summary, indent=1).encode())


def write_config(config: RunConfig, folder: Path) -> None:
    """Write config.json, which every folder of a trained model has. Raises OSError."""
    write_whole(folder / "config.json", json.dumps({"otviz": __version__, **config.record()}, indent=1).encode())


def read_run(folder: Path) -> SavedRunInfo:
    """Read the run in `folder` without its arrays. Raises ValueError if it is missing or damaged."""

    def read() -> SavedRunInfo:
        config = RunConfig.from_record(records.read(folder / "config.json", CONFIG))
        kept = records.read(folder / "summary.json", SUMMARY)
        status: Status = kept["status"] if kept["status"] in ENDED else "stopped"
        if is_locked(folder):
            status = "elsewhere"
        return SavedRunInfo(
            folder.name, config, status, kept["message"], kept["step"], float(kept["seconds"]),
            float(kept["created"]), kept["meter"], kept.get("origin", ""), kept.get("made", {}),
        )  # fmt: skip

    return _guarded(folder, read)


def read_checkpoint(folder: Path) -> tuple[Scene, RunCheckpoint]:
    """Read the scene, snapshots, losses and training state of a run. Raises ValueError if it is missing or damaged."""

    def read() -> tuple[Scene, RunCheckpoint]:
        scene, snapshots = unpack((folder / "snapshots.npz").read_bytes())
        raw = (folder / "state.safetensors").read_bytes()
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        tensors: dict[str, torch.Tensor] = load_tensors(raw)
        rest = header["__metadata__"]["rest"]
        step = int(records.checked(records.parsed(rest, "state.safetensors"), STATE, "state.safetensors")["step"])
        losses = read_history(folder / "history.csv")
        if len(losses) < step:
            raise ValueError(f"history.csv holds {len(losses)} of {step} steps")
        # If the process died between two files, history and snapshots are ahead of the state: continue from the state.
        kept = tuple(snapshot for snapshot in snapshots if snapshot.step <= step)
        return scene, RunCheckpoint(kept, losses[:step], tensors, rest, _read_past(folder, step))

    return _guarded(folder, read)


def _read_past(folder: Path, step: int) -> ChangeLog | None:
    """The changes of the run up to that step; None if there is no past.json."""
    path = folder / "past.json"
    return (
        ChangeLog.from_record(records.parsed(path.read_bytes(), path.name, MOST_PAST)).until(step)
        if path.is_file()
        else None
    )


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # deleted meanwhile
        return 0.0


def read_history(path: Path) -> NDArray[np.float32]:
    """Losses of every step, shape (steps, 2): generator, adversary (nan without). Raises ValueError or OSError."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return np.array([line.split(",")[1:] for line in lines], dtype=np.float32).reshape(len(lines), 2)


def _guarded(folder: Path, read: Callable[[], T]) -> T:
    if not (folder / "summary.json").is_file():
        raise ValueError(f"there is no saved run {folder.name!r}; it may have been deleted, or never saved")
    try:
        return read()
    except Exception as error:  # a damaged file may raise any error
        raise ValueError(f"the saved run {folder.name!r} cannot be read ({error}); delete it") from error


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags without duplicates and extra spaces, sorted. Raises ValueError if there are too many or one is too long."""
    found = sorted({" ".join(tag.split()) for tag in tags} - {""}, key=lambda tag: (tag.casefold(), tag))
    long = [tag for tag in found if len(tag) > LONGEST_TAG]
    if long:
        raise ValueError(
            f"a tag has at most {LONGEST_TAG} characters; got {len(long[0])}: shorten {long[0][:LONGEST_TAG]!r}"
        )
    if len(found) > MOST_TAGS:
        raise ValueError(f"a run has at most {MOST_TAGS} tags; got {len(found)}: remove some")
    return tuple(found)


def read_tags(folder: Path) -> tuple[str, ...]:
    """The tags of the run in a folder; empty if there are none or they cannot be read."""
    try:
        found = records.parsed((folder / TAGS_FILE).read_bytes(), TAGS_FILE)
        listed(text(LONGEST_TAG), MOST_TAGS)(found)
        return checked_tags(found)
    except (OSError, ValueError):
        return ()


def write_tags(folder: Path, tags: Iterable[str]) -> None:
    """Replace the tags of the run in a folder. Raises ValueError as `checked_tags`, or if they cannot be written."""
    found = json.dumps(checked_tags(tags)).encode()
    try:
        write_whole(folder / TAGS_FILE, found)
    except OSError as error:
        raise ValueError(f"The tags are not kept: {refused(folder / TAGS_FILE, error)}") from error
