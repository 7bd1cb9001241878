"""Schemas of the files of a stored run: config.json, summary.json, past.json and snapshots.npz."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.core.records import (
    LAST,
    Misfit,
    Rule,
    checked,
    fields,
    flag,
    listed,
    nullable,
    number,
    parsed,
    plain,
    text,
    whole,
)

MOST_LOOKS = 64_000_000  # bytes: 480 snapshots with some numbers for each of many modes
_MEASURED = number(finite=False)  # infinite in a training that diverged
_SHARES = listed(number(0, 1))
_PAIRS = (("modes_covered", "modes_total"), ("mode_shares", "true_shares"), ("class_shares", "true_class_shares"))
_OF_MODES = ("mode_offsets", "mode_spreads")
_CLASSES = ("classes_effective", "classes_total", "samples", "recall_floor", "roughness", "roughness_target")


_NUMBERS = fields(
    {
        "modes_covered?": whole(0, 100_000), "modes_total?": whole(0, 100_000), "samples?": whole(0), "unit?": text(40),
        "measured_at?": whole(0), "classes_total?": whole(0, 100_000), "neighbour_samples?": whole(0),
        "mode_shares?": _SHARES, "true_shares?": _SHARES, "class_shares?": _SHARES, "true_class_shares?": _SHARES,
        "mode_offsets?": listed(nullable(_MEASURED)), "mode_spreads?": listed(nullable(_MEASURED)), "high_quality?": _MEASURED, "w2?": _MEASURED, "frechet?": _MEASURED,
    },
    others=nullable(_MEASURED),
)  # fmt: skip


def meter(value: Any) -> None:
    """Metrics by name; some must come together, with equal lengths."""
    _NUMBERS(value)
    for one, other in _PAIRS:
        pair = value.get(one), value.get(other)
        sizes = [len(side) if isinstance(side, list) else -1 for side in pair]
        if (pair[0] is None) != (pair[1] is None) or sizes[0] != sizes[1]:
            raise Misfit(f"measurements with as many {one} as {other}", value)
    modes = len(value.get("mode_shares", ()))
    for name in _OF_MODES:
        if name in value and len(value[name]) != modes:
            raise Misfit(f"measurements with as many {name} as mode_shares", value)
    if value.get("class_shares") and value.get("recall") is not None:
        missing = [name for name in _CLASSES if value.get(name) is None]
        if missing:
            raise Misfit(f"measurements with {missing[0]}", value)


_KNOBS = fields({"name": text(80)})
CONFIG: Rule = fields(
    {
        "method": _KNOBS, "target": _KNOBS, "source?": _KNOBS, "steps": whole(1, 2_000_000),
        "seed": whole(0, 2**31 - 1), "device?": text(40), "compile?": flag, "networks?": fields({}), "units?": fields({}),
    }
)  # fmt: skip
SUMMARY: Rule = fields(
    {
        "status": text(40), "message": text(10_000), "step": whole(0, 2_000_000), "seconds": number(0, 1e10),
        "created": number(0, LAST), "meter": meter, "origin?": text(1000),
        "made?": fields({}, others=text(1000)),
    }
)  # fmt: skip
PAST: Rule = fields(
    {
        "began": CONFIG, "known?": flag,
        "changes": listed(
            fields(
                {"step": whole(0, 2_000_000), "method?": _KNOBS, "frozen?": nullable(flag), "compiled?": flag, "anew?": flag}
            ),
            100_000,
        ),
    }
)  # fmt: skip
STATE: Rule = fields(
    {"step": whole(0, 2_000_000), "frozen": flag}, others=lambda _: None
)  # random streams are huge integers
_LOOK: Mapping[str, Rule] = {
    "sequence": whole(0), "step": whole(0, 2_000_000), "progress": number(0, 1), "seconds": number(0, 1e10),
    "generator_loss": nullable(_MEASURED), "adversary_loss": nullable(_MEASURED), "alpha": nullable(_MEASURED),
    "meter": meter,
}  # fmt: skip


def _only(value: Any) -> None:
    """A snapshot without unknown keys."""
    fields(_LOOK)(value)
    if unknown := value.keys() - _LOOK:
        raise Misfit(f"without {min(unknown)[:40]!a}", value)


def _looks(value: Any) -> None:
    """At least one snapshot, in the order of steps."""
    listed(_only)(value)
    steps: Sequence[int] = [look["step"] for look in value]
    if not steps or list(steps) != sorted(steps):
        raise Misfit("at least one look, in the order of their steps", value)


def _box(value: Any) -> None:
    """x_low, x_high, y_low, y_high with low < high."""
    listed(number(-1e30, 1e30), 4, 4)(value)
    if not (value[0] < value[1] and value[2] < value[3]):
        raise Misfit("x_low, x_high, y_low, y_high with low < high", value)


LOOKS: Rule = fields(
    {
        "title": text(200), "box": _box, "adversary": text(40), "steps": whole(1, 2_000_000),
        "loss_floor": nullable(listed(_MEASURED, 2, 2)), "shape?": listed(whole(1, 4096), 3), "classes?": listed(text(200)),
        "judge?": text(1000), "unit?": text(40), "snapshots": _looks,
    },
    others=plain,
)  # fmt: skip


def looks_in(plain: NDArray[np.uint8]) -> dict[str, Any]:
    """The plain values of snapshots.npz. Raises ValueError if they are damaged."""
    return checked(parsed(plain.tobytes(), "snapshots.npz", MOST_LOOKS), LOOKS, "snapshots.npz")


def check_arrays(held: Mapping[str, NDArray[Any]], looks: int, shape: Sequence[int]) -> None:
    """Check the arrays of snapshots.npz.

    Args:
        held: arrays by name: target, source and centres, and others with an entry for each snapshot.
        looks: number of snapshots.
        shape: of a sample: (2,) for points, (C, H, W) for images.

    Raises:
        ValueError: an array that is not numeric, or does not fit the number of snapshots or the shape of a sample.
    """
    dim = math.prod(shape)
    for name, array in held.items():
        still = name in ("target", "source", "centres")
        fits = array.dtype.kind in "fu" and (still or len(array) == looks)
        if name in ("target", "source", "generated", "raw"):
            fits = fits and array.ndim == (2 if still else 3) and array.shape[-1] == dim
        if not fits:
            raise ValueError(
                f"snapshots.npz has {name} of shape {array.shape}, which does not fit {looks} looks at samples of {dim} numbers"
            )
