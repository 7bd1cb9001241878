"""Claims of the papers, each reproduced over seeds and judged: one file per claim or family of claims."""

from __future__ import annotations

from otviz.content.bibliography import BIBLIOGRAPHY
from otviz.experiments.experiment import (
    SOURCES,
    Effect,
    Experiment,
    Finding,
    Number,
    Outcome,
    Part,
    Values,
    Verdict,
    number_of,
)

__all__ = [
    "SOURCES", "Effect", "Experiment", "Finding", "Number", "Outcome", "Part", "Values", "Verdict",
    "experiments", "named", "number_of",
]  # fmt: skip


def experiments() -> dict[str, type[Experiment]]:
    """All experiments by name, by source as in the bibliography; trainings first, then formulas, then claims only reported."""
    from otviz.core.plugins import discover

    found = discover("otviz.experiments.claims", Experiment)  # type: ignore[type-abstract]
    sources, costs = list(BIBLIOGRAPHY), ("minutes", "seconds", "reference")
    return dict(
        sorted(
            found.items(),
            key=lambda item: (sources.index(item[1].paper), costs.index(item[1].cost), item[1].order, item[0]),
        )
    )


def named(name: str) -> Experiment:
    """The experiment of that name. Raises ValueError, with similar names, if there is none."""
    import difflib

    known = experiments()
    if name.lower() in known:
        return known[name.lower()]()
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.3)
    fix = f"did you mean {' or '.join(close)}?" if close else "otviz list shows all"
    raise ValueError(f"there is no experiment {name[:40]!r}; {fix}")
