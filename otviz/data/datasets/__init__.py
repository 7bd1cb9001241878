"""Data sets of images: one file per data set or family. Importing this needs neither torch nor the images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otviz.core.plugins import choose, discover
from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.own_images import EXTENSION, PREFIX, store_upload
from otviz.data.datasets.rows import to_pixels, to_rows

__all__ = [
    "ImageSet",
    "Images",
    "Split",
    "by_record",
    "datasets",
    "kind_of",
    "named",
    "parse_dataset",
    "store_upload",
    "to_pixels",
    "to_rows",
]


def datasets() -> dict[str, type[ImageSet]]:
    """Every data set by name."""
    return discover("otviz.data.datasets", ImageSet)  # type: ignore[type-abstract]


def named(name: str) -> type[ImageSet]:
    """The data set of that name. Raises ValueError, with the known names, if there is none."""
    return choose(datasets(), name, "data set")


def parse_dataset(name_or_path: str, values: Mapping[str, str]) -> ImageSet:
    """Make a data set from strings, as in links and on the command line.

    Args:
        name_or_path: a name, such as "mnist", the path of a folder or ZIP of images, or "upload:" and 16 hex digits.
        values: knobs by name, as text.

    Raises:
        ValueError: neither a name nor a folder or ZIP, an unknown knob, a value out of range, or unreadable images.
    """
    kind = kind_of(name_or_path)
    return kind.parse(values if name_or_path == kind.name else {**values, "file": name_or_path})


def kind_of(name_or_path: str) -> type[ImageSet]:
    """The class for a name or a path, without reading anything. Raises ValueError if it is neither."""
    if name_or_path in datasets():
        return named(name_or_path)
    if _is_path(name_or_path):
        return named("folder")
    raise ValueError(
        f"data set must be one of {', '.join(datasets())}, or a folder or ZIP of images; got {name_or_path!r}"
    )


def _is_path(text: str) -> bool:
    if text.startswith(PREFIX) or text.lower().endswith(EXTENSION):
        return True
    try:
        return bool(text) and Path(text).is_dir()
    except (OSError, ValueError):  # not a valid path
        return False


def by_record(record: Mapping[str, Any]) -> ImageSet:
    """The data set of a `record`. Raises ValueError for an unknown name or knob, or an invalid value."""
    return named(str(record.get("name", ""))).from_record(record)
