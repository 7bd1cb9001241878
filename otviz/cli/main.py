"""The command line: list, train, evaluate, experiment, figures, export, transport. Flags come from the knobs of the widgets.

Knobs of a method are plain flags (`--tau 0.05`), those of target, source and networks carry their name (`--target.radius 2`).
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from otviz.cli import flags
from otviz.core.files import check_repository
from otviz.core.params import Knobs, params_of
from otviz.data import datasets
from otviz.data.datasets import ImageSet
from otviz.data.distributions import distributions, kind_of
from otviz.training.plan import Plan

if TYPE_CHECKING:
    from otviz.checkpoints.train_checkpoint import About
    from otviz.methods import Method
    from otviz.runs.config import RunConfig

USAGE = """usage: otviz COMMAND [options]

commands:
  list                  methods, distributions, checkpoints ... and their settings [--json]
  train METHOD          train a method on points in the plane or on images, measure and save it
  evaluate MODEL        score a checkpoint, a run or the folder of either on fresh samples [--n N] [--json]
  experiment ID|all     measure a claim of the papers over seeds and judge it [--seeds 5] [--quick] [--json]
  figures NAME|all      draw the papers' overview figures from trainings made here, as SVG [--out pictures]
  export RUN            a run, or several, as a notebook, a report, CSV, NPZ ... [--as KIND] [--out FILE]
  record [NAME ...]     record the runs that pages play at once: the missing ones, or those named
  transport             solve one transport problem between two files or samples of points
  catalogue [NAME ...]  train the image models that are shipped [--missing] [--readme]
  classifier SET        train the classifier that judges images of a set
  thumbnails [NAME ...] draw the pictures of methods and data: the missing ones, or those named

Details: otviz COMMAND --help, otviz train METHOD --help. The dashboard: streamlit run app.py"""
COMMANDS = (
    "list",
    "train",
    "evaluate",
    "experiment",
    "figures",
    "export",
    "record",
    "transport",
    "catalogue",
    "classifier",
    "thumbnails",
)
MAINTENANCE = {
    "catalogue": "otviz.checkpoints.catalogue",
    "classifier": "otviz.evaluation.classifier",
    "thumbnails": "otviz.viz.thumbnails",
}
"""Commands for what comes with otviz: each module has a `main` that reads its own flags."""
IN_REPOSITORY = ("experiment", "figures", "record", *MAINTENANCE)
"""Commands that read or write what lies beside the package."""

HELP = ("-h", "--help")


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 when a run failed, 2 for unusable arguments."""
    words = list(sys.argv[1:] if args is None else args)
    try:
        return _run(words)
    except SystemExit as end:  # help, or flags that cannot be read
        return end.code if isinstance(end.code, int) else 0
    except ValueError as error:
        print(f"otviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("otviz: stopped", file=sys.stderr)
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0] in HELP:
        print(USAGE, file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] not in COMMANDS:
        raise ValueError(f"command must be one of {', '.join(COMMANDS)}; got {words[0]!r} (see otviz --help)")
    if words[0] in IN_REPOSITORY:
        check_repository()
    if words[0] == "list":
        return list_plugins(flags.parse(ListArgs, words[1:], "list"))
    if words[0] == "train":
        from otviz.core.distributed import together

        with together():
            return _train(words[1:])
    if words[0] == "experiment":
        return _experiment(words[1:])
    if words[0] in MAINTENANCE:
        return int(importlib.import_module(MAINTENANCE[words[0]]).main(words[1:]))
    rest = {"evaluate": _evaluate, "figures": _figures, "export": _export, "record": _record, "transport": _transport}
    return rest[words[0]](words[1:])


@dataclasses.dataclass(frozen=True)
class ListArgs:
    """List methods, distributions, data sets, checkpoints and experiments, with their settings.

    Args:
        json: print one JSON object.
    """

    json: bool = False


def list_plugins(args: ListArgs) -> int:
    """Print what can be chosen."""
    from otviz.checkpoints import cards
    from otviz.cli.run_experiments import listed
    from otviz.methods import methods

    found = {
        "methods": {name: _described(cls) for name, cls in methods().items()},
        "distributions": {name: _described(cls) for name, cls in distributions().items()},
        "datasets": {name: _described(cls) for name, cls in datasets.datasets().items()},
        "checkpoints": cards(),
        "experiments": listed(),
    }
    if args.json:
        print(json.dumps(found, indent=1))
        return 0
    for kind, items in found.items():
        print(f"{kind}:")
        wide = max(map(len, items), default=0)
        for name, item in items.items():
            print(f"  {name:{wide}} {item['title']}")
    return 0


def _described(cls: type[Knobs]) -> dict[str, Any]:
    knobs = {
        knob.name: {
            "kind": knob.kind.__name__, "default": knob.default, "low": knob.low, "high": knob.high,
            "choices": list(knob.choices), "unit": knob.unit, "doc": knob.doc, "live": knob.live,
        }
        for knob in params_of(cls)
    }  # fmt: skip
    return {"title": cls.title, "knobs": knobs}


