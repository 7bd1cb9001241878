"""How data flow through a method, stage by stage: source, map, generated, whatever judges them, loss."""

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
        role: what the player can say of it at a step; "field" is an adversary with values over the plane, "other" has none.
        words: its name.
        text: what it is, in plain words.
    """

    role: Role
    words: str
    text: str


def flow(kind: Kind, judges: Sequence[tuple[Role, str, str]] = ()) -> tuple[Stage, ...]:
    """All stages, explained as in the glossary.

    Args:
        kind: what is generated.
        judges: what stands between generated points and the loss: role, name and entry of the glossary of each.
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
