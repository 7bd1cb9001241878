"""Runs as programs that reproduce them and compare: a Python script, and a Jupyter notebook (nbformat 4.5)."""

from __future__ import annotations

import json
import pprint
import re
from typing import Any

from otviz.core import __version__
from otviz.data.distributions.own_files import PREFIX
from otviz.data.units import Units
from otviz.runs.reproduce import RunRecord, run_record
from otviz.viz.exports.run_tables import Runs

_IMPORTS = "from otviz.runs.reproduce import RunRecord, agreement, repeat"
_TRAIN = """repeated = {}
for label, kept in runs.items():
    repeated[label] = repeat(kept)  # as long as the run took
"""
_NUMBERS = """for label, found in repeated.items():
    print(label)
    for name, value in found.numbers.items():
        print(f"  {name}: {value}")
"""
_COMPARE = """for label, kept in runs.items():
    print(f"{label}: {agreement(kept, repeated[label].numbers)}")
"""
_PICTURES = """from otviz.viz.exports.stills import Still

Still({label: (found.scene, found.snapshot) for label, found in repeated.items()})
"""


def script(runs: Runs) -> bytes:
    """A Python script that repeats runs with otviz, prints the results, and checks them against the stored ones."""
    kept = {label: run_record(run) for label, run in runs.items()}
    head = [
        f"Repeats these runs with otviz {__version__}. Start it in the folder of otviz, or anywhere once it is installed."
    ]
    head += [line for label, one in kept.items() for line in (label, *describe_record(one))]
    parts = [
        "\n".join(f"# {_line(line)}".rstrip() for line in head),
        _IMPORTS,
        _records(kept),
        _TRAIN + "\n" + _NUMBERS,
        _COMPARE,
    ]
    return "\n\n".join(part.strip("\n") for part in parts).encode() + b"\n"


def notebook(runs: Runs) -> bytes:
    """A Jupyter notebook that does the same, with settings and stored results."""
    kept = {label: run_record(run) for label, run in runs.items()}
    pictures = all(run.config.target.kind == "points" for run in runs.values())
    made = dict(next(iter(kept.values())).environment)
    cells = [
        _text("# " + _markdown(" · ".join(kept)), "", *_about(kept)),
        _text("## Install", "", *_install(made)),
        _code(_install_line(made), f"import otviz\n\nprint(otviz.__version__, otviz.__version__ == {__version__!r})"),
        _text("## Settings", "", "What each run began with, what was changed after which step, and how it ended."),
        _code(_IMPORTS, "", _records(kept)),
        _text("## Training", "", "The same loop with the same seed; it takes about as long as the runs took."),
        _code(_TRAIN),
        *([_code(_PICTURES)] if pictures else []),
        _text("## Numbers at the end"),
        _code(_NUMBERS),
        _text(
            "## Does it agree?", "",
            "On the same processor with the same versions every number is equal to the last digit. Elsewhere rounding "
            "differs and training amplifies it: numbers that differ are printed with how much they still moved at the end of the run.",
        ),
        _code(_COMPARE),
    ]  # fmt: skip
    book = {
        "cells": [{**cell, "id": f"cell-{at}"} for at, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": made.get("python", "3.11")},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip
    return (json.dumps(book, indent=1, ensure_ascii=False) + "\n").encode()


def describe_record(kept: RunRecord) -> list[str]:
    """Notes before a run is repeated, as sentences: changes during the run, units, uploads, unknowns."""
    lines = [f"changed during the run, and repeated: {line}" for line in kept.change_log.describe()]
    if not kept.change_log.known:
        lines.append(
            "saved by a version that did not record changes during a run: only the last settings are repeated."
        )
    lines += _scaling(kept.change_log.began.target.units)
    if PREFIX in json.dumps(kept.change_log.began.record()):
        lines.append("uploaded data lies on the computer it was uploaded to: write the path of your own copy instead.")
    return lines


def _scaling(units: Units) -> list[str]:
    """Notes on the scaling of points from a file; empty without a file."""
    if not units.word:
        return []
    x, y = units.offset
    return [
        f"({x:.10g}, {y:.10g}) was subtracted from the points of the target's file, then they were divided by "
        f"{units.factor:.10g}: the method trains in these coordinates, to which losses and settings refer.",
        "All points shown and saved, those of the source too, and W2 and other lengths are in the file's units"
        + (f" ({units.name})." if units.name else "."),
    ]


def _records(kept: dict[str, RunRecord]) -> str:
    parts = [
        f"    {label!r}: RunRecord.from_record(\n{_indented(pprint.pformat(one.record(), width=108, sort_dicts=False))}\n    ),"
        for label, one in kept.items()
    ]
    return "\n".join(["runs = {", *parts, "}"])


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.splitlines())


def _about(kept: dict[str, RunRecord]) -> list[str]:
    lines = []
    for label, one in kept.items():
        config, made = one.change_log.began, one.environment
        lines.append(
            f"- **{_markdown(label)}**: {_markdown(config.method.title)} on {_markdown(config.target.title)}, "
            f"{one.numbers['step']} of {config.steps} steps, seed {config.seed}; made on "
            + _markdown(", ".join(f"{name} {value}" for name, value in made.items()) or "an unknown computer")
        )
        lines += [f"  - {_markdown(line)}" for line in describe_record(one)]
    return lines


def _install(made: dict[str, str]) -> list[str]:
    return [
        f"otviz {__version__} is used from its own folder: start Jupyter there, or run `python -m pip install -e .` there once. "
        "The line below, without its `#`, installs the versions that these numbers were made with; "
        "`requirements.txt` in that folder has the rest."
    ]


def _install_line(made: dict[str, str]) -> str:
    pins = [f"{name}=={made[name].partition('+')[0]}" for name in ("torch", "numpy") if name in made]
    return f"# %pip install {' '.join(pins)} -r requirements.txt"


def _text(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _source("\n".join(lines))}


def _code(*lines: str) -> dict[str, Any]:
    source = _source("\n".join(lines).strip("\n"))
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def _source(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _line(text: str) -> str:
    """The text on one line, for a comment."""
    return " ".join(text.split())


def _markdown(text: str) -> str:
    """The text with Markdown and HTML escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&])", r"\\\1", _line(text))
