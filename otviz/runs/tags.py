"""Words that users give to runs, kept beside each run on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from otviz.core import records
from otviz.core.files import refused, write_whole
from otviz.core.records import listed, text

LONGEST = 40
MOST = 12
FILE = "tags.json"


def checked(tags: Iterable[str]) -> tuple[str, ...]:
    """Each once, without spaces around it, in order of the alphabet. Raises ValueError for too many or too long ones."""
    found = sorted({" ".join(tag.split()) for tag in tags} - {""}, key=lambda tag: (tag.casefold(), tag))
    long = [tag for tag in found if len(tag) > LONGEST]
    if long:
        raise ValueError(f"a tag has at most {LONGEST} characters; got {len(long[0])}: shorten {long[0][:LONGEST]!r}")
    if len(found) > MOST:
        raise ValueError(f"a run has at most {MOST} tags; got {len(found)}: remove some")
    return tuple(found)


def read_tags(folder: Path) -> tuple[str, ...]:
    """The tags of the run in a folder; none if there are none, or they cannot be read."""
    try:
        found = records.parsed((folder / FILE).read_bytes(), FILE)
        listed(text(LONGEST), MOST)(found)
        return checked(found)
    except (OSError, ValueError):
        return ()


def write_tags(folder: Path, tags: Iterable[str]) -> None:
    """Give the run in a folder these tags instead of those it had. Raises ValueError as `checked`, or if it cannot be written."""
    found = json.dumps(checked(tags)).encode()
    try:
        write_whole(folder / FILE, found)
    except OSError as error:
        raise ValueError(f"The tags are not kept: {refused(folder / FILE, error)}") from error
