"""Recordings as files: written atomically, read once and cached."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache

from otviz.core.files import CHECKPOINTS, write_whole
from otviz.core.records import checked, fields, listed, number, parsed, text, whole
from otviz.player import browser, wire

FOLDER = CHECKPOINTS / "recordings"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST = 32_000_000  # bytes of an unpacked file; the shipped ones have at most 1.4 MB


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


_SETTINGS = fields({}, others=text(10_000))
_PANEL = fields(
    {
        "label": text(200), "settings": fields({"method": text(80), "target": text(80)}, others=text(10_000)), "steps": whole(1, 2_000_000), "seed": whole(0), "seconds": number(0, 1e10),
        "kind": text(40), "verdict": text(1000), "modes?": listed(whole(0, 100_000), 2, 2), "moved?": number(0, 1e30),
    }
)  # fmt: skip
ABOUT = fields({"otviz": text(40), "page": text(40), "settings": _SETTINGS, "panels": listed(_PANEL, 20, 1)})


def names() -> tuple[str, ...]:
    """Names of the existing recordings, sorted."""
    return tuple(sorted(path.name.removesuffix(".gz") for path in FOLDER.glob("*.gz")))


def packed(name: str) -> bytes:
    """The file of a recording: gzip of `otviz.player.browser.message`. Raises ValueError if it is missing or damaged."""
    read(name)  # what the browser gets is as whole as what is read here
    return _file(name)


def read(name: str) -> bytes:
    """The runs of a recording, encoded by `otviz.player.wire`. Raises ValueError if it is missing or damaged."""
    return _body(name)


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
    for cached in (_file, _parts, _body):
        cached.cache_clear()
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
    try:
        with gzip.open(io.BytesIO(_file(name))) as file:
            data = file.read(MOST + 1)
        if len(data) > MOST:
            raise ValueError(f"unpacked it has more than {MOST / 1e6:g} MB")
        end = 4 + int(struct.unpack_from("<I", data)[0])
        found = checked(parsed(data[4:end], "its head"), ABOUT, "its head")
    except (OSError, EOFError, zlib.error, ValueError, struct.error) as error:
        raise _damaged(name, error) from error
    panels = tuple(Panel(**{**panel, "modes": tuple(panel["modes"])}) for panel in found["panels"])
    return About(found["otviz"], found["page"], found["settings"], panels), data[end:]


@cache
def _body(name: str) -> bytes:
    about, body = _parts(name)
    try:
        panels = wire.decode(body)
        if len(panels) != len(about.panels) or not all(panel.scene and panel.snapshots for panel in panels):
            raise ValueError("not every panel has a scene and snapshots")
    except ValueError as error:
        raise _damaged(name, error) from error
    return body


def _damaged(name: str, error: Exception) -> ValueError:
    words = " ".join(str(error).split())[:200]
    return ValueError(f"the recording {name} is damaged ({words}); run: python -m otviz record {name}")
