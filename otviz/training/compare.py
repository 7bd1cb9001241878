"""Comparisons: sets of methods side by side, on the same data with the same seed.

The settings were tested on the ring of 8 modes (radius 2, std 0.1); the toy experiments of the papers train longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from otviz.content.bibliography import cite_link
from otviz.core.params import params_of
from otviz.data.distributions import Distribution
from otviz.data.distributions.ring import Ring
from otviz.methods import Method, named

MOST = 9
"""Most methods in a comparison; more panels would be too small to read."""


@dataclass(frozen=True)
class Preset:
    """One comparison.

    Attributes:
        name: key in links.
        title: shown title.
        methods: one per panel, in reading order.
        steps: number of steps of each method.
        look_for: what to look for, in a few sentences of Markdown that hold for any number of columns.
        columns: panels in a row; None: the page decides.
        target: name of the target.
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
    """All comparisons by name, in the order of a lesson."""
    makers: list[Callable[[], Preset]] = [_table_1, _figure_1, _freeze, _matching, _batch_size, _schedules, _tau]
    made = [maker() for maker in makers]
    return {preset.name: preset for preset in made}


def labels(methods: Sequence[Method], marks: Sequence[str] = ()) -> list[str]:
    """Short labels that distinguish the methods: title, the knobs in which methods of one title differ, and a mark."""
    found = []
    for method, mark in zip(methods, marks or [""] * len(methods), strict=True):
        alike = [other for other in methods if type(other) is type(method)]
        apart = [
            knob.in_words(getattr(method, knob.name))
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
    """A method with a learning rate at which 5000 steps show what 12 000 do at half of it."""
    return _method(name, **{"lr": 1e-3, "adversary_lr": 1e-3, **knobs})


def _table_1() -> Preset:
    return Preset(
        "table-1",
        "Cost or no cost (Table 1)",
        (
            _quick("wgan"), _quick("otm"), _method("wgan-gp"), _method("gan"),
            _quick("uotm-no-cost"), _quick("uotm"), _method("uotm-sd"),
        ),
        5000,
        "WGAN and UOTM without cost have **no transport cost** and lose modes; GAN and WGAN-GP have none either and leave points "
        "between modes. OTM, UOTM and UOTM-SD **pay a cost and keep all eight**. With g = identity (WGAN, OTM) training is unstable, "
        f"with softplus (UOTM) it is not. After {cite_link('choi', 'Table 1')}.",
        columns=4,
        target=_ring(),
    )  # fmt: skip


def _figure_1() -> Preset:
    return Preset(
        "figure-1",
        "Snapshots (Figure 1)",
        (_quick("wgan"), _method("wgan-gp"), _quick("otm"), _quick("uotm-no-cost"), _quick("uotm"), _quick("uotm-kl")),
        5000,
        f"The methods of {cite_link('choi', 'Fig. 1')}. The view **Figure 1** under the panels shows each of them at equal "
        "steps, with its losses.",
        columns=3,
        target=_ring(),
    )


def _freeze() -> Preset:
    after = {"freeze_after": 1500}
    return Preset(
        "freeze",
        "Freeze the critic (Figure 2)",
        (_method("ot-gan", **after), _method("dan-s", lr=1e-3, adversary_lr=1e-3, **after), _method("gan", **after)),
        4000,
        "Each critic stops learning at step 1500; its generator goes on against it. OT-GAN still has a distance to reduce "
        "and keeps all modes, if loosely; DAN-S loses modes; the points of the plain GAN fly away. "
        f"After {cite_link('salimans', 'Fig. 2')}.",
        columns=3,
        target=_ring(std=0.2),
    )


def _matching() -> Preset:
    return Preset(
        "matching",
        "Optimal or random matching",
        (_method("ot-gan"), _method("ot-gan", matching="random")),
        3000,
        "Two OT-GANs with the same critic and the same batches: one matches points by optimal transport, the other at "
        f"random, and its points stay smeared. After {cite_link('salimans', 'section 5.2')}.",
        columns=2,
        target=_ring(std=0.2),
    )


def _batch_size() -> Preset:
    return Preset(
        "batch-size",
        "Batch size of OT-GAN",
        tuple(_method("ot-gan", batch_size=size) for size in (16, 64, 256, 1024)),
        2000,
        "OT-GAN with minibatches of 16, 64, 256 and 1024 points. Small batches match badly: the loss is noisy and its floor "
        "high. The largest takes most of the time, and the others wait for it. "
        f"After {cite_link('salimans', 'Fig. 3')}, in two dimensions.",
        columns=4,
        target=_ring(std=0.2),
    )


def _schedules() -> Preset:
    kinds = ("linear", "cosine", "step", "geometric")
    return Preset(
        "schedules",
        "Schedules of alpha",
        (_quick("uotm"), *(_method("uotm-sd", schedule=kind) for kind in kinds)),
        6000,
        "UOTM has alpha = 1 throughout; UOTM-SD raises it from 0.2 to 5, here by four schedules. All five cover the ring: the "
        f"schedule matters more where tau is too large. After {cite_link('choi')}.",
        columns=3,
        target=_ring(),
    )


def _tau() -> Preset:
    return Preset(
        "tau",
        "Small, right and large tau",
        tuple(_quick("uotm", tau=tau) for tau in (0.001, 0.05, 10.0))
        + tuple(_method("uotm-sd", tau=tau) for tau in (0.001, 0.05, 10.0)),
        5000,
        "UOTM and UOTM-SD, each with three values of tau. Too small a tau loses modes, too large a tau draws points off them; "
        f"UOTM-SD suffers less from both. After {cite_link('choi', 'Fig. 4')}.",
        columns=3,
        target=_ring(),
    )
