"""Flags of the command line, made from the same knobs as the widgets of the pages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import tyro

from otviz.core.params import Knobs, Param, params_of
from otviz.data import datasets
from otviz.data.datasets import ImageSet
from otviz.data.distributions import Distribution, distributions, kind_of

HELP = ("-h", "--help")
PRESET = "preset"
"""Value of a flag that is left to the preset of the method and the images."""

Flag = tuple[str, Any, Any]  # attribute, annotated type, default


def of_sides() -> list[Flag]:
    """The flags for target and source."""
    about = tyro.conf.arg(
        help="name of a distribution or image set, or a file of points, or a folder of images", metavar="NAME|FILE"
    )
    return [("target", Annotated[str, about], "ring"), ("source", Annotated[str, about], "gaussian")]


def of_output() -> list[Flag]:
    """The flags for the output of a training."""
    return [
        ("out", Annotated[str, tyro.conf.arg(help="folder to save the run in", metavar="DIR")], ""),
        (
            "card",
            Annotated[
                str,
                tyro.conf.arg(help="images only: save a checkpoint with this sentence as its claim", metavar="CLAIM"),
            ],
            "",
        ),
        ("json", Annotated[bool, tyro.conf.arg(help="print one JSON object")], False),
    ]


def asked(words: list[str], side: str) -> str:
    """The value of --target or --source, read before parsing, as it decides which other flags there are."""
    found = {"target": "ring", "source": "gaussian"}[side]
    for index, word in enumerate(words):
        if word.startswith(f"--{side}="):
            found = word.partition("=")[2]
        elif word == f"--{side}" and index + 1 < len(words):
            found = words[index + 1]
    return found


def target_kind(asked: str) -> type[Distribution] | type[ImageSet]:
    """The class of a distribution or image set, by name or file. Raises ValueError if it is neither."""
    if asked not in distributions():
        try:
            return datasets.kind_of(asked)
        except ValueError:
            pass  # may be a file of points
    try:
        return kind_of(asked)
    except ValueError as error:
        sets = ", ".join(datasets.datasets())
        raise ValueError(f"{error}; or for images one of {sets}, or a folder or ZIP of images") from error


def of(
    cls: type[Knobs],
    prefix: str,
    defaults: Mapping[str, Any] = MappingProxyType({}),
    left_open: Collection[str] = (),
    left_out: Collection[str] = (),
    any_scale: bool = False,
) -> list[Flag]:
    """Flags for the knobs of a class. Their values are texts, since `Knobs.parse` checks them and says what is wrong.

    Args:
        cls: a class with knobs.
        prefix: of each flag, separated by a dot; no prefix if empty.
        defaults: by name of a knob, instead of the declared ones.
        left_open: knobs whose default is `PRESET`.
        left_out: knobs without a flag.
        any_scale: show the limits of `Knobs.taken` instead of the declared ones.
    """
    flags: list[Flag] = []
    for knob in cls.taken() if any_scale else params_of(cls):
        if knob.name in left_out:
            continue
        flag = f"{prefix}.{knob.name}" if prefix else knob.name
        kind = "|".join(knob.choices) or knob.kind.__name__.upper() + ("|none" if knob.optional else "")
        about = tyro.conf.arg(name=flag.replace("_", "-"), help=_about(knob), metavar=kind)
        default = PRESET if knob.name in left_open else knob.write(defaults.get(knob.name, knob.default))
        flags.append((_attribute(prefix, knob.name), Annotated[str, about], default))
    return flags


def _about(knob: Param) -> str:
    limits = (knob.low, knob.high)
    return knob.doc if None in limits else f"{knob.doc} ({knob.low:,.15g} to {knob.high:,.15g})"


def class_of(name: str, flags: list[Flag]) -> type[Any]:
    """A dataclass with these flags as fields, for tyro."""
    return dataclasses.make_dataclass(
        name, [(attribute, kind, dataclasses.field(default=value)) for attribute, kind, value in flags]
    )


def made(
    cls: type[Any], args: Any, prefix: str, file: str = "", left_out: Collection[str] = (), any_scale: bool = False
) -> Any:
    """An instance of a class with knobs, from its flags.

    Args:
        cls: a class with knobs.
        args: what `parse` read.
        prefix: of its flags.
        file: what was asked for; unless it names a distribution or image set, it becomes the knob `file`.
        left_out: knobs without a flag.
        any_scale: lengths may be of any size.

    Raises:
        ValueError: a value that cannot be read or is out of range.
    """
    open_to_flags = [knob.name for knob in params_of(cls) if knob.name not in left_out]
    texts = {name: getattr(args, _attribute(prefix, name)) for name in open_to_flags}
    if file and file not in distributions() and file not in datasets.datasets():
        texts["file"] = file
    return cls.parse(texts, any_scale)


def given(cls: type[Knobs], args: Any, prefix: str) -> dict[str, Any]:
    """The values of the knobs that were not left to the preset, by name.

    Args:
        cls: a class with knobs.
        args: what `parse` read.
        prefix: of its flags.

    Raises:
        ValueError: a value that cannot be read or is out of range.
    """
    texts = {knob: getattr(args, _attribute(prefix, knob.name)) for knob in params_of(cls)}
    return {knob.name: knob.parse(text) for knob, text in texts.items() if text != PRESET}


def names(cls: type[Knobs]) -> set[str]:
    """Names of the knobs of a class."""
    return {knob.name for knob in params_of(cls)}


def _attribute(prefix: str, name: str) -> str:
    return f"{prefix or 'method'}__{name}"


def parse(kind: type[Any], words: list[str], command: str, description: str | None = None) -> Any:
    """Parse the arguments of a command.

    Args:
        kind: a dataclass with a field for each flag, which is returned; `class_of` makes one.
        words: the arguments after the command.
        command: its name, for the usage line.
        description: for the help; the docstring of `kind` if None.

    Raises:
        SystemExit: the help was printed, or the arguments cannot be parsed.
    """
    joined: list[str] = []
    for word in words:  # "--target.centre -1,2": otherwise "-1,2" would be read as a flag
        if re.match(r"-[\d.]", word) and joined and re.fullmatch(r"--[^=]+", joined[-1]):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return tyro.cli(kind, args=joined, prog=f"otviz {command}", description=description)
