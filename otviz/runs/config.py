"""What defines a run, as plain values that a file, a link and a person can read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from otviz import distributions, methods
from otviz.distributions import Distribution
from otviz.distributions.gaussian import Gaussian
from otviz.methods import Method
from otviz.params import params_of
from otviz.runs.plan import Plan
from otviz.training import Training, start


@dataclass(frozen=True)
class RunConfig:
    """Everything needed to repeat a run.

    Attributes:
        method, target, source: what is trained on what, from where.
        steps, seed, device, compile: see `Plan`, which has their ranges.
    """

    method: Method
    target: Distribution
    source: Distribution = field(default_factory=Gaussian)
    steps: int = 5000
    seed: int = 0
    device: str = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        Plan(self.steps, self.seed, self.device, self.compile)  # type: ignore[arg-type]  # checks the values
        if self.compile and not self.method.compilable:
            raise ValueError(f"{self.method.name} cannot be compiled; only the unified family (WGAN to UOTM-SD) can")

    def record(self) -> dict[str, Any]:
        """As plain values that JSON takes."""
        return {
            "method": {"name": self.method.name, **self.method.as_dict()},
            "target": distributions.record(self.target),
            "source": distributions.record(self.source),
            "steps": self.steps,
            "seed": self.seed,
            "device": self.device,
            "compile": self.compile,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> RunConfig:
        """The config that `record` wrote down. Raises ValueError for anything that does not fit."""
        try:
            wanted = dict(record["method"])
            kind = methods.named(str(wanted.pop("name")))
            known = {knob.name for knob in params_of(kind)}
            return cls(
                method=kind(**{name: value for name, value in wanted.items() if name in known}),
                target=distributions.by_record(record["target"]),
                source=distributions.by_record(record["source"]),
                steps=int(record["steps"]),
                seed=int(record["seed"]),
                device=str(record["device"]),
                compile=bool(record.get("compile", False)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no config of a run: {error} is missing or of the wrong kind") from error

    def training_from(self, state: tuple[dict[str, Tensor], str]) -> Training:
        """A training of this config on the CPU that goes on from `state`. Raises ValueError if that is of other networks."""
        made = start(self.method, self.target, self.source, steps=self.steps, seed=self.seed)
        made.restore(*state)
        return made

    def retuned(self, changes: Mapping[str, Any]) -> RunConfig:
        """This config with live knobs of its method changed.

        Raises:
            ValueError: a knob that the method lacks or that may not change during a run, or a value out of range.
        """
        live = {knob.name for knob in params_of(type(self.method)) if knob.live}
        for name in changes:
            if name not in live:
                raise ValueError(
                    f"{name} cannot change during a run of {self.method.name}; {', '.join(sorted(live))} can"
                )
        return dataclasses.replace(self, method=dataclasses.replace(self.method, **changes))
