"""The probe of a run on points. Source points and noise are fixed, so that consecutive snapshots change smoothly."""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.data.distributions import Mixture
from otviz.data.units import in_file_units
from otviz.evaluation.metrics import coverage, diversity, precision_recall, real_scores, stray, wasserstein2
from otviz.runs.snapshots import Array, Meter, Scene, Snapshot, in_file, square_box
from otviz.training.loop import Training

POINTS = 1000
HEAT = 48
ARROWS = 16
MANIFOLD = 17
W2_POINTS = 500
W2_EVERY = 2.0  # seconds
DIVERSITY_POINTS = 20_000  # enough for the mean variance of the target to within 2 %


class Probe:
    """Takes snapshots of one training. Computes in data units; scene and snapshots are in the units of the target's file.

    Args:
        training: it is read, never changed.
        seed: for the probe's points and noise.
        grids: cells per side of the heat map, the arrows and the generator's grid.
        patience: seconds until the slower metrics are measured for the first time, which takes .3 s.
    """

    def __init__(
        self,
        training: Training,
        seed: int,
        grids: tuple[int, int, int] = (HEAT, ARROWS, MANIFOLD),
        patience: float = 0.0,
    ) -> None:
        heat, arrows, sheet = grids
        rng = np.random.default_rng([seed, 7])
        noise = torch.Generator().manual_seed(seed + 7)
        device = training.device
        self.training = training
        self._grids = grids
        self._units = units = training.target.units
        many = training.target.sample(DIVERSITY_POINTS, np.random.default_rng([seed, 8]))
        self._meter: Meter = {"samples": POINTS, "diversity_target": diversity(many)}
        self._measure_at = time.monotonic() + patience
        self._field_due = -math.inf
        self._drawn: tuple[Array | None, Array | None] = (None, None)
        self._held_out = training.target.sample(W2_POINTS, rng)
        self._mixture: Mixture | None = training.target.mixture()
        target = training.target.sample(POINTS, rng)
        source = training.source.sample(POINTS, rng)
        box = square_box(target, source)
        self._source = torch.from_numpy(source).to(device)
        self._target = torch.from_numpy(target).to(device)
        self._noise = torch.randn(POINTS, training.method.noise_dim, generator=noise).to(device)
        self._heat = _grid(box, heat).to(device)
        self._arrows = _grid(box, arrows, inset=True).to(device)
        self._sheet = _sheet(source, sheet).to(device)
        self.scene = Scene(
            title=training.method.title,
            box=in_file(box, units),
            target=units.to_file(target),
            source=units.to_file(source),
            centres=None if self._mixture is None else units.to_file(self._mixture.centres),
            adversary=training.method.adversary_word,
            steps=training.steps,
            loss_floor=loss_floor(training, rng),
            unit=units.word,
        )

    @property
    def has_measured(self) -> bool:
        """Whether the slower metrics were measured."""
        return "measured_at" in self._meter

    def take_snapshot(
        self, sequence: int, seconds: float, losses: tuple[float, float], measure: bool | None = None
    ) -> Snapshot:
        """A snapshot of the training. Coverage is measured every time, slower metrics only every few seconds.

        Args:
            sequence: number of the snapshot within the run.
            seconds: training time so far.
            losses: the last ones, of generator and adversary.
            measure: True measures everything and computes the field, False skips the slower metrics; None decides by the time
                since the last measurement.
        """
        training = self.training
        with torch.no_grad():
            generated = training.eval_generator(self._source, self._noise)
            sheet = training.eval_generator(
                self._sheet, torch.zeros(len(self._sheet), training.method.noise_dim).to(generated)
            )
        points = as_array(generated)
        finite = bool(np.isfinite(points).all())
        if finite:
            self._measure(points, measure)
        potential, arrows = self._field_now_and_then(generated, bool(measure))
        return Snapshot(
            sequence=sequence,
            step=training.step,
            progress=training.progress,
            seconds=seconds,
            generated=self._units.to_file(points),
            potential=potential,
            arrows=None if arrows is None else arrows / self._units.factor,
            manifold=self._units.to_file(as_array(sheet).reshape(self._grids[2], self._grids[2], 2)),
            generator_loss=losses[0],
            adversary_loss=losses[1],
            alpha=training.method.scalars(training.progress).get("alpha"),
            meter=in_file_units(self._meter if finite else {"samples": POINTS}, self._units),
        )

    def _measure(self, points: Array, all_of_it: bool | None) -> None:
        """Coverage every time; W2, which takes tens of milliseconds, precision and recall only every few seconds."""
        if self._mixture is not None:
            self._meter |= coverage(points, self._mixture)
        self._meter["diversity"] = diversity(points)
        now = time.monotonic()
        due = now >= self._measure_at or self.training.step >= self.training.steps
        if due if all_of_it is None else all_of_it:
            self._measure_at = now + W2_EVERY
            self._meter |= scores(points[:W2_POINTS], self._held_out) | dict(
                real_scores(self.training.target, W2_POINTS)
            )
            self._meter["measured_at"] = self.training.step

    def samples(self, n: int, seed: int) -> Array:
        """n new generated points, shape (n, 2), in data units."""
        rng = np.random.default_rng([seed, 11])
        noise = torch.Generator().manual_seed(seed + 11)
        training = self.training
        source = torch.from_numpy(training.source.sample(n, rng)).to(training.device)
        z = torch.randn(n, training.method.noise_dim, generator=noise).to(training.device)
        with torch.no_grad():
            return as_array(training.eval_generator(source, z))

    def _field_now_and_then(self, generated: Tensor, now: bool) -> tuple[Array | None, Array | None]:
        """The field, recomputed so that it takes at most about a tenth of the time; it may cost more than the rest of a snapshot."""
        began = time.monotonic()
        if now or began >= self._field_due:
            self._drawn = self._field(generated)
            self._field_due = time.monotonic() + 10 * (time.monotonic() - began)
        return self._drawn

    def _field(self, generated: Tensor) -> tuple[Array | None, Array | None]:
        training = self.training
        adversary = training.adversary if training.adversary is not None else torch.nn.Identity()
        rows = min(256, POINTS)
        batch = generated[:rows], self._target[:rows]
        with torch.no_grad():
            heat_values = training.method.field(adversary, self._heat, *batch)
        if heat_values is None:
            return None, None
        at = self._arrows.clone().requires_grad_(True)
        value = training.method.field(adversary, at, *batch)
        assert value is not None
        (slope,) = torch.autograd.grad(value.sum(), at)
        values, slopes, (heat, side, _) = as_array(heat_values), as_array(slope), self._grids
        # A deep minimum far from the data would flatten the colours near it.
        return values.clip(np.quantile(values, 0.1), None).reshape(heat, heat), slopes.reshape(side, side, 2)


