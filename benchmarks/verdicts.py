"""The verdicts on the methods of Table 1 over seeds: on the ring, at extreme tau, and on targets that are not symmetric.

`python -m benchmarks.verdicts --journal FILE` trains what FILE lacks, on all cores, and writes docs/VERDICTS.md from it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from otviz.data.distributions import Distribution, named
from otviz.data.distributions.ring import Ring
from otviz.experiments.sweeps.train_cells import stackable, train_cells
from otviz.methods import Method
from otviz.runs.config import RunConfig
from otviz.training.compare import labels, presets

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "VERDICTS.md"
SEEDS, ELSEWHERE = 5, 2  # on the ring, and on each other target
WEIGHTS = (0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05)

CLAIMS: Mapping[str, tuple[str, Sequence[str]]] = {
    "WGAN": ("loses modes, or shakes", ("collapsed", "unstable")),
    "OTM": ("covers", ("covers",)),
    "WGAN-GP": ("mixes modes", ("mixes modes", "too wide")),
    "GAN": ("loses modes, or shakes", ("collapsed", "unstable")),
    "UOTM without cost": ("loses modes", ("collapsed",)),
    "UOTM": ("covers", ("covers",)),
    "UOTM-SD": ("covers", ("covers",)),
    "UOTM, tau 0.001": ("unbalanced or fewer modes", ("unbalanced", "collapsed")),
    "UOTM, tau 10.0": ("smeared", ("mixes modes", "too wide", "off target")),
    "UOTM-SD, tau 0.001": ("nearer the target than UOTM", ()),
    "UOTM-SD, tau 10.0": ("nearer the target than UOTM", ()),
}
"""What Choi et al. 2024 say of a method on the ring, and the verdicts that agree; none: its W2 is below UOTM's, seed by seed."""


def targets() -> dict[str, Distribution]:
    """The ring, and targets that are not symmetric round the source."""
    return {
        "ring": Ring(radius=2.0, std=0.1),
        "off-centre ring": Ring(radius=2.0, std=0.1, centre=(1.0, 0.5)),
        "unequal weights": Ring(radius=2.0, std=0.1, weights=WEIGHTS),
        "moons": named("moons")(),
        "spiral": named("spiral")(),
    }


def series(target: str) -> list[tuple[str, Method, int]]:
    """(label, method, steps) of what is trained on a target."""
    table, tau = presets()["table-1"], presets()["tau"]
    found = [(label, method, table.steps) for label, method in zip(labels(table.methods), table.methods, strict=True)]
    if target == "ring":
        pairs = zip(labels(tau.methods), tau.methods, strict=True)
        found += [(label, method, tau.steps) for label, method in pairs if label in CLAIMS]
    return found


def run(target: str, label: str, seeds: int | None = None, steps: int | None = None) -> list[dict[str, Any]]:
    """Train one method on one target with every seed, as one stack where that is possible."""
    torch.set_num_threads(1)
    seeds = seeds or (SEEDS if target == "ring" else ELSEWHERE)
    method, planned = next((method, planned) for name, method, planned in series(target) if name == label)
    configs = [
        RunConfig(method, targets()[target], steps=steps or planned, seed=seed, device="cpu") for seed in range(seeds)
    ]
    groups = [configs] if stackable(configs) and seeds > 1 else [[config] for config in configs]
    outcomes = [outcome for group in groups for outcome in train_cells(group)]
    return [
        {"target": target, "label": label, "seed": config.seed, "steps": config.steps, **asdict(outcome)}
        for config, outcome in zip(configs, outcomes, strict=True)
    ]


