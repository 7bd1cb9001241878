"""How long and where a run trains: one place for the ranges that page, command line and config check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from otviz.params import Knobs, param


@dataclass(frozen=True)
class Plan(Knobs):
    """How long and where to train; `steps` takes its default from the method."""

    name: ClassVar[str] = "plan"

    steps: int = param(5000, 1, 2_000_000, doc="Steps in all", unit="steps")
    seed: int = param(0, 0, 2**31 - 1, doc="Draws weights, noise and data; the same seed repeats the run")
    device: Literal["auto", "cuda", "mps", "cpu"] = param(
        "auto", doc="Where to train; auto takes a GPU if there is one", advanced=True
    )
    compile: bool = param(
        False, doc="Compile the steps first: some twenty seconds, then up to twice as fast", advanced=True
    )
    lr_decay: Literal["none", "cosine"] = param(
        "none", doc="cosine lets the step sizes fall to 0 at the end of the run", advanced=True
    )
    precision: Literal["auto", "float32", "bfloat16"] = param(
        "auto", doc="Of image networks; auto is bfloat16 on CUDA, float32 elsewhere and in penalties", advanced=True
    )
