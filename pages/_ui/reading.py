"""How to read the picture of a transport problem: one paragraph a word, in the order in which one meets them."""

from __future__ import annotations

import streamlit as st

from otviz.distributions import Distribution
from otviz.transport.problem import Problem

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
WORDS = (
    ("Blur", "is a length: details smaller than it are smoothed away. The circle on the picture has that radius, and "
     "ε = blur^p is the temperature of the plan. Too small, and the iterations do not settle; too large, and only the "
     "difference of the means is left. A tenth of the size of the details that matter is a good start."),
    ("Arrows", "are −n times the gradient of the loss at each source point: where it wants to go. For p = 2 and a small "
     "blur one arrow leads straight to the point's barycentric projection. The notebook adds the gradient instead: "
     "switch on its sign and move the target off-centre to see what happens."),
    ("Plan", "says which mass goes where: rows are source points, columns target points, brighter is more. A sharp line "
     "is a map, a smear is a blur. Hover a point to see its row."),
    ("Potentials", "are the prices of the dual problem, extended to the whole plane. The arrows run down the one of the "
     "source side; the difference of prices along a used arrow is its cost."),
    ("Reach", "makes the problem unbalanced: mass further than about that length from any partner is dropped rather than "
     "moved, at a price. Faint points keep their mass."),
)  # fmt: skip


def show(problem: Problem, _source: Distribution, _target: Distribution) -> None:
    """Formula of the loss and the cost, and what is drawn."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.latex(FORMULAS[problem.loss], width="content")
        if problem.loss in ("sinkhorn", "entropic"):
            st.latex(COSTS[problem.cost], width="content")
        st.caption(
            "Cuturi 2013; Genevay, Peyré and Cuturi 2018; Feydy et al. 2019 (Sinkhorn divergence); Székely and Rizzo "
            "2013 (energy distance). Words and factors are geomloss'."
        )
    with right, st.container(gap="xsmall"):
        for word, meaning in WORDS:
            st.markdown(f"**{word}** {meaning}")
