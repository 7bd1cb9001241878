"""The runs to record: those of the home page, every preset comparison, and every lesson that trains on points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from otviz.content import lessons
from otviz.core.params import params_of
from otviz.data import distributions
from otviz.data.distributions import Distribution
from otviz.data.distributions.ring import Ring
from otviz.methods import Method, named
from otviz.runs.config import RunConfig
from otviz.training import compare
from otviz.training.compare import Preset, labels

TAUS = (0.0, 0.001, 0.005, 0.02, 0.05, 0.2, 1.0, 3.0, 10.0)
"""Values of the slider on the home page."""

HOME_STEPS, HOME_SEED = 5000, 0
PAGE_STEPS = 5000  # default of the Compare page
# Without the penalty R, as in Table 1 for the method without cost, so that runs differ in tau only.
METHODS: Mapping[str, Mapping[str, Any]] = {
    "uotm": {"lr": 1e-3, "adversary_lr": 1e-3, "penalty": "none"},
    "uotm-sd": {"penalty": "none"},
}
"""Methods on the home page, and their settings other than tau."""


@dataclass(frozen=True)
class Recording:
    """Runs that are recorded together.

    Attributes:
        name: of the recording.
        configs: of the runs.
        labels: titles of their panels.
        page: page on which the runs can be trained: "compare" or "train".
        settings: of that page, as in a link.
    """

    name: str
    configs: tuple[RunConfig, ...]
    labels: tuple[str, ...]
    page: str
    settings: Mapping[str, str]


@cache
def recordings() -> dict[str, Recording]:
    """All recordings by name, in the order in which they are made."""
    made = [*_home(), *map(_comparison, compare.presets().values())]
    found = [lesson for lesson in lessons.shipped() if lesson.page in ("compare", "train")]
    return {recording.name: recording for recording in [*made, *map(_lesson, found)]}


def settings_of(config: RunConfig) -> dict[str, str]:
    """Settings of the Train page for a run on points, as in a link. All knobs are included, in case defaults change."""
    found = {"method": config.method.name, "target": config.target.name}
    found |= config.method.written() | config.target.written("target.")
    return found | {"steps": str(config.steps), "seed": str(config.seed)}


def target_of(settings: Mapping[str, str]) -> Distribution:
    """The target in the settings of a page. Raises ValueError if they are invalid."""
    return distributions.named(settings.get("target", "ring")).parse(_under("target.", settings))


def _home() -> list[Recording]:
    """One recording for each target and method of the home page, with a panel for each value of the slider."""
    ring, off_centre = Ring(radius=2.0, std=0.1), Ring(radius=1.5, std=0.1, centre=(2.0, 1.0))
    return [
        Recording(
            f"home-{data}-{name}",
            tuple(
                RunConfig(_method(name, tau=tau, **knobs), target, steps=HOME_STEPS, seed=HOME_SEED, device="cpu")
                for tau in TAUS
            ),
            tuple(f"With transport cost τ = {tau:g}" if tau else "Without transport cost" for tau in TAUS),
            "compare",
            {},
        )
        for data, target in (("ring", ring), ("off-centre", off_centre))
        for name, knobs in METHODS.items()
    ]


def _method(name: str, **knobs: Any) -> Method:
    return named(name)(**knobs)


def _comparison(preset: Preset) -> Recording:
    target = preset.target or Ring()
    configs = tuple(RunConfig(method, target, steps=preset.steps, device="cpu") for method in preset.methods)
    return Recording(
        f"compare-{preset.name}", configs, tuple(labels(preset.methods)), "compare", {"preset": preset.name}
    )


def _lesson(lesson: lessons.Lesson) -> Recording:
    """The runs of a lesson, from the settings that it gives its page."""
    said = lesson.settings
    target = target_of(said)
    chosen: list[Method]
    if lesson.page == "train":
        kind = named(said.get("method", "uotm-sd"))
        knobs = {knob.name for knob in params_of(kind)}
        chosen = [kind.parse({key: text for key, text in said.items() if key in knobs})]
        steps = kind.default_steps
    else:
        kinds = [named(name) for name in said["methods"].split(",")]
        chosen = [kind.parse(_under(f"{at}.", said)) for at, kind in enumerate(kinds, start=1)]
        steps = PAGE_STEPS
    steps, seed = int(said.get("steps", steps)), int(said.get("seed", 0))
    configs = tuple(RunConfig(method, target, steps=steps, seed=seed, device="cpu") for method in chosen)
    return Recording(f"lesson-{lesson.name}", configs, tuple(labels(chosen)), lesson.page, dict(said))


def _under(prefix: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in settings.items() if key.startswith(prefix)}
