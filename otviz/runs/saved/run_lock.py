"""The lock of a stored run: one process at a time trains and saves it; others read what was saved.

The operating system frees the lock when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from filelock import FileLock, Timeout

from otviz.core.files import reason, write_whole

LOCK = ".lock"
_PROBE, _PROBE_BYTES = ".probe", 2**17
_WAIT = 0.3
"""Seconds to wait for a lock: a process that only asks whether it is free holds it for a moment."""


class RunLock:
    """Holds the folder of a run until `close`, once a small file could be written there.

    Attributes:
        refusal: why nothing can be written there, or empty; then there is no lock either.

    Args:
        folder: of the run.

    Raises ValueError while another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.refusal = ""
        self._folder = folder
        self._lock = FileLock(folder / LOCK, thread_local=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / _PROBE, bytes(_PROBE_BYTES))
            (folder / _PROBE).unlink(missing_ok=True)
            self.hold()
        except OSError as error:
            self._clear()
            self.refusal = f"this run will not be kept: {str(folder.parent)!r} cannot be written ({reason(error)})"
        self._seen = self._stamp()

    def hold(self) -> None:
        """Take the lock if it is not held yet. Raises OSError, or ValueError while another process holds it."""
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire(timeout=_WAIT)
        except Timeout:
            raise ValueError(elsewhere(self._folder)) from None

    def close(self) -> None:
        """Let other processes have the run. Of one that was never saved, nothing is left."""
        self._seen = self._stamp()
        with contextlib.suppress(OSError):
            self._lock.release()
        self._clear()

    def is_outdated(self) -> bool:
        """Whether another process has continued or deleted the run since `close`."""
        return not self._lock.is_locked and (self._stamp() != self._seen or is_locked(self._folder))

    def _clear(self) -> None:
        with contextlib.suppress(OSError):  # not there, or not writable
            if {path.name for path in self._folder.iterdir()} <= {LOCK, _PROBE}:
                for name in (LOCK, _PROBE):
                    (self._folder / name).unlink(missing_ok=True)
                self._folder.rmdir()

    def _stamp(self) -> int:
        try:
            return (self._folder / "summary.json").stat().st_mtime_ns
        except OSError:  # not saved
            return 0


def is_locked(folder: Path) -> bool:
    """Whether a process trains the run in a folder."""
    if not (folder / LOCK).is_file():
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0.02, poll_interval=0.005)  # another process may be asking the same
    except Timeout:
        return True
    except OSError:  # a read-only disk, on which nobody trains
        return False
    lock.release()
    return False


def elsewhere(folder: Path) -> str:
    """The message for a run that cannot be changed here."""
    return f"the run {folder.name!r} is trained by another process; stop it there first"
