"""`python -m benchmarks gpu [--device auto] [--budget 480] [--quick] [--out FOLDER]`: what one graphics card does, in one go.

Each part runs in a process of its own, so that one that fails, hangs or loses the card costs no other part; what a part found
before that is kept. The parts share the budget, in seconds: it is never exceeded. The results are a table on the terminal,
`gpu.md` with the same table, and `gpu.json` with all numbers. `--device cpu --quick` tries everything at tiny size.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.gpu_parts import PARTS
from benchmarks.gpu_place import Place
from benchmarks.rows import RESULTS, machine

ROOT = Path(__file__).resolve().parents[1]
STARTING = 12.0
"""Seconds that a part's process may take to begin and to end, within the part's share."""

ENDING = 3.0
"""Seconds to end in."""

SHARES = {"check": 4, "waits": 2, "steps": 7, "stack": 2, "images": 6, "batch": 3, "matching": 2}
"""Of the budget; what a part leaves is shared by those after it."""


@dataclass(frozen=True)
class Outcome:
    """What a part found, one dictionary for each line, and why it ended early, or ""."""

    part: str
    lines: list[dict[str, Any]]
    fault: str
    seconds: float


def main(arguments: Sequence[str] = ()) -> int:
    """Run the parts asked for, all without any; the exit status is 1 if one of them failed."""
    options = _options(arguments)
    if options.part:
        _one_part(options)
        os._exit(0)  # all is written; what torch began may take long to end
    folder = options.out or (Path(tempfile.mkdtemp(prefix="otviz-gpu-")) if options.quick else RESULTS / "gpu")
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.time() - psutil.Process().create_time()  # imports count, too
    until = time.monotonic() + options.budget - min(begun, options.budget / 2) - ENDING
    outcomes: list[Outcome] = []
    wanted = options.only or list(PARTS)
    for number, part in enumerate(wanted):
        left = until - time.monotonic()
        share = left * SHARES[part] / sum(SHARES[name] for name in wanted[number:])
        outcomes.append(_run(part, share, folder, options))
        _write(folder, outcomes, options)  # after each part: what was measured outlives whatever ends this process
        print(_table(outcomes[-1:], head=number == 0), flush=True)
    print(f"\nwritten to {folder}: gpu.md, gpu.json")
    return int(any(one.fault or any(line.get("failed") for line in one.lines) for one in outcomes))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description="Measure one graphics card.")
    parser.add_argument("only", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--device", default="auto", help="auto (a GPU if there is one), cuda, mps or cpu")
    parser.add_argument("--budget", type=float, default=480, help="seconds for everything (480)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--out", type=Path, help="folder of the results; by default benchmarks/results/gpu")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.device == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        options.device = "cpu" if found is None else found.type
    elif options.device != "cpu" and not _present(options.device):
        parser.error(f"there is no device {options.device} here; use auto or cpu")
    unknown = [name for name in options.only if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if not options.budget > 0:
        parser.error(f"budget must be > 0 (seconds); got {options.budget:g}")
    return options


def _present(kind: str) -> bool:
    found = torch.accelerator.current_accelerator(check_available=True)
    return found is not None and found.type == kind


def _run(part: str, seconds: float, folder: Path, options: argparse.Namespace) -> Outcome:
    """A part in its own process, which is killed with all that it began when its seconds are over."""
    log = folder / f"{part}.log"
    command = [
        sys.executable, "-m", "benchmarks", "gpu", "--part", part, "--device", options.device,
        "--budget", f"{max(seconds - STARTING, seconds / 2):.1f}", "--out", str(folder),
    ]  # fmt: skip
    (folder / f"{part}.jsonl").unlink(missing_ok=True)
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            [*command, *(["--quick"] if options.quick else [])],
            cwd=ROOT, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait(timeout=max(seconds, 0.1))
            fault = "" if status == 0 else _last_words(log, status)
        except subprocess.TimeoutExpired:
            fault = f"not done after {seconds:.0f} s"
        finally:
            _end(process)
    return Outcome(part, _found(folder / f"{part}.jsonl"), fault, time.monotonic() - begun)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it began, such as compilers, which would outlive it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(log: Path, status: int) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return (lines[-1] if lines else f"ended with status {status}")[:300]


def _found(path: Path) -> list[dict[str, Any]]:
    """The lines that a part has written; the last may be torn."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def _one_part(options: argparse.Namespace) -> None:
    """Run a part in this process, and write each of its lines at once."""
    torch.manual_seed(0)
    if options.device == "cpu":
        torch.set_num_threads(1)
    place = Place(torch.device(options.device), options.quick, time.monotonic() + options.budget)
    with (options.out / f"{options.part}.jsonl").open("a", encoding="utf-8") as file:
        for line in PARTS[options.part](place):
            file.write(json.dumps({"what": line.what, "shown": line.shown, **line.numbers}) + "\n")
            file.flush()


def _write(folder: Path, outcomes: list[Outcome], options: argparse.Namespace) -> None:
    where = machine(0.0) | {"device": options.device, "quick": options.quick}
    record = {"machine": where, "parts": {one.part: vars(one) for one in outcomes}}
    (folder / "gpu.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    head = f"{where['gpu'] or where['cpu']}, torch {where['torch']}, {where['date']}"
    quick = "; tiny sizes, whose numbers mean nothing" if options.quick else ""
    (folder / "gpu.md").write_text(f"{head}{quick}\n\n{_table(outcomes)}\n", encoding="utf-8")


def _table(outcomes: list[Outcome], head: bool = True) -> str:
    rows = ["| Part | What | Measured |", "|---|---|---|"] if head else []
    for one in outcomes:
        rows += [f"| {one.part} | {line['what']} | {line['shown']} |" for line in one.lines]
        if one.fault:
            fault = one.fault.replace("|", "/")
            rows.append(f"| {one.part} | **failed** after {one.seconds:.0f} s | {fault} |")
        elif not one.lines:
            rows.append(f"| {one.part} | | nothing measured in {one.seconds:.0f} s |")
    return "\n".join(rows)
