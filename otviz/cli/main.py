"""The command line, `python -m otviz`. Its flags are made from the same knobs as the widgets of the pages.

Knobs of a method are plain flags (`--tau 0.05`), those of target, source and networks have a prefix (`--target.radius 2`).
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import tyro

from otviz.cli import flags
from otviz.core.files import check_repository
from otviz.data.distributions import kind_of

USAGE = """usage: otviz COMMAND [options]

commands:
  list                  methods, distributions, checkpoints ... and their settings [--json]
  train METHOD          train a method on points in the plane or on images, measure and save it
  train --resume DIR    continue an interrupted training from its last save, to the same numbers
  evaluate MODEL        score a checkpoint, a run or the folder of either on fresh samples [--n N] [--json]
  diagnose REAL GEN ... what generated samples miss, and where: of any model [--html FILE] [--json]
  experiment ID|all     measure a claim of the papers over seeds and judge it [--seeds 5] [--quick] [--json]
  figures NAME|all      draw the papers' overview figures from trainings made here, as SVG [--out pictures]
  export RUN            a run, or several, as a notebook, a report, CSV, NPZ ... [--as KIND] [--out FILE]
  record [NAME ...]     record what pages show at once, runs and diagnoses: the missing ones, or those named
  transport             solve one transport problem between two files or samples of points
  catalogue [NAME ...]  train the image models that are shipped [--missing] [--readme]
  classifier SET        train the classifier that judges images of a set
  real [SET ...]        write the real images that are shipped beside the models
  download [SET ...]    download image sets, or those named; what came is kept and continued
  thumbnails [NAME ...] draw the pictures of methods and data: the missing ones, or those named

Details: otviz COMMAND --help, otviz train METHOD --help. The dashboard: streamlit run app.py"""
COMMANDS = (
    "list",
    "train",
    "evaluate",
    "diagnose",
    "experiment",
    "figures",
    "export",
    "record",
    "transport",
    "catalogue",
    "classifier",
    "real",
    "download",
    "thumbnails",
)
MAINTENANCE = {
    "catalogue": "otviz.checkpoints.catalogue",
    "classifier": "otviz.evaluation.classifier",
    "real": "otviz.checkpoints.real_images",
    "thumbnails": "otviz.viz.thumbnails",
}
"""Commands that make files shipped with otviz: each module has a `main` with its own flags."""
IN_REPOSITORY = ("experiment", "figures", "record", *MAINTENANCE)
"""Commands that read or write files of the repository outside the package."""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 if a run failed, 2 for invalid arguments, 128 + signal if interrupted."""
    words = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # Windows writes files and pipes in an encoding without Greek letters
            stream.reconfigure(encoding="utf-8", errors=stream.errors)
    try:
        return _run(words)
    except SystemExit as end:  # help, or invalid flags
        return end.code if isinstance(end.code, int) else 0
    except ValueError as error:
        print(f"otviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("otviz: stopped", file=sys.stderr)
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0] in flags.HELP:
        print(USAGE, file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] not in COMMANDS:
        raise ValueError(f"command must be one of {', '.join(COMMANDS)}; got {words[0]!r} (see otviz --help)")
    if words[0] in IN_REPOSITORY:
        check_repository()
    if words[0] == "train":
        from otviz.cli.train_command import train
        from otviz.core.distributed import together

        with together():
            return train(words[1:])
    if words[0] == "experiment":
        return _experiment(words[1:])
    if words[0] == "diagnose":
        return _diagnose(words[1:])
    if words[0] in MAINTENANCE:
        return int(importlib.import_module(MAINTENANCE[words[0]]).main(words[1:]))
    rest = {
        "list": _list, "evaluate": _evaluate, "figures": _figures, "export": _export, "record": _record,
        "transport": _transport, "download": _download,
    }  # fmt: skip
    return rest[words[0]](words[1:])


def _list(words: list[str]) -> int:
    from otviz.cli.listing import ListArgs, listed

    print(listed(flags.parse(ListArgs, words, "list")))
    return 0


