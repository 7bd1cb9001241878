"""Schemas of stored and uploaded records, checked when they are read, so that a page can show all that passes.

STEP = fields({"step": whole(0, 100), "note?": text(40)})
checked({"step": -1}, STEP, "a.json")  # ValueError: step in a.json must be a whole number from 0 to 100; got -1
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Rule = Callable[[Any], None]
"""A check that raises Misfit for an invalid value."""

MOST = 1_000_000  # largest size of a record, in bytes
LONGEST = 100_000  # largest length of a text, in characters
DEEPEST = 20
LARGEST = 2**53  # browsers round larger integers
LAST = 7_258_118_400.0  # seconds: the year 2200; pandas' dates end in 2262


class Misfit(ValueError):
    """A value that violates a rule.

    Args:
        wanted: what is expected.
        value: what was found.
        where: its path in the record.
    """

    def __init__(self, wanted: str, value: Any, where: str = "") -> None:
        self.wanted, self.value, self.where = wanted, value, where
        super().__init__(f"{where or 'it'} must be {wanted}; got {_shown(value)}")

    def below(self, place: str) -> Misfit:
        """The same error, one level up."""
        return Misfit(self.wanted, self.value, f"{place}.{self.where}" if self.where else place)


def number(low: float = -math.inf, high: float = math.inf, finite: bool = True) -> Rule:
    """A number within bounds.

    Args:
        low, high: smallest and largest value.
        finite: reject infinity and NaN, which a diverged training produces.
    """
    bounds = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"

    def rule(value: Any) -> None:
        fits = type(value) is float or (type(value) is int and abs(value) <= LARGEST)
        if not fits or (finite and not math.isfinite(value)) or (math.isfinite(value) and not low <= value <= high):
            raise Misfit(f"a {'finite ' if finite else ''}number{bounds}", value)

    return rule


def whole(low: int = -LARGEST, high: int = LARGEST) -> Rule:
    """An integer within bounds."""

    def rule(value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            raise Misfit(f"a whole number from {low} to {high}", value)

    return rule


def text(most: int = LONGEST) -> Rule:
    """Text of at most `most` characters that can be sent to a browser."""

    def rule(value: Any) -> None:
        if not isinstance(value, str) or len(value) > most or (not value.isascii() and _surrogates(value)):
            raise Misfit(f"text of at most {most} valid characters", value)

    return rule


def flag(value: Any) -> None:
    """true or false."""
    if type(value) is not bool:
        raise Misfit("true or false", value)


def nullable(rule: Rule) -> Rule:
    """A value of this rule, or null."""
    return lambda value: None if value is None else rule(value)


def listed(rule: Rule, most: int = 10_000, least: int = 0) -> Rule:
    """A list of values of a rule.

    Args:
        rule: for each value.
        most, least: largest and smallest length.
    """
    wanted = f"a list of at most {most}" if not least else f"a list of {least}" + f" to {most}" * (least < most)

    def checks(value: Any) -> None:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise Misfit(wanted, value)
        for at, item in enumerate(value):
            _inside(rule, item, str(at))

    return checks


def fields(known: Mapping[str, Rule], others: Rule | None = None) -> Rule:
    """An object: names ending in "?" are optional; `others` is the rule for further names (None: any plain value)."""

    def checks(value: Any) -> None:
        if not isinstance(value, dict):
            raise Misfit("an object", value)
        for name, rule in known.items():
            if name.removesuffix("?") in value:
                _inside(rule, value[name.removesuffix("?")], name.removesuffix("?"))
            elif not name.endswith("?"):
                raise Misfit(f"an object with {name}", value)
        for name in value.keys() - {name.removesuffix("?") for name in known}:
            text(200)(name)
            _inside(others or plain, value[name], name)

    return checks


def plain(value: Any, depth: int = 0) -> None:
    """Any JSON value that a page can show: finite numbers, valid text, limited nesting."""
    if depth > DEEPEST:
        raise Misfit(f"nested at most {DEEPEST} deep", "...")
    if isinstance(value, dict):
        for name, item in value.items():
            text(200)(name)
            plain(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            plain(item, depth + 1)
    elif isinstance(value, str):
        text()(value)
    elif value is not None and type(value) is not bool:
        number()(value)


def checked(record: Any, rule: Rule, source: str) -> dict[str, Any]:
    """Check a record and return it.

    Args:
        record: parsed JSON.
        rule: the schema.
        source: name of the file, for the message.

    Raises:
        ValueError: a violation; the message names its path and the source.
    """
    try:
        rule(record)
    except Misfit as error:
        where = f"{error.where} in {source}" if error.where else source
        raise ValueError(f"{where} must be {error.wanted}; got {_shown(error.value)}") from error
    found: dict[str, Any] = record
    return found


def parsed(data: bytes | str, source: str, most: int = MOST) -> Any:
    """Parse JSON.

    Args:
        data: its text.
        source: name of the file, for the message.
        most: largest size in bytes.

    Raises:
        ValueError: not JSON, too long, or nested too deeply.
    """
    if len(data) > most:
        raise ValueError(f"{source} must have at most {most:,} bytes; it has {len(data):,}")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # includes UnicodeDecodeError
        raise ValueError(f"{source} is not valid JSON ({' '.join(str(error).split())[:80]})") from error


def read(path: Path, rule: Rule) -> dict[str, Any]:
    """Read a record from a JSON file. Raises ValueError that names the file."""
    return checked(parsed(_data(path), path.name), rule, path.name)


def read_toml(path: Path, rule: Rule) -> dict[str, Any]:
    """Read a record from a TOML file. Raises ValueError that names the file."""
    try:
        found = tomllib.loads(_data(path).decode())
    except (ValueError, RecursionError) as error:  # includes UnicodeDecodeError
        raise ValueError(f"{path.name} is not valid TOML ({' '.join(str(error).split())[:80]})") from error
    return checked(found, rule, path.name)


def _data(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST + 1)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read ({error.strerror or error})") from error


def _inside(rule: Rule, value: Any, place: str) -> None:
    try:
        rule(value)
    except Misfit as error:
        raise error.below(place) from None


def _surrogates(value: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in value)


def _shown(value: Any) -> str:
    """A short extract in ASCII."""
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    if type(value) is int and abs(value) > LARGEST:
        return "a larger one" if value > 0 else "a smaller one"
    words = ascii(value[:50] if isinstance(value, str) else value)
    return words if len(words) <= 60 else f"{words[:57]}..."
