"""2D distributions: one file per distribution or family. Any can be source or target."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otviz.core.plugins import choose, discover
from otviz.data.distributions.distribution import Cloud, Distribution, Points
from otviz.data.distributions.own_files import EXTENSIONS, PREFIX, find_upload, store_upload, uploads_folder
from otviz.data.target import Mixture
from otviz.data.units import Units

__all__ = [
    "Cloud",
    "Distribution",
    "Mixture",
    "Points",
    "Units",
    "by_record",
    "distributions",
    "kind_of",
    "named",
    "parse_distribution",
    "store_upload",
    "uploads_folder",
]


def distributions() -> dict[str, type[Distribution]]:
    """Every distribution by name."""
    return discover("otviz.data.distributions", Distribution)  # type: ignore[type-abstract]


def named(name: str) -> type[Distribution]:
    """The distribution of that name. Raises ValueError, with the known names, if there is none."""
    return choose(distributions(), name, "distribution")


def parse_distribution(name_or_file: str, values: Mapping[str, str]) -> Distribution:
    """Make a distribution from strings, as in links and on the command line.

    Args:
        name_or_file: a name, such as "ring", the path of a file of points, or "upload:" and 16 hex digits.
        values: knobs by name, as text.

    Raises:
        ValueError: neither a name nor a file, an unknown knob, a value out of range, or an unreadable file.
    """
    kind = kind_of(name_or_file)
    return kind.parse(values if name_or_file == kind.name else {**values, "file": name_or_file})


def kind_of(name_or_file: str) -> type[Distribution]:
    """The class for a name or a file, without reading it. Raises ValueError if it is neither."""
    if name_or_file in distributions():
        return named(name_or_file)
    if _is_file(name_or_file):
        return _reader(name_or_file)
    raise ValueError(
        f"distribution must be one of {', '.join(distributions())}, or a file ({', '.join(EXTENSIONS)}); "
        f"got {name_or_file!r}"
    )


def _reader(file: str) -> type[Distribution]:
    """The class that reads files with this extension; by default the reader of points, which reports the error."""
    extension = (find_upload(file) if file.startswith(PREFIX) else Path(file)).suffix.lower()
    readers = [cls for cls in distributions().values() if extension in cls.extensions]
    return readers[0] if readers else named("points")


def _is_file(text: str) -> bool:
    if text.startswith(PREFIX) or Path(text).suffix.lower() in EXTENSIONS:
        return True
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # not a valid path
        return False


def by_record(record: Mapping[str, Any]) -> Distribution:
    """The distribution of a `record`. Raises ValueError for an unknown name or knob, or an invalid value."""
    return named(str(record.get("name", ""))).from_record(record)