def _train(words: list[str]) -> int:
    from otviz import methods

    known = methods.methods()
    if words and words[0].partition("=")[0] == "--resume":
        return _resume(flags.parse(ResumeArgs, words, "train"))
    if words and words[0] in HELP:
        print(
            "usage: otviz train METHOD [--target NAME|FILE|FOLDER] [--steps N] [--seed S] [--out DIR] [--json] [settings]\n"
            "       otviz train --resume DIR [--json]    continue an interrupted training from its last save\n"
        )
        print("methods (otviz train METHOD --help lists its settings):")
        print("\n".join(f"  {name:14} {cls.title}" for name, cls in known.items()))
        return 0
    if not words or words[0].startswith("-"):
        raise ValueError(f"say which method to train: one of {', '.join(known)}")
    from otviz.cli.train_report import train_and_report

    method, target = methods.named(words[0]), flags.target_kind(flags.asked(words, "target"))
    read = _images_config if issubclass(target, ImageSet) else _points_config
    config, args = read(words[1:], method, target)
    if args.card:
        from otviz.checkpoints.train_checkpoint import About

        about = About(claims=(args.card,), command=f"python -m otviz train {shlex.join(words)}")
        return _train_checkpoint(config, about, args.out, args.json)
    return train_and_report(config, args.out, args.json)


@dataclasses.dataclass(frozen=True)
class ResumeArgs:
    """Continue an interrupted training from its last save, with the settings it began with.

    Args:
        resume: the folder given as --out when it began.
        json: print one JSON object.
    """

    resume: Annotated[str, tyro.conf.arg(metavar="DIR")]
    json: bool = False


def _resume(args: ResumeArgs) -> int:
    from otviz.checkpoints.train_checkpoint import UNFINISHED, unfinished
    from otviz.cli.train_report import resume_and_report

    folder = Path(args.resume)
    if not (folder / UNFINISHED).is_file():
        return resume_and_report(args.resume, args.json)
    config, about = unfinished(folder)
    return _train_checkpoint(config, about, args.resume, args.json)


def _train_checkpoint(config: RunConfig, about: About, out: str, as_json: bool) -> int:
    """Train images and leave a checkpoint, with the claim it is there to show on its card."""
    from otviz.checkpoints.train_checkpoint import record

    if config.target.kind != "images" or not out:
        raise ValueError(
            "--card makes a checkpoint of images in the folder that --out names; runs on points always get a card"
        )
    try:
        card = record(config, Path(out), about)
    except OSError as error:
        raise ValueError(f"{out!r} cannot be written ({error.strerror or error}); choose another --out") from error
    print(json.dumps(card) if as_json else f"{card['title']}: {card['steps']} steps in {card['seconds']} s, in {out}")
    return 0


def _points_config(words: list[str], method: type[Method], target: type[Knobs]) -> tuple[RunConfig, Any]:
    """What these words ask to train on points, and all that was read."""
    from otviz.runs.config import RunConfig

    source = kind_of(flags.asked(words, "source"))
    fields = [
        *flags.of_sides(),
        *flags.of(Plan, "", {"steps": method.default_steps}),
        *flags.of_output(),
        *flags.of(method, ""),
        *flags.of(target, "target"),
        *flags.of(source, "source"),
    ]
    args = flags.parse(flags.class_of("Train", fields), words, f"train {method.name}", method.__doc__)
    config = RunConfig(
        method=flags.made(method, args, ""),
        target=flags.made(target, args, "target", file=args.target),
        source=flags.made(source, args, "source", file=args.source),
        **flags.made(Plan, args, "").as_dict(),
    )
    return config, args


def _images_config(words: list[str], method: type[Method], target: type[Knobs]) -> tuple[RunConfig, Any]:
    """What these words ask to train on images, and all that was read; what is left open is as preset."""
    from otviz.networks import Networks
    from otviz.runs.config import RunConfig
    from otviz.training.presets import preset

    fields = [
        flags.of_sides()[0],
        *flags.of(Plan, "", left_open=("steps",)),
        *flags.of_output(),
        *flags.of(method, "", left_open=flags.names(method)),
        *flags.of(target, "target"),
        *flags.of(Networks, "network", left_open=flags.names(Networks)),
    ]
    args = flags.parse(flags.class_of("Train", fields), words, f"train {method.name}", method.__doc__)
    images = flags.made(target, args, "target", file=args.target)
    settings = preset(method.name, images)
    config = RunConfig(
        method=settings.applied(method, **flags.given(method, args, "")),
        target=images,
        networks=dataclasses.replace(settings.networks, **flags.given(Networks, args, "network")),
        **{"steps": settings.steps, **flags.given(Plan, args, "")},
    )
    return config, args


def _evaluate(words: list[str]) -> int:
    from otviz.checkpoints.evaluate import EvaluateArgs, evaluated

    print(evaluated(flags.parse(EvaluateArgs, words, "evaluate")))
    return 0


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
    from otviz.checkpoints.recordings import names
    from otviz.checkpoints.recordings.recorder import make
    from otviz.checkpoints.recordings.table import recordings

    known, there = recordings(), names()
    if words and words[0] in HELP:
        print("usage: otviz record [NAME ...]\n\nrecordings (without a name those that are missing are made):")
        print("\n".join(f"  {name:40} {'' if name in there else 'missing'}".rstrip() for name in known))
        return 0
    if unknown := [word for word in words if word not in known]:
        raise ValueError(f"there is no recording {unknown[0]!r}; there is {', '.join(known)}")
    for name in words or [name for name in known if name not in there]:
        size = make(known[name], lambda line: print(line, flush=True))
        print(f"{name}: {size / 1000:.0f} kB", flush=True)
    return 0


def _transport(words: list[str]) -> int:
    from otviz.cli.train_report import Transport, transport_report

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
