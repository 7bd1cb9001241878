"""Thumbnails of distributions (their points), methods (their result on the ring) and data sets (some images).

    python -m otviz thumbnails                      # draw all that are missing
    python -m otviz thumbnails methods/uotm         # redraw this one

They are SVGs of 64 x 64 pixels in the folder `thumbnails`, readable on dark and light backgrounds. A distribution without one,
such as a new plug-in, is drawn on demand; a method without one shows its initials.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otviz.core.files import ROOT
from otviz.data.datasets import ImageSet, datasets
from otviz.data.distributions import Distribution, distributions

Kind = Literal["distributions", "methods", "images"]
FOLDER = ROOT / "thumbnails"
SIDE = 64
_TARGET, _GENERATED = "#56B4E9", "#FF7A1A"
_FEW = 20  # distributions with fewer distinct points get large dots
_POINTS, _BEHIND, _MADE = 150, 160, 110
_ICONS = {
    "points": "M32 41V15M22 25l10-10 10 10M14 38v11h36V38",
    "picture": "M12 14h40v36H12zM12 44l13-14 10 10 6-6 11 11M41 25h.1",
    "drawing": "M14 50l3-11 25-25 8 8-25 25zM37 19l8 8",
    "folder": "M12 18h14l5 6h21v25H12z",
}


@functools.cache
def picture(kind: Kind, name: str) -> str:
    """A thumbnail as SVG text: the shipped one, or drawn now."""
    with contextlib.suppress(OSError, ValueError):  # missing, or damaged
        return (FOLDER / kind / f"{name}.svg").read_text(encoding="utf-8")
    if kind == "distributions" and name in distributions():
        return of_distribution(distributions()[name])
    return _svg(
        f'<text x="32" y="40" text-anchor="middle" font-size="22" fill="currentColor">{name[:2].upper()}</text>'
    )


def of_distribution(cls: type[Distribution]) -> str:
    """Points of the distribution with default settings; an icon for the user's own files."""
    if cls.name in _ICONS:
        return _icon(cls.name)
    if cls.needs_file:
        return _icon("points")
    points = cls().sample(_POINTS, np.random.default_rng(0))
    return _svg(_dots(_fitted(points, [points]), _TARGET, 2.6))


def of_method(name: str) -> str:
    """The ring, and the method's samples after its default number of steps with seed 0."""
    import torch

    from otviz.data.distributions.ring import Ring
    from otviz.methods import named
    from otviz.training.loop import start, train

    training = start(named(name)(), Ring(), seed=0)
    for _ in train(training.method, training.target, training=training):
        pass
    noise = torch.Generator().manual_seed(1)
    x, z = (torch.randn(_MADE, k, generator=noise) for k in (2, training.method.noise_dim))
    made, data = training.generate(x, z).numpy(), Ring().sample(_BEHIND, np.random.default_rng(0))
    return _svg(_dots(_fitted(data, [data]), _TARGET, 2.2) + _dots(_fitted(made, [data]), _GENERATED, 3.2))


def of_images(images: ImageSet) -> str:
    """Four test images. Raises ValueError if they are not available."""
    from PIL import Image

    channels, high, wide = images.shape
    rows = images.sample(4, np.random.default_rng(0)).reshape(4, channels, high, wide)
    pixels = np.clip(np.round(127.5 * (rows + 1)), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    sheet = np.vstack([np.hstack(list(pixels[:2])), np.hstack(list(pixels[2:]))])
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    how = 'style="image-rendering:pixelated" preserveAspectRatio="none"'
    return _svg(f'<image width="{SIDE}" height="{SIDE}" {how} href="data:image/png;base64,{data}"/>')


def main(words: Sequence[str]) -> int:
    """Draw the named thumbnails, or all that are missing; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m otviz thumbnails", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="KIND/NAME")
    for name in parser.parse_args(words).names or [each for each in known() if not (FOLDER / f"{each}.svg").is_file()]:
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.svg").write_text(_drawn(name), encoding="utf-8")
    return 0


def known() -> list[str]:
    """KIND/NAME of all thumbnails."""
    from otviz.methods import methods

    kinds: dict[str, Iterable[str]] = {"distributions": distributions(), "methods": methods(), "images": datasets()}
    return [f"{kind}/{name}" for kind, names in kinds.items() for name in names]


def _drawn(each: str) -> str:
    kind, _, name = each.partition("/")
    if each not in known():
        raise ValueError(f"there is no {each!r}; there are {', '.join(known())}")
    if kind == "distributions":
        return of_distribution(distributions()[name])
    if kind == "methods":
        return of_method(name)
    return _icon("folder") if datasets()[name].needs_file else of_images(datasets()[name]())


def _fitted(points: NDArray[np.float32], frame: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Points in pixels, scaled so that the frame fills the picture; points outside are dropped."""
    low, high = np.min([each.min(0) for each in frame], 0), np.max([each.max(0) for each in frame], 0)
    scale = (SIDE - 10) / max(float((high - low).max()), 1e-6)
    placed = SIDE / 2 + (points - (low + high) / 2) * scale * np.array([1, -1])
    return np.asarray(placed[((placed > 1) & (placed < SIDE - 1)).all(1)], np.float32)


def _dots(points: NDArray[np.float32], colour: str, width: float) -> str:
    places = dict.fromkeys((round(float(x)), round(float(y))) for x, y in points)
    path, width = "".join(f"M{x} {y}h0" for x, y in places), width if len(places) > _FEW else 9.0
    return f'<path d="{path}" stroke="{colour}" stroke-width="{width}" stroke-linecap="round" fill="none"/>'


def _icon(name: str) -> str:
    line = 'stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" fill="none"'
    return _svg(f'<path d="{_ICONS[name]}" {line}/>')


def _svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">{body}</svg>\n'
