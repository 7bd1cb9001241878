"""`python -m otviz export`: writes runs of the dashboard or of `train --out` to one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from otviz.core.files import refused, write_whole
from otviz.runs.saved.run_store import ID, Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.training.compare import labels
from otviz.viz.exports import exports, exports_of


@dataclass(frozen=True)
class ExportArgs:
    """Write runs as one file.

    Args:
        what: ids of runs, or folders that `train --out` wrote; several runs go into one file.
        kind: notebook, html (a report that plays), script, config, csv, losses, npz, png, svg, pdf ...; an unknown one lists all.
        out: the file; by default it is named after the run, in this folder.
    """

    what: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN|FOLDER")]
    kind: Annotated[str, tyro.conf.arg(name="as", metavar="KIND")] = "notebook"
    out: str = ""


def exported(args: ExportArgs) -> str:
    """Write the file; returns the text to print.

    Raises:
        ValueError: there is no such run, the runs cannot be exported as this kind, or the file cannot be written.
    """
    if not args.what:
        raise ValueError("say which run to export: its id, or the folder that train --out wrote")
    found = [SavedRun.from_folder(_folder(each)) for each in dict.fromkeys(args.what)]
    runs = dict(zip(labels([run.config.method for run in found]), found, strict=True))
    able = {each.name: each for each in exports_of(runs)}
    if args.kind not in able:
        where = " for these runs" if args.kind in exports() else ""
        raise ValueError(f"--as must be one of {', '.join(able)}{where}; got {args.kind!r}")
    export = able[args.kind]
    path = Path(args.out or (found[0].id if len(found) == 1 else "otviz-runs") + export.suffix)
    try:
        write_whole(path, export.make(runs))
    except OSError as error:
        raise ValueError(f"{refused(path, error)}, or choose another --out") from error
    return f"{path}: {', '.join(runs)}, {path.stat().st_size:,} bytes"


def _folder(asked: str) -> Path:
    """The folder of a run by id, or `asked` itself if it is a folder. Raises ValueError otherwise."""
    path = Path(asked)
    if not path.is_dir() and not ID.fullmatch(asked):
        raise ValueError(
            f"there is no folder {asked[:200]!r}, and no run has such an id: name a folder that train --out wrote, or a run of the page Runs"
        )
    return path if path.is_dir() else Store().path(asked)
