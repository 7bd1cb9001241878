"""The views below the board: its formula, and what is too slow for a moving slider."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from otviz.clouds.problem import Problem
from otviz.data.distributions import Distribution
from pages._ui.learn import glossary_view
from pages._ui.shell import reading
from pages._ui.shell.links import Link, plain
from pages._ui.transport import flow_view, transport_figures

View = Callable[[Problem, Distribution, Distribution], None]

FORMULAS = {
    "sinkhorn": r"S(x,y)=\mathrm{OT}_\varepsilon(x,y)-\tfrac12\mathrm{OT}_\varepsilon(x,x)-\tfrac12\mathrm{OT}_\varepsilon(y,y)",
    "entropic": r"\mathrm{OT}_\varepsilon(x,y)=\min_P\ \langle P,C\rangle+\varepsilon\,\mathrm{KL}(P\,|\,a b^\top)",
    "energy": r"L(x,y)=\mathbb E|x-y|-\tfrac12\mathbb E|x-x'|-\tfrac12\mathbb E|y-y'|",
    "gaussian-mmd": r"L=\tfrac12\|a-b\|_k^2,\quad k(x,y)=e^{-|x-y|^2/(2\,\mathrm{blur}^2)}",
    "laplacian-mmd": r"L=\tfrac12\|a-b\|_k^2,\quad k(x,y)=e^{-|x-y|/\mathrm{blur}}",
}
COSTS = {
    "half-squared": r"c(x,y)=\tfrac12|x-y|^2,\quad \varepsilon=\mathrm{blur}^2",
    "euclidean": r"c(x,y)=|x-y|\ \text{(Euclidean, not Manhattan)},\quad \varepsilon=\mathrm{blur}",
    "squared": r"c(x,y)=|x-y|^2,\quad \varepsilon=\mathrm{blur}^2",
    "cityblock": r"c(x,y)=|x_1-y_1|+|x_2-y_2|\ \text{(Manhattan)},\quad \varepsilon=\mathrm{blur}",
    "cosine": r"c(x,y)=1-\cos(x,y)\in[0,2]\ \text{(no length)},\quad \varepsilon=\mathrm{blur}",
}


def show_formula(problem: Problem, _source: Distribution, _target: Distribution) -> None:
    """Formula of the loss and the cost, and their source."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.latex(FORMULAS[problem.loss], width="content")
        if problem.loss in ("sinkhorn", "entropic"):
            st.latex(COSTS[problem.cost], width="content")
    with right:
        st.caption(
            "Cuturi 2013; Genevay, Peyré and Cuturi 2018; Feydy et al. 2019 (Sinkhorn divergence); Székely and Rizzo "
            "2013 (energy distance). Names and factors are as in geomloss."
        )
        derivation = glossary_view.topic_of(loss=problem.loss)
        if derivation is not None:
            glossary_view.link_to(derivation.topic, "Where this comes from")


VIEWS: dict[str, tuple[str, View]] = {
    "read": ("Formula", show_formula),
    "flow": ("Flow", flow_view.show),
    "blur": ("Blur", transport_figures.show_blur),
    "iterations": ("Convergence", transport_figures.show_iterations),
    "libraries": ("Libraries", transport_figures.show_libraries),
    "unbalanced": ("Unbalanced", transport_figures.show_unbalanced),
    "notebook": ("Notebook", transport_figures.show_notebook),
    "download": ("Download", transport_figures.show_downloads),
}


def show(link: Link, problem: Problem, source: Distribution, target: Distribution) -> None:
    """Draw the selected view; only that one is computed."""
    titles = {name: title for name, (title, _) in VIEWS.items()}
    view = reading.choose_view(link, "transport", titles, default="read", picture="board")
    try:
        VIEWS[view][1](problem, source, target)
    except ValueError as error:
        st.error(plain(f"{error}."))
