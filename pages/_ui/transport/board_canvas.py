"""The board: a solved transport problem in the browser, whose sliders ask for the next one."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from otviz.core.params import params_of
from otviz.transport.problem import Problem
from otviz.transport.scale import Scale
from pages._ui.shell.component import mount_asking

Stage = Literal["shown", "first", "refine"]


@dataclass(frozen=True)
class Asked:
    """What the sliders of the board ask for.

    Attributes:
        serial: to be repeated in the header of the answer; it grows from question to question.
        blur: a length, within what `Problem` takes.
        reach: a length, or None for a balanced problem.
        stage: "first" wants a picture at once, maybe a coarse one; "refine" what was left out of it; "shown" the picture
            that there is.
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
    """Mount the board, or tell the one already on the page what changed.

    It asks its channel for pictures, and the page to be drawn again once a picture rests that the page does not know.

    Args:
        channel: address where `read_question` tells what it asks; the answers are bytes of `otviz.transport.board_message`.
        key: the same key keeps the viewer's choices while answers change.
        problem: name of the problem, which stays the same while the sliders move.
        sent: number of the newest picture that the rest of the page knows.
        height: pixels that the board takes in a window 900 px high; it grows with higher windows.
        sliders: those that are drawn, of blur and reach; one that is not keeps its value.
        scale: where they begin and end; None: unit scale.
    """
    scale = scale or Scale()
    options = {
        "channel": channel, "problem": problem, "sent": sent, "height": height, "sliders": list(sliders),
        "limits": {"blur": scale.blur, "reach": scale.reach}, "start_reach": scale.unit,
    }  # fmt: skip
    mount_asking("board", key=key, options=options)


def read_question(question: bytes) -> Asked:
    """What the board asks, put within the limits. Raises ValueError for what no board asks."""
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
