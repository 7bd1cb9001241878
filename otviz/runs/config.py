"""The configuration of a run, which can be written to a file or a link."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from otviz import methods
from otviz.core.params import params_of
from otviz.data import datasets, distributions
from otviz.data.datasets import ImageSet
from otviz.data.distributions import Distribution
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.target import Source, Target
from otviz.methods import Method
from otviz.networks import Networks
from otviz.training.build_networks import check_classes, check_compile
from otviz.training.loop import Decay, Precision, Training, start
from otviz.training.plan import Plan
from otviz.training.streams import WhiteNoise


@dataclass(frozen=True)
class RunConfig:
    """Everything needed to repeat a run.

    Attributes:
        method, target, source: the method, and the distributions it maps between. The source of images is white noise.
        steps, seed, device, compile, lr_decay, precision: see `Plan` for their ranges.
        networks: for images, by default chosen by their size; None for points.

    Raises:
        ValueError: a value out of range, or settings that do not go together.
    """

    method: Method
    target: Target
    source: Source = field(default_factory=Gaussian)
    steps: int = 5000
    seed: int = 0
    device: str = "auto"
    compile: bool = False
    lr_decay: Decay = "none"
    precision: Precision = "auto"
    networks: Networks | None = None

    def __post_init__(self) -> None:
        Plan(self.steps, self.seed, self.device, self.compile, self.lr_decay, self.precision)  # type: ignore[arg-type]
        if self.target.kind == "images":
            self._complete()
        elif self.networks is not None or self.precision == "bfloat16":
            raise ValueError(
                f"networks and precision are chosen for images; {self.target.name} has points: leave them out"
            )
        elif self.compile and not self.method.compilable:
            raise ValueError(
                f"{self.method.name} cannot be compiled; only gan and the unified family (WGAN to UOTM-SD) can"
            )
        elif self.compile and not self.method.steps_alike:
            raise ValueError(
                "a penalty in every few steps cannot be compiled; use penalty_every 1, or leave compile out"
            )

    def _complete(self) -> None:
        """Check the settings of images, and fill in their source and networks."""
        if self.compile:
            check_compile(self.device)
        noise = WhiteNoise(self.target.shape)
        if self.source not in (Gaussian(), noise):
            raise ValueError(
                f"images of {self.target.name} come from noise of their own size; leave the source {self.source.name} out"
            )
        networks = self.networks or Networks()
        networks.check(self.image_set.shape, self.method.noise_dim)
        check_classes(self.method, networks, len(self.target.class_names))
        object.__setattr__(self, "source", noise)
        object.__setattr__(self, "networks", networks)

    @property
    def image_set(self) -> ImageSet:
        """The image set to train on. Raises ValueError if the target has points."""
        if not isinstance(self.target, ImageSet):
            raise ValueError(f"{self.target.name} has points, not images")
        return self.target

    @property
    def sides(self) -> dict[str, Target]:
        """Target and source, by name; images have no source, as it is white noise."""
        source = {"source": self.source} if isinstance(self.source, Distribution) else {}
        return {"target": self.target, **source}

    @property
    def classes(self) -> int:
        """Number of classes that the generator is conditioned on; 0 if none."""
        return 0 if self.networks is None else self.networks.conditional_classes(len(self.target.class_names))

    def begin(self, device: str | None = None) -> Training:
        """The training before its first step, on `device` or that of this config. Raises ValueError as `start`."""
        return start(
            self.method, self.target, self.source, steps=self.steps, seed=self.seed, device=device or self.device,
            compile=self.compile, networks=self.networks, lr_decay=self.lr_decay, precision=self.precision,
        )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        found = {
            "method": self.method.record(),
            "target": self.target.record(),
            "source": self.source.record(),
            "steps": self.steps,
            "seed": self.seed,
            "device": self.device,
            "compile": self.compile,
            "lr_decay": self.lr_decay,
            "precision": self.precision,
        }
        if self.networks is not None:
            return {**found, "networks": self.networks.as_dict()}
        return {**found, "units": self.target.units.record()} if self.target.units.word else found

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> RunConfig:
        """The inverse of `record`. Raises ValueError for an invalid record, or if the target's file has changed."""
        try:
            wanted = dict(record["method"])
            kind = methods.named(str(wanted.pop("name")))
            known = {knob.name for knob in params_of(kind)}
            networks = record.get("networks")  # images have them, points do not
            sides = (
                {side: distributions.by_record(record[side]) for side in ("target", "source")}
                if networks is None
                else {"target": datasets.by_record(record["target"]), "networks": Networks(**networks)}
            )
            config = cls(
                method=kind(**{name: value for name, value in wanted.items() if name in known}),
                **sides,
                steps=int(record["steps"]),
                seed=int(record["seed"]),
                device=str(record["device"]),
                compile=bool(record.get("compile", False)),
                lr_decay=record.get("lr_decay", "none"),
                precision=record.get("precision", "auto"),
            )
            if "units" in record:
                config._check_units(record["units"])
            return config
        except (LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"this is not the config of a run: {error} is missing or of the wrong kind") from error

    def _check_units(self, was: Mapping[str, Any]) -> None:
        """Raise ValueError if the target's file now has another offset and factor than `was`, so other rows."""
        now = self.target.units
        old = [*map(float, was["offset"]), float(was["factor"])]
        if not np.allclose([*now.offset, now.factor], old, rtol=1e-6, atol=1e-6 * old[2]):
            raise ValueError(
                "the points of the target's file have changed: they were centred at ({:.6g}, {:.6g}) and divided by "
                "{:.6g}; restore that file, or train again".format(*old)
            )

    def training_from(self, state: tuple[dict[str, Tensor], str]) -> Training:
        """A training of this config on the CPU, at `state`. Raises ValueError if `state` does not fit its networks."""
        made = dataclasses.replace(self, compile=False).begin("cpu")
        made.restore(*state)
        return made

    def retuned(self, changes: Mapping[str, Any]) -> RunConfig:
        """A copy of this config with live knobs of its method changed.

        Raises:
            ValueError: a knob that the method lacks or that cannot change during a run, or a value out of range.
        """
        live = {knob.name for knob in params_of(type(self.method)) if knob.live}
        for name in changes:
            if name not in live:
                raise ValueError(
                    f"{name} cannot change during a run of {self.method.name}; {', '.join(sorted(live))} can"
                )
        return dataclasses.replace(self, method=dataclasses.replace(self.method, **changes))
