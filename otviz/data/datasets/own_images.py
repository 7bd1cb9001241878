"""Archives of images uploaded by users."""

from __future__ import annotations

from pathlib import Path

from otviz.core.owners import EVERYBODY, Owner
from otviz.core.uploads import PREFIX, keep_upload
from otviz.core.uploads import find_upload as find

__all__ = ["EXTENSION", "MOST_UPLOAD_BYTES", "PREFIX", "find_upload", "store_upload"]

EXTENSION = ".zip"
MOST_UPLOAD_BYTES = 200_000_000


def store_upload(data: bytes, filename: str, owner: Owner = EVERYBODY) -> str:
    """Store a ZIP of images and return its name.

    Args:
        data, filename, owner: as for `otviz.core.uploads.keep_upload`, which may raise ValueError.
    """
    return keep_upload(data, filename, (EXTENSION,), MOST_UPLOAD_BYTES, owner=owner)


def find_upload(name: str) -> Path:
    """The archive that `store_upload` called `name`. Raises ValueError for a malformed or unknown name."""
    return find(name, (EXTENSION,))