def scores(points: Array, real: Array) -> Meter:
    """W2, precision, recall and stray of generated against as many real points, by name."""
    precision, recall = precision_recall(points, real)
    found = {"w2": wasserstein2(points, real), "w2_samples": len(real), "stray": stray(points, real)}
    return found | {"precision": precision, "recall": recall}


def _grid(box: tuple[float, float, float, float], n: int, inset: bool = False) -> Tensor:
    half = 0.5 / n if inset else 0.0
    t = torch.linspace(half, 1 - half, n)
    x, y = box[0] + (box[1] - box[0]) * t, box[2] + (box[3] - box[2]) * t
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns, rows], dim=-1).reshape(-1, 2)


def _sheet(source: Array, n: int) -> Tensor:
    """A regular grid over most of the source, shape (n * n, 2). Its image shows how the generator deforms the plane."""
    low, high = (torch.from_numpy(np.quantile(source, q, axis=0)).float() for q in (0.02, 0.98))
    box = (low[0].item(), high[0].item(), low[1].item(), high[1].item())
    return _grid(box, n)


def loss_floor(training: Training, rng: np.random.Generator) -> tuple[float, float] | None:
    """Mean and standard deviation of the loss between two real batches, over 8 draws; None if the method has none."""
    rows = training.method.batch_size
    values = []
    for _ in range(8):
        pair = [torch.from_numpy(training.target.sample(rows, rng)).to(training.device) for _ in range(2)]
        value = training.method.loss_floor(*pair)
        if value is None or not math.isfinite(value):
            return None
        values.append(value)
    return float(np.mean(values)), float(np.std(values))


def as_array(tensor: Tensor) -> NDArray[np.float32]:
    """The tensor as a NumPy array, float32."""
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array
