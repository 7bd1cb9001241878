"""Claims of the papers, each run again here over seeds and judged: one file, one claim or a close family."""

from __future__ import annotations

from otviz.experiments.base import (
    PAPERS,
    SOURCES,
    Cases,
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
    "PAPERS", "SOURCES", "Cases", "Effect", "Experiment", "Finding", "Number", "Outcome", "Part", "Values", "Verdict",
    "experiments", "named", "number_of",
]  # fmt: skip


def experiments() -> dict[str, type[Experiment]]:
    """Every experiment by its id, paper by paper in the order of the checklist."""
    from otviz.plugins import discover

    found = discover("otviz.experiments", Experiment)  # type: ignore[type-abstract]
    return dict(sorted(found.items(), key=lambda item: (item[1].paper, _natural(item[0]))))


def named(name: str) -> Experiment:
    """The experiment of that id. Raises ValueError that names the nearest ids."""
    import difflib

    known = experiments()
    if name.lower() in known:
        return known[name.lower()]()
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.3)
    mend = f"did you mean {' or '.join(close)}?" if close else "otviz list shows all"
    raise ValueError(f"there is no experiment {name[:40]!r}; {mend}")


def _natural(name: str) -> tuple[str, int, str]:
    """Letters, number and rest of an id, so that n10 comes after n9."""
    import re

    match = re.match(r"([a-z]*)(\d*)", name)
    assert match is not None, "the pattern takes any text"
    return match[1], int(match[2] or 0), name
