"""Comparisons: sets of methods that show one thing side by side, on the same data with the same seed.

Settings are those that were seen to work on the ring of 8 modes (radius 2, std 0.1); the papers' own toys are longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from otviz.distributions import Distribution
from otviz.distributions.ring import Ring
from otviz.methods import Method, named
from otviz.params import params_of

MOST = 9
"""Methods that can be compared at once: more panels are too small to read."""


@dataclass(frozen=True)
class Preset:
    """One comparison.

    Attributes:
        name: in links.
        title: for a person.
        methods: one panel each, in reading order.
        steps: that each of them trains.
        look_for: what there is to see, in a sentence or two.
        columns: panels in a row; None leaves it to the page.
        target: what it is shown on.
    """

    name: str
    title: str
    methods: tuple[Method, ...]
    steps: int
    look_for: str
    columns: int | None = None
    target: Distribution | None = None


@cache
def presets() -> dict[str, Preset]:
    """All of them by name, in the order of a lesson."""
    makers: list[Callable[[], Preset]] = [_table_1, _figure_1, _freeze, _matching, _batch_size, _schedules, _tau]
    made = [maker() for maker in makers]
    return {preset.name: preset for preset in made}


def labels(methods: Sequence[Method], marks: Sequence[str] = ()) -> list[str]:
    """What tells the methods apart, in few words: the title, the knobs in which those of one title differ, and a mark."""
    found = []
    for method, mark in zip(methods, marks or [""] * len(methods), strict=True):
        alike = [other for other in methods if type(other) is type(method)]
        apart = [
            f"{knob.symbol or knob.name.replace('_', ' ')} {knob.write(getattr(method, knob.name))}"
            for knob in params_of(type(method))
            if any(getattr(other, knob.name) != getattr(method, knob.name) for other in alike)
        ]
        found.append(", ".join(filter(None, [method.title, *apart, mark])))
    return [label if found.count(label) == 1 else f"{label} ({i + 1})" for i, label in enumerate(found)]


def _ring(std: float = 0.1) -> Distribution:
    return Ring(radius=2.0, std=std)


def _method(name: str, **knobs: Any) -> Method:
    return named(name)(**knobs)


def _quick(name: str, **knobs: Any) -> Method:
    """With the step size at which 5000 steps show what 12 000 do at half of it."""
    return _method(name, **{"lr": 1e-3, "adversary_lr": 1e-3, **knobs})


def _table_1() -> Preset:
    return Preset(
        "table-1",
        "Table 1: with and without cost, identity and SP",
        (
            _quick("wgan"), _quick("otm"), _method("wgan-gp"), _method("gan"),
            _quick("uotm-no-cost"), _quick("uotm"), _method("uotm-sd"),
        ),
        5000,
        "The first two columns are Table 1 of papers/003: without cost on the left, with it on the right; g = identity "
        "above, softplus below. Without cost modes get lost, with g = identity the loss shakes; WGAN-GP leaves points "
        "between modes. UOTM, with both, covers calmly.",
        columns=4,
        target=_ring(),
    )  # fmt: skip


def _figure_1() -> Preset:
    return Preset(
        "figure-1",
        "Figure 1: snapshots at equal steps",
        (_quick("wgan"), _method("wgan-gp"), _quick("otm"), _quick("uotm-no-cost"), _quick("uotm"), _quick("uotm-kl")),
        5000,
        "The rows of Figure 1 of papers/003. Open the view Figure 1 under the picture: snapshots in columns at equal "
        "steps, both losses at the right.",
        columns=3,
        target=_ring(),
    )


def _freeze() -> Preset:
    after = {"freeze_after": 1500}
    return Preset(
        "freeze",
        "Freeze the critic (OT-GAN, Figure 2)",
        (_method("ot-gan", **after), _method("dan-s", lr=1e-3, adversary_lr=1e-3, **after), _method("gan", **after)),
        4000,
        "Each critic stops learning at step 1500 and the generator goes on against it. OT-GAN still has a distance to "
        "descend and keeps its modes; DAN-S loses balance, then modes; the plain GAN's points fly away.",
        columns=3,
        target=_ring(std=0.2),
    )


def _matching() -> Preset:
    return Preset(
        "matching",
        "Random against optimal matching (OT-GAN, section 5.2)",
        (_method("ot-gan"), _method("ot-gan", matching="random")),
        3000,
        "The same critic and the same batches, matched by optimal transport and at random. Matched at random the "
        "generated points never leave the smear.",
        columns=2,
        target=_ring(std=0.2),
    )


def _batch_size() -> Preset:
    return Preset(
        "batch-size",
        "Batch size (OT-GAN, Figure 3, in 2D)",
        tuple(_method("ot-gan", batch_size=size) for size in (16, 64, 256, 1024)),
        2000,
        "OT-GAN with minibatches of 16, 64, 256 and 1024 points. Small batches match badly: the loss is noisy and its "
        "floor high. The largest takes most of the time, and the others wait for it.",
        columns=4,
        target=_ring(std=0.2),
    )


def _schedules() -> Preset:
    kinds = ("linear", "cosine", "step", "geometric")
    return Preset(
        "schedules",
        "Schedules of alpha: UOTM and UOTM-SD",
        (_quick("uotm"), *(_method("uotm-sd", schedule=kind) for kind in kinds)),
        6000,
        "UOTM has alpha = 1 throughout; in UOTM-SD alpha rises from 0.2 to 5. Half way it is behind UOTM: judge the end.",
        columns=3,
        target=_ring(),
    )


def _tau() -> Preset:
    return Preset(
        "tau",
        "Small, right and large tau (Figure 4)",
        tuple(_quick("uotm", tau=tau) for tau in (0.001, 0.05, 10.0))
        + tuple(_method("uotm-sd", tau=tau) for tau in (0.001, 0.05, 10.0)),
        5000,
        "UOTM above, UOTM-SD below, tau from left to right. With tau too small UOTM unbalances its modes, with tau too "
        "large it smears them. UOTM-SD mends part of the second, and so does a constant alpha of 5: see the claim u-tau.",
        columns=3,
        target=_ring(),
    )
