"""Knobs that can be swept, and the methods that have them."""

from __future__ import annotations

from otviz.core.params import Param, params_of
from otviz.methods import Method, methods

VALUES: dict[str, tuple[float, ...]] = {
    "tau": (0.001, 0.01, 0.05, 0.2, 1.0, 10.0),
    "penalty_weight": (0.0, 0.005, 0.02, 0.1, 0.5, 2.0),
    "lr": (2e-4, 5e-4, 1e-3, 2e-3, 5e-3),
    "alpha": (0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
}
"""Knobs that can be swept, with default values. Those of tau are the small, useful and large ones of Choi et al. 2024."""

FAVOURED = ("uotm", "uotm-sd", "uotm-sd.geometric", "otm")


def rows(knob: str) -> dict[str, Method]:
    """Methods with that knob, by their names in links; a method with schedules appears once for each."""
    found: dict[str, Method] = {}
    for name, kind in methods().items():
        params = {each.name: each for each in params_of(kind)}
        if knob in params:
            found[name] = kind()
            found |= {f"{name}.{choice}": kind(schedule=choice) for choice in _schedules(params)}  # type: ignore[call-arg]
    return found


def favoured(knob: str) -> list[str]:
    """Names of the rows selected by default."""
    there = rows(knob)
    return [name for name in FAVOURED if name in there] or list(there)[:3]


def _schedules(params: dict[str, Param]) -> list[str]:
    """The schedules of a method other than the default."""
    schedule = params.get("schedule")
    return [] if schedule is None else [choice for choice in schedule.choices if choice != schedule.default]
