"""Views of a run's transport map: the map beside the exact plan, rates of change of the potential, OT-GAN's matchings.

Each function draws into the current container and stores its settings in the link of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import streamlit as st

from otviz.content.bibliography import cite
from otviz.core.params import Knobs, param
from otviz.runs.run_view import RunView
from pages._ui.controls import controls
from pages._ui.shell.links import Link, plain
from pages._ui.train.laboratory_view import POINTS, key, steps, titles, with_potential

if TYPE_CHECKING:
    from otviz.clouds.laboratory import Exactness
    from otviz.clouds.laboratory.matching_convergence import Convergence
    from otviz.clouds.laboratory.matchings import Minibatches, Step
    from otviz.methods.ot_gan import OTGAN

Lines = dict[str, tuple[tuple[float, float], ...]]

EXACT = 400
"""Points per cloud in the exact plan, which takes about a second."""

CURVE = (1e-4, 5e-4, 1 / 500, 1 / 200, 1 / 50, 1 / 20, 1 / 5, 1 / 2, 1.0, 3.0, 10.0)
"""Values of epsilon in the entropy curve."""

REPORTED = "cosine"
"""The feature cost of both papers on OT-GAN."""


def show_exact(link: Link, runs: Sequence[RunView]) -> None:
    """Draw the map of a run beside the exact plan, with its costs, then rates of change of all potentials."""
    begun = [run for run in runs if run.snapshots]
    if not begun:
        st.caption("Nothing to show yet: the runs have not begun.")
        return
    names = {str(index): title for index, title in enumerate(titles(begun))}
    default = next((name for name in names if "tau" in begun[int(name)].config.method.as_dict()), "0")
    run = begun[int(controls.choice(link, "exact", names, default=default, label="Map of"))]
    with st.spinner("Solving the exact problem …"):
        _map(run, _exactly(key(run), run))
    st.markdown("**How fast the potentials change**")
    _rates(runs)


def _map(run: RunView, found: Exactness) -> None:
    from otviz.viz.transport.exactness_map import map_beside_plan

    times = f"{found.map_cost / found.exact_cost:.3g} × W2²"
    metrics = [
        ("Cost of the map", found.map_cost, times),
        ("Exact cost W2²(x, y)", found.exact_cost, "the least onto the target"),
        ("Mismatch W2²(T, y)", found.mismatch, f"{found.floor:.2g} by chance"),
    ]
    soft = bool(found.divergence) and bool(found.bound)  # only with a potential and soft marginals
    if soft:
        metrics.append(("Divergence of the marginals", found.divergence or 0.0, f"bound τ W2² = {found.bound:.3g}"))
    for column, (label, value, beside) in zip(st.columns(len(metrics)), metrics, strict=True):
        column.metric(label, f"{value:.3g}", beside, delta_color="off", delta_arrow="off")
    st.plotly_chart(map_beside_plan(found, None if run.scene is None else run.scene.box), key="exact", width="stretch")
    square = f" ({found.unit}²)" if found.unit else ""
    lines = [
        f"{steps([run])}, {EXACT} points of each; costs are squared lengths{square}, without τ. A map costs less than W2² only if it "
        f"misses part of the target. An optimal map onto the points where T ends would cost {found.own_cost:.3g}: the rest is "
        "crossing paths."
    ]
    if soft:
        lines.append(
            f"For an optimal potential, the divergences of the two marginals are at most τ W2² ({cite('choi', 'Eq. 11')}). The "
            "mismatch W2²(T, y) is a squared length and not bounded by this. Early in a run the potential is far from "
            "optimal, and its divergences mean little."
        )
    st.caption(plain(" ".join(lines)))


def _rates(runs: Sequence[RunView]) -> None:
    from otviz.viz.transport.sample_weights import rates_of_change

    begun = with_potential(runs)
    if not begun:
        return
    found = {title: _rates_of(key(run), run) for title, run in zip(titles(begun), begun, strict=True)}
    st.plotly_chart(rates_of_change(found), key="rates", width="stretch")
    st.caption(
        plain(
            f"{steps(begun)}, {POINTS} random pairs of a generated point x and a data point y, in units of the "
            f"potential per {_length(begun)}. Boxes hold the middle half, whiskers nine tenths. The generator climbs v: where "
            f"v is steep, its steps are long. {cite('choi')} compare methods by this rate."
        )
    )


def _length(runs: Sequence[RunView]) -> str:
    units = {run.scene.unit for run in runs if run.scene is not None}
    return " or ".join(sorted(unit or "length" for unit in units)) or "length"


@st.cache_data(max_entries=32, show_spinner=False)
def _exactly(of: tuple[str, int, str], _run: RunView) -> Exactness:
    from otviz.clouds.laboratory import against_exact

    return against_exact(_run.training_copy(), EXACT)


@st.cache_data(max_entries=64, show_spinner=False)
def _rates_of(of: tuple[str, int, str], _run: RunView) -> Any:
    from otviz.clouds.laboratory import rates_now

    return rates_now(_run.training_copy(), POINTS)


@dataclass(frozen=True)
class Rematch(Knobs):
    """Settings of the matching of the shown minibatches."""

    name: ClassVar[str] = "rematch"

    epsilon: float = param(0.02, 1e-4, 10, doc="Match the minibatches shown with another", symbol="epsilon", log=True)
    minibatch: int = param(0, 0, 9999, doc="Which minibatches are drawn")


def show_matchings(link: Link, runs: Sequence[RunView]) -> None:
    """Draw the six cost matrices and matchings of an OT-GAN run, matched pairs, and the effect of epsilon."""
    from otviz.methods.ot_gan import OTGAN

    fitting = [run for run in runs if isinstance(run.config.method, OTGAN)]
    begun = [run for run in fitting if run.snapshots]
    if not begun:
        st.caption(
            "Nothing to show yet: the run has not begun."
            if fitting
            else "Only OT-GAN matches minibatches: add a run of it."
        )
        return
    names = {str(index): title for index, title in enumerate(titles(begun))}
    chosen = controls.choice(link, "matching", names, default="0", label="Inside") if len(begun) > 1 else "0"
    run = begun[int(chosen)]
    method = run.config.method
    assert isinstance(method, OTGAN)
    left, right = st.columns(2, gap="medium")
    start = {"epsilon": method.epsilon}
    with left:
        made = controls.knobs(link, Rematch, prefix="match.", scope=chosen, defaults=start, only=["epsilon"])
    with right:
        drawn = controls.knobs(link, Rematch, prefix="match.", scope=chosen, defaults=start, only=["minibatch"])
    if made is not None and drawn is not None:
        _inside(link, run, method, made.epsilon, drawn.minibatch)


def _inside(link: Link, run: RunView, method: OTGAN, epsilon: float, seed: int) -> None:
    from otviz.clouds.laboratory.matchings import matchings
    from otviz.viz.transport.matching_lines import matrices

    drawn, lines = _drawn(key(run), run, method, seed)
    step = matchings(drawn, method, epsilon, seed=seed)
    _show_result(converged(run, method, seed), "")
    st.plotly_chart(matrices(step), key="matrices", width="stretch")
    own = "" if epsilon == method.epsilon else f" (the run has {method.epsilon:g})"
    sharp = (
        "Matching is random in this run, so ε plays no part."
        if step.random
        else f"ε = {epsilon:g}{own} against a median cost of {step.spread:.2g}: on average a point is shared among "
        f"{drawn.n**step.entropy:.0f} of {drawn.n}."
    )
    st.caption(
        plain(
            f"{steps([run])}, {drawn.n} points in each minibatch: data X and X′, generated Y and Y′. Above: costs between the "
            "critic's features, with the transport cost ⟨P, C⟩. Below: matchings P as multiples of the uniform share. Rows and "
            f"columns are sorted by the angle of the points round the mean of X. {sharp}"
        )
    )
    left, right = st.columns(2, gap="medium")
    with left:
        _partners(link, run, step)
    with right:
        _entropy(lines, drawn.n, None if step.random else method.epsilon)


def show_convergence(runs: Sequence[RunView], labels: Sequence[str]) -> None:
    """For each OT-GAN run that is not training: whether its matching has enough normalisations."""
    from otviz.methods.ot_gan import OTGAN

    for run, label in zip(runs, labels, strict=True):
        method = run.config.method
        if isinstance(method, OTGAN) and run.snapshots and run.status not in ("running", "queued"):
            _show_result(converged(run, method), f"{label}: ")


def converged(run: RunView, method: OTGAN, seed: int = 0) -> Convergence | None:
    """Convergence of the current matchings of a run; None for random matchings or points that are not finite."""
    return _converged(key(run), run, method, seed)


@st.cache_data(max_entries=32, show_spinner=False)
def _converged(of: tuple[str, int, str], _run: RunView, _method: OTGAN, seed: int) -> Convergence | None:
    from otviz.clouds.laboratory.matching_convergence import convergence
    from otviz.clouds.laboratory.matchings import minibatches

    try:
        return convergence(minibatches(_run.training_copy(), seed), _method)
    except ValueError:
        return None


def _show_result(found: Convergence | None, of: str) -> None:
    if found is not None:
        (st.caption if found.reached else st.warning)(plain(f"{of}{found.sentence}"))


def _partners(link: Link, run: RunView, step: Step) -> None:
    from otviz.clouds.laboratory.matchings import PAIRS
    from otviz.viz.transport.matching_lines import partners

    pairs = {str(index): f"{rows} – {columns}" for index, (rows, columns, _) in enumerate(PAIRS)}
    pair = step.six[int(controls.choice(link, "pair", pairs, default="0", label="Pair", in_a_row=True))]
    box = None if run.scene is None else run.scene.box
    st.plotly_chart(partners(step, pair, box), key="partners", width="stretch")
    st.caption(
        plain(
            f"{pair.name}: from each of {len(pair.plan)} points a line to one partner, drawn with the plan's probabilities. "
            "Short lines: close points are matched. A tangle: nearly everybody is matched with everybody."
        )
    )


def _entropy(lines: Lines, n: int, epsilon: float | None) -> None:
    from otviz.viz.transport.matching_lines import entropy_curve

    st.plotly_chart(entropy_curve(lines, n, epsilon), key="entropy", width="stretch")
    st.caption(
        plain(
            "Entropy of where the mass of a point goes, divided by log n, averaged over the six plans: 0 is one partner each, 1 "
            "an equal share for everybody. What matters is ε compared with the costs. Cosine costs lie within [0, 2], so ε = 1 "
            f"({cite('vu')}, on MNIST) makes every plan nearly uniform: on a ring its cost lay 0.7 of the way from optimal to "
            f"random matching. {cite('salimans')} use 1/500."
        )
    )


@st.cache_data(max_entries=16, show_spinner="Matching …")
def _drawn(of: tuple[str, int, str], _run: RunView, _method: OTGAN, seed: int) -> tuple[Minibatches, Lines]:
    """The minibatches, and their entropies along CURVE, for the run's feature cost and that of the papers."""
    from otviz.clouds.laboratory.matchings import entropies, minibatches

    drawn = minibatches(_run.training_copy(), seed)
    costs: dict[str, str] = {f"{_method.cost} (this run)": _method.cost}
    if _method.cost != REPORTED:
        costs[f"{REPORTED} (the papers)"] = REPORTED
    return drawn, {name: entropies(drawn, _method, CURVE, cost) for name, cost in costs.items()}
