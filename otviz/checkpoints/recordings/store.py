"""Recordings as files: written atomically, read once and cached."""

from __future__ import annotations

import gzip
import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from otviz.core.files import CHECKPOINTS, write_whole
from otviz.player import browser

FOLDER = CHECKPOINTS / "recordings"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Panel:
    """One recorded run.

    Attributes:
        label: title of its panel.
        settings: of the Train page, as in a link, to train the run again.
        steps: of the training.
        seed: of the training.
        seconds: CPU time of the training.
        kind: the final verdict without numbers (`otviz.evaluation.verdicts.Kind`).
        verdict: the final verdict in words.
        modes: modes covered at the end, and all modes; (0, 0) for a target without modes.
        moved: mean distance from a source point x to T(x, z) at the end, in the units of the target.
    """

    label: str
    settings: Mapping[str, str]
    steps: int
    seed: int
    seconds: float
    kind: str
    verdict: str
    modes: tuple[int, int] = (0, 0)
    moved: float = 0.0


@dataclass(frozen=True)
class About:
    """What is known of a recording besides its snapshots.

    Attributes:
        otviz: version of otviz that made it.
        page: page on which its runs can be trained: "compare" or "train".
        settings: of that page, as in a link.
        panels: in the order in which they are shown.
    """

    otviz: str
    page: str
    settings: Mapping[str, str]
    panels: tuple[Panel, ...] = field(default=())


def names() -> tuple[str, ...]:
    """Names of the existing recordings, sorted."""
    return tuple(sorted(path.name.removesuffix(".gz") for path in FOLDER.glob("*.gz")))


def packed(name: str) -> bytes:
    """The file of a recording: gzip of `otviz.player.browser.message`. Raises ValueError if there is none."""
    return _file(name)


def read(name: str) -> bytes:
    """The runs of a recording, encoded by `otviz.player.wire`. Raises ValueError if it is missing or damaged."""
    return _parts(name)[1]


def about(name: str) -> About:
    """What is known of a recording besides its snapshots. Raises ValueError if it is missing or damaged."""
    return _parts(name)[0]


def write(name: str, about: About, wire: bytes) -> int:
    """Write a recording and return the size of its file in bytes.

    Args:
        name: must match `NAME`, otherwise the recording cannot be read back.
        about: what is known of it besides its snapshots.
        wire: its runs, as `otviz.player.wire.encode` packs them.

    Raises:
        OSError: the file cannot be written.
    """
    data = gzip.compress(browser.message(asdict(about), wire), 9, mtime=0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(FOLDER / f"{name}.gz", data)
    _file.cache_clear()
    _parts.cache_clear()
    return len(data)


@cache
def _file(name: str) -> bytes:
    if not NAME.fullmatch(name):
        raise ValueError(f"a recording is named by small letters, digits and hyphens; got {name[:40]!r}")
    try:
        return (FOLDER / f"{name}.gz").read_bytes()
    except OSError as error:
        raise ValueError(f"there is no recording {name!r}; make it: python -m otviz record {name}") from error


@cache
def _parts(name: str) -> tuple[About, bytes]:
    file = _file(name)
    try:
        data = gzip.decompress(file)
        end = 4 + int(struct.unpack_from("<I", data)[0])
        return _about(json.loads(data[4:end])), data[end:]
    except (OSError, EOFError, zlib.error, KeyError, TypeError, AttributeError, ValueError, struct.error) as error:
        raise ValueError(f"the recording {name} is damaged ({error}); run: python -m otviz record {name}") from error


def _about(found: Mapping[str, Any]) -> About:
    panels = tuple(Panel(**{**panel, "modes": tuple(panel["modes"])}) for panel in found["panels"])
    return About(str(found["otviz"]), str(found["page"]), dict(found["settings"]), panels)
