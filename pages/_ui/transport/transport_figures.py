"""The views below the board: curves, tables and downloads of the current problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from otviz.clouds.problem import Problem, clouds
from otviz.clouds.scale import at_unit_scale, change, scale_of
from otviz.data.distributions import Cloud, Distribution
from pages._ui.shell.downloads import download
from pages._ui.shell.links import plain
from pages._ui.transport import board_state

if TYPE_CHECKING:
    from otviz.clouds.unbalanced import KeptMass

T = TypeVar("T")


def computed(name: str, of: object, total: int, items: Callable[[], Iterator[T]]) -> list[T]:
    """All items, cached until `of` changes, with a progress bar.

    Any user action cancels it, since Streamlit interrupts the rerun at the next update of the bar.
    """
    kept: dict[str, tuple[str, list[Any]]] = st.session_state.setdefault("otviz.computed", {})
    if name not in kept or kept[name][0] != repr(of):
        found, bar = [], st.progress(0.0, text="Computing …")
        for item in items():
            found.append(item)
            bar.progress(min(len(found) / total, 1.0), text=f"Computing … {len(found)} of {total}")
        bar.empty()
        kept[name] = (repr(of), found)
    return kept[name][1]


def _small(problem: Problem, source: Distribution, target: Distribution, most: int) -> tuple[Cloud, Cloud]:
    """Clouds of at most `most` points."""
    return clouds(replace(problem, n=min(problem.n, most)), source, target)


def _sizes(x: Cloud, y: Cloud) -> str:
    n, m = len(x.points), len(y.points)
    return f"{n} points of each side" if n == m else f"{n} source and {m} target points"


def _has_p(problem: Problem) -> bool:
    """Whether the cost has a p; otherwise show a message."""
    if problem.cost in ("half-squared", "euclidean"):
        return True
    st.info(
        "This view compares solvers and libraries on the costs that all of them have: choose p = 1 or p = 2 as the cost."
    )
    return False


def show_blur(problem: Problem, source: Distribution, target: Distribution) -> None:
    """S, OT_epsilon and <P, C> over the blur."""
    if not _has_p(problem):
        return
    from otviz.clouds.studies.sweeps import BLURS, LARGEST, blur_curve, limits
    from otviz.viz.transport.blur_curve import blur_curve as figure

    x, y = _small(problem, source, target, LARGEST)
    of = (replace(problem, blur=1.0, reach=None, loss="sinkhorn"), source, target)
    unit, both, a, b = scale_of(x, y).unit, (x.points, y.points), x.weights, y.weights
    blurs = [unit * blur for blur in BLURS]
    points = computed("blur", of, len(BLURS), lambda: blur_curve(*both, problem.p, blurs=blurs, a=a, b=b))
    ends = computed("limits", of, 1, lambda: iter([limits(*both, problem.p, a=a, b=b)]))[0]
    drawn = x.rows is None and y.rows is None
    st.plotly_chart(figure(points, ends, problem.p, problem.blur, slider=drawn), key="blur", width="stretch")
    st.caption(
        f"{_sizes(x, y)}, balanced. Without debiasing, OT_ε rises with blur towards the mean cost of all pairs. With debiasing, S "
        "falls to the value of a comparison of means (p = 2) or of an energy distance (p = 1)."
        + (" The slider of Fuge's course notebook ends at 0.7, before anything changes." if drawn else "")
    )


def show_iterations(problem: Problem, source: Distribution, target: Distribution) -> None:
    """Error per iteration of three solvers, and the plan at five temperatures."""
    if not _has_p(problem):
        return
    from otviz.clouds.studies.convergence import BLURS, LARGEST, SOLVERS, convergence, sharpening
    from otviz.viz.transport.convergence_curves import convergence as figure
    from otviz.viz.transport.sharpening import sharpening as plans_figure

    x, y = _small(problem, source, target, LARGEST)
    of = (replace(problem, reach=None, loss="sinkhorn"), source, target)
    both, a, b, p = (x.points, y.points), x.weights, y.weights, problem.p
    steps = computed("iterations", of, 200 * len(SOLVERS), lambda: convergence(*both, p, problem.blur, a=a, b=b))
    st.plotly_chart(figure(steps, problem.blur), key="iterations", width="stretch")
    blurs, whatever_the_blur = [scale_of(x, y).unit * blur for blur in BLURS], (replace(of[0], blur=1.0), *of[1:])
    plans = computed("plans", whatever_the_blur, len(BLURS), lambda: sharpening(*both, p, blurs, a=a, b=b))
    st.plotly_chart(plans_figure(plans), key="plans", width="stretch")
    st.caption(
        f"{_sizes(x, y)}, balanced. The error is the sum over all columns of the mass by which the plan misses them, at most "
        "2. Solvers that lower ε step by step need far fewer iterations than one that keeps a small ε fixed. Below: the same "
        "plan as ε falls, from nearly uniform to nearly a map."
    )


def show_libraries(problem: Problem, source: Distribution, target: Distribution) -> None:
    """The same problem, solved by other libraries."""
    if not _has_p(problem):
        return
    import pandas as pd

    from otviz.clouds.studies.libraries import LARGEST, agreement, compare
    from otviz.clouds.studies.library_calls import LIBRARY_CALLS

    x, y = _small(problem, source, target, LARGEST)
    of = (replace(problem, loss="sinkhorn"), source, target)
    settings = problem.p, problem.blur, problem.reach
    entries = computed(
        "libraries", of, len(LIBRARY_CALLS), lambda: compare(x.points, y.points, *settings, a=x.weights, b=y.weights)
    )
    st.markdown(
        "Libraries print different numbers for the same problem: they use different costs (|x − y|² or half of it) and different "
        "temperatures, and some include the entropy term. Multiplied by the factor and shifted by the offset, "
        f"{agreement(entries)} Here {_sizes(x, y)}."
    )
    table = pd.DataFrame({
        "library": [entry.library for entry in entries],
        "call": [entry.call for entry in entries],
        "prints": [entry.value for entry in entries],
        "× factor": [entry.factor for entry in entries],
        "+ offset": [entry.offset for entry in entries],
        "= ours": [entry.converted for entry in entries],
        "off by": [entry.difference for entry in entries],
        "corresponds to our": [entry.quantity.replace("_", " ") for entry in entries],
        "seconds": [entry.seconds for entry in entries],
        "cost": [entry.cost for entry in entries],
        "ε": [entry.epsilon for entry in entries],
        "entropy": [entry.entropy for entry in entries],
        "why it differs": [entry.error or entry.why for entry in entries],
    })  # fmt: skip
    digits = {
        name: st.column_config.NumberColumn(format="%.5g") for name in ("prints", "× factor", "+ offset", "= ours")
    }
    digits |= {name: st.column_config.NumberColumn(format="%.1e") for name in ("off by", "seconds")}
    st.dataframe(table, hide_index=True, column_config=digits, width="stretch")


def show_unbalanced(problem: Problem, source: Distribution, target: Distribution) -> None:
    """The mass dropped by a finite reach, and the effect of tau and alpha of UOTM-SD on the same clouds."""
    import numpy as np

    from otviz.clouds.unbalanced import ALPHAS, REACHES, TAUS, kept_table, reach_curve, with_outliers
    from otviz.viz.transport import unbalanced_plan as figures

    left, right = _small(problem, source, target, 500)
    of = (problem.seed, problem.points, problem.transform, problem.n, source, target)
    units, x, y = at_unit_scale(left, right)
    a, b = left.weights, right.weights
    st.markdown(
        f"**Outliers and reach.** One in twenty target points is moved 8 away ({_sizes(left, right)}, p = 2, blur 0.1). "
        "A balanced plan must reach them all. With a finite reach they get mass only if it spans the gap."
    )
    if note := change(units):
        st.caption(plain(f"{note}."))
    moved, outliers = with_outliers(y)
    curve = computed("reach", of, len(REACHES), lambda: reach_curve(x, moved, outliers, a=a, b=b))
    reach = None if problem.reach is None else problem.reach / units.factor
    st.plotly_chart(figures.reach_curve(curve, reach), key="reach", width="stretch")
    st.markdown(
        "**τ and α, without any training.** The transport problem behind UOTM, with cost τ|x − y|² and divergences weighted by α. A small α "
        "leaves distant mass behind, so the target appears smaller; a large α keeps it. UOTM-SD raises α from 0.2 to 5."
    )
    table = computed("kept", of, len(TAUS) * len(ALPHAS), lambda: kept_table(x, y, a=a, b=b))
    st.plotly_chart(figures.kept_mass(table, float(np.hypot(*y.T).mean())), key="kept", width="stretch")
    _show_kept(table, y)


def _show_kept(table: Sequence[KeptMass], y: Any) -> None:
    from otviz.viz.transport.unbalanced_plan import kept_points

    left, right = st.columns(2)
    tau = left.select_slider("τ", sorted({kept.tau for kept in table}), value=1.0, key="transport:kept tau")
    alpha = right.select_slider("α", sorted({kept.alpha for kept in table}), value=0.2, key="transport:kept alpha")
    chosen = next(kept for kept in table if (kept.tau, kept.alpha) == (tau, alpha))
    st.plotly_chart(kept_points(chosen, y), key="kept points", width="stretch")


def show_notebook(_problem: Problem, _source: Distribution, _target: Distribution) -> None:
    """The numbers of the notebook, reproduced."""
    import pandas as pd

    from otviz.clouds.studies.notebook_findings import experiments

    st.markdown(
        "Each number that Fuge's course notebook (section 11.1) prints or implies, recomputed here on the notebook's own points. "
        "This takes about a minute; geomloss alone needs half of it."
    )
    if "notebook" not in st.session_state.get("otviz.computed", {}) and not st.button(
        "Recompute the numbers", type="primary"
    ):
        return
    found = computed("notebook", "", 60, experiments)
    findings = sorted(found, key=lambda finding: int(finding.experiment[1:]))
    table = pd.DataFrame({
        "number": [finding.what for finding in findings],
        "reported": [finding.reported for finding in findings],
        "found here": [finding.ours for finding in findings],
        "agrees": ["" if finding.reported is None else ("yes" if finding.agrees else "no") for finding in findings],
        "tolerance": [finding.tolerance if finding.reported is not None else None for finding in findings],
        "what it means": [finding.comment for finding in findings],
    })  # fmt: skip
    digits = {name: st.column_config.NumberColumn(format="%.5g") for name in ("reported", "found here")}
    st.dataframe(table, hide_index=True, column_config=digits, width="stretch")


def show_downloads(problem: Problem, source: Distribution, target: Distribution) -> None:
    """The picture, its numbers, and a script that reproduces them."""
    from otviz.clouds.studies.snippet import snippet
    from otviz.clouds.studies.solution_files import arrays_npz, points_csv
    from otviz.viz.style import as_html
    from otviz.viz.transport.transport_picture import transport_picture

    picture = board_state.picture()
    if picture is None:
        st.caption("There is no picture yet.")
        return
    figure = transport_picture(picture)
    with st.container(horizontal=True):
        download("Points (CSV)", lambda: points_csv(picture), "transport.csv", "text/csv")
        download("Plan, potentials, all arrays (NPZ)", lambda: arrays_npz(picture), "transport.npz")
        download("Picture (HTML)", lambda: as_html(figure, "transport"), "transport.html", "text/html")
    st.plotly_chart(figure, key="transport-figure", width="stretch")
    st.caption("The camera icon on this picture saves it as PNG. The HTML page works offline and saves it as SVG.")
    st.markdown("The same in Python:")
    st.code(snippet(problem, source, target), language="python")
    if problem.loss in ("sinkhorn", "entropic"):
        st.caption(
            plain("plan_lines_to and plan_lines_share say where the mass of source point i goes: row i of the plan.")
        )
