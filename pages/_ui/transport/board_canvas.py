"""The board: a solved transport problem in the browser, whose sliders request new solutions."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from otviz.clouds.problem import Problem
from otviz.clouds.scale import Scale
from otviz.core.params import params_of
from pages._ui.shell.component import mount_asking

Stage = Literal["shown", "first", "refine", "stop"]


@dataclass(frozen=True)
class Asked:
    """A request of the board.

    Attributes:
        serial: increasing number, repeated in the header of the answer.
        blur: a length, within the limits of `Problem`.
        reach: a length, or None for a balanced problem.
        stage: "first" requests a picture at once, possibly a coarse one; "refine" its refinement; "stop" ends
            that; "shown" the current one.
    """

    serial: int
    blur: float
    reach: float | None
    stage: Stage


@cache
def _limits() -> dict[str, tuple[float, float]]:
    knobs = {knob.name: knob for knob in params_of(Problem)}
    return {name: (float(knobs[name].low or 0), float(knobs[name].high or math.inf)) for name in ("blur", "reach")}


def board(
    channel: str,
    *,
    key: str,
    problem: str,
    sent: int,
    height: int = 640,
    sliders: Collection[str] = ("blur", "reach"),
    scale: Scale | None = None,
) -> None:
    """Mount the board, or update the board with this key.

    It requests pictures from its channel, and a rerun of the page when a final picture is newer than the page's.

    Args:
        channel: address for requests (see `read_question`); answers are bytes of `otviz.clouds.board_message`.
        key: the same key preserves the viewer's settings.
        problem: name of the problem, which does not depend on the sliders.
        sent: number of the newest picture that the rest of the page shows.
        height: height in px in a window of 900 px; it grows with the window.
        sliders: visible sliders, of blur and reach; a hidden one keeps its value.
        scale: limits of the sliders; None: unit scale.
    """
    scale = scale or Scale()
    options = {
        "channel": channel, "problem": problem, "sent": sent, "height": height, "sliders": list(sliders),
        "limits": {"blur": scale.blur, "reach": scale.reach}, "start_reach": scale.unit,
    }  # fmt: skip
    mount_asking("board", key=key, options=options)


def read_question(question: bytes) -> Asked:
    """Read a request of the board, clipped to the limits. Raises ValueError for an invalid one."""
    try:
        asked = json.loads(question)
        blur = _within("blur", asked["blur"])
        reach = None if asked["reach"] is None else _within("reach", asked["reach"])
        found = Asked(int(asked["serial"]), blur, reach, asked["stage"])
    except (TypeError, KeyError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError("a board asks for serial, blur, reach and stage") from error
    if found.stage not in get_args(Stage):
        raise ValueError(f"stage must be one of {', '.join(get_args(Stage))}; got {found.stage!r}")
    return found


def _within(name: str, value: Any) -> float:
    low, high = _limits()[name]
    if not math.isfinite(number := float(value)):
        raise ValueError(f"{name} must be a number; got {value!r}")
    return min(max(number, low), high)
