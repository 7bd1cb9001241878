"""Folders of this project, and atomic writes."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project."""

CHECKPOINTS = ROOT / "checkpoints"
"""Folder of the shipped checkpoints."""

WRITTEN_WITHIN = 600.0
"""Seconds after which a temporary file is no longer in use."""

WINDOWS = os.name == "nt"
READERS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds to wait for readers of a file that is replaced, before each further try."""

_ASIDE = re.compile(r"\..+\.[a-z0-9_]{8}")


def home() -> Path:
    """The folder of the user's files: the environment variable OTVIZ_HOME, or .otviz."""
    return Path(os.environ.get("OTVIZ_HOME", ".otviz"))


def check_repository() -> None:
    """Raise ValueError where this package was installed without the folders that lie beside it in its repository."""
    if not (CHECKPOINTS / "catalogue.toml").is_file():
        raise ValueError(
            "checkpoints, lessons and results are not part of an installed package: clone the repository of otviz and "
            "run python -m pip install -e . in it"
        )


class CarefulFile(io.FileIO):
    """A file that limits single reads: a small ZIP can list millions of members, and zipfile would read them all.

    Attributes:
        most: largest number of bytes per call of `read`; raised once the list of members is read.
    """

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path)
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes. Raises ValueError if `size` exceeds `most`."""
        if size is not None and size > self.most:
            raise ValueError(f"its list of files has more than {self.most / 1e6:g} MB")
        return super().read(-1 if size is None else size) or b""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically, through a temporary file: readers see all of it or nothing, even after a power cut.

    Raises OSError; then no temporary file is left.
    """
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=_aside(path.name))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(aside, path)  # closed by now, since Windows cannot rename an open file
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _replace(aside: str, path: Path) -> None:
    """Rename a file. On Windows this is refused while somebody else reads `path`, which takes a moment."""
    for pause in READERS if WINDOWS else ():
        try:
            return os.replace(aside, path)
        except PermissionError:
            time.sleep(pause)
    os.replace(aside, path)


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove temporary files of a killed process; no process may be writing these files."""
    for name in names:
        for left in folder.glob(f"{glob.escape(_aside(name))}*"):
            left.unlink(missing_ok=True)


def clear_folders(folder: Path) -> None:
    """Remove old temporary files of killed processes from the subfolders; recent ones may still be in use."""
    for left in folder.glob("*/.*"):
        with contextlib.suppress(OSError):  # renamed meanwhile, or a read-only disk
            if _ASIDE.fullmatch(left.name) and time.time() - left.stat().st_mtime > WRITTEN_WITHIN:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    """Sync a folder, so that a new name survives a power cut, where the system supports it."""
    with contextlib.suppress(OSError):  # not possible on Windows and some network disks
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _aside(name: str) -> str:
    return f".{name}."


_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the quota of the disk is used up", "free some space"),
    errno.EROFS: ("the disk is read-only", "make it writable"),
    errno.EACCES: ("permission is denied", "allow this user to write there"),
    errno.EPERM: ("permission is denied", "allow this user to write there"),
    errno.ENOENT: ("its folder does not exist", "make the folder first"),
    errno.ENOTDIR: ("its folder is a file", "choose another folder"),
    errno.EISDIR: ("it is a folder", "choose the name of a file"),
}


def refused(path: Path, error: OSError, what: str = "cannot be written") -> str:
    """An error message on a file: its name, the reason, and what to do.

    Args:
        path: the file.
        error: what went wrong.
        what: the failed action.
    """
    return f"{str(path)!r} {what} ({_cause(error)[0]}); {_cause(error)[1]}, then try again"


def reason(error: OSError) -> str:
    """What went wrong with a file and what to do, without the name of the file."""
    return "; ".join(_cause(error))


def _cause(error: OSError) -> tuple[str, str]:
    return _CAUSES.get(error.errno or 0, (error.strerror or str(error), "check the disk"))
