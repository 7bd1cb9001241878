"""The papers' overview figures, reproduced for print from trainings like those of the claims.

    python -m otviz figures all --out pictures

Stored trainings are reused; others are trained first, which takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from otviz.content.bibliography import cite
from otviz.core.version import __version__
from otviz.data.target import Target
from otviz.experiments.claims.family import TITLES
from otviz.experiments.claims.report_figures import BATCH, CNN, EPSILON, MLP
from otviz.experiments.image_trajectories import ImageTrajectory, image_trajectory, report_config, unavailable_reason
from otviz.experiments.sweeps.sweep import identity
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.experiments.trainings import QUICK_STEPS, RING
from otviz.experiments.trainings import from_preset as methods_of
from otviz.methods import Method
from otviz.runs.config import RunConfig
from otviz.runs.run_store import Store
from otviz.runs.saved_run import SavedRun
from otviz.training.compare import presets
from otviz.viz.plate import BODY, HEADING, SMALL, Panel, Plate, Values, round_ticks
from otviz.viz.snapshot_table import nearest
from otviz.viz.style import ADVERSARY, GENERATED, TARGET

WIDE = 180.0  # mm, text width of a page
MARGIN, GAP = 4.0, 2.0
SHOWN = 500  # points of target and of generator in each panel
SIDE = 8  # images per row


@dataclass(frozen=True)
class Overview:
    """A figure.

    Attributes:
        name: file name: key of a source in `otviz.content.bibliography` and number of its figure.
        title: what it shows, and the figure it follows.
        images: whether it needs MNIST.
        draw: draws it for a seed; True for the short form, which only shows that it works.
    """

    name: str
    title: str
    images: bool
    draw: Callable[[str, int, bool], Plate]

    def plate(self, seed: int = 0, quick: bool = False) -> Plate:
        """The drawing. Raises ValueError if its images are not available."""
        if self.images and (why := unavailable_reason()):
            raise ValueError(why)
        return self.draw(self.title, seed, quick)


def overviews() -> dict[str, Overview]:
    """All figures by name."""
    made = (
        _after("salimans", 2, "OT-GAN and DAN-S once the critic is frozen", False, _frozen),
        _after("vu", 1, "OT-GAN on 8 × 8 digits over four epochs", True, _epochs),
        _after("vu", 2, "An MLP and a CNN after one epoch", True, _networks),
        _after("vu", 3, "Batches of 8 and 32", True, _batches),
        _after("vu", 4, "ε = 0.01 and 1", True, _epsilons),
        _after("choi", 1, "Six methods on a ring of 8 modes", False, _family),
    )
    return {each.name: each for each in made}


def _after(source: str, figure: int, shows: str, images: bool, draw: Callable[[str, int, bool], Plate]) -> Overview:
    title = f"{shows} (after {cite(source, f'Fig. {figure}')})"
    return Overview(f"{source}-figure-{figure}", title, images, draw)


def _family(title: str, seed: int, quick: bool) -> Plate:
    methods, steps = methods_of("table-1")
    rows = [(words, _run(methods[name], RING, steps, seed, quick)) for name, words in TITLES.items()]
    last = rows[0][1].step
    return _table(title, rows, [round(last * part / 5) for part in range(1, 6)], seed, losses=True)


def _frozen(title: str, seed: int, quick: bool) -> Plate:
    chosen = presets()["freeze"]
    assert chosen.target is not None
    words = {"ot-gan": "OT-GAN", "dan-s": "DAN-S"}
    rows = [
        (words[method.name], _run(method, chosen.target, chosen.steps, seed, quick))
        for method in chosen.methods if method.name in words
    ]  # fmt: skip
    steps = [500, 1000, 1500, 2000, 2500, 3000, 3500, 4000]
    after = [round(step * rows[0][1].step / chosen.steps) for step in steps]
    return _table(title, rows, after, seed, marked={after[2]: "frozen"})


def _run(method: Method, target: Target, steps: int, seed: int, quick: bool) -> SavedRun:
    """A stored run; it is trained and stored first if necessary."""
    config = RunConfig(method, target, steps=QUICK_STEPS if quick else steps, seed=seed, device="cpu")
    name = f"sweep-{method.name}-{identity(config)}"
    try:
        return SavedRun.read(Store(), name)
    except ValueError:
        next(train_cells([config], Store()))
        return SavedRun.read(Store(), name)


def _table(
    title: str,
    rows: Sequence[tuple[str, SavedRun]],
    steps: Sequence[int],
    seed: int,
    losses: bool = False,
    marked: dict[int, str] | None = None,
) -> Plate:
    """A row per run, a column per step, and the losses on the right."""
    left, top = MARGIN + 5, MARGIN + 12
    room = WIDE - left - MARGIN - (42 if losses else 0)
    side = (room - GAP * (len(steps) - 1)) / len(steps)
    plate = _begun(title, top + len(rows) * (side + GAP) + 10)
    for column, step in enumerate(steps):
        x = left + column * (side + GAP)
        word = (marked or {}).get(step, "")
        plate.write(x + side / 2, top - 1.5, f"{step}: {word}" if word else f"step {step}", SMALL, "middle")
    for row, (words, run) in enumerate(rows):
        y = top + row * (side + GAP)
        plate.label(MARGIN + 2.5, y + side / 2, words)
        for column, step in enumerate(steps):
            panel = Panel(left + column * (side + GAP), y, side, side, run.scene.box)
            plate.dots(panel, run.scene.target[:SHOWN], TARGET, 0.35, square=True)
            plate.dots(panel, nearest(run.snapshots, step).generated[:SHOWN], GENERATED, 0.45)
            plate.frame(panel)
        if losses:
            _losses(plate, run, Panel(WIDE - MARGIN - 32, y, 32, side))
    foot = plate.high - MARGIN
    plate.key(left, foot - 4, [("target", TARGET, False), ("generated", GENERATED, False)])
    if losses:
        plate.write(WIDE - MARGIN - 16, top - 1.5, "losses over the run", SMALL, "middle")
        plate.key(WIDE - MARGIN - 52, foot - 4, [("generator loss", GENERATED, False), ("adversary", ADVERSARY, True)])
    _sign(plate, f"Ring of radius 2; {SHOWN} points of each; seed {seed}.")
    return plate


def _losses(plate: Plate, run: SavedRun, place: Panel) -> None:
    curve = run.curve()
    both = np.concatenate([curve.generator, curve.adversary])
    finite = both[np.isfinite(both)]
    low, high = (float(edge) for edge in np.quantile(finite, [0.005, 0.995])) if len(finite) else (0.0, 1.0)
    room = 0.08 * max(high - low, 1e-6)
    panel = Panel(place.x, place.y, place.wide, place.high, (0, float(run.step), low - room, high + room))
    plate.line(panel, curve.step, curve.adversary, ADVERSARY, dashed=True)
    plate.line(panel, curve.step, curve.generator, GENERATED)
    plate.frame(panel)
    plate.ticks(panel, (), round_ticks(panel.box[2], panel.box[3], 4))


def _epochs(title: str, seed: int, quick: bool) -> Plate:
    return _sheets(title, [("", image_trajectory(report_config(CNN, seed), quick))], (1, 2, 3, 4), seed)


def _networks(title: str, seed: int, quick: bool) -> Plate:
    both = [
        (words, image_trajectory(report_config(model, seed), quick)) for words, model in (("MLP", MLP), ("CNN", CNN))
    ]
    return _sheets(title, both, (1,), seed, curves=False)


def _batches(title: str, seed: int, quick: bool) -> Plate:
    both = [
        (words, image_trajectory(report_config(model, seed), quick))
        for words, model in (("batch 8", BATCH), ("batch 32", CNN))
    ]
    return _sheets(title, both, (4,), seed)


def _epsilons(title: str, seed: int, quick: bool) -> Plate:
    both = [
        (words, image_trajectory(report_config(model, seed), quick))
        for words, model in (("ε = 0.01", EPSILON), ("ε = 1", CNN))
    ]
    return _sheets(title, both, (4,), seed)


def _sheets(
    title: str,
    trajectories: Sequence[tuple[str, ImageTrajectory]],
    epochs: Sequence[int],
    seed: int,
    curves: bool = True,
) -> Plate:
    """Loss curves, one above the other, and images after some epochs beside them."""
    count = len(trajectories) * len(epochs)
    columns = min(count, 2)
    left = MARGIN + (84 if curves else 0)
    side = (WIDE - left - MARGIN - GAP * (columns - 1)) / columns
    top, lines = MARGIN + 9, -(-count // columns)
    high = lines * (side + 7)
    plate = _begun(title, top + high + 8)
    shown = [(words, seen, epoch) for words, seen in trajectories for epoch in epochs]
    for place, (words, seen, epoch) in enumerate(shown):
        x, y = left + place % columns * (side + GAP), top + place // columns * (side + 7)
        at = min(2 * epoch, len(seen.steps) - 1)
        told = f"Fréchet {seen.score('frechet', epoch):.0f}"
        named = f"{words}, " if words else ""
        plate.write(x, y + 3, f"{named}epoch {epoch}: {told}", SMALL)
        plate.images(Panel(x, y + 4, side, side), seen.images[at], SIDE)
    if curves:
        high -= 7
        for place, (words, seen) in enumerate(trajectories):
            each = (high - 8 * (len(trajectories) - 1)) / len(trajectories)
            _curve(
                plate, words, seen, Panel(MARGIN + 9, top + 4 + place * (each + 8), 70, each - 4), _range(trajectories)
            )
    _sign(
        plate,
        f"MNIST at 8 × 8, settings of the report; the same 64 latents everywhere; Fréchet distance by otviz' own classifier; seed {seed}.",
    )
    return plate


def _range(trajectories: Sequence[tuple[str, ImageTrajectory]]) -> tuple[float, float]:
    """Common limits of all losses except outliers."""
    every = np.concatenate([seen.losses[np.isfinite(seen.losses)] for _, seen in trajectories])
    low, high = np.quantile(every, [0.002, 0.998])
    room = 0.05 * max(float(high - low), 1e-6)
    return float(low) - room, float(high) + room


def _curve(plate: Plate, words: str, seen: ImageTrajectory, place: Panel, limits: tuple[float, float]) -> None:
    epochs: Values = np.arange(1, len(seen.losses) + 1) / max(float(seen.steps[-1]), 1.0) * (len(seen.steps) - 1) / 2
    panel = Panel(place.x, place.y, place.wide, place.high, (0.0, float(epochs[-1]), *limits))
    every = max(1, len(epochs) // 3000)  # more than the plate could show
    plate.line(panel, epochs[::every], seen.losses[::every], GENERATED, wide=0.12)
    plate.frame(panel)
    plate.ticks(panel, round_ticks(*panel.box[:2], 4), round_ticks(*limits, 5))
    plate.write(place.x, place.y - 1, f"{words + ': ' if words else ''}generator loss over epochs", SMALL)


def _begun(title: str, high: float) -> Plate:
    plate = Plate(WIDE, high, title)
    plate.write(MARGIN, MARGIN + 3, title, HEADING, bold=True)
    return plate


def _sign(plate: Plate, text: str) -> None:
    plate.write(MARGIN, plate.high - MARGIN + 1, f"{text} Trained here, otviz {__version__}.", min(SMALL, BODY))
