"""How fast, against loops written the plain way and against geomloss, as ratios within one run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import naive
from benchmarks.claims import generated_batches, notebook_loss, real_batches
from benchmarks.rows import Effort, Measured, Row
from benchmarks.timing import Paired, paired, steps_of
from benchmarks.truth import converged_gradient
from otviz.data.distributions.distribution import Distribution, Points
from otviz.data.distributions.ring import Ring
from otviz.methods.sinkhorn import Sinkhorn
from otviz.methods.unified import UOTM
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.notebook_cost import notebook_points
from otviz.ot.reference import geomloss_divergence
from otviz.training.loop import start, train

SCALINGS = (0.9, 0.7)
NOTEBOOK_STEPS = 1400  # 200 epochs of 2000 points in whole batches of 256


@dataclass(frozen=True)
class _Drawn(Distribution):
    """The 2000 points of the naive loop's data set, drawn from with replacement: both learn from the same data."""

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        points: Points = naive.ring(2000, 3, 0.25, 0).numpy()[rng.integers(2000, size=n)]
        return points


def sinkhorn_speed(effort: Effort) -> Measured:
    """The notebook's training, ours and its own in turn; both losses at the end measured alike."""
    steps, block = (4, 2) if effort.quick else (NOTEBOOK_STEPS, 10)
    net = naive.sinkhorn_generator()
    reference = naive.sinkhorn(steps, net=net)
    default = Sinkhorn().scaling
    scalings = sorted({default, *SCALINGS})
    trainings = {scaling: start(Sinkhorn(scaling=scaling), _Drawn(), steps=steps) for scaling in scalings}
    streams = {scaling: train(live.method, live.target, training=live) for scaling, live in trainings.items()}
    timed = _together({scaling: steps_of(stream, block) for scaling, stream in streams.items()},
                      steps_of(reference, block), steps // block)  # fmt: skip
    rounds = 2 if effort.quick else 20
    losses = {scaling: notebook_loss(generated_batches(live, 0), 0, rounds) for scaling, live in trainings.items()}
    naive_loss, floor = notebook_loss(_of(net), 0, rounds), notebook_loss(real_batches(0), 0, rounds)
    told = timed[default]
    equal = losses[default] <= naive_loss + 0.05
    each = "; ".join(f"scaling {s:g}: x{timed[s].ratio:.1f}, loss {losses[s]:.3f}" for s in scalings)
    return Measured(
        shown=f"{told.shown(block)} at the default scaling {default:g}; {each}; "
        f"naive loss {naive_loss:.3f}, floor {floor:.3f}",
        reached=told.ratio >= 20 and equal,
        value=told.summary(block)["ours_ms"],
        reference=told.summary(block)["reference_ms"],
        ratio=told.ratio,
        extra={
            "losses": {str(s): loss for s, loss in losses.items()}, "naive_loss": naive_loss, "floor": floor,
            "default scaling": default, **{str(s): pairs.summary(block) for s, pairs in timed.items()},
        },
        sample=f"{steps} steps of each, losses on {rounds} x 256 points",
    )  # fmt: skip


def _together(ours: dict[float, Any], reference: Any, pairs: int) -> dict[float, Paired]:
    """Each of ours against the reference, whose every block serves all of them."""
    found: dict[float, list[Paired]] = {name: [] for name in ours}
    for _ in range(pairs):
        first, *rest = ours
        one = paired(ours[first], reference, 1)
        found[first].append(one)
        for name in rest:
            two = paired(ours[name], lambda: None, 1)
            found[name].append(dataclasses.replace(one, ours=two.ours, ours_wall=two.ours_wall))
    parts = [field.name for field in dataclasses.fields(Paired)]
    return {
        name: Paired(*(tuple(value for pair in each for value in getattr(pair, part)) for part in parts))
        for name, each in found.items()
    }


def _of(net: torch.nn.Module, batch: int = 256) -> Iterator[Tensor]:
    rng = torch.Generator().manual_seed(30_000)
    while True:
        with torch.no_grad():
            yield net(torch.randn(batch, 2, generator=rng))


def divergence_2000(effort: Effort) -> Measured:
    """Value and gradient at the notebook's 2000 x 2000 points, blur .02."""
    n, pairs, blur = (64, 1, 0.1) if effort.quick else (2000, 5, 0.02)
    x, y = (torch.from_numpy(points[:n]) for points in notebook_points())
    truth, error = converged_gradient(x, y, blur)

    def theirs() -> Tensor:
        points = x.clone().requires_grad_()
        torch.autograd.backward(geomloss_divergence(points, y, blur=blur, scaling=0.9))
        assert points.grad is not None
        return points.grad

    found = {}
    for scaling in (0.7, 0.9):
        timed = paired(lambda s=scaling: sinkhorn_divergence(x, y, blur=blur, scaling=s), theirs, pairs)  # type: ignore[misc]
        gradient = sinkhorn_divergence(x, y, blur=blur, scaling=scaling).gradient_x
        found[scaling] = timed.summary() | {"gradient_error": _off(gradient, truth)}
    geomloss = _off(theirs(), truth)
    told = found[0.7]
    return Measured(
        shown=f"x{told['ratio']:.1f} ({told['ours_ms']:.0f} ms against {told['reference_ms']:.0f}), gradient error "
        f"{told['gradient_error']:.3f} against {geomloss:.3f}; at scaling .9 x{found[0.9]['ratio']:.0f}, error "
        f"{found[0.9]['gradient_error']:.3f}",
        reached=told["ratio"] >= 40 and told["gradient_error"] <= geomloss,
        value=told["ours_ms"],
        reference=told["reference_ms"],
        ratio=told["ratio"],
        extra={"scaling": {str(s): each for s, each in found.items()}, "geomloss_gradient_error": geomloss,
               "marginal_error_of_truth": error, "blur": blur},
        sample=f"{n} x {n} points of the notebook, {pairs} pairs each",
    )  # fmt: skip


def _off(gradient: Tensor, truth: Tensor) -> float:
    relative: float = ((gradient.double() - truth).norm() / truth.norm()).item()
    return relative


def uotm_eager(effort: Effort) -> Measured:
    """One step of UOTM, batch 128, width 64, as it runs live, against the naive loop's."""
    return _uotm(effort, compiled=False, wanted=1.5)


def uotm_compiled(effort: Effort) -> Measured:
    """The same with its updates compiled; the seconds that compiling takes are told, not counted."""
    if effort.quick:  # compiling takes longer than the whole of a quick look
        return Measured("not tried in a quick run", None)
    return _uotm(effort, compiled=True, wanted=3.0)


def _uotm(effort: Effort, *, compiled: bool, wanted: float) -> Measured:
    pairs, block = (1, 2) if effort.quick else (40, 50)
    ours = train(UOTM(), Ring(radius=2.0, std=0.1), steps=pairs * block + 2, compile=compiled)
    began = time.perf_counter()
    for _ in range(2):  # the first step is plain, the second one compiles
        next(ours)
    seconds = time.perf_counter() - began
    timed = paired(steps_of(ours, block), steps_of(naive.uotm(pairs * block), block), pairs)
    told = timed.summary(block)
    first = f", after {seconds:.0f} s of compiling" if compiled else ""
    return Measured(
        shown=f"{timed.shown(block)}{first}",
        reached=told["ratio"] >= wanted,
        value=told["ours_ms"],
        reference=told["reference_ms"],
        ratio=told["ratio"],
        extra=told | {"seconds_before": seconds},
        sample=f"{pairs} pairs of {block} steps",
    )


def cuda_step(effort: Effort) -> Measured:
    """The step as it runs on CUDA against the naive loop there, and its losses against the CPU's."""
    if not torch.cuda.is_available():
        return Measured("no GPU here", None)
    pairs, block = (1, 2) if effort.quick else (20, 200)
    ring = Ring(radius=2.0, std=0.1)
    ours = train(UOTM(), ring, steps=pairs * block + 100, device="cuda", compile=True)
    reference = naive.uotm(pairs * block + 100, device="cuda")
    for stream in (ours, reference):
        _waited(stream, 100)
    timed = paired(lambda: _waited(ours, block), lambda: _waited(reference, block), pairs)
    apart = _apart(ring)
    return Measured(
        shown=f"x{timed.ratio_wall:.1f} ({timed.summary(block)['ours_ms_wall']:.2f} ms); losses within {apart:.0e} "
        "of the CPU's over 10 steps",
        reached=timed.ratio_wall >= 10 and apart <= 1e-4,
        value=timed.summary(block)["ours_ms_wall"],
        reference=timed.summary(block)["reference_ms_wall"],
        ratio=timed.ratio_wall,
        extra={**timed.summary(block), "losses_apart": apart},
        sample=f"{pairs} pairs of {block} steps, by the clock",
    )


def _waited(stream: Iterator[Any], count: int) -> None:
    steps_of(stream, count)()
    torch.cuda.synchronize()


def _apart(ring: Ring) -> float:
    """Largest relative difference of the losses of ten steps between CUDA and the CPU."""
    both = [
        [
            float(loss)
            for step in train(UOTM(), ring, steps=10, device=device, draws="cpu")
            for loss in (step.generator_loss, step.adversary_loss)
            if loss is not None
        ]
        for device in ("cpu", "cuda")
    ]
    return max([abs(a - b) / max(abs(a), 1e-12) for a, b in zip(*both, strict=True)], default=0.0)


ROWS = (
    Row("sinkhorn-speed", "Sinkhorn generator, notebook settings, a step against the notebook's own loop",
        "x20 at equal final loss", sinkhorn_speed),
    Row("divergence-2000", "Sinkhorn divergence and gradient, 2000 x 2000, against geomloss tensorized at scaling .9",
        "x40, gradient error no larger", divergence_2000),
    Row("uotm-eager", "UOTM step (width 64, batch 128) against the naive loop, eager", "x1.5", uotm_eager),
    Row("uotm-compiled", "the same, compiled", "x3", uotm_compiled),
    Row("cuda-step", "UOTM step captured on CUDA against the naive loop there; losses as on the CPU",
        "x10; 1e-4 over 10 steps", cuda_step),
)  # fmt: skip
