"""How long and where a run trains: one place for the ranges that page, command line and config check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from otviz.core.params import RUN, Knobs, param


@dataclass(frozen=True)
class Plan(Knobs):
    """How long and where to train; `steps` takes its default from the method."""

    name: ClassVar[str] = "plan"
    basic: ClassVar[tuple[str, ...]] = ("steps", "seed")

    steps: int = param(5000, 1, 2_000_000, doc="Steps in all. Too few: it stops before it has learned", unit="steps")
    seed: int = param(
        0, 0, 2**31 - 1, doc="Number from which weights, noise and data are drawn. The same seed repeats the run"
    )
    device: Literal["auto", "cuda", "mps", "cpu"] = param(
        "auto", doc="Where to train; auto takes a GPU if there is one", group=RUN
    )
    compile: bool = param(
        False,
        doc="Compile the steps first: some twenty seconds of waiting the first time, then about twice as fast",
        group=RUN,
    )
    lr_decay: Literal["none", "cosine"] = param(
        "none", doc="cosine lowers the learning rates to 0 at the end of the run, which sharpens images",
        label="Learning rate decay", group=RUN,
    )  # fmt: skip
    precision: Literal["auto", "float32", "bfloat16"] = param(
        "auto", doc="How exactly numbers are kept; auto is bfloat16 (fast) on CUDA, float32 elsewhere. float32: exact on CUDA, too",
        group=RUN,
    )  # fmt: skip
