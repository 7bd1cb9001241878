"""The command line: list, train, evaluate, experiment, figures, export, transport. Flags come from the knobs of the widgets.

Knobs of a method are plain flags (`--tau 0.05`), those of target, source and networks carry their name (`--target.radius 2`).
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from otviz import datasets
from otviz.datasets import ImageSet
from otviz.distributions import Distribution, distributions, kind_of
from otviz.params import Knobs, Param, params_of
from otviz.runs.plan import Plan

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.config import RunConfig

USAGE = """usage: otviz COMMAND [options]

commands:
  list                  methods, distributions, checkpoints ... and their knobs [--json]
  train METHOD          train a method on points in the plane or on images, measure and save it
  evaluate MODEL        judge a checkpoint, a run or the folder of either by fresh samples [--n N] [--json]
  experiment ID|all     run a claim of the papers over seeds and judge it [--seeds 5] [--quick] [--json]
  figures NAME|all      draw the papers' overview figures from trainings of our own, one SVG each [--out pictures]
  export RUN            a run, or several, as a notebook, a report, CSV, NPZ ... [--as KIND] [--out FILE]
  transport             solve one transport problem between two samples of points

otviz COMMAND --help, and otviz train METHOD --help, tell more. The dashboard: streamlit run app.py"""
COMMANDS = ("list", "train", "evaluate", "experiment", "figures", "export", "transport")
HELP = ("-h", "--help")
PRESET = "preset"
"""Stands for a knob that the command line leaves to the preset of method and images."""

Flag = tuple[str, Any, Any]  # attribute, annotated type, default


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
        raise ValueError(f"command must be one of {', '.join(COMMANDS)}; got {words[0]!r} (otviz --help tells more)")
    if words[0] == "list":
        return list_plugins(_parse(ListArgs, words[1:], "list"))
    if words[0] == "train":
        from otviz.distributed import together

        with together():
            return _train(words[1:])
    if words[0] == "experiment":
        return _experiment(words[1:])
    rest = {"evaluate": _evaluate, "figures": _figures, "export": _export, "transport": _transport}
    return rest[words[0]](words[1:])


@dataclasses.dataclass(frozen=True)
class ListArgs:
    """List methods, distributions, data sets, checkpoints and experiments, with their knobs.

    Args:
        json: print one JSON object.
    """

    json: bool = False


def list_plugins(args: ListArgs) -> int:
    """Print what there is to choose from."""
    from otviz.checkpoints import cards
    from otviz.experimenting import listed
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
        for name, item in items.items():
            print(f"  {name:14} {item['title']}")
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
    if words and words[0] in HELP:
        print(
            "usage: otviz train METHOD [--target NAME|FILE|FOLDER] [--steps N] [--seed S] [--out DIR] [--json] [knobs]\n"
        )
        print("methods (otviz train METHOD --help lists the knobs of one):")
        print("\n".join(f"  {name:14} {cls.title}" for name, cls in known.items()))
        return 0
    if not words or words[0].startswith("-"):
        raise ValueError(f"say which method to train: one of {', '.join(known)}")
    from otviz.reporting import train_and_report

    method, target = methods.named(words[0]), _target_kind(_asked(words, "target"))
    read = _images_config if issubclass(target, ImageSet) else _points_config
    config, args = read(words[1:], method, target)
    if args.card:
        return _train_checkpoint(config, args, shlex.join(words))
    return train_and_report(config, args.out, args.json)


def _train_checkpoint(config: RunConfig, args: Any, words: str) -> int:
    """Train images and leave a checkpoint, with the claim it is there to show on its card."""
    from otviz.checkpoints.recording import About, record

    out = args.out
    if not config.images or not out:
        raise ValueError("--card makes a checkpoint of images in the folder that --out names; points get a card anyway")
    about = About(claims=(args.card,), command=f"python -m otviz train {words}")
    try:
        card = record(config, Path(out), about)
    except OSError as error:
        raise ValueError(f"{out!r} cannot be written ({error.strerror or error}); choose another --out") from error
    print(json.dumps(card) if args.json else f"{card['title']}: {card['steps']} steps in {card['seconds']} s, in {out}")
    return 0


def _points_config(words: list[str], method: type[Method], target: type[Knobs]) -> tuple[RunConfig, Any]:
    """What these words ask to train on points, and all that was read."""
    from otviz.runs.config import RunConfig

    source = kind_of(_asked(words, "source"))
    fields = [
        *_side_flags(),
        *_flags(Plan, "", {"steps": method.default_steps}),
        *_output_flags(),
        *_flags(method, ""),
        *_flags(target, "target"),
        *_flags(source, "source"),
    ]
    args = _parse(_made_class("Train", fields), words, f"train {method.name}", method.__doc__)
    config = RunConfig(
        method=_made(method, args, ""),
        target=_made(target, args, "target", file=args.target),
        source=_made(source, args, "source", file=args.source),
        **_made(Plan, args, "").as_dict(),
    )
    return config, args


def _images_config(words: list[str], method: type[Method], target: type[Knobs]) -> tuple[RunConfig, Any]:
    """What these words ask to train on images, and all that was read; what is left open is as preset."""
    from otviz.networks import Networks
    from otviz.presets import preset
    from otviz.runs.config import RunConfig

    fields = [
        _side_flags()[0],
        *_flags(Plan, "", left_open=("steps",)),
        *_output_flags(),
        *_flags(method, "", left_open=_names(method)),
        *_flags(target, "target"),
        *_flags(Networks, "network", left_open=_names(Networks)),
    ]
    args = _parse(_made_class("Train", fields), words, f"train {method.name}", method.__doc__)
    images = _made(target, args, "target", file=args.target)
    settings = preset(method.name, images)
    config = RunConfig(
        method=settings.applied(method, **_given(method, args, "")),
        target=images,
        networks=dataclasses.replace(settings.networks, **_given(Networks, args, "network")),
        **{"steps": settings.steps, **_given(Plan, args, "")},
    )
    return config, args


def _evaluate(words: list[str]) -> int:
    from otviz.evaluating import EvaluateArgs, evaluated

    print(evaluated(_parse(EvaluateArgs, words, "evaluate")))
    return 0


def _experiment(words: list[str]) -> int:
    from otviz.experimenting import ExperimentArgs, experiment

    text, status = experiment(_parse(ExperimentArgs, words, "experiment"))
    print(text)
    return status


def _figures(words: list[str]) -> int:
    from otviz.printing import FiguresArgs, figures

    print(figures(_parse(FiguresArgs, words, "figures")))
    return 0


def _export(words: list[str]) -> int:
    from otviz.exporting import ExportArgs, exported

    print(exported(_parse(ExportArgs, words, "export")))
    return 0


def _transport(words: list[str]) -> int:
    from otviz.reporting import Transport, transport_report

    kinds = {side: kind_of(_asked(words, side)) for side in ("source", "target")}
    fields = [
        *_side_flags(),
        *_flags(Transport, ""),
        ("notebook", Annotated[bool, tyro.conf.arg(help="the points of the notebook, as it draws them")], False),
        ("json", Annotated[bool, tyro.conf.arg(help="print one JSON object")], False),
        *_flags(kinds["source"], "source"),
        *_flags(kinds["target"], "target"),
    ]
    args = _parse(_made_class("Transport", fields), words, "transport", "Solve one transport problem between samples.")
    source = _made(kinds["source"], args, "source", file=args.source)
    target = _made(kinds["target"], args, "target", file=args.target)
    return transport_report(source, target, _made(Transport, args, ""), args.notebook, args.json)


def _side_flags() -> list[Flag]:
    about = tyro.conf.arg(
        help="name of a distribution or image set, or a file of points, or a folder of images", metavar="NAME|FILE"
    )
    return [("target", Annotated[str, about], "ring"), ("source", Annotated[str, about], "gaussian")]


def _output_flags() -> list[Flag]:
    return [
        ("out", Annotated[str, tyro.conf.arg(help="folder to save the run in", metavar="DIR")], ""),
        ("card", Annotated[str, tyro.conf.arg(help="images: leave a checkpoint that shows this", metavar="CLAIM")], ""),
        ("json", Annotated[bool, tyro.conf.arg(help="print one JSON object")], False),
    ]


def _asked(words: list[str], side: str) -> str:
    """What is asked for as target or source, read ahead of parsing since it decides which flags there are."""
    asked = {"target": "ring", "source": "gaussian"}[side]
    for index, word in enumerate(words):
        if word.startswith(f"--{side}="):
            asked = word.partition("=")[2]
        elif word == f"--{side}" and index + 1 < len(words):
            asked = words[index + 1]
    return asked


def _target_kind(asked: str) -> type[Distribution] | type[ImageSet]:
    """The class of the points or images asked for. Raises ValueError for neither."""
    if asked not in distributions():
        try:
            return datasets.kind_of(asked)
        except ValueError:
            pass  # then it is a file of points, or nothing
    try:
        return kind_of(asked)
    except ValueError as error:
        sets = ", ".join(datasets.datasets())
        raise ValueError(f"{error}; or for images one of {sets}, or a folder or ZIP of images") from error


def _flags(
    cls: type[Knobs],
    prefix: str,
    defaults: Mapping[str, Any] = MappingProxyType({}),
    left_open: Collection[str] = (),
) -> list[Flag]:
    """Fields of a flat dataclass for tyro, one for each knob; texts, since `Knobs.parse` checks and says what is wrong."""
    flags: list[Flag] = []
    for knob in params_of(cls):
        flag = f"{prefix}.{knob.name}" if prefix else knob.name
        kind = "|".join(knob.choices) or knob.kind.__name__.upper() + ("|none" if knob.optional else "")
        about = tyro.conf.arg(name=flag.replace("_", "-"), help=_about(knob), metavar=kind)
        default = PRESET if knob.name in left_open else knob.write(defaults.get(knob.name, knob.default))
        flags.append((_attribute(prefix, knob.name), Annotated[str, about], default))
    return flags


def _about(knob: Param) -> str:
    return knob.doc if knob.low is None else f"{knob.doc} ({knob.low:g} to {knob.high:g})"


def _made_class(name: str, flags: list[Flag]) -> type[Any]:
    return dataclasses.make_dataclass(
        name, [(attribute, kind, dataclasses.field(default=value)) for attribute, kind, value in flags]
    )


def _made(cls: type[Any], args: Any, prefix: str, file: str = "") -> Any:
    texts = {knob.name: getattr(args, _attribute(prefix, knob.name)) for knob in params_of(cls)}
    if file and file not in distributions() and file not in datasets.datasets():
        texts["file"] = file
    return cls.parse(texts)


def _given(cls: type[Knobs], args: Any, prefix: str) -> dict[str, Any]:
    """The knobs that were not left to the preset, by name. Raises ValueError for a bad value."""
    texts = {knob: getattr(args, _attribute(prefix, knob.name)) for knob in params_of(cls)}
    return {knob.name: knob.parse(text) for knob, text in texts.items() if text != PRESET}


def _names(cls: type[Knobs]) -> set[str]:
    return {knob.name for knob in params_of(cls)}


def _attribute(prefix: str, name: str) -> str:
    return f"{prefix or 'method'}__{name}"


def _parse(kind: type[Any], words: list[str], command: str, description: str | None = None) -> Any:
    joined: list[str] = []
    for word in words:  # "--target.centre -1,2": a word that begins with a minus would be read as a flag
        if re.match(r"-[\d.]", word) and joined and re.fullmatch(r"--[^=]+", joined[-1]):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return tyro.cli(kind, args=joined, prog=f"otviz {command}", description=description)
