"""A sweep: one knob over many values, for several methods and seeds (Choi et al. 2024, Figs. 2 and 3)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from otviz.core import __version__
from otviz.core.params import Knobs, Param, param, params_of
from otviz.data.distributions import Distribution
from otviz.data.distributions.gaussian import Gaussian
from otviz.methods import Adversarial, Method
from otviz.runs.config import RunConfig

MOST_CELLS = 400


@dataclass(frozen=True)
class Extent(Knobs):
    """How far a sweep goes; the values' meaning and range are those of the knob that is swept."""

    name: ClassVar[str] = "extent"

    values: tuple[float, ...] = param((0.001, 0.05, 10.0), doc="Values of the knob, separated by commas")
    seeds: int = param(2, 1, 10, doc="Runs of each cell, with seeds 0, 1, ...", unit="seeds")
    steps: int = param(5000, 1, 2_000_000, doc="Steps of each run", unit="steps")


@dataclass(frozen=True)
class Cell:
    """One run of a sweep: `method` with the knob put to `value`, from this seed."""

    method: Method
    value: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """The result of one cell, as plain values; None where a number does not apply or is NaN.

    Attributes:
        kind, word, sentence, stability, shaking: of its verdict (see `otviz.evaluation.verdicts`).
        w2, w2_floor: W2 to held-out points and that of real points, in the units of the target, of `w2_samples` points each.
        high_quality, mode_mixture, modes_covered, modes_total: of `samples` generated points.
        loss_spread: standard deviation of the generator loss about its trend in the last quarter.
        seconds: of training; in a stack, its share.
        run_id: of the stored run; empty if it could not be stored.
    """

    kind: str
    word: str
    sentence: str
    stability: str
    shaking: str
    w2: float | None
    w2_floor: float | None
    w2_samples: int
    high_quality: float | None
    mode_mixture: float | None
    modes_covered: int | None
    modes_total: int | None
    samples: int
    loss_spread: float | None
    seconds: float
    run_id: str

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Outcome:
        """The outcome that `dataclasses.asdict` wrote down. Raises ValueError for anything that does not fit."""
        kinds = {one.name: str(one.type) for one in dataclasses.fields(cls)}
        for name, kind in kinds.items():
            value = record.get(name)
            fits = isinstance(value, str) if kind == "str" else _is_number(value) or (value is None and "None" in kind)
            if not fits:
                raise ValueError(f"{name} of an outcome must be {kind}; got {value!r}")
        return cls(**{name: record[name] for name in kinds})


@dataclass(frozen=True)
class Sweep:
    """What is run: each method at each value of the knob, from each seed.

    Raises:
        ValueError: nothing to run, something twice, a knob that a method lacks, a value out of range, or too many cells.
    """

    knob: str
    values: tuple[float, ...]
    methods: tuple[Method, ...]
    target: Distribution
    source: Distribution = field(default_factory=Gaussian)
    seeds: tuple[int, ...] = (0, 1)
    steps: int = 5000

    def __post_init__(self) -> None:
        for name, items in (("values", self.values), ("methods", self.methods), ("seeds", self.seeds)):
            if not items:
                raise ValueError(f"a sweep needs {name}; give at least one")
            if len(set(items)) < len(items):
                raise ValueError(f"each of a sweep's {name} must be given only once; remove the duplicate")
        if self.total > MOST_CELLS:
            sizes = f"{len(self.methods)} methods x {len(self.values)} values x {len(self.seeds)} seeds"
            raise ValueError(f"a sweep may have at most {MOST_CELLS} runs; {sizes} are {self.total}; take fewer values")
        for cell in self.cells():
            self.config(cell)  # checks knob, value, steps and seed

    @property
    def total(self) -> int:
        """How many runs it has."""
        return len(self.methods) * len(self.values) * len(self.seeds)

    def cells(self) -> Iterator[Cell]:
        """All of them: the first seed of everything first, so that the map is full early."""
        for seed in self.seeds:
            for value in self.values:
                for method in self.methods:
                    yield Cell(method, value, seed)

    def config(self, cell: Cell, device: str = "auto") -> RunConfig:
        """The run of a cell."""
        method = with_knob(cell.method, self.knob, cell.value)
        return RunConfig(method, self.target, self.source, steps=self.steps, seed=cell.seed, device=device)

    def param(self) -> Param:
        """The knob as it is declared."""
        return _param(self.methods[0], self.knob)


def with_knob(method: Method, knob: str, value: float) -> Method:
    """A copy of a method with one knob changed; `lr` also scales the adversary's learning rate in proportion.

    Args:
        method: the method.
        knob: name of a numeric setting.
        value: within the range of the knob.

    Raises:
        ValueError: the method lacks the setting, it is not a number, or the value is out of its range.
    """
    if _param(method, knob).kind not in (float, int):
        raise ValueError(f"{knob} is not a number, so it cannot be swept; choose tau, penalty_weight, lr or alpha")
    changes: dict[str, Any] = {knob: value}
    if knob == "lr" and isinstance(method, Adversarial):
        changes["adversary_lr"] = method.adversary_lr * value / method.lr if method.lr else value
    return dataclasses.replace(method, **changes)


def label(method: Method, knob: str) -> str:
    """What to call a method beside others: its title, and the knobs but the one swept that are not at their defaults."""
    rest = [f"{name.replace('_', ' ')} {value}" for name, value in method.changed().items() if name != knob]
    return ", ".join([method.title, *rest])


def identity(config: RunConfig) -> str:
    """12 hex digits that are the same for the same run of the same version of otviz, wherever it is trained."""
    record = {**config.record(), "device": "", "compile": False, "otviz": __version__}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]


def _param(method: Method, knob: str) -> Param:
    found = {each.name: each for each in params_of(type(method))}
    if knob not in found:
        raise ValueError(f"{method.name} has no setting {knob!r}; remove that method or choose another setting")
    return found[knob]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
