"""Where the files of published sets lie: a folder of the user's, or what was downloaded before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from otviz.core.files import home, write_whole

VARIABLE = "OTVIZ_DATA"


def kept_folder() -> Path:
    """Where downloads are kept: `data` in the folder that the environment variable OTVIZ_HOME names (.otviz)."""
    return home().absolute() / "data"


def roots() -> tuple[Path, ...]:
    """The folders that are searched, first to last: the one that OTVIZ_DATA names, if it is set, and `kept_folder()`."""
    named = os.environ.get(VARIABLE, "")
    return (*((Path(named).absolute(),) if named else ()), kept_folder())


def find(folder: str, files: Sequence[str]) -> Path | None:
    """The first place with all those files in that folder, or None."""
    places = [root / folder for root in roots()]
    return next((place for place in places if all((place / file).is_file() for file in files)), None)


def advice(folder: str, files: Sequence[str]) -> str:
    """Where to put the files of a set: those that are lacking where most of them are."""
    places = [root / folder for root in roots()]
    lacking = min(([file for file in files if not (place / file).is_file()] for place in places), key=len)
    listed = ", ".join(lacking[:4]) + (f" and {len(lacking) - 4} more" if len(lacking) > 4 else "")
    return f"put {listed} into {places[0]}" + ("" if len(places) > 1 else f", or name a folder of data in {VARIABLE}")


def keep(folder: str, file: str, data: bytes) -> Path:
    """Write a file into a folder under `kept_folder()`, whole or not at all, and return the folder. Raises OSError."""
    place = kept_folder() / folder
    path = place / file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return place
