"""Points and pictures uploaded by users."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otviz.core.owners import EVERYBODY, Owner
from otviz.core.uploads import PREFIX, keep_upload, uploads_folder
from otviz.core.uploads import find_upload as find
from otviz.data.reading import formats, image_pixels

__all__ = ["EXTENSIONS", "PREFIX", "find_upload", "identity", "store_upload", "uploads_folder"]

EXTENSIONS = (*formats.EXTENSIONS, *image_pixels.EXTENSIONS)


def store_upload(
    data: bytes,
    filename: str,
    folder: Path | None = None,
    extensions: Sequence[str] = EXTENSIONS,
    owner: Owner = EVERYBODY,
) -> str:
    """Store a file of points or a picture and return its name.

    Args:
        data, filename, folder, extensions, owner: as for `otviz.core.uploads.keep_upload`, which may raise ValueError.
    """
    return keep_upload(data, filename, extensions, formats.MAX_BYTES, folder, owner)


def find_upload(name: str, folder: Path | None = None) -> Path:
    """The file that `store_upload` called `name`. Raises ValueError for a malformed or unknown name."""
    return find(name, EXTENSIONS, folder)


def identity(path: Path) -> tuple[Path, int, int]:
    """Path, modification time and size: the cache key of a reading."""
    try:
        if path.is_file():  # pipes and devices could block for ever
            state = path.stat()
            return path.resolve(), state.st_mtime_ns, state.st_size
    except (OSError, ValueError):
        pass
    raise ValueError(f"file must be a file that exists; got {str(path)!r}: check the path, or upload it")