def document(found: Sequence[Mapping[str, Any]]) -> str:
    """The tables, as Markdown."""
    lines = [
        "# Verdicts over seeds",
        "",
        "Made by `python -m benchmarks.verdicts`: the presets of the Compare page, trained with several seeds and judged by",
        "`otviz.evaluation.verdicts` (1000 samples for modes, 500 against 500 for W2). A seed that disagrees with the claim is named; an",
        "exclamation mark stands for unstable.",
        "",
        "## The claims of Choi et al. 2024, on the ring (8 modes, radius 2, std 0.1)",
        "",
        "| method | the paper says | verdicts of the seeds | seeds that agree | W2 (floor) | on modes | loss spread |",
        "|---|---|---|---|---|---|---|",
    ]
    of = {(row["target"], row["label"]): [] for row in found}  # type: dict[tuple[str, str], list[Mapping[str, Any]]]
    for row in found:
        of[row["target"], row["label"]].append(row)
    for (target, label), rows in of.items():
        if target == "ring":
            lines.append(_claim(label, rows, of.get(("ring", label.replace("UOTM-SD", "UOTM")), [])))
    names = [target for target in targets() if target != "ring" and any(key[0] == target for key in of)]
    lines += ["", "## Targets that are not symmetric round the source", ""]
    lines += [f"| method | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for label in dict.fromkeys(key[1] for key in of if key[0] != "ring"):
        lines.append(f"| {label} | " + " | ".join(_cell(of.get((name, label), [])) for name in names) + " |")
    lines += ["", "A cell: how often each verdict was given, and the median W2 over its floor."]
    return "\n".join(lines) + "\n"


def _claim(label: str, rows: Sequence[Mapping[str, Any]], uotm: Sequence[Mapping[str, Any]]) -> str:
    says, kinds = CLAIMS[label]
    against = [str(row["seed"]) for row in rows if row["kind"] not in kinds and row["stability"] not in kinds]
    if not kinds:
        against = [str(a["seed"]) for a, b in zip(rows, uotm, strict=True) if not a["w2"] < b["w2"]]
    agree = f"{len(rows) - len(against)} of {len(rows)}" + (f" (not {', '.join(against)})" if against else "")
    w2 = f"{_median(rows, 'w2'):.2f} ({_median(rows, 'w2_floor'):.2f})"
    return (
        f"| {label} | {says} | {_words(rows)} | {agree} | {w2} | {_median(rows, 'high_quality'):.2f} | "
        f"{_median(rows, 'loss_spread'):.2f} |"
    )


def _cell(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "–"
    return f"{_words(rows)}; W2 x{_median(rows, 'w2') / _median(rows, 'w2_floor'):.1f}"


def _words(rows: Sequence[Mapping[str, Any]]) -> str:
    words = Counter(row["word"] + (" !" if row["stability"] == "unstable" else "") for row in rows)
    return ", ".join(f"{number} {word}" for word, number in words.most_common())


def _median(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    values = [float(row[key]) for row in rows if row[key] is not None]
    return statistics.median(values) if values else float("nan")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the journal lacks with one process a core, then write the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument("--journal", type=Path, required=True, help="a file that keeps what is done")
    parser.add_argument("--one", nargs=2, metavar=("TARGET", "LABEL"), help="train only this, and print it")
    parser.add_argument("--workers", type=int, default=2, help="processes at once")
    options = parser.parse_args(arguments)
    if options.one:
        for row in run(*options.one):
            print(json.dumps(row), flush=True)
        return 0
    done = {(row["target"], row["label"]) for row in _read(options.journal)}
    left = [(target, label) for target in targets() for label, _, _ in series(target) if (target, label) not in done]
    lock = threading.Lock()
    workers = [threading.Thread(target=_work, args=(left, lock, options.journal)) for _ in range(options.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    DOCUMENT.write_text(document(_read(options.journal)), encoding="utf-8")
    return 0


def _read(journal: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] if journal.exists() else []
    order = [(target, label) for target in targets() for label, _, _ in series(target)]
    return sorted(rows, key=lambda row: (order.index((row["target"], row["label"])), row["seed"]))


def _work(left: list[tuple[str, str]], lock: threading.Lock, journal: Path) -> None:
    while True:
        with lock:
            if not left:
                return
            target, label = left.pop(0)
        command = [sys.executable, "-m", "benchmarks.verdicts", "--journal", str(journal), "--one", target, label]
        out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        print(f"{target}, {label}: {'done' if out.returncode == 0 else out.stderr[-500:]}", flush=True)
        if out.returncode == 0:
            with lock, journal.open("a", encoding="utf-8") as file:
                file.write(out.stdout)


if __name__ == "__main__":
    raise SystemExit(main())
