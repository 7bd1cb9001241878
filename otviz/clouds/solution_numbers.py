"""The numbers of a picture with symbol, unit and meaning, and a warning where they are not to be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from otviz.clouds.problem import LOSSES, Problem
from otviz.clouds.solution import Picture

TRUSTED = 0.01
"""Marginal error beyond which a picture warns."""

LENGTHS = {"half-squared": "length²", "squared": "length²", "euclidean": "length", "cityblock": "length", "cosine": ""}
SYMBOLS = {
    "sinkhorn": "S",
    "entropic": "OT_ε",
    "energy": "½‖α − β‖²",
    "gaussian-mmd": "½‖α − β‖²",
    "laplacian-mmd": "½‖α − β‖²",
}


@dataclass(frozen=True)
class Line:
    """One number: `value` is ready to read, `unit` may be empty, `meaning` is one short line."""

    name: str
    symbol: str
    value: str
    unit: str
    meaning: str


def lines(problem: Problem, picture: Picture) -> list[Line]:
    """What is known of the picture, in the order in which it is read; numbers that do not apply are left out."""
    n, unit = picture.numbers, LENGTHS[problem.cost]
    if picture.plan is None:
        unit = "length" if problem.loss == "energy" else ""
        title = LOSSES[problem.loss]
        found: list[tuple[str, str, float | None, str, str]] = [
            (title, SYMBOLS[problem.loss], n.loss, unit, "half the squared kernel norm; no plan")
        ]
    else:
        divergence = "0 for equal clouds; the arrows reduce it"
        entropic = "with entropy term; not 0 for equal clouds"
        balanced = "smallest cost, without blur"
        if problem.reach is not None:
            balanced += " and without reach"
        found = [
            ("Sinkhorn divergence", "S", n.sinkhorn_divergence, unit, divergence),
            ("Entropic cost", "OT_ε", n.entropic_cost, unit, entropic),
            ("Transport cost", "⟨P, C⟩", n.transport_cost, unit, "cost of the plan, without entropy term"),
            ("Exact cost", "LP", n.exact_cost, unit, balanced),
        ]
        if problem.reach is not None:
            found.append(("Mass moved", "ΣP", n.mass, "", "share of the source mass that is moved"))
    told = [
        Line(name, symbol, f"{value:.5g}", unit, why) for name, symbol, value, unit, why in found if value is not None
    ]
    if n.marginal_error is not None:
        told.append(_share("Marginal error", "δ", n.marginal_error, "by how much the plan misses its marginals"))
    sweeps = f"{n.solver}, {n.iterations} sweeps" if n.iterations else n.solver
    told.append(Line("Time", "t", f"{n.seconds:.2g}", "s", sweeps))
    return told


def _share(name: str, symbol: str, value: float, meaning: str) -> Line:
    return Line(name, symbol, f"{100 * value:.2g}", "%", meaning)


def warning(problem: Problem, picture: Picture) -> str:
    """One sentence where the answer is not reliable, with what to do; else nothing."""
    error = picture.numbers.marginal_error
    if error is None or error <= TRUSTED or not picture.finished:
        return ""
    return (
        f"The plan misses its marginals by {100 * error:.2g} % (limit {100 * TRUSTED:g} %):"
        f" raise blur (now {problem.blur:.3g}) or scaling (now {problem.scaling:g})."
    )
