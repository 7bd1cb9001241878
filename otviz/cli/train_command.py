"""`python -m otviz train`: starts a training from flags, or resumes the one in a folder."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import tyro

from otviz import methods
from otviz.checkpoints.train_checkpoint import UNFINISHED, About, record, unfinished
from otviz.cli import flags, train_report
from otviz.core.params import Knobs
from otviz.data.datasets import ImageSet
from otviz.data.distributions import kind_of
from otviz.methods import Method
from otviz.networks import Networks
from otviz.runs.config import RunConfig
from otviz.training.plan import Plan
from otviz.training.presets import preset


def train(words: list[str]) -> int:
    """Run the command with these arguments; returns the exit status. Raises ValueError for invalid ones."""
    known = methods.methods()
    if words and words[0].partition("=")[0] == "--resume":
        return _resume(flags.parse(ResumeArgs, words, "train"))
    if words and words[0] in flags.HELP:
        print(
            "usage: otviz train METHOD [--target NAME|FILE|FOLDER] [--steps N] [--seed S] [--out DIR] [--json] [settings]\n"
            "       otviz train --resume DIR [--json]    continue an interrupted training from its last save\n"
        )
        print("methods (otviz train METHOD --help lists its settings):")
        print("\n".join(f"  {name:14} {cls.title}" for name, cls in known.items()))
        return 0
    if not words or words[0].startswith("-"):
        raise ValueError(f"say which method to train: one of {', '.join(known)}")
    method, target = methods.named(words[0]), flags.target_kind(flags.asked(words, "target"))
    read = _images_config if issubclass(target, ImageSet) else _points_config
    config, args = read(words[1:], method, target)
    if args.card:
        about = About(claims=(args.card,), command=f"python -m otviz train {shlex.join(words)}")
        return _train_checkpoint(config, about, args.out, args.json)
    return train_report.train_and_report(config, args.out, args.json)


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
    folder = Path(args.resume)
    if not (folder / UNFINISHED).is_file():
        return train_report.resume_and_report(args.resume, args.json)
    config, about = unfinished(folder)
    return _train_checkpoint(config, about, args.resume, args.json)


def _train_checkpoint(config: RunConfig, about: About, out: str, as_json: bool) -> int:
    """Train a model of images and write a checkpoint."""
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
    """The config of a training on points, and the parsed flags."""
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
    """The config of a training on images, and the parsed flags. Settings that are not given are those of the preset."""
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
