"""The command line: list, train, transport. Flags come from the same knobs as the widgets.

Knobs of a method are plain flags (`--tau 0.05`), those of target and source carry their name (`--target.radius 2`).
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from otviz.distributions import Distribution, distributions, parse_distribution
from otviz.params import Knobs, params_of

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
COMMANDS = ("list", "train", "transport")


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 when a run failed, 2 for unusable arguments."""
    words = list(sys.argv[1:] if args is None else args)
    try:
        return _run(words)
    except ValueError as error:
        print(f"otviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("otviz: stopped", file=sys.stderr)
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0] not in COMMANDS:
        asked = f"; got {words[0]!r}" if words and words[0] not in ("-h", "--help") else ""
        raise ValueError(f"say one of {', '.join(COMMANDS)} (python -m otviz COMMAND --help tells more){asked}")
    if words[0] == "list":
        return list_plugins(_parse(ListArgs, words[1:], "list"))
    if words[0] == "train":
        return _train(words[1:])
    return _transport(words[1:])


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
    from otviz.methods import methods

    found = {
        "methods": {name: _described(cls) for name, cls in methods().items()},
        "distributions": {name: _described(cls) for name, cls in distributions().items()},
        "datasets": {},
        "checkpoints": cards(CHECKPOINTS),
        "experiments": {},
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
    from otviz.runs.config import RunConfig

    if not words or words[0].startswith("-"):
        raise ValueError(f"say which method to train: one of {', '.join(methods.methods())}")
    method = methods.named(words[0])
    kinds = {side: _kind_of(words, side) for side in ("target", "source")}
    fields: list[tuple[str, Any, Any]] = [
        ("target", str, dataclasses.field(default="ring", metadata={"help": "distribution or file"})),
        ("source", str, dataclasses.field(default="gaussian", metadata={"help": "distribution or file"})),
        ("steps", int, dataclasses.field(default=method.default_steps)),
        ("seed", int, dataclasses.field(default=0)),
        ("device", str, dataclasses.field(default="auto")),
        ("out", str, dataclasses.field(default="")),
        ("json", bool, dataclasses.field(default=False)),
        *_flags(method, ""),
        *_flags(kinds["target"], "target"),
        *_flags(kinds["source"], "source"),
    ]
    args = _parse(dataclasses.make_dataclass("Train", fields), words[1:], f"train {method.name}", method.__doc__)
    config = RunConfig(
        method=_made(method, args, ""),
        target=_made(kinds["target"], args, "target", file=args.target),
        source=_made(kinds["source"], args, "source", file=args.source),
        steps=args.steps,
        seed=args.seed,
        device=args.device,
    )
    from otviz.reporting import train_and_report

    return train_and_report(config, args.out, args.json)


def _transport(words: list[str]) -> int:
    kinds = {side: _kind_of(words, side) for side in ("source", "target")}
    fields: list[tuple[str, Any, Any]] = [
        ("source", str, dataclasses.field(default="gaussian")),
        ("target", str, dataclasses.field(default="ring")),
        ("n", int, dataclasses.field(default=1000)),
        ("p", int, dataclasses.field(default=2)),
        ("blur", float, dataclasses.field(default=0.05)),
        ("scaling", float, dataclasses.field(default=0.9)),
        ("reach", float | None, dataclasses.field(default=None)),
        ("seed", int, dataclasses.field(default=0)),
        ("notebook", bool, dataclasses.field(default=False)),
        ("json", bool, dataclasses.field(default=False)),
        *_flags(kinds["source"], "source"),
        *_flags(kinds["target"], "target"),
    ]
    args = _parse(dataclasses.make_dataclass("Transport", fields), words, "transport")
    source = _made(kinds["source"], args, "source", file=args.source)
    target = _made(kinds["target"], args, "target", file=args.target)
    from otviz.reporting import transport_report

    return transport_report(source, target, args)


def _kind_of(words: list[str], side: str) -> type[Distribution]:
    """The class of the distribution asked for, read ahead of parsing since it decides which flags there are."""
    default = {"target": "ring", "source": "gaussian"}[side]
    for index, word in enumerate(words):
        if word.startswith(f"--{side}="):
            default = word.partition("=")[2]
        elif word == f"--{side}" and index + 1 < len(words):
            default = words[index + 1]
    known = distributions()
    return known[default] if default in known else type(parse_distribution(default, {}))


def _flags(cls: type[Knobs], prefix: str) -> list[tuple[str, Any, Any]]:
    """Fields of a flat dataclass for tyro, one for each knob; texts, since `Knobs.parse` checks and says what is wrong."""
    fields = []
    for knob in params_of(cls):
        flag = f"{prefix}.{knob.name}" if prefix else knob.name
        about = knob.doc if knob.low is None else f"{knob.doc} ({knob.low:g} to {knob.high:g})"
        about = f"{about} ({', '.join(knob.choices)})" if knob.choices else about
        kind = Annotated[
            str, tyro.conf.arg(name=flag.replace("_", "-"), help=about, metavar=knob.kind.__name__.upper())
        ]
        fields.append((_attribute(prefix, knob.name), kind, dataclasses.field(default=knob.write(knob.default))))
    return fields


def _made(cls: type[Any], args: Any, prefix: str, file: str = "") -> Any:
    texts = {knob.name: getattr(args, _attribute(prefix, knob.name)) for knob in params_of(cls)}
    if file and file not in distributions():
        texts["file"] = file
    return cls.parse(texts)


def _attribute(prefix: str, name: str) -> str:
    return f"{prefix or 'method'}__{name}"


def _parse(kind: type[Any], words: list[str], command: str, description: str | None = None) -> Any:
    return tyro.cli(kind, args=words, prog=f"otviz {command}", description=description)
