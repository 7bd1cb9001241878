"""The image models to ship, listed in `checkpoints/catalogue.toml`.

    python -m otviz catalogue                  # show which are trained
    python -m otviz catalogue --missing        # train the missing ones that this machine can train
    python -m otviz catalogue mnist8-uotm      # train this one, even if it exists

An interrupted training continues from its last save when started again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from otviz.checkpoints import CHECKPOINTS, Card, image_cards
from otviz.checkpoints.models import load
from otviz.checkpoints.shelf import JUDGES, LIST, STUDY
from otviz.checkpoints.train_checkpoint import About, judge_again, label_again, record
from otviz.core import records
from otviz.core.files import write_whole
from otviz.core.locks import alone
from otviz.core.records import fields, listed, text, whole
from otviz.data import datasets
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.training.loop import Decay, device_named
from otviz.training.presets import preset

README = CHECKPOINTS / "README.md"
BEGIN, END = "<!-- image models -->", "<!-- /image models -->"
_MODEL = fields(
    {
        "name": text(80), "method?": text(80), "target?": text(80), "claims?": listed(text(80)), "title?": text(200),
        "steps?": whole(1, 2_000_000), "seed?": whole(0), "device?": text(10), "lr_decay?": text(20), "settings?": text(80),
        "knobs?": fields({}), "networks?": fields({}), "hero?": whole(1, 999),
    }
)  # fmt: skip
_LIST = fields(
    {
        "claims": fields({}, others=text(500)), "model": listed(_MODEL), "settings?": fields({}, others=fields({})),
        "study?": listed(STUDY), "judges?": JUDGES,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A model to ship, with the settings that differ from the preset of its method and image set.

    Attributes:
        name: of its folder.
        method, target: names of the method and the image set.
        claims: keys of the claims that it demonstrates.
        title: if empty, the titles of the method and the image set.
        steps: None for those of the preset.
        seed: of the training.
        device: where it can be trained in reasonable time.
        lr_decay: see `Plan`.
        knobs: of the method, by name.
        networks: settings of `Networks`, by name.
        hero: its place among the large cards of the gallery; 0: it is none of them.
    """

    name: str
    method: str
    target: str = "mnist8"
    claims: tuple[str, ...] = ()
    title: str = ""
    steps: int | None = None
    seed: int = 0
    device: Literal["cpu", "cuda"] = "cpu"
    lr_decay: Decay = "none"
    knobs: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Any] = field(default_factory=dict)
    hero: int = 0

    def config(self, device: str = "") -> RunConfig:
        """The config of its training, on `device` or its own. Raises ValueError for an unknown or invalid setting."""
        cls, images = named(self.method), datasets.named(self.target)()
        found = preset(self.method, images)
        try:
            method, networks = found.applied(cls, **self.knobs), replace(found.networks, **self.networks)
        except TypeError as error:
            raise ValueError(f"{self.name} in {LIST.name} has an unknown setting: {error}") from error
        return RunConfig(
            method=method, target=images, steps=self.steps or found.steps, seed=self.seed,
            device=device or self.device, lr_decay=self.lr_decay, networks=networks,
        )  # fmt: skip

    @property
    def command(self) -> str:
        """The command that trains it and writes its checkpoint."""
        return f"python -m otviz catalogue {self.name}"


@dataclass(frozen=True)
class Catalogue:
    """All models to ship, in order, and the texts of the claims by key."""

    claims: Mapping[str, str]
    entries: Mapping[str, Entry]

    def about(self, entry: Entry) -> About:
        """What the card of a model says besides what the run knows."""
        return About(entry.title, tuple(self.claims[key] for key in entry.claims), entry.command)


def catalogue(path: Path = LIST) -> Catalogue:
    """Read the catalogue from a TOML file. Raises ValueError for an unknown key or claim, or a duplicate name."""
    found = records.read_toml(path, _LIST)
    entries = {}
    for model in found["model"]:
        shared = found["settings"].get(model["settings"], {}) if "settings" in model else {}
        both = {**shared, **{key: value for key, value in model.items() if key != "settings"}}
        for part in ("knobs", "networks"):
            both[part] = {**shared.get(part, {}), **model.get(part, {})}
        try:
            entry = Entry(**{**both, "claims": tuple(both.get("claims", ()))})
        except TypeError as error:
            raise ValueError(f"{path.name}: {error}") from error
        if entry.name in entries or not set(entry.claims) <= set(found["claims"]):
            raise ValueError(f"{path.name}: {entry.name} is listed twice or has an unknown claim")
        entries[entry.name] = entry
    return Catalogue(found["claims"], entries)


def train(entry: Entry, about: About, folder: Path, device: str = "") -> dict[str, Any]:
    """Train one model, write its checkpoint and return the card.

    Args:
        entry: the model.
        about: what its card says besides what the run knows.
        folder: parent of the checkpoint's folder, which has the name of the entry.
        device: where to train; the entry's device if empty.

    Raises:
        ValueError: an unknown setting, a device or images that are not available, or losses that are not finite.
        OSError: the folder cannot be written.
    """
    return record(entry.config(device), folder / entry.name, about, _show)


