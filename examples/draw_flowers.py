"""Draw a set of colour pictures to train on: flowers with 4 to 8 petals, one folder for each number.

    python examples/draw_flowers.py flowers.zip --count 2000

writes a ZIP of PNG files for the pages Images and Diagnose (menu Data: your images) and `--target folder --target.file`. Numbers of
petals are the classes, and hues come in three groups, so one sees which kinds of flowers a generator forgets. The same seed draws
the same pictures. The pictures are in the public domain (CC0 1.0).
"""

from __future__ import annotations

import argparse
import io
import math
import random
import zipfile
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw

PETALS = (4, 5, 6, 7, 8)
HUES = (350, 40, 265)  # red, yellow, violet
FINE = 4  # drawn this many times as large, for smooth edges


def flower(rng: random.Random, petals: int, side: int) -> Image.Image:
    """A flower on a meadow, RGB, `side` pixels a side."""
    size = side * FINE
    meadow = (rng.gauss(115, 12), rng.uniform(25, 45), rng.uniform(22, 34))
    picture = Image.new("RGB", (size, size), _rgb(*meadow))
    draw = ImageDraw.Draw(picture)
    x, y = (size * rng.gauss(0.5, 0.04) for _ in range(2))
    length, turn = size * rng.uniform(0.27, 0.36), rng.uniform(0, 2 * math.pi)
    hue, light = rng.gauss(rng.choice(HUES), 6), rng.uniform(55, 70)
    draw.line((x, y, x + size * rng.gauss(0, 0.05), size), fill=_rgb(meadow[0], 50, 16), width=size // 24)
    for petal in range(petals):
        angle = turn + 2 * math.pi * petal / petals
        draw.polygon(
            _petal(x, y, angle, length, length * 2.2 / petals),
            fill=_rgb(hue, 80, light),
            outline=_rgb(hue, 60, light - 22),
        )
    heart = length * rng.uniform(0.22, 0.3)
    draw.ellipse((x - heart, y - heart, x + heart, y + heart), fill=_rgb(30, 70, 35))
    return picture.resize((side, side), Image.Resampling.BOX)


def _petal(x: float, y: float, angle: float, length: float, breadth: float) -> list[tuple[float, float]]:
    """An ellipse from (x, y) outwards in the direction of `angle`."""
    points = []
    for part in range(32):
        t = 2 * math.pi * part / 32
        along, across = length / 2 * (1 + math.cos(t)), breadth / 2 * math.sin(t)
        points.append(
            (
                x + along * math.cos(angle) - across * math.sin(angle),
                y + along * math.sin(angle) + across * math.cos(angle),
            )
        )
    return points


def _rgb(hue: float, saturation: float, light: float) -> tuple[int, ...]:
    return ImageColor.getrgb(f"hsl({hue % 360:.0f}, {saturation:.0f}%, {light:.0f}%)")


def draw_set(path: Path, count: int, side: int = 64, seed: int = 0) -> None:
    """Write a ZIP of `count` pictures, as many of each number of petals as possible, to `path`."""
    rng = random.Random(seed)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            petals, held = PETALS[number % len(PETALS)], io.BytesIO()
            flower(rng, petals, side).save(held, "PNG")
            archive.writestr(zipfile.ZipInfo(f"{petals} petals/{number:05}.png"), held.getvalue())


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description="Draw a set of flowers as a ZIP of PNG files.")
    parser.add_argument("path", type=Path, help="the ZIP to write")
    parser.add_argument("--count", type=int, default=2000, help="number of pictures (2000)")
    parser.add_argument("--side", type=int, default=64, help="pixels a side (64)")
    parser.add_argument("--seed", type=int, default=0, help="draws the flowers (0)")
    asked = parser.parse_args()
    if asked.count < 1 or asked.side < 8:
        parser.error(f"count must be 1 or more and side 8 or more; got {asked.count} and {asked.side}")
    draw_set(asked.path, asked.count, asked.side, asked.seed)


if __name__ == "__main__":
    main()
