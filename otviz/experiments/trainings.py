"""Trainings that several claims rest on: played once for each config and kept, judged by the rules of `otviz.verdicts`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from otviz.compare import presets
from otviz.distributions import Distribution
from otviz.distributions.ring import Ring
from otviz.experiments.running import experiments_folder
from otviz.files import write_whole
from otviz.methods import Method
from otviz.robustness.playing import play
from otviz.robustness.sweep import Outcome, identity
from otviz.runs.config import RunConfig

RING = Ring(radius=2.0, std=0.1)
"""8 modes: what presets and rules were set on."""

QUICK_STEPS = 40
"""Of a quick run: enough to see that it runs, not what comes of it."""

MEASURES = ("w2", "w2_floor", "high_quality", "mode_mixture", "modes_covered", "loss_spread")


def trained(
    methods: Mapping[str, Method], steps: int, seed: int, quick: bool, target: Distribution = RING
) -> dict[str, float | int | str]:
    """Train each method from this seed; its verdict under "<key>" and "<key>_stability", its numbers under "<key>_<measure>"."""
    found: dict[str, float | int | str] = {}
    for key, method in methods.items():
        config = RunConfig(method, target, steps=QUICK_STEPS if quick else steps, seed=seed, device="cpu")
        outcome = _played(config)
        found |= {key: outcome.kind, f"{key}_stability": outcome.stability}
        numbers = {name: getattr(outcome, name) for name in MEASURES}
        found |= {f"{key}_{name}": value for name, value in numbers.items() if value is not None}
    return found


def from_preset(name: str) -> tuple[dict[str, Method], int]:
    """The methods of a comparison by their names, which must differ, and its steps."""
    chosen = presets()[name]
    return {method.name: method for method in chosen.methods}, chosen.steps


def _played(config: RunConfig) -> Outcome:
    """The outcome of a run: kept from another claim of this version of otviz, or played now."""
    path = experiments_folder() / "runs" / f"{identity(config)}.json"
    try:
        return Outcome.from_record(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):
        outcome = next(play([config]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(dataclasses.asdict(outcome)).encode())
    return outcome
