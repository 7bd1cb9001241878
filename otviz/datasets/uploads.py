"""Archives of images that users hand in: kept under a name made from their content, so that a link can mean one."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from otviz.files import write_whole

EXTENSION = ".zip"
PREFIX = "upload:"
UPLOAD = re.compile(r"upload:[0-9a-f]{16}")
MOST_UPLOAD_BYTES = 200_000_000


def uploads_folder() -> Path:
    """Where uploads lie: `uploads` in the folder that the environment variable OTVIZ_HOME names (.otviz)."""
    return Path(os.environ.get("OTVIZ_HOME", ".otviz")) / "uploads"


def store_upload(data: bytes, filename: str) -> str:
    """Keep a ZIP of images and return its name, "upload:" and the first 16 hex digits of its SHA-256.

    Args:
        data: the content of the file; it is checked when a set is made of it.
        filename: what the user called it; only its extension is used.

    Raises:
        ValueError: another extension, an empty or too large file, or a folder that cannot be written.
    """
    if Path(filename).suffix.lower() != EXTENSION:
        raise ValueError(f"images are handed in as one file that ends in {EXTENSION}; got {filename!r}")
    if not 0 < len(data) <= MOST_UPLOAD_BYTES:
        raise ValueError(
            f"a ZIP that is handed in must have from 1 byte to {MOST_UPLOAD_BYTES / 1e6:g} MB; "
            f"{filename!r} has {len(data)} bytes"
        )
    digest = hashlib.sha256(data).hexdigest()[:16]
    folder = uploads_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / (digest + EXTENSION), data)
    except OSError as error:
        raise ValueError(f"the file could not be kept in {folder}: {error.strerror}") from error
    return PREFIX + digest


def find_upload(name: str) -> Path:
    """The file that `store_upload` called `name`. Raises ValueError for a malformed or unknown name."""
    # Nothing but hex digits reaches the file system, so a name cannot climb out of the folder.
    if not UPLOAD.fullmatch(name):
        raise ValueError(f"an uploaded file is written {PREFIX} and 16 hex digits; got {name!r}")
    path = uploads_folder() / (name.removeprefix(PREFIX) + EXTENSION)
    if not path.is_file():
        raise ValueError(f"{name} is not among the archives of images kept here; upload it again")
    return path