def _evaluate(words: list[str]) -> int:
    from otviz.checkpoints.evaluate import EvaluateArgs, evaluated

    print(evaluated(flags.parse(EvaluateArgs, words, "evaluate")))
    return 0


def _diagnose(words: list[str]) -> int:
    from otviz.cli.diagnose_command import DiagnoseArgs, diagnosed

    text, status = diagnosed(flags.parse(DiagnoseArgs, words, "diagnose"))
    print(text)
    return status


def _experiment(words: list[str]) -> int:
    from otviz.cli.run_experiments import ExperimentArgs, experiment

    text, status = experiment(flags.parse(ExperimentArgs, words, "experiment"))
    print(text)
    return status


def _figures(words: list[str]) -> int:
    from otviz.cli.draw_figures import FiguresArgs, figures

    print(figures(flags.parse(FiguresArgs, words, "figures")))
    return 0


def _export(words: list[str]) -> int:
    from otviz.cli.export_runs import ExportArgs, exported

    print(exported(flags.parse(ExportArgs, words, "export")))
    return 0


def _record(words: list[str]) -> int:
    from otviz.checkpoints import diagnoses
    from otviz.checkpoints.diagnoses import examples
    from otviz.checkpoints.recordings import names
    from otviz.checkpoints.recordings.recorder import make
    from otviz.checkpoints.recordings.table import recordings

    def say(line: str) -> None:
        print(line, flush=True)

    known: dict[str, Callable[[], int]] = {name: partial(make, each, say) for name, each in recordings().items()}
    known |= {f"diagnose-{name}": partial(examples.make, name) for name in examples.EXAMPLES}
    there = {*names(), *(f"diagnose-{name}" for name in diagnoses.names())}
    if words and words[0] in flags.HELP:
        print("usage: otviz record [NAME ...]\n\nrecordings (without a name those that are missing are made):")
        print("\n".join(f"  {name:40} {'' if name in there else 'missing'}".rstrip() for name in known))
        return 0
    if unknown := [word for word in words if word not in known]:
        raise ValueError(f"there is no recording {unknown[0]!r}; there is {', '.join(known)}")
    for name in words or [name for name in known if name not in there]:
        say(f"{name}: {known[name]() / 1000:.0f} kB")
    return 0


def _download(words: list[str]) -> int:
    from otviz.core.plugins import choose
    from otviz.data.datasets import datasets
    from otviz.data.datasets.download import Pace, tell

    kinds = {name: kind for name, kind in datasets().items() if not kind.needs_file}
    if words and words[0] in flags.HELP:
        print("usage: otviz download [SET ...]\n\nimage sets (without a name all that are missing are downloaded):")
        for name, size in {name: kind().to_download() / 1e6 for name, kind in kinds.items()}.items():
            print(f"  {name:14} {f'{size:.1f} MB' if size else 'there'}")
        return 0
    for images in [choose(kinds, word, "data set to download")() for word in words or kinds]:
        if images.to_download():
            tell(images.title, images.download(), Pace(images.downloaded(), images.to_download()))
        print(f"{images.title} is on this computer")
    return 0


def _transport(words: list[str]) -> int:
    from otviz.cli.transport_report import Transport, transport_report

    kinds = {side: kind_of(flags.asked(words, side)) for side in ("source", "target")}
    fields = [
        *flags.of_sides(),
        *flags.of(Transport, ""),
        ("notebook", Annotated[bool, tyro.conf.arg(help="use the points of Fuge's course notebook")], False),
        ("json", Annotated[bool, tyro.conf.arg(help="print one JSON object")], False),
        *(
            flag
            for side, kind in kinds.items()
            for flag in flags.of(kind, side, left_out=kind.training_only, any_scale=True)
        ),
    ]
    args = flags.parse(
        flags.class_of("Transport", fields), words, "transport",
        "Solve one transport problem between two clouds: rows of files, or points drawn from a distribution.",
    )  # fmt: skip
    source, target = (
        flags.made(kind, args, side, getattr(args, side), left_out=kind.training_only, any_scale=True)
        for side, kind in kinds.items()
    )
    return transport_report(source, target, flags.made(Transport, args, ""), args.notebook, args.json)
