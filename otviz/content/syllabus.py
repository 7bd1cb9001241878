"""The syllabus: parts, each a sequence of lessons and derivations, from explanations/syllabus.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from otviz.content.explanations import EXPLANATIONS, Derivation, derivations
from otviz.content.lessons import Lesson, lessons
from otviz.core import records
from otviz.core.records import Misfit, fields, listed, text

Kind = Literal["lesson", "derivation"]
MORE = "More"


def _item(value: object) -> None:
    """A lesson or a derivation by name."""
    if not (isinstance(value, dict) and len(value) == 1 and set(value) <= set(get_args(Kind))):
        raise Misfit("{ lesson = name } or { derivation = topic }", value)
    fields({}, others=text(80))(value)


_PARTS = fields({"part": listed(fields({"title": text(200), "about": text(1000), "read": listed(_item)}))})


@dataclass(frozen=True)
class Stop:
    """A lesson or derivation.

    Attributes:
        kind, name: identify it.
        title, learn: its title, and what the reader learns.
        minutes: duration.
        page: page of a lesson; empty for a derivation.
    """

    kind: Kind
    name: str
    title: str
    learn: str
    minutes: int
    page: str


@dataclass(frozen=True)
class Part:
    """A part of the syllabus: title, description, and what to read."""

    title: str
    about: str
    stops: tuple[Stop, ...]


def syllabus(folder: Path = EXPLANATIONS) -> list[Part]:
    """All parts in order. What is in no part, such as a teacher's own lessons, forms the last one; unreadable ones are left out.

    If the file is damaged, everything is in that part, which says why.
    """
    known = {("lesson", each.name): _of_lesson(each) for each in lessons()[0]}
    known |= {("derivation", each.topic): _of_derivation(each) for each in derivations(folder).values()}
    about = "Not part of the order above."
    try:
        parts = [_part(part, known) for part in records.read_toml(folder / "syllabus.toml", _PARTS)["part"]]
    except ValueError as error:
        parts, about = [], f"The order is missing: {error}."
    named = {(stop.kind, stop.name) for part in parts for stop in part.stops}
    others = tuple(stop for key, stop in known.items() if key not in named)
    return [*parts, Part(MORE, about, others)] if others else parts


def after(parts: Sequence[Part], kind: Kind, name: str) -> Stop | None:
    """What to read next; None after the last stop, and for one that is not in the syllabus.

    Args:
        parts: of the syllabus.
        kind, name: of the current stop.
    """
    stops = [stop for part in parts for stop in part.stops]
    here = next((at for at, stop in enumerate(stops) if (stop.kind, stop.name) == (kind, name)), len(stops))
    return stops[here + 1] if here + 1 < len(stops) else None


def _part(part: Mapping[str, Any], known: Mapping[tuple[str, str], Stop]) -> Part:
    items = [item for entry in part["read"] for item in entry.items()]
    return Part(part["title"], part["about"], tuple(known[item] for item in items if item in known))


def _of_lesson(lesson: Lesson) -> Stop:
    return Stop("lesson", lesson.name, lesson.title, lesson.learn, lesson.minutes, lesson.page)


def _of_derivation(derivation: Derivation) -> Stop:
    return Stop("derivation", derivation.topic, derivation.title, derivation.learn, derivation.minutes, "")
