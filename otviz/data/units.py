"""Which measured numbers are lengths or squared lengths, and in what unit they leave a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otviz.data.distributions.distribution import Units

_POWERS = {"w2": 1, "stray": 1, "blur": 1, "sinkhorn": 2, "diversity": 2}


def unit_of(name: str, unit: str) -> str:
    """The unit of a number called `name` where lengths have `unit`: that, its square, or "" for what has none."""
    return f"{unit}{('', '', '²')[_power(name)]}" if unit and _power(name) else ""


def in_file_units(numbers: Mapping[str, Any], units: Units) -> dict[str, Any]:
    """The same numbers by name, with lengths and squared lengths turned from data units into units of the user's file.

    `unit` is added to them, what lengths are followed by (`Units.word`), if they have one of their own.
    """
    found = {name: value * units.factor ** _power(name) if _power(name) else value for name, value in numbers.items()}
    return {**found, "unit": units.word} if units.word else found


def _power(name: str) -> int:
    """Of the length in a number: 0 for shares and counts, 1, or 2; `w2_floor_std` is of the kind of `w2`."""
    return 0 if name.endswith("samples") else _POWERS.get(name.split("_")[0], 0)
