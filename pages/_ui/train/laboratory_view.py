"""Views of g, alpha and tau: convex functions, sample weights, the scale of the cost.

Each function draws into the current container and stores its settings in the link of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import streamlit as st

from otviz.core.numbers import whole
from otviz.core.params import Knobs, param
from otviz.data.target import Source, Target
from otviz.runs.run_view import RunView
from pages._ui.controls import controls
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.clouds.laboratory import SampleWeights, TauUnits
    from otviz.methods import Method
    from otviz.methods.unified import Unified
    from otviz.ot.conjugates import Conjugate

POINTS = 1000
"""Points per cloud for weights and rates of change."""

TAU_POINTS = 300
"""Points per cloud for the scale of tau; half a second per row."""

EVERY = 2.0
"""Seconds between updates of training runs."""


@dataclass(frozen=True)
class OwnFunction(Knobs):
    """Settings of the curves."""

    name: ClassVar[str] = "convex"

    alpha: float = param(
        1.0, 0.01, 1000, doc="Weight of the divergence: g becomes alpha g(x / alpha)", symbol="alpha", log=True
    )
    own: str = param("", doc="A function of your own in x, such as x + sqrt(x**2 + 1) - 1", symbol="g")


def titles(runs: Sequence[RunView]) -> list[str]:
    """A unique label for each run: its method's title, distinguishing settings, or a number."""
    from otviz.runs.saved.saved_run import names_of

    return names_of([run.config for run in runs])


def key(run: RunView) -> tuple[str, int, str]:
    """Cache key for results on the current state of a run."""
    return run.id, run.step, repr(run.config)


def live(runs: Sequence[RunView], draw: Callable[[], None]) -> None:
    """Call `draw`, and repeat it every two seconds while one of the runs trains."""
    moving = any(run.status in ("running", "queued") for run in runs)
    st.fragment(draw, run_every=EVERY if moving else None)()


def steps(runs: Sequence[RunView]) -> str:
    """The steps of the shown states, in words."""
    numbers = sorted({run.step for run in runs})
    first, last = numbers[0], numbers[-1]
    return f"At step {whole(first)}" if first == last else f"At steps {whole(first)} to {whole(last)}"


def show_convex(link: Link, runs: Sequence[RunView]) -> None:
    """Draw g1, g2, g3 and their derivatives, an alpha slider, the alpha of the runs, and a typed function."""
    from otviz.ot.conjugates import CONJUGATES
    from otviz.ot.convex import conjugate, typed

    methods = _unified(runs)
    left, right = st.columns([3, 8], gap="medium")
    with left:
        made = controls.knobs(link, OwnFunction, prefix="g.")
        own = _own(made.own if made is not None else "", typed)
    alpha = made.alpha if made is not None else 1.0
    family = {name: conjugate(name) for _, method in methods for name in method.conjugates() if name != "identity"}
    shown = [*(family or {name: CONJUGATES[name] for name in ("softplus", "kl", "chi2")}).values(), *own]
    with right:
        live(runs, lambda: _curves(methods, shown, alpha))
    for one, column in zip(shown, st.columns(max(2, len(shown)), gap="medium"), strict=False):
        with column:
            st.caption(plain(f"{one.title}{_used(one.name, methods)}"))
            st.latex(rf"g^\alpha(x) = {one.formula_alpha}")
    if own:
        st.caption("To train with your function, choose the method *UOTM with your own g* and type it there.")


def _used(name: str, methods: Sequence[tuple[RunView, Unified]]) -> str:
    """Which runs use that function, and as which of g1, g2, g3."""
    found: dict[str, list[str]] = {}
    for title, (_, method) in zip(titles([run for run, _ in methods]), methods, strict=True):
        roles = [role for role, other in zip(("g₁", "g₂", "g₃"), method.conjugates(), strict=True) if other == name]
        if roles:
            found.setdefault(" and ".join(roles), []).append(title)
    return "".join(f": {roles} of {', '.join(whose)}" for roles, whose in found.items())


