"""All declared knobs by name, for the ranges and defaults in the glossary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otviz.core.params import Knobs, Param, params_of


@dataclass(frozen=True)
class Declared:
    """A knob and the title of its owner."""

    owner: str
    kind: str
    knob: Param


def declared() -> dict[str, list[Declared]]:
    """All knobs by name; `kind` is "method", "distribution", "data set" or "page"."""
    found: dict[str, list[Declared]] = {}
    for kind, title, cls in _owners():
        for knob in params_of(cls):
            found.setdefault(knob.name, []).append(Declared(title, kind, knob))
    return found


def _owners() -> Iterator[tuple[str, str, type[Knobs]]]:
    from otviz.clouds.problem import Problem
    from otviz.data.datasets import datasets
    from otviz.data.distributions import distributions
    from otviz.experiments.sweeps import Extent
    from otviz.methods import methods
    from otviz.networks import Networks
    from otviz.training.plan import Plan

    yield from (("method", cls.title, cls) for cls in methods().values())
    yield from (("distribution", cls.title, cls) for cls in distributions().values())
    yield from (("data set", cls.title, cls) for cls in datasets().values())
    yield "page", "Transport page", Problem
    yield "page", "every run", Plan
    yield "page", "networks of images", Networks
    yield "page", "robustness map", Extent
