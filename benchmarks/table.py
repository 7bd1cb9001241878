"""The table of numbers as Markdown, and its place in README.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, stored

BEGIN, END = "<!-- numbers -->", "<!-- /numbers -->"
VERDICTS = {True: "reached", False: "**missed**"}
BUSY = 1.0  # a load above this at the start means that others worked on the machine too


def render(rows: Iterable[Row], records: Mapping[str, dict[str, Any]] | None = None) -> str:
    """The table of these rows, from `records` or what is stored, and the machines they were measured on."""
    rows = list(rows)
    found = {row.name: stored(row) if records is None else records.get(row.name) for row in rows}
    lines = ["| Row | What | Target | Measured | Verdict | On |", "|---|---|---|---|---|---|"]
    machines: list[str] = []
    for row in rows:
        record = found[row.name]
        if record is None or record["reached"] is None:
            told = "–" if record is None else record["shown"]
            lines.append(f"| `{row.name}` | {row.what} | {row.target} | {told} | not measured | |")
            continue
        place = _place(record["machine"])
        machines += [] if place in machines else [place]
        mark = chr(ord("A") + machines.index(place)) + (" †" if record["machine"]["load"] > BUSY else "")
        sample = f"<br>{record['sample']}; {_length(record['seconds'])}" if record["sample"] else ""
        verdict = VERDICTS[record["reached"]]
        lines.append(f"| `{row.name}` | {row.what} | {row.target} | {record['shown']}{sample} | {verdict} | {mark} |")
    notes = [f"{chr(ord('A') + number)}: {place}." for number, place in enumerate(machines)]
    loads = {name: record["machine"]["load"] for name, record in found.items() if record and record["sample"]}
    busy = [f"{name} {value:g}" for name, value in loads.items() if value > BUSY]
    if busy:
        notes.append(f"† shared machine: others worked on it too (load average at the start: {', '.join(busy)}).")
    return "\n".join([*lines, "", *notes])


def _place(machine: Mapping[str, Any]) -> str:
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return f"{machine['cpu']}, {machine['cores']} cores{gpu}, torch {machine['torch']}, {machine['date']}"


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def write_into(path: Path, table: str) -> None:
    """Put the table between the two marks of a file. Raises ValueError without them."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} needs the lines {BEGIN} and {END}, between which the table goes")
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
