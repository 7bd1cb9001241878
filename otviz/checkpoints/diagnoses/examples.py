"""The diagnoses that the page Diagnose shows before anything is uploaded. `make` computes one; pages only read its file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from otviz.checkpoints.diagnoses.sides import few, open_side
from otviz.checkpoints.diagnoses.stored import FOLDER, Found, pack
from otviz.core.files import write_whole
from otviz.evaluation.diagnosis import Samples, Timeline, over_time

SHOWN = 1500
"""Images of either side in a file."""

LOOKS = 13
"""Snapshots of a recorded run that are judged."""


@dataclass(frozen=True)
class Example:
    """A diagnosis to show.

    Attributes:
        title: on its button.
        line: what the two sides are, one sentence.
        sides: both, real samples first; several sets of generated ones are a timeline.
        page, settings: where the generator can be trained, as in a link.
    """

    title: str
    line: str
    sides: Callable[[], tuple[Samples, tuple[Samples, ...], tuple[float, ...]]]
    page: str = ""
    settings: dict[str, str] = dataclasses.field(default_factory=dict)


def make(name: str) -> int:
    """Compute an example and write its file; returns its size. Raises ValueError if data that it needs are not available."""
    real, generated, steps = EXAMPLES[name].sides()
    *_, timeline = over_time(real, generated)
    found = Found(Timeline(steps or timeline.steps, timeline.diagnoses), real, generated)
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = pack(found)
    write_whole(FOLDER / f"{name}.npz", data)
    return len(data)


Sides = tuple[Samples, tuple[Samples, ...], tuple[float, ...]]


def _model(name: str) -> Callable[[], Sides]:
    def sides() -> Sides:
        return few(open_side("mnist8"), SHOWN), (few(open_side(f"model:{name}"), SHOWN),), ()

    return sides


def _ring() -> Sides:
    """A recorded training of UOTM without transport cost, which loses modes of the ring."""
    from otviz.checkpoints import recordings
    from otviz.data.distributions import named
    from otviz.player import wire

    name, prefix = "home-ring-uotm", "target."
    (run,) = wire.decode(wire.pick(recordings.read(name), [0]))
    settings = recordings.about(name).panels[0].settings
    knobs = {key.removeprefix(prefix): text for key, text in settings.items() if key.startswith(prefix)}
    places = np.unique(np.linspace(4, len(run.snapshots) - 1, LOOKS).round().astype(int))
    shown = [run.snapshots[at] for at in places]
    sets = tuple(Samples(np.asarray(each.generated, np.float64), f"step {each.step}", ("x", "y")) for each in shown)
    target = named(settings["target"]).parse(knobs)
    real = target.units.to_file(target.sample(1000, np.random.default_rng(0))).astype(np.float64)
    return Samples(real, target.title, ("x", "y")), sets, tuple(float(each.step) for each in shown)


def _copied() -> Sides:
    """Real digits that a generator would not have seen, of which an eighth are copies of those that it would have."""
    digits = open_side("digits")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(digits))
    half = len(order) // 2
    seen, fresh = digits.values[np.sort(order[:half])], digits.values[order[half:]].copy()
    taken = rng.permutation(len(fresh))[: len(fresh) // 8]
    fresh[taken] = seen[rng.choice(len(seen), len(taken), replace=False)]
    real = dataclasses.replace(digits, values=seen, labels=None, name="Digits 8 x 8, one half", images="")
    return real, (Samples(fresh, "the other half, an eighth replaced by copies"),), ()


EXAMPLES: dict[str, Example] = {
    "mnist8-no-cost": Example(
        "MNIST, no cost", "Images of the shipped model mnist8-uotm-no-cost, a UOTM without transport cost, against MNIST.",
        _model("mnist8-uotm-no-cost"), "images", {"method": "uotm", "target": "mnist8"},
    ),
    "mnist8-cost": Example(
        "MNIST, with cost", "Images of the shipped model mnist8-uotm, the same training with transport cost, against MNIST.",
        _model("mnist8-uotm"), "images", {"method": "uotm", "target": "mnist8"},
    ),
    "ring": Example(
        "Ring over time", "A recorded training of UOTM without transport cost on a ring of eight modes, judged at 13 steps.",
        _ring, "train", {"method": "uotm", "target": "ring"},
    ),
    "copied-digits": Example(
        "Copied digits", "Made up: real digits as if they were generated, of which one in eight was replaced by a training image.",
        _copied,
    ),
}  # fmt: skip