def _own(text: str, typed: Callable[[str], Conjugate]) -> list[Conjugate]:
    """The typed function, or none, with a message if it is invalid."""
    if not text.strip():
        return []
    try:
        return [typed(text)]
    except ValueError as error:
        st.error(plain(f"This g cannot be used: {error}."))
        return []


def _curves(methods: Sequence[tuple[RunView, Unified]], shown: Sequence[Conjugate], alpha: float) -> None:
    import numpy as np

    from otviz.clouds.laboratory import curves
    from otviz.ot.convex import conjugate
    from otviz.viz.transport.conjugate_curves import conjugates as figure

    wanted: dict[tuple[str, float], list[str]] = {(one.name, alpha): [] for one in shown}
    names = titles([run for run, _ in methods])
    for (run, method), title in zip(methods, names, strict=True):
        now = method.scalars(run.snapshots[-1].progress if run.snapshots else 0.0)["alpha"]
        for name in dict.fromkeys(method.conjugates()[:2]):
            if name != "identity":
                wanted.setdefault((name, now), []).append(title)
    xs = np.linspace(-4, 4, 321)
    family = [curves(conjugate(name), at, xs) for name, at in wanted]
    dots = {index: ", ".join(whose) for index, whose in enumerate(wanted.values()) if whose}
    st.plotly_chart(figure(family, dots), key="convex", width="stretch")
    exact = [title for (_, method), title in zip(methods, names, strict=True) if _is_exact(method)]
    parts = [
        "The slope is the weight of a sample in the potential's update. A small α lets it fall towards 0 for samples that are "
        "easily told apart; a large α makes all weights 1, like the identity.",
        "Dots: where the runs are on their schedule of α." if dots else "",
        f"Using the identity, for every α: {', '.join(exact)}." if exact else "",
        "" if methods else "None of the runs has convex functions; these are the ones that UOTM offers.",
    ]
    st.caption(plain(" ".join(filter(None, parts))))


def _is_exact(method: Unified) -> bool:
    return set(method.conjugates()[:2]) == {"identity"}


def _unified(runs: Sequence[RunView]) -> list[tuple[RunView, Unified]]:
    """The runs with convex functions, and their methods."""
    from otviz.methods.unified import Unified

    return [(run, run.config.method) for run in runs if isinstance(run.config.method, Unified)]


def with_potential(runs: Sequence[RunView]) -> list[RunView]:
    """The started runs with a potential; without any, a message."""
    unified = _unified(runs)
    begun = [run for run, _ in unified if run.snapshots]
    if not unified:
        st.caption("Only the methods from WGAN to UOTM-SD have a potential: add a run of one of them.")
    elif not begun:
        st.caption("Nothing to show yet: the runs have not started.")
    return begun


def show_sample_weights(link: Link, runs: Sequence[RunView]) -> None:
    """Draw sample weights (Choi et al. 2024, Eq. 9) of one or two runs, updated while they train."""
    begun = with_potential(runs)
    if not begun:
        return
    names = {str(index): title for index, title in enumerate(titles(begun))}
    exact = [str(index) for index, (_, method) in enumerate(_unified(begun)) if _is_exact(method)]
    bent = [name for name in names if name not in exact]
    first = (bent or exact)[0]
    second = next((name for name in exact if name != first), "none")
    left, right = st.columns(2, gap="medium")
    with left:
        chosen = [controls.choice(link, "weights", names, default=first, label="Weights of")]
    with right:
        more = {"none": "Nothing", **names}
        chosen.append(controls.choice(link, "weights-beside", more, default=second, label="Compare with"))
    picked = [begun[int(name)] for name in dict.fromkeys(chosen) if name != "none"]
    live(picked, lambda: _weights(picked))


