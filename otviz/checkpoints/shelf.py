"""What stands first in the gallery, and which models belong to one study: read from `checkpoints/catalogue.toml`, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from otviz.core import records
from otviz.core.files import CHECKPOINTS
from otviz.core.records import fields, listed, text, whole

LIST = CHECKPOINTS / "catalogue.toml"
_ROW = fields({"title": text(80), "models": listed(text(80), 20, 1)})
STUDY = fields(
    {
        "name": text(40), "title": text(120), "claim": text(80), "axis": text(60), "look": text(400),
        "values": listed(text(40), 20, 1), "row": listed(_ROW, 8, 1),
    }
)  # fmt: skip
JUDGES = fields({}, others=fields({}, others=text(40)))
_LIST = fields(
    {
        "claims": fields({}, others=text(500)), "judges?": JUDGES,
        "model": listed(fields({"name": text(80), "hero?": whole(1, 999)})), "study?": listed(STUDY),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """An experiment that judges a claim: its name, and where it does so, such as "on CIFAR-10"."""

    experiment: str
    where: str


@dataclass(frozen=True)
class Row:
    """The models of one method in a study, a model for each value; "" where there is none."""

    title: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """Models that differ in one setting.

    Attributes:
        name: in links.
        title: of its card.
        claim: what the papers say of it.
        axis: the setting that differs, such as "τ".
        values: its values, in words, in the order of the slider.
        look: what to look for.
        rows: the models by method.
        judges: the experiments that judge the claim.
    """

    name: str
    title: str
    claim: str
    axis: str
    values: tuple[str, ...]
    look: str
    rows: tuple[Row, ...]
    judges: tuple[Judge, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """All its models."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.models if name))

    def among(self, known: set[str]) -> Study | None:
        """The study of the models that exist: values and methods without one are left out; None if fewer than two remain."""
        left = [at for at in range(len(self.values)) if any(row.models[at] in known for row in self.rows)]
        rows = [
            Row(row.title, tuple(row.models[at] if row.models[at] in known else "" for at in left)) for row in self.rows
        ]
        kept = tuple(row for row in rows if any(row.models))
        if len(left) < 2:
            return None
        values = tuple(self.values[at] for at in left)
        return Study(self.name, self.title, self.claim, self.axis, values, self.look, kept, self.judges)


@dataclass(frozen=True)
class Shelf:
    """The order of the gallery.

    Attributes:
        heroes: names of the models that stand first, in order.
        studies: in order.
        judges: the experiments that judge a claim, by its text.
    """

    heroes: tuple[str, ...] = ()
    studies: tuple[Study, ...] = field(default=())
    judges: Mapping[str, tuple[Judge, ...]] = field(default_factory=dict)


def read_shelf(path: Path = LIST) -> Shelf:
    """Read heroes and studies from a catalogue. Raises ValueError, naming the file, if it is missing or damaged."""
    found = records.read_toml(path, _LIST)
    ranked = sorted((model for model in found["model"] if "hero" in model), key=lambda model: int(model["hero"]))
    heroes = tuple(str(model["name"]) for model in ranked)
    claims = found["claims"]
    judges = {}
    for key, listed_by_name in found.get("judges", {}).items():
        if key not in claims:
            raise ValueError(f"{path.name}: judges has an unknown claim {key!r}")
        judges[claims[key]] = tuple(Judge(name, where) for name, where in listed_by_name.items())
    return Shelf(heroes, tuple(_study(record, claims, judges, path.name) for record in found.get("study", [])), judges)


def _study(
    record: dict[str, object], claims: dict[str, str], judges: Mapping[str, tuple[Judge, ...]], source: str
) -> Study:
    rows = tuple(Row(str(row["title"]), tuple(row["models"])) for row in record["row"])  # type: ignore[attr-defined]
    values = tuple(record["values"])  # type: ignore[arg-type, var-annotated]
    for row in rows:
        if len(row.models) != len(values):
            raise ValueError(
                f"{source}: {row.title} in the study {record['name']} must have {len(values)} models, one for each value; "
                f"got {len(row.models)}"
            )
    if record["claim"] not in claims:
        raise ValueError(f"{source}: the study {record['name']} has an unknown claim {record['claim']!r}")
    claim = claims[str(record["claim"])]
    return Study(
        str(record["name"]), str(record["title"]), claim, str(record["axis"]), values, str(record["look"]), rows,
        judges.get(claim, ()),
    )  # fmt: skip
