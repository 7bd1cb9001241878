"""Sweeps: several methods, trained from several seeds at many values of one knob (Choi et al. 2024, Figs. 2 and 3)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from otviz.core import __version__, records
from otviz.core.owners import EVERYBODY, Owner
from otviz.core.params import Knobs, Param, param, params_of
from otviz.data.distributions import Distribution
from otviz.data.distributions.gaussian import Gaussian
from otviz.methods import Adversarial, Method
from otviz.runs.config import RunConfig

MOST_CELLS = 400
_FLOAT, _INT = records.number(-1e100, 1e100), records.whole(0)
_RULES = {
    "str": records.text(2000), "float": _FLOAT, "int": _INT,
    "float | None": records.nullable(_FLOAT), "int | None": records.nullable(_INT),
}  # fmt: skip
"""By the type of a field of an outcome."""


@dataclass(frozen=True)
class Extent(Knobs):
    """The size of a sweep. Meaning and range of `values` are those of the swept knob."""

    name: ClassVar[str] = "extent"

    values: tuple[float, ...] = param((0.001, 0.05, 10.0), doc="Values of the knob, separated by commas")
    seeds: int = param(2, 1, 10, doc="Runs of each cell, with seeds 0, 1, ...", unit="seeds")
    steps: int = param(5000, 1, 2_000_000, doc="Steps of each run", unit="steps")


@dataclass(frozen=True)
class Cell:
    """One run of a sweep: `method` with the knob set to `value`, from one seed."""

    method: Method
    value: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """The result of one cell as plain values; None if a number does not apply or is not finite.

    Attributes:
        kind, word, sentence, stability, shaking: of its verdict (see `otviz.evaluation.verdicts`).
        w2, w2_floor: W2 to held-out points and that of real points, in the units of the target.
        w2_samples: number of points on each side of both.
        high_quality, mode_mixture, modes_covered, modes_total: see `otviz.evaluation.metrics.coverage`.
        samples: number of generated points for these.
        loss_spread: standard deviation of the generator loss around its trend in the last quarter.
        seconds: training time; in a stack, its share.
        run_id: of the stored run; empty if it was not stored.
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
        """The inverse of `dataclasses.asdict`. Raises ValueError for an invalid record."""
        kinds = {one.name: _RULES[str(one.type)] for one in dataclasses.fields(cls)}
        records.checked(record, records.fields(kinds), "an outcome")
        return cls(**{name: record[name] for name in kinds})


@dataclass(frozen=True)
class Sweep:
    """Each method at each value of a knob, from each seed.

    Attributes:
        knob: name of a numeric setting that all methods have.
        values: of the knob, distinct and within its range.
        methods: distinct.
        target, source: of all runs.
        seeds: distinct.
        steps: of each run.

    Raises:
        ValueError: nothing to run, a duplicate, a knob that a method lacks, a value out of range, or more than `MOST_CELLS` runs.
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
        """Number of runs."""
        return len(self.methods) * len(self.values) * len(self.seeds)

    def cells(self) -> Iterator[Cell]:
        """All cells, ordered by seed, so that every value and method soon has a result."""
        for seed in self.seeds:
            for value in self.values:
                for method in self.methods:
                    yield Cell(method, value, seed)

    def config(self, cell: Cell, device: str = "auto") -> RunConfig:
        """The config of a cell's run."""
        method = with_knob(cell.method, self.knob, cell.value)
        return RunConfig(method, self.target, self.source, steps=self.steps, seed=cell.seed, device=device)

    def param(self) -> Param:
        """The declaration of the knob."""
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
    """A label for a method: its title, and all knobs except the swept one that differ from their defaults."""
    rest = [f"{name.replace('_', ' ')} {value}" for name, value in method.changed().items() if name != knob]
    return ", ".join([method.title, *rest])


def identity(config: RunConfig, owner: Owner = EVERYBODY) -> str:
    """A hash of a config and the version of otviz, 12 hex digits (more for an owner), which does not depend on the device."""
    record = {**config.record(), "device": "", "compile": False, "otviz": __version__}
    return owner.digest(json.dumps(record, sort_keys=True).encode(), 12)


def run_id(config: RunConfig, owner: Owner = EVERYBODY) -> str:
    """The id of the run of a cell, which depends on the config and the owner only."""
    return f"sweep-{config.method.name}-{identity(config, owner)}"


def _param(method: Method, knob: str) -> Param:
    found = {each.name: each for each in params_of(type(method))}
    if knob not in found:
        raise ValueError(f"{method.name} has no setting {knob!r}; remove that method or choose another setting")
    return found[knob]