def table(listed: Catalogue, cards: Mapping[str, Card]) -> str:
    """A Markdown table with a row for each model: its scores, or the command that trains it."""
    lines = [
        "| Model | Steps | Fréchet (floor) | Precision | Recall | Images judged | Trained |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in listed.entries.values():
        card = cards.get(entry.name)
        lines.append(_waiting(entry) if card is None else _trained(card))
    return "\n".join(lines)


def _trained(card: Card) -> str:
    said, scores = card.record, card.metrics
    numbers = "– | – | – | –"
    if scores:
        numbers = (
            f"{scores['frechet']:.1f} ({scores['floor']['frechet']:.2g}) | {scores['precision']:.2f} | "
            f"{scores['recall']:.2f} | {scores['samples']:,}"
        )
    where = f"{said['seconds']:.0f} s on {said['device']}, {said['steps_per_second']:.0f} steps/s"
    return f"| `{card.name}`: {card.title} | {said['steps']:,} | {numbers} | {where} |"


def _waiting(entry: Entry) -> str:
    config = entry.config()
    title = entry.title or f"{config.method.title} on {config.target.title}"
    why = "waiting for a GPU" if entry.device == "cuda" else "not trained yet"
    return f"| `{entry.name}`: {title} | {config.steps:,} | – | – | – | – | {why}: `{entry.command}` |"


def write_readme(listed: Catalogue, path: Path = README, folder: Path = CHECKPOINTS) -> None:
    """Write the table of image models into a README, between its marks.

    Args:
        listed: the models to ship.
        path: the README. It is created if missing, and the marks are appended if it has none.
        folder: of the checkpoints, whose cards fill the table.

    Raises:
        OSError: a file cannot be read or written.
    """
    said = (
        "Written by `python -m otviz catalogue --readme` from the cards, which the trainings wrote. The Fréchet distance is "
        "between features of this project's own classifier of the set. It is not an FID and compares only models of one set. "
        "Times are of one thread of a machine that had other work too.\n"
    )
    with alone(path):  # another process may write the model that it has trained
        there = path.read_text(encoding="utf-8") if path.is_file() else "# Checkpoints\n"
        if BEGIN not in there:
            there = there.rstrip("\n") + f"\n\n## Image models\n\n{BEGIN}\n{END}\n"
        before, _, rest = there.partition(BEGIN)
        after = rest.partition(END)[2]
        text = f"{before}{BEGIN}\n{said}\n{table(listed, image_cards(folder))}\n{END}{after}"
        write_whole(path, text.encode())


def main(words: Sequence[str]) -> int:
    """Train models of the catalogue, or print what exists. Returns 0, or 2 if something failed."""
    parser = argparse.ArgumentParser(prog="python -m otviz catalogue", description="The image models to ship.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="train these, even if they exist already")
    parser.add_argument("--missing", action="store_true", help="train all missing models that this machine can train")
    parser.add_argument("--judge", action="store_true", help="score existing models again with the current classifiers")
    parser.add_argument(
        "--readme", action="store_true", help=f"write titles and claims to the cards and the table to {README.name}"
    )
    parser.add_argument("--device", default="", help="train on this device instead of the catalogue's")
    args = parser.parse_args(words)
    listed, there = catalogue(), image_cards()
    unknown = sorted(set(args.names) - set(listed.entries))
    if unknown:
        return _say(f"no model is named {unknown[0]!r}; there are {', '.join(listed.entries)}", 2)
    wanted = [*args.names, *(name for name in listed.entries if args.missing and name not in there)]
    faults = [_one(listed, name, args.device, skip=name not in args.names) for name in dict.fromkeys(wanted)]
    for name in there if args.judge else ():
        judge_again(CHECKPOINTS / name, load(name))
    for name in set(there) & set(listed.entries) if args.readme else ():
        label_again(CHECKPOINTS / name, load(name), listed.about(listed.entries[name]))
    if wanted or args.judge or args.readme:
        write_readme(listed)
    else:
        sys.stdout.write(table(listed, there) + "\n")
    return 2 if any(faults) else 0


def _one(listed: Catalogue, name: str, device: str, skip: bool) -> bool:
    """Train one model; returns whether that failed. With `skip`, no failure if its device is not available."""
    entry = listed.entries[name]
    try:
        device_named(device or entry.device)
    except ValueError as error:
        return bool(_say(f"{name} waits: {error}", 0 if skip else 2))
    try:
        card = train(entry, listed.about(entry), CHECKPOINTS, device)
    except (ValueError, OSError) as error:
        return bool(_say(f"{name}: {error}", 2))
    scores = card["metrics"]
    told = f"Fréchet {scores['frechet']:.1f}, recall {scores['recall']:.2f}" if scores else card["unjudged"]
    write_readme(listed)
    return bool(_say(f"{name}: {card['seconds']} s, {told}", 0))


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"\n{text}\n" if sys.stderr.isatty() else f"{text}\n")
    return status


def _show(done: int, steps: int, speed: float) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done:,} of {steps:,} steps, {speed:.0f} steps/s   ")
        sys.stderr.flush()
