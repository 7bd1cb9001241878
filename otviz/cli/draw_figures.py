"""`otviz figures`: draws the papers' overview figures from trainings made here, one file each."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from otviz.viz.overviews import Overview, overviews
from otviz.viz.style import as_print


@dataclass(frozen=True)
class FiguresArgs:
    """Draw the papers' overview figures from trainings made here; trainings that are missing are done first.

    Args:
        name: of a figure, such as choi-figure-1, or "all".
        out: folder for the pictures.
        kind: of the files.
        seed: of the trainings.
        quick: the short form: a few steps each, to see that it works.
        json: print one JSON object.
    """

    name: Annotated[str, tyro.conf.Positional]
    out: str = "pictures"
    kind: Annotated[Literal["svg", "pdf", "png"], tyro.conf.arg(name="as")] = "svg"
    seed: int = 0
    quick: bool = False
    json: bool = False


def figures(args: FiguresArgs) -> str:
    """Draw figures; returns the text to print.

    Raises:
        ValueError: an unknown name, a seed out of range, or a folder that cannot be written.
    """
    known = overviews()
    if args.name != "all" and args.name not in known:
        close = difflib.get_close_matches(args.name, known, n=3, cutoff=0.3)
        raise ValueError(f"there is no figure {args.name[:40]!r}; there are {', '.join(close or known)}, and all")
    folder = Path(args.out)
    chosen = known.values() if args.name == "all" else [known[args.name]]
    told = {each.name: _drawn(each, folder, args) for each in chosen}
    return json.dumps(told, indent=1) if args.json else "\n".join(f"{name:14} {said}" for name, said in told.items())


def _drawn(each: Overview, folder: Path, args: FiguresArgs) -> str:
    """Draw one figure; returns its path, or why it could not be drawn."""
    sys.stderr.write(f"{each.title} ...\n")
    try:
        data = as_print(each.figure(args.seed, args.quick), args.kind, dpi=300, title=each.title)
    except ValueError as error:
        return str(error)
    path = folder / f"{each.name}{'-quick' if args.quick else ''}.{args.kind}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise ValueError(f"{args.out!r} cannot be written ({error.strerror}); choose another --out") from error
    return str(path)
