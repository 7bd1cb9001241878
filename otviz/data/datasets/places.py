"""Where the files of published data sets are: a folder of the user, or the download folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from otviz.core.files import home, write_whole

VARIABLE = "OTVIZ_DATA"


def download_folder() -> Path:
    """The download folder: `data` in the folder of the environment variable OTVIZ_HOME (default .otviz)."""
    return home().absolute() / "data"


def roots() -> tuple[Path, ...]:
    """The folders to search, in order: that of the environment variable OTVIZ_DATA, if set, and `download_folder()`."""
    named = os.environ.get(VARIABLE, "")
    return (*((Path(named).absolute(),) if named else ()), download_folder())


def find(folder: str, files: Sequence[str]) -> Path | None:
    """The first `folder` in `roots()` that has all the files, or None."""
    places = [root / folder for root in roots()]
    return next((place for place in places if all((place / file).is_file() for file in files)), None)


def advice(folder: str, files: Sequence[str]) -> str:
    """Where to put the files of a data set: the missing ones beside most of the others."""
    places = [root / folder for root in roots()]
    missing = min(([file for file in files if not (place / file).is_file()] for place in places), key=len)
    listed = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    return f"put {listed} into {places[0]}" + ("" if len(places) > 1 else f", or name a folder of data in {VARIABLE}")


def keep(folder: str, file: str, data: bytes) -> Path:
    """Write a file atomically into a folder under `download_folder()`, and return the folder.

    Args:
        folder, file: names of both.
        data: content of the file.

    Raises:
        OSError: it cannot be written.
    """
    place = download_folder() / folder
    path = place / file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return place
