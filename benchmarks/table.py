"""The numbers as Markdown: all rows for docs/NUMBERS.md, five ratios for README.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rows import QUIET, Row, stored

VERDICTS = {True: "reached", False: "**missed**"}

SOLVING = {"sinkhorn-speed", "divergence-2000", "transport-solvers", "transport-latency", "sinkhorn-claims"}
SOLVER_CHANGED = "2026-11-29"
"""Rows of SOLVING measured before this day used a solver that stopped too early."""

HEADLINES = {
    "uotm-compiled": "as fast: a compiled UOTM step against a plain PyTorch loop",
    "uotm-eager": "as fast: the same step without compiling",
    "compare-throughput": "the steps per second: six methods trained side by side against six plain loops",
    "sweep-workers": "as fast: a sweep of 32 runs with two processes against one, on two cores",
    "claims-freeze": "as far from the data (W2): DAN-S against OT-GAN, 2500 steps after their critics were frozen",
}
"""Rows whose ratio README.md gives, each with what follows "x times"."""


def render(rows: Iterable[Row], records: Mapping[str, dict[str, Any]] | None = None) -> str:
    """The table of these rows, from `records` or what is stored, and the machines they were measured on."""
    rows = list(rows)
    found = {row.name: stored(row) if records is None else records.get(row.name) for row in rows}
    lines = ["| Row | What | Target | Measured | Verdict | On |", "|---|---|---|---|---|---|"]
    machines: list[str] = []
    for row in rows:
        record = found[row.name]
        if record is None or record["reached"] is None:
            shown = "–" if record is None else record["shown"]
            lines.append(f"| `{row.name}` | {row.what} | {row.target} | {shown} | not measured | |")
            continue
        place = _place(record["machine"])
        machines += [] if place in machines else [place]
        mark = " ".join([chr(ord("A") + machines.index(place)), *_marks(record)])
        verdict = VERDICTS[record["reached"]]
        lines.append(f"| `{row.name}` | {row.what} | {row.target} | {record['shown']} | {verdict} | {mark} |")
    notes = [f"{chr(ord('A') + number)}: {place}." for number, place in enumerate(machines)]
    if any(record and "†" in _marks(record) for record in found.values()):
        notes.append(f"† other programs used more than {QUIET:g} cores.")
    if any(record and outdated(record) for record in found.values()):
        notes.append("‡ measured with an earlier solver, which stopped too early; not measured again yet.")
    samples = {name: record for name, record in found.items() if record and record["sample"]}
    rests = [f"- `{name}`: {record['sample']}; {_length(record['seconds'])}" for name, record in samples.items()]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), "", "What the numbers rest on:", "", *rests])


def headlines(records: Mapping[str, dict[str, Any]]) -> str:
    """The ratios of HEADLINES as a list, those that still hold, and where they were measured."""
    valid = {name: records[name] for name in HEADLINES if name in records and not outdated(records[name])}
    lines = [
        f"- **{record['ratio']:.1f} times** {HEADLINES[name]}{' †' if '†' in _marks(record) else ''}"
        for name, record in valid.items()
    ]
    dates = sorted({record["machine"]["date"] for record in valid.values()})
    places = sorted({_machine(record["machine"]) for record in valid.values()})
    notes = [f"Measured on {'; '.join(places)}, {' to '.join(dates[:: max(1, len(dates) - 1)])}."] if dates else []
    if any("†" in _marks(record) for record in valid.values()):
        notes.append("† Other programs were using the machine; these are to be measured again on a quiet one.")
    return "\n".join([*lines, "", " ".join(notes)])


def outdated(record: Mapping[str, Any]) -> bool:
    """Whether a row was measured with a solver that has been replaced since."""
    return record["row"] in SOLVING and record["machine"]["date"] < SOLVER_CHANGED


def _marks(record: Mapping[str, Any]) -> list[str]:
    return ["†"] * (record["machine"]["load"] > QUIET) + ["‡"] * outdated(record)


def _place(machine: Mapping[str, Any]) -> str:
    return f"{_machine(machine)}, {machine['date']}"


def _machine(machine: Mapping[str, Any]) -> str:
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return f"{machine['cpu']}, {machine['cores']} cores{gpu}, torch {machine['torch']}"


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def write_into(path: Path, mark: str, text: str) -> None:
    """Put a text between <!-- mark --> and <!-- /mark --> of a file. Raises ValueError without them."""
    first, last = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, begin, rest = path.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{path.name} needs the lines {first} and {last}, between which the text goes")
    path.write_text(f"{before}{first}\n{text}\n{last}{after}", encoding="utf-8")
