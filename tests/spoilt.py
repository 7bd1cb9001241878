"""Stored records with any value at any place."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as some

NASTY = [10**30, -1, 1e308, float("inf"), float("nan"), "\ud800", "<b>x</b>", "x" * 200_000, None, True, [], {}, [[[]]]]
VALUES = some.sampled_from(NASTY) | some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(some.characters(), max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MANY = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def places(record: Any) -> list[tuple[Any, ...]]:
    """The way to everything in a record, itself included."""
    inner = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    return [(), *((key, *way) for key, item in inner for way in places(item))]


def put(record: Any, way: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value in one place; without it, if the value is `KeyError`."""
    if not way:
        return value if value is not KeyError else None
    found = copy.deepcopy(record)
    *before, last = way
    inside = found
    for key in before:
        inside = inside[key]
    if value is KeyError:
        del inside[last]
    else:
        inside[last] = value
    return found


def spoilt(draw: Any, record: Any) -> Any:
    """A record with any JSON value in any place, or with something missing."""
    return put(record, draw(some.sampled_from(places(record))), draw(VALUES | some.just(KeyError)))


def one_sentence(error: BaseException) -> str:
    """The message, which a page can show as it is."""
    said = str(error)
    assert said
    assert len(said) < 700
    assert "\n" not in said
    said.encode()
    return said
