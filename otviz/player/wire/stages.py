"""The stages of the data flow of a method: source, map, generated samples, adversaries or other judges, loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from otviz.content.explanations import glossary
from otviz.data.target import Kind

Role = Literal["source", "map", "generated", "field", "other", "loss"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        role: decides what the player shows of it; "field" is an adversary with values over the plane, "other" one without.
        words: its name.
        text: its explanation from the glossary; may be empty.
    """

    role: Role
    words: str
    text: str


def flow(kind: Kind, judges: Sequence[tuple[Role, str, str]] = ()) -> tuple[Stage, ...]:
    """All stages of a method, with explanations from the glossary.

    Args:
        kind: of the generated samples.
        judges: role, name and glossary entry of each stage between the generated samples and the loss.
    """
    entries = glossary()
    rows: list[tuple[Role, str, str]] = [
        ("source", "source x", "source"),
        ("map", "generator T", "generator"),
        ("generated", f"generated {kind}", "generated"),
        *judges,
        ("loss", "loss", "generator-loss"),
    ]
    return tuple(Stage(role, words, entries[entry].text if entry in entries else "") for role, words, entry in rows)
