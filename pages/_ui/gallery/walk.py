"""A walk on a plane of the latent space: drag on a sheet of images, and the image under the pointer is drawn at once."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pages._ui.gallery.gallery_settings import SampleSettings
from pages._ui.shell import channel
from pages._ui.shell.component import mount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from otviz.checkpoints.models import PublishedModel

GRID = 9  # images a side of the sheet
REACH = 1.6
"""Weight of the other two pairs, relative to the first, at the edge of the sheet."""

MODES = {
    "both": ("x and z", "Both move: every place of the sheet is as likely as a fresh draw."),
    "x": ("x moves, z stays", "z is held at that of the middle."),
    "z": ("z moves, x stays", "x is held at that of the middle."),
    "crossed": ("x across, z down", "Each column has one x, each row one z."),
}
"""What moves: its name, and a sentence."""


def show(model: PublishedModel, settings: SampleSettings) -> None:
    """Draw the walk."""
    modes = (
        MODES
        if model.sees_source
        else {"z": ("z moves", "This generator does not use x: its images depend on z alone.")}
    )
    options = {
        "channel": channel.opened("walk", functools.partial(_answer, model, settings)), "grid": GRID, "title": model.card.title,
        "modes": [{"id": name, "name": words, "line": line} for name, (words, line) in modes.items()],
        "shape": list(model.card.shape), "shares": _shares(model, settings),
        "serial": json.dumps([model.card.name, str(model.card.record["sha256"])[:12], settings.as_dict()]),
    }  # fmt: skip
    mount("walk", key="walk", options=options, body=b"", trigger="sent")


def _shares(model: PublishedModel, settings: SampleSettings) -> str:
    """How much of the pixels x and z explain, as a sentence."""
    from otviz.checkpoints.latents import crossed, explained

    side = 8
    if not model.sees_source:
        return ""
    both = crossed(model.latents(side, settings.seed, settings.truncation))
    shares = explained(model.generate(*both, _labels(model, settings, side * side)), side)
    if shares is None:
        return ""
    return (
        f"x explains {shares.x:.0%} of the variance of the pixels, z {shares.z:.0%}, and both together {shares.both:.0%} "
        f"({side} x {side} pairs)."
    )


def _labels(model: PublishedModel, settings: SampleSettings, count: int) -> NDArray[np.int64] | None:
    return np.full(count, settings.asked or 0) if model.classes else None


def _answer(model: PublishedModel, settings: SampleSettings, question: bytes) -> channel.Reply:
    """The sheet of a mode, or the image at a place. Raises ValueError for an invalid question."""
    try:
        asked = json.loads(question)
        mode, at = str(asked["mode"]), asked.get("at")
        across, down = _sheet_places() if at is None else (np.array([_share(at[0])]), np.array([_share(at[1])]))
        if mode not in MODES:
            raise KeyError(mode)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError('the page asks for {"mode": what moves, "at": [-1 to 1, -1 to 1]}') from error
    return channel.Reply(_drawn(model, settings, mode, across, down), {"mode": mode, "at": at})


def _share(value: Any) -> float:
    found = float(value)
    if not -1 <= found <= 1:
        raise ValueError(f"{found} is off the sheet")
    return found


def _sheet_places() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = np.linspace(-1, 1, GRID)
    return np.tile(places, GRID), np.repeat(places, GRID)


def _drawn(
    model: PublishedModel, settings: SampleSettings, mode: str, across: NDArray[np.float64], down: NDArray[np.float64]
) -> bytes:
    from otviz.checkpoints.image_sheets import preview
    from otviz.checkpoints.latents import on_plane
    from otviz.data.datasets.rows import to_pixels

    three = model.latents(3, settings.seed, settings.truncation)
    x, z = on_plane(three, REACH * across, REACH * down, mode)
    rows = model.generate(x, z, _labels(model, settings, len(x)))
    return preview(to_pixels(rows, model.card.shape), min(len(rows), GRID), exact=True)
