"""`python -m benchmarks [ROW ...] [--quick] [--busy] [--write] [--render]`: measure rows and print the table of numbers.

Before each row it waits until other programs use less than .3 cores, and gives up after two minutes; --busy measures anyway and marks
the row.
--quick runs everything at tiny size, to see that it runs; its numbers mean nothing and are never written.
--write keeps the results in benchmarks/results and writes the documents: the table into docs/NUMBERS.md, five ratios into
README.md, the solvers into docs/SOLVERS.md. Rows not run keep their last results.
--render writes these documents from the stored results and measures nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import (
    board,
    claims,
    compare,
    diagnosis,
    gallery,
    hold,
    home,
    images,
    live,
    solvers,
    speed,
    stacked,
    start,
    sweep,
    transport,
)
from benchmarks.rows import Effort, Measured, Row, load, record_of, store, stored, wait_until_quiet
from benchmarks.table import headlines, render, write_into

ON_TRANSPORT = (*solvers.ROWS, *board.ROWS, *transport.ROWS)
ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        *speed.ROWS,
        *stacked.ROWS,
        *sweep.ROWS,
        *claims.ROWS,
        *compare.ROWS,
        *images.ROWS,
        *gallery.ROWS,
        *diagnosis.ROWS,
        *home.ROWS,
        *start.ROWS,
        *live.ROWS,
        *hold.ROWS,
        *ON_TRANSPORT,
    )
}
ROOT = Path(__file__).resolve().parents[1]
README, NUMBERS, SOLVERS = ROOT / "README.md", ROOT / "docs" / "NUMBERS.md", ROOT / "docs" / "SOLVERS.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows asked for, all without any; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure ours against the references.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all without any")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--busy", action="store_true", help="measure while other programs run, and mark the row")
    parser.add_argument("--write", action="store_true", help="keep the results and write the documents")
    parser.add_argument(
        "--render", action="store_true", help="write the documents from stored results; measure nothing"
    )
    parser.add_argument(
        "--journal", type=Path, help="a folder that keeps finished runs of long rows, so that they can continue"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    if options.quick and options.write:
        parser.error("--quick numbers mean nothing and are not written; leave one of the two out")
    torch.set_num_threads(1)
    failed = False
    for name in () if options.render else options.rows or ROWS:
        failed |= not _run(ROWS[name], options)
    if options.write or options.render:
        _write_documents()
    return int(failed)


def _write_documents() -> None:
    records = {name: record for name, row in ROWS.items() if (record := stored(row)) is not None}
    write_into(NUMBERS, "numbers", render(ROWS.values(), records))
    write_into(README, "headlines", headlines(records))
    if "transport-solvers" in records:
        SOLVERS.write_text(solvers.document(records["transport-solvers"]), encoding="utf-8")


def _run(row: Row, options: argparse.Namespace) -> bool:
    journal = options.journal / f"{row.name}.jsonl" if options.journal else None
    try:
        before = load(0.1 if options.quick else 3.0) if options.quick or options.busy else wait_until_quiet()
    except ValueError as error:
        print(f"{row.name}: not measured: {error}", file=sys.stderr)
        return False
    begun = time.perf_counter()
    try:
        found: Measured = row.measure(Effort(options.quick, journal))
    except Exception:  # one failing row must not lose the hours of the others
        traceback.print_exc()
        return False
    seconds = time.perf_counter() - begun
    print(render([row], {row.name: record_of(row, found, seconds, before)}), flush=True)
    if options.write:
        store(row, found, seconds, before)
    return True
