"""`python -m benchmarks.picture`: trains two generators and draws the README's moving picture, docs/pictures/collapse.webp.

Both learn the ring of eight modes from the same data and seed; the one on the right also pays the transport cost
tau |x - T(x)|^2. These are the settings of the lesson "Why GANs collapse". It takes a minute or two.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from otviz.data.distributions.ring import Ring
from otviz.evaluation.metrics import coverage
from otviz.evaluation.verdicts import judge
from otviz.methods import Method
from otviz.methods.unified import UOTM, UOTMNoCost
from otviz.runs.config import RunConfig
from otviz.viz.style import GENERATED, TARGET

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "collapse.webp"
RING = Ring(radius=2.0, std=0.1)
POINTS = 1000  # judged; SHOWN of them are drawn
SHOWN = 400
FRAMES, EASE, PAUSE = 80, 1.8, 3000  # frames, dense at the start; the last stays PAUSE ms
EARLY = 0.25  # share of the run before which nothing is called lost or covered
REACH = 2.8  # half the width of the data in a panel

WIDE, MARGIN, SIDE, FINE = 860, 20, 400, 2  # pixels; FINE times as many while drawing
BACK, CARD, INK, FAINT = "#0E1117", "#181C25", "#E8EAED", "#9AA3AF"
BADGES = {"collapsed": ("#4A1D22", "#FF9A9A"), "covers": ("#153B2C", "#86E8BD")}
OTHER = ("#2A2F3A", "#C3C9D2")


@dataclass(frozen=True)
class Frame:
    """One look at a generator: its points (POINTS, 2), and the measures of `otviz.evaluation.metrics.coverage`."""

    step: int
    points: NDArray[np.float32]
    meter: dict[str, Any]

    def badge(self, steps: int) -> tuple[str, str]:
        """What the badge says, and the kind of the verdict on this look; early in a run it only counts modes."""
        kind, modes, held = judge(self.meter).kind, int(self.meter["modes_total"]), int(self.meter["modes_covered"])
        if self.step < EARLY * steps:
            return f"{held} of {modes} modes so far", ""
        return {"collapsed": f"{modes - held} of {modes} modes lost", "covers": f"all {modes} modes covered"}.get(
            kind, kind
        ), kind


def frames(method: Method, steps: int, seed: int, count: int = FRAMES) -> list[Frame]:
    """Looks at one training, at steps that the same `steps` and `count` repeat."""
    training = RunConfig(method, RING, steps=steps, seed=seed, device="cpu").begin("cpu")
    x = torch.randn(POINTS, 2, generator=torch.Generator().manual_seed(seed + 7))
    z = torch.randn(POINTS, method.noise_dim, generator=torch.Generator().manual_seed(seed + 8))
    found = []
    for at in range(count):
        step = round(steps * (at / (count - 1)) ** EASE)
        while training.step < step:
            training.advance()
        points = training.generate(x, z).numpy().astype(np.float32)
        found.append(Frame(step, points, {"samples": POINTS, **coverage(points, RING.mixture())}))
    return found


def draw(left: Frame, right: Frame, steps: int) -> Image.Image:
    """One picture of both generators at the same step, WIDE pixels wide."""
    high = MARGIN * 4 + SIDE + 34 + 40 + 26
    image = Image.new("RGB", (WIDE * FINE, high * FINE), BACK)
    brush = ImageDraw.Draw(image)
    real = RING.sample(SHOWN, np.random.default_rng(0))
    gap = (WIDE - 2 * SIDE) // 3
    for place, (frame, title) in enumerate(((left, "Without transport cost"), (right, "With transport cost"))):
        _panel(brush, frame, title, real, gap + place * (SIDE + gap), steps)
    y = high - MARGIN - 8
    x = WIDE - gap - 190
    _line(brush, gap, y, x, "#2A2F3A")
    _line(brush, gap, y, gap + (x - gap) * left.step / steps, TARGET)
    brush.text((FINE * (x + 14), FINE * y), f"step {left.step:,} of {steps:,}", FAINT, _font(16), anchor="lm")
    return image.resize((WIDE, high), Image.Resampling.LANCZOS)


def _panel(
    brush: ImageDraw.ImageDraw, frame: Frame, title: str, real: NDArray[np.float32], left: int, steps: int
) -> None:
    top = MARGIN + 44
    brush.text((FINE * left, FINE * (MARGIN + 17)), title, INK, _font(20), anchor="lm")
    words, kind = frame.badge(steps)
    back, ink = BADGES.get(kind, OTHER)
    wide = brush.textlength(words, _font(16)) / FINE + 28
    box = [left + SIDE - wide, MARGIN + 1, left + SIDE, MARGIN + 33]
    brush.rounded_rectangle([FINE * edge for edge in box], FINE * 16, back)
    brush.text((FINE * (left + SIDE - wide / 2), FINE * (MARGIN + 17)), words, ink, _font(16), anchor="mm")
    brush.rounded_rectangle([FINE * edge for edge in (left, top, left + SIDE, top + SIDE)], FINE * 8, CARD)
    for points, size, colour, round_ in ((real, 2.2, TARGET, False), (frame.points[:SHOWN], 3.0, GENERATED, True)):
        for u, v in points[np.abs(points).max(axis=1) < REACH]:
            x, y = left + SIDE * (u / REACH + 1) / 2, top + SIDE * (1 - v / REACH) / 2
            dot = [FINE * edge for edge in (x - size, y - size, x + size, y + size)]
            (brush.ellipse if round_ else brush.rectangle)(dot, colour, outline="#7A3208" if round_ else None)
    shares = np.array(frame.meter["mode_shares"])
    for k, share in enumerate(shares):
        step = (SIDE + 8) / len(shares)
        x, y, full = left + k * step, top + SIDE + 12, 26.0
        brush.rectangle([FINE * edge for edge in (x, y, x + step - 8, y + full)], CARD)
        level = full * min(1.0, float(share) * len(shares) / 1.6)
        brush.rectangle([FINE * edge for edge in (x, y + full - level, x + step - 8, y + full)], GENERATED)


def _line(brush: ImageDraw.ImageDraw, left: float, y: float, right: float, colour: str) -> None:
    brush.rounded_rectangle([FINE * edge for edge in (left, y - 2, max(right, left + 4), y + 2)], FINE * 2, colour)


def _font(size: int) -> Any:
    return ImageFont.load_default(FINE * size)


def main() -> None:
    """Train, draw, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.picture", description="Draw the README's moving picture."
    )
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=PICTURE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cost = UOTM(lr=0.001, adversary_lr=0.001)
    both = [frames(method, options.steps, options.seed) for method in (UOTMNoCost(), cost)]
    shown = [draw(left, right, options.steps) for left, right in zip(*both, strict=True)]
    lengths = [70] * (len(shown) - 1) + [PAUSE]
    shown[0].save(options.out, save_all=True, append_images=shown[1:], duration=lengths, loop=0, quality=55, method=6)
    for frame in (both[0][-1], both[1][-1]):
        print(frame.badge(options.steps)[0])


if __name__ == "__main__":
    main()
