"""Clouds whose values are known: made after reports from the field, solved apart from otviz.

Values are those of a log-domain Sinkhorn in float64 and of POT's linear programme, to five digits. p = 2 is half the squared
distance. `far` and `tiny` are one file each, whose first 15 rows are the source and whose last 15 are the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "ot" / "cases"


@dataclass(frozen=True)
class Case:
    """A problem and what it must give; None where no value is known. A value of 0 must be 0 exactly."""

    source: str
    target: str
    exact: float | None
    divergence: float | None
    p: int = 2
    blur: float = 0.05

    @property
    def name(self) -> str:
        return f"{self.source}-{self.target}-p{self.p}-blur{self.blur:g}"


CASES = (
    Case("shift_a", "shift_b", 5000.0, 5000.0),
    Case("shift_a", "shift_a", 0.0, 0.0),
    Case("modes_30_70", "modes_50_50", 0.88882, 0.88954),
    Case("modes_30_70", "modes_50_50", 0.88882, 0.80691, blur=0.5),
    Case("modes_30_70", "modes_50_50", None, 0.57819, p=1),
    Case("far:first", "far:last", 0.35022, 0.35003),
    Case("far:first", "far:first", 0.0, 0.0),
    Case("tiny:first", "tiny:last", 3.2092e-13, None, blur=1e-7),
)


def file_of(name: str, folder: Path) -> Path:
    """The file of a side, written into `folder`."""
    stem, _, part = name.partition(":")
    header, *rows = (FOLDER / f"{stem}.csv").read_text(encoding="utf-8").splitlines()
    rows = {"": rows, "first": rows[:15], "last": rows[-15:]}[part]
    path = folder / f"{stem}{part}.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path
