"""How data flow through a method, stage by stage: source, map, generated, whatever judges them, loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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