def _weights(picked: Sequence[RunView]) -> None:
    from otviz.viz.transport.sample_weights import sample_weights as figure
    from otviz.viz.transport.sample_weights import scale

    found = [_sample_weights(key(run), run) for run in picked]
    ends = scale(*found)
    for title, run, weights in zip(titles(picked), picked, found, strict=True):
        box = None if run.scene is None else run.scene.box
        if len(picked) > 1:
            st.markdown(f"**{plain(title)}**")
        st.plotly_chart(figure(weights, box, ends), key=f"weights-{run.id}", width="stretch")
    st.caption(
        f"{steps(picked)}, {POINTS} points of each. Yellow and large: points that the potential gets wrong, real ones with low v and "
        "generated ones with high v. They have the largest weights in its next update. With g = identity all weights are 1."
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _sample_weights(of: tuple[str, int, str], _run: RunView) -> SampleWeights:
    from otviz.clouds.laboratory import weights_now

    return weights_now(_run.training_copy(), POINTS)


def show_tau(_link: Link, methods: Sequence[Method], target: Target, source: Source) -> None:
    """Draw the scale of tau on this data before a training: a row per method and end of its schedule."""
    import pandas as pd

    from otviz.clouds.laboratory import lasting_warning
    from otviz.methods.unified import Unified

    having = [method for method in methods if isinstance(method, Unified) and "tau" in method.as_dict()]
    if not having:
        st.caption("None of these methods has a cost τ|x − y|². OTM, UOTM and UOTM-SD do.")
        return
    wanted = [(method, alpha, end) for method in having for alpha, end in _alphas(method)]
    found, bar = [], st.progress(0.0)
    for done, (method, alpha, _) in enumerate(wanted):
        bar.progress(done / len(wanted), text=f"Solving the transport problem: {done} of {len(wanted)}")
        tau, g = method.scalars(0.0)["tau"], method.conjugates()[1]
        found.append(_tau(repr((target, source)), target, source, tau, alpha, g))
    bar.empty()
    names = [f"{method.title}{end}" for method, _, end in wanted]
    st.dataframe(pd.DataFrame(_table(names, found)), hide_index=True, column_config=_DIGITS, width="stretch")
    for method in having:
        along = [units for units, (other, *_) in zip(found, wanted, strict=True) if other is method]
        if sentence := lasting_warning(along):
            st.warning(plain(f"{method.title}: {sentence}"))
    st.caption(
        plain(
            f"W2² = {found[0].w2_squared:.3g} between source and target, from {TAU_POINTS} points of each"
            f"{', in the coordinates in which the methods train, as are τ and bias' if target.units.word else ''}. "
            "Only τ W2² / α matters. Mass kept and inward bias are computed for unbalanced transport between these points, without training: "
            "distant mass is left behind, so the target appears closer to the source. A trained run has errors of its own. The useful "
            "range was measured for UOTM with softplus on a ring, and is converted with this ratio; a scheduled α only has to pass "
            "through it."
        )
    )


_DIGITS = {
    name: st.column_config.NumberColumn(format=form)
    for name, form in {
        "τ": "%.4g", "α": "%.3g", "τ W2²": "%.3g", "mass kept": "percent", "inward bias (length)": "%.3f",
    }.items()
}  # fmt: skip


def _alphas(method: Unified) -> list[tuple[float, str]]:
    """alpha and its label: at the start and at the end of the run, if they differ."""
    start, end = (method.scalars(progress)["alpha"] for progress in (0.0, 1.0))
    return [(start, "")] if start == end else [(start, ", start of α"), (end, ", end of α")]


def _table(names: Sequence[str], found: Sequence[TauUnits]) -> dict[str, Sequence[object]]:
    return {
        "method": names,
        "τ": [units.tau for units in found],
        "α": [units.alpha for units in found],
        "τ W2²": [units.cost for units in found],
        "mass kept": [units.mass for units in found],
        "inward bias (length)": [units.inward_bias for units in found],
        "useful τ": [
            "any (exact marginals)" if units.useful is None else "{:.2g} to {:.2g}".format(*units.useful)
            for units in found
        ],
    }


@st.cache_data(max_entries=64, show_spinner=False)
def _tau(of: str, _target: Target, _source: Source, tau: float, alpha: float, g: str) -> TauUnits:
    import numpy as np

    from otviz.clouds.laboratory import tau_units
    from otviz.ot.convex import conjugate

    rng = np.random.default_rng(29)
    x, y = _source.sample(TAU_POINTS, rng), _target.sample(TAU_POINTS, rng)
    return tau_units(y, x, tau, alpha, conjugate(g))
