"""Diagnoses as files: both sides and everything that was found, in one NPZ. Reading needs no torch, and unpickles nothing."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from otviz.core.files import CHECKPOINTS
from otviz.evaluation.diagnosis import Advice, Cluster, Diagnosis, Interval, Number, Samples, Side, Timeline

FOLDER = CHECKPOINTS / "diagnoses"
_KINDS = {
    "index": np.int64, "plane": np.float64, "alone": np.bool_, "left": np.float64, "nearest": np.int64,
    "distances": np.float64, "cluster": np.int64, "copies": np.bool_,
}  # fmt: skip
_SMALL = {
    "index": np.int32, "plane": np.float32, "alone": np.bool_, "left": np.float16, "nearest": np.int32,
    "distances": np.float16, "cluster": np.uint8, "copies": np.bool_,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Found:
    """What is known of one or more sets of samples.

    Attributes:
        timeline: one diagnosis for each set.
        real: real samples.
        generated: the sets, in the order of the timeline.
    """

    timeline: Timeline
    real: Samples
    generated: tuple[Samples, ...]

    @property
    def share(self) -> float:
        """How many sets are judged; a first look counts as a third."""
        part = {"first look": 1 / 3, "judged": 2 / 3, "complete": 1.0}
        return sum(part[diagnosis.stage] for diagnosis in self.timeline.diagnoses)


def pack(found: Found) -> bytes:
    """A file of everything that was found."""
    arrays: dict[str, Any] = {}
    sides = [found.real, *found.generated]
    about: dict[str, Any] = {"steps": list(found.timeline.steps), "sides": []}
    for at, side in enumerate(sides):
        about["sides"].append(
            {
                "name": side.name, "columns": list(side.columns), "classes": list(side.classes), "images": side.images,
                "total": side.total, "notes": list(side.notes),
            }
        )  # fmt: skip
        arrays[f"values{at}"] = side.values if side.are_images else side.values.astype(np.float32)
        if side.labels is not None:
            arrays[f"labels{at}"] = side.labels.astype(np.int16)
        if side.rows is not None:
            arrays[f"rows{at}"] = side.rows.astype(np.int32)
    about["diagnoses"] = [diagnosis.record() for diagnosis in found.timeline.diagnoses]
    for at, diagnosis in enumerate(found.timeline.diagnoses):
        for which in ("real", "generated"):
            for name, kind in _SMALL.items():
                arrays[f"{which}{at}.{name}"] = getattr(getattr(diagnosis, which), name).astype(kind)
    file = io.BytesIO()
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez_compressed(file, about=text, **arrays)
    return file.getvalue()


def unpack(data: bytes) -> Found:
    """The inverse of `pack`. Raises ValueError for other bytes."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            sides = [_samples(arrays, at, told) for at, told in enumerate(about["sides"])]
            found = tuple(_diagnosis(arrays, at, told) for at, told in enumerate(about["diagnoses"]))
    except Exception as error:  # a damaged archive makes NumPy and zipfile raise errors of many kinds
        raise ValueError(f"this is no diagnosis ({' '.join(str(error).split())[:100]})") from error
    return Found(Timeline(tuple(about["steps"]), found), sides[0], tuple(sides[1:]))


def names() -> tuple[str, ...]:
    """Names of the shipped diagnoses, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))


@cache
def read(name: str) -> Found:
    """A shipped diagnosis. Raises ValueError if it is missing or damaged."""
    path = FOLDER / f"{name}.npz"
    try:
        return unpack(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"the example {name} cannot be read ({error}); run: python -m otviz record") from error


def _samples(arrays: Any, at: int, told: dict[str, Any]) -> Samples:
    labels, rows = (
        arrays[f"{kind}{at}"].astype(np.int64) if f"{kind}{at}" in arrays else None for kind in ("labels", "rows")
    )
    values = arrays[f"values{at}"]
    return Samples(
        values, told["name"], tuple(told["columns"]), labels, tuple(told["classes"]), rows, told["total"],
        told["images"], tuple(told["notes"]),
    )  # fmt: skip


def _diagnosis(arrays: Any, at: int, told: dict[str, Any]) -> Diagnosis:
    sides = {
        which: Side(**{name: arrays[f"{which}{at}.{name}"].astype(kind) for name, kind in _KINDS.items()})
        for which in ("real", "generated")
    }
    known = {field.name for field in dataclasses.fields(Diagnosis)}
    values = {key: value for key, value in told.items() if key in known}
    lists = {key: tuple(values[key]) for key in ("also", "axes", "names", "totals", "notes")}
    return Diagnosis(**{
        **values, **lists, **sides,
        "helps": tuple(Advice(**each) for each in told["helps"]),
        "numbers": tuple(_number(each) for each in told["numbers"]),
        "clusters": tuple(_cluster(each) for each in told["clusters"]),
    })  # fmt: skip


def _number(told: dict[str, Any]) -> Number:
    intervals = {key: None if told[key] is None else _interval(told[key]) for key in ("interval", "floor_interval")}
    values = {key: _float(told[key]) for key in ("value", "floor")}
    return Number(**{**told, **intervals, **values, "sizes": tuple(told["sizes"])})


def _cluster(told: dict[str, Any]) -> Cluster:
    intervals = {key: _interval(told[key]) for key in ("real_interval", "generated_interval")}
    return Cluster(**{**told, **intervals, **{key: _float(told[key]) for key in ("spread", "offset")}})


def _interval(told: dict[str, Any]) -> Interval:
    return Interval(_float(told["low"]), _float(told["high"]))


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)
