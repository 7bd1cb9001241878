"""The papers' overview figures, reproduced for print from trainings like those of the claims.

    python -m otviz figures all --out pictures

Stored trainings are reused; others are trained first, which takes minutes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otviz.content.bibliography import cite
from otviz.core import __version__
from otviz.data.datasets import to_rows
from otviz.data.datasets.sheets import sheet
from otviz.data.target import Target
from otviz.experiments.claims.family import TITLES
from otviz.experiments.claims.report_figures import BATCH, CNN, EPSILON, MLP
from otviz.experiments.image_trajectories import ImageTrajectory, image_trajectory, report_config, unavailable_reason
from otviz.experiments.sweeps.sweep import run_id
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.experiments.trainings import QUICK_STEPS, RING
from otviz.experiments.trainings import from_preset as methods_of
from otviz.methods import Method
from otviz.runs.config import RunConfig
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.training.compare import presets
from otviz.viz.snapshot_table import nearest
from otviz.viz.style import ADVERSARY, GENERATED, TARGET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 180 / 25.4  # inches, text width of a page
SMALL, BODY, HEADING = 6.5, 7.0, 9.0  # font sizes in points
FRAME = "#8A8F98"
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
    draw: Callable[[str, int, bool], Figure]

    def figure(self, seed: int = 0, quick: bool = False) -> Figure:
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


def _after(source: str, figure: int, shows: str, images: bool, draw: Callable[[str, int, bool], Figure]) -> Overview:
    title = f"{shows} (after {cite(source, f'Fig. {figure}')})"
    return Overview(f"{source}-figure-{figure}", title, images, draw)


def _family(title: str, seed: int, quick: bool) -> Figure:
    methods, steps = methods_of("table-1")
    rows = [(words, _run(methods[name], RING, steps, seed, quick)) for name, words in TITLES.items()]
    last = rows[0][1].step
    return _table(title, rows, [round(last * part / 5) for part in range(1, 6)], seed, losses=True)


def _frozen(title: str, seed: int, quick: bool) -> Figure:
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
    name = run_id(config)
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
    marked: Mapping[int, str] | None = None,
) -> Figure:
    """A row per run, a column per step, and the losses on the right."""
    side = (WIDE - (1.8 if losses else 0.3)) / len(steps)
    figure = _begun(title, len(rows) * side + 0.8)
    widths = [1.0] * len(steps) + ([1.3] if losses else [])
    grid = figure.subplots(len(rows), len(widths), squeeze=False, width_ratios=widths)
    for (words, run), places in zip(rows, grid, strict=True):
        places[0].set_ylabel(words, fontsize=BODY)
        for step, axes in zip(steps, places, strict=False):
            _points(axes, run, step)
        if losses:
            _losses(places[-1], run)
    for step, axes in zip(steps, grid[0], strict=False):
        axes.set_title(f"{step}: {marked[step]}" if marked and step in marked else f"step {step}", fontsize=SMALL)
    if losses:
        grid[0, -1].set_title("losses over the run", fontsize=SMALL)
    entries = grid[0, 0].get_lines() + (grid[0, -1].get_lines() if losses else [])
    figure.legend(
        handles=entries, loc="outside lower right", ncols=4, fontsize=SMALL, frameon=False,
        markerscale=3, borderpad=0, handlelength=1.5, handletextpad=0.4, columnspacing=1,
    )  # fmt: skip
    return _signed(figure, f"Ring of radius 2; {SHOWN} points of each; seed {seed}.")


def _points(axes: Axes, run: SavedRun, step: int) -> None:
    box = run.scene.box
    axes.set(xlim=box[:2], ylim=box[2:], xticks=(), yticks=(), aspect="equal")
    generated = nearest(run.snapshots, step).generated
    for label, points, marker, size, colour in (
        ("target", run.scene.target, "s", 1.2, TARGET),
        ("generated", generated, "o", 1.5, GENERATED),
    ):
        axes.plot(
            *points[:SHOWN].T, marker, color=colour, markersize=size, markeredgewidth=0, alpha=0.75, label=label,
            rasterized=True,  # 30 000 marks as vectors would take megabytes
        )  # fmt: skip


def _losses(axes: Axes, run: SavedRun) -> None:
    curve = run.curve()
    axes.plot(curve.step, curve.generator, color=GENERATED, linewidth=0.6, label="generator loss", zorder=3)
    axes.plot(curve.step, curve.adversary, "--", color=ADVERSARY, linewidth=0.6, label="adversary loss")
    axes.set(xlim=(0, run.step), ylim=_range(np.concatenate([curve.generator, curve.adversary]), 0.005), xticks=())
    axes.set_box_aspect(1 / 1.3)
    _few_ticks(axes)


def _epochs(title: str, seed: int, quick: bool) -> Figure:
    return _sheets(title, [("", image_trajectory(report_config(CNN, seed), quick))], (1, 2, 3, 4), seed)


def _networks(title: str, seed: int, quick: bool) -> Figure:
    both = [
        (words, image_trajectory(report_config(model, seed), quick)) for words, model in (("MLP", MLP), ("CNN", CNN))
    ]
    return _sheets(title, both, (1,), seed, curves=False)


def _batches(title: str, seed: int, quick: bool) -> Figure:
    both = [
        (words, image_trajectory(report_config(model, seed), quick))
        for words, model in (("batch 8", BATCH), ("batch 32", CNN))
    ]
    return _sheets(title, both, (4,), seed)


def _epsilons(title: str, seed: int, quick: bool) -> Figure:
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
) -> Figure:
    """Loss curves, one above the other, and images after some epochs beside them."""
    shown = [(words, seen, epoch) for words, seen in trajectories for epoch in epochs]
    columns = min(len(shown), 2)
    lines = math.ceil(len(shown) / columns)
    room = WIDE * 0.52 if curves else WIDE
    figure = _begun(title, lines * (room / columns + 0.2) + 0.6)
    halves = figure.add_gridspec(1, 2, width_ratios=(WIDE - room if curves else 1e-6, room))
    for axes, (words, seen, epoch) in zip(
        halves[1].subgridspec(lines, columns).subplots(squeeze=False).flat, shown, strict=True
    ):
        pixels = seen.images[min(2 * epoch, len(seen.steps) - 1)]
        axes.imshow(sheet(to_rows(pixels), pixels.shape[1:], SIDE), interpolation="none")
        axes.set_axis_off()
        named = f"{words}, " if words else ""
        axes.set_title(f"{named}epoch {epoch}: Fréchet {seen.score('frechet', epoch):.0f}", loc="left", fontsize=SMALL)
    if curves:
        limits = _range(
            np.concatenate([seen.losses for _, seen in trajectories]), 0.002
        )  # the same, so that curves compare
        for axes, (words, seen) in zip(
            halves[0].subgridspec(len(trajectories), 1).subplots(squeeze=False).flat, trajectories, strict=True
        ):
            _curve(axes, words, seen, limits)
    return _signed(
        figure,
        f"MNIST at 8 × 8, settings of the report; the same 64 latents everywhere; Fréchet distance by otviz' own classifier; seed {seed}.",
    )


def _curve(axes: Axes, words: str, seen: ImageTrajectory, limits: tuple[float, float]) -> None:
    epochs = np.arange(1, len(seen.losses) + 1) / max(float(seen.steps[-1]), 1.0) * (len(seen.steps) - 1) / 2
    every = max(1, len(epochs) // 3000)  # more than print could show
    axes.plot(epochs[::every], seen.losses[::every], color=GENERATED, linewidth=0.35)
    axes.set(xlim=(0, epochs[-1]), ylim=limits)
    axes.set_title(f"{words + ': ' if words else ''}generator loss over epochs", loc="left", fontsize=SMALL)
    _few_ticks(axes)


def _range(losses: NDArray[np.floating], outermost: float) -> tuple[float, float]:
    """Limits of all losses except the share `outermost` at each end."""
    finite = losses[np.isfinite(losses)]
    low, high = np.quantile(finite, [outermost, 1 - outermost]) if len(finite) else (0.0, 1.0)
    room = 0.06 * max(float(high - low), 1e-6)
    return float(low) - room, float(high) + room


def _few_ticks(axes: Axes) -> None:
    axes.locator_params(nbins=5)
    axes.tick_params(labelsize=SMALL, width=0.4, length=2, color=FRAME)


def _begun(title: str, high: float) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure((WIDE, high), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=HEADING, fontweight="bold")
    return figure


def _signed(figure: Figure, text: str) -> Figure:
    for axes in figure.axes:
        axes.spines[:].set(color=FRAME, linewidth=0.4)
    figure.supxlabel(f"{text} Trained here, otviz {__version__}.", x=0.01, ha="left", fontsize=SMALL)
    return figure
