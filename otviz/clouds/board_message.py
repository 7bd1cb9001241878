"""Pictures as bytes for the board that a page draws them on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.clouds.problem import Problem
from otviz.clouds.solution import Picture, Plan
from otviz.clouds.solution_numbers import lines, warning
from otviz.clouds.solve import is_complete
from otviz.core.container import pack


def message(
    problem: Problem,
    picture: Picture,
    serial: int,
    name: str = "",
    sent: int = 0,
    last: bool = False,
    notes: Sequence[str] = (),
    axes: tuple[str, str] | None = None,
    unit: str = "",
) -> bytes:
    """A header and the arrays of one picture, as `otviz.core.container.unpack` reads them.

    Args:
        serial: the number of the question that this answers.
        name: stays the same while only the sliders of the board move.
        sent: number of this picture.
        last: nothing better will come, though the picture is rough.
        notes: sentences to show beside the numbers, before those of the picture.
        axes: what stands at the axes, which are drawn then.
        unit: of lengths, as the files name it.

    Places are float32 differences to `offset` in the header, which is of float64: so points far from the origin keep
    their digits. `weight_x` and `weight_y` are masses in units of an equal share, and only there where they differ. Fields are bytes between their `low` and `high` in the header; the matrix is its square root as bytes, 255 the largest.
    """
    field_x, range_x = _bytes(picture.field_x)
    field_y, range_y = _bytes(picture.field_y)
    offset = np.array(picture.box).reshape(2, 2).mean(1)
    header = {
        "serial": serial,
        "problem": name,
        "sent": sent,
        "stage": "full" if picture.finished else "coarse",
        "finished": picture.finished,
        "complete": last or is_complete(picture),
        "box": list(picture.box),
        "offset": offset.tolist(),
        "axes": axes,
        "blur": problem.blur,
        "epsilon": problem.epsilon,
        "p": problem.p,
        "reach": problem.reach,
        "loss": problem.loss,
        "cost": problem.cost,
        "n": len(picture.x),
        "numbers": [
            dataclasses.asdict(line) | {"unit": line.unit.replace("length", unit or "length")}
            for line in lines(problem, picture)
        ],
        "warning": warning(problem, picture),
        "notes": [*notes, *picture.notes],
        "has_plan": picture.plan is not None,
        "field_x": range_x,
        "field_y": range_y,
    }
    arrays = {"field_x": field_x, "field_y": field_y, **_of_points(picture, offset)}
    return pack(header, arrays | ({} if picture.plan is None else _of_plan(picture.plan, offset)))


def _of_points(picture: Picture, offset: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "x": _placed(picture.x, offset),
        "y": _placed(picture.y, offset),
        "force": picture.force,
        "potential_x": picture.potential_x,
        "potential_y": picture.potential_y,
    }
    for side, mass in (("weight_x", picture.a), ("weight_y", picture.b)):
        if mass is not None:
            arrays[side] = (mass * len(mass)).astype(np.float32)
    return arrays


def _placed(points: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float32]:
    return (points - offset).astype(np.float32)


def _of_plan(plan: Plan, offset: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    largest = max(float(plan.matrix.max()), 1e-30)
    return {
        "map": _placed(plan.map, offset),
        "partner": plan.partner,
        "lines_to": plan.lines_to,
        "lines_share": plan.lines_share,
        "matrix": np.rint(np.sqrt(plan.matrix.clip(0) / largest) * 255).astype(np.uint8),
        "bin_x": plan.bin_x.astype(np.uint16),
        "bin_y": plan.bin_y.astype(np.uint16),
        "mass_x": plan.mass_x,
        "mass_y": plan.mass_y,
    }


def _bytes(field: NDArray[np.float32]) -> tuple[NDArray[np.uint8], dict[str, float]]:
    low, high = float(field.min()), float(field.max())
    scale = 255 / max(high - low, 1e-30)
    levels = np.rint((field.astype(np.float64) - low) * scale).clip(0, 255)
    return levels.astype(np.uint8), {"low": low, "high": high}
