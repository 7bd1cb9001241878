"""Files that users hand in: kept under a name made from their content, so that a link can mean one of them."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from otviz.distributions import images, tables
from otviz.files import write_whole

EXTENSIONS = (*tables.EXTENSIONS, *images.EXTENSIONS)
PREFIX = "upload:"
UPLOAD = re.compile(r"upload:[0-9a-f]{16}")


def uploads_folder() -> Path:
    """Where uploads lie: `uploads` in the folder that the environment variable OTVIZ_HOME names (.otviz)."""
    return Path(os.environ.get("OTVIZ_HOME", ".otviz")) / "uploads"


def store_upload(data: bytes, filename: str, folder: Path | None = None) -> str:
    """Keep a file and return its name, "upload:" and the first 16 hex digits of its SHA-256.

    Args:
        data: the content of the file; it is checked when a distribution is made of it.
        filename: what the user called it; only its extension is used.
        folder: where it goes; `uploads_folder()` if None.

    Raises:
        ValueError: an extension that is not read here, an empty or too large file, or a folder that cannot be written.
    """
    extension = Path(filename).suffix.lower()
    if extension not in EXTENSIONS:
        raise ValueError(f"a file must end in {', '.join(EXTENSIONS)}; got {filename!r}")
    if not 0 < len(data) <= tables.MAX_BYTES:
        raise ValueError(
            f"a file must have from 1 byte to {tables.MAX_BYTES / 1e6:g} MB; {filename!r} has {len(data)} bytes"
        )
    folder = uploads_folder() if folder is None else folder
    digest = hashlib.sha256(data).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / (digest + extension), data)
    except OSError as error:
        raise ValueError(f"the file could not be kept in {folder}: {error.strerror}") from error
    return PREFIX + digest


def find_upload(name: str, folder: Path | None = None) -> Path:
    """The file that `store_upload` called `name`. Raises ValueError for a malformed or unknown name."""
    # Nothing but hex digits reaches the file system, so a name cannot climb out of the folder.
    if not UPLOAD.fullmatch(name):
        raise ValueError(f"an uploaded file is written {PREFIX} and 16 hex digits; got {name!r}")
    folder = uploads_folder() if folder is None else folder
    stored = [folder / (name.removeprefix(PREFIX) + extension) for extension in EXTENSIONS]
    found = [path for path in stored if path.is_file()]
    if not found:
        raise ValueError(f"{name} is not among the uploads kept here; upload the file again")
    # The same bytes may have been handed in as .csv and as .tsv: the last one counts.
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def identity(path: Path) -> tuple[Path, int, int]:
    """The file, its time of change and size: what a cached reading stays valid for."""
    try:
        if path.is_file():  # not a folder, and no pipe or device, which could block for ever
            state = path.stat()
            return path.resolve(), state.st_mtime_ns, state.st_size
    except (OSError, ValueError):
        pass
    raise ValueError(f"file must be a file that exists; got {str(path)!r}: check the path, or upload it")
