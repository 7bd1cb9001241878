"""The parts of `python -m benchmarks gpu`: each yields lines as it finds them, so that what a killed part found is kept."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from benchmarks import naive, stacked
from benchmarks.gpu_matching import matching_of_processes
from benchmarks.gpu_place import Line, Measure, Noises, Place, pace, tried
from otviz.core import accelerator
from otviz.data.distributions.ring import Ring
from otviz.methods import Method, methods, named
from otviz.methods.unified import UOTM
from otviz.networks import Networks
from otviz.training.loop import Training, start
from otviz.training.presets import preset

NEAR = 1e-4
"""Largest share of the losses' size by which they may differ from the CPU's within ten steps."""

SLOW = 20.0
"""Seconds of an OT-GAN step from which on no larger batch is tried."""

RING = Ring(radius=2.0, std=0.1)


Part = Callable[[Place], Iterator[Line]]


def check(place: Place) -> Iterator[Line]:
    """Ten steps of every method, points and images, against the CPU: the same draws and the same solvers, in float32."""
    accelerator.READ_AT_ONCE = frozenset()
    images = Noises(count=64, side=8 if place.quick else 16)
    measures: dict[str, Measure] = {}
    for name in sorted(methods()):
        small = {"batch_size": 8, "hidden": 8, "layers": 1} if place.quick else {}
        found = preset(name, images)
        measures[f"{name}, points"] = lambda name=name, small=small: _against_cpu(
            place, f"{name}, points", named(name)(**small), RING
        )  # type: ignore[misc]
        measures[f"{name}, images"] = lambda name=name, found=found: _against_cpu(  # type: ignore[misc]
            place,
            f"{name}, images",
            found.applied(named(name), batch_size=8 if place.quick else 32),
            images,
            found.networks,
        )
    yield from tried(place, measures)


def _against_cpu(
    place: Place, what: str, method: Method, target: Ring | Noises, networks: Networks | None = None, steps: int = 10
) -> Line:
    both = []
    for device in ("cpu", place.device.type):
        live = start(
            method, target, steps=steps, networks=networks, device=device, draws="cpu", precision="float32"
        )  # fmt: skip
        losses = [
            loss
            for step in (live.advance() for _ in range(steps))
            for loss in (step.generator_loss, step.adversary_loss)
        ]
        both.append(np.array([np.nan if loss is None else loss.item() for loss in losses]))
    apart = float(np.nanmax(np.abs(both[0] - both[1])) / max(np.nanmax(np.abs(both[0])), 1e-12))
    near = apart <= NEAR
    shown = f"losses of {steps} steps within {apart:.0e} of the CPU's"
    return Line(what, shown if near else f"{shown}: **more than {NEAR:g}**", {"apart": apart, "failed": not near})


def waits(place: Place) -> Iterator[Line]:
    """How often a step of each method waits for the card, as CUDA counts it."""
    if place.device.type != "cuda":
        yield Line("waits for the device", "only CUDA counts them; tests/test_accelerator.py counts without a card")
        return
    images = Noises(count=64, side=16)
    measures: dict[str, Measure] = {}
    for name in sorted(methods()):
        found = preset(name, images)
        points = (named(name)(), RING, None)
        pictures = (found.applied(named(name)), images, found.networks)
        for kind, setting in (("points", points), ("images", pictures)):
            measures[f"{name}, {kind}"] = lambda what=f"{name}, {kind}", setting=setting: _waits(what, *setting)  # type: ignore[misc]
    yield from tried(place, measures)


def _waits(what: str, method: Method, target: Ring | Noises, networks: Networks | None, steps: int = 12) -> Line:
    live = start(method, target, steps=100, networks=networks, device="cuda")
    _advance(live, 40)  # a chunk of points, cuDNN's search, and the first state of Adam
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            _advance(live, steps)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    count = sum("synchronizing" in str(warning.message) for warning in found)
    return Line(what, f"{count} waits in {steps} steps", {"waits": count, "failed": count > 0})


def steps(place: Place) -> Iterator[Line]:
    """A step of UOTM as it runs plainly, eagerly, compiled and as a CUDA graph; the others eagerly."""
    small: dict[str, Any] = {"hidden": 8, "layers": 1, "batch_size": 16} if place.quick else {}
    method, kind, seconds = UOTM(**small), place.device.type, 0.2 if place.quick else 5.0
    plain = naive.uotm(10**9, hidden=method.hidden, batch=method.batch_size, device=kind)
    theirs = pace(place, lambda: next(plain), seconds)
    yield Line("UOTM, plain loop", f"{theirs:.3g} ms a step", {"ms": theirs})

    def eager(what: str, chosen: Method) -> Line:
        live = start(chosen, RING, steps=10**6, device=kind)
        ms = pace(place, live.advance, seconds)
        beside = f"; x{theirs / ms:.2f} of the plain loop's speed" if isinstance(chosen, UOTM) else ""
        return Line(what, f"{ms:.3g} ms a step{beside}", {"ms": ms})

    modes = {"UOTM, compiled": False} | ({"UOTM, CUDA graph": True} if kind == "cuda" else {})
    yield from tried(place, {
        "UOTM, eager": lambda: eager("UOTM, eager", method),
        **{f"{name}, eager": lambda name=name: eager(f"{name}, eager", named(name)(**small)) for name in ("ot-gan", "sinkhorn")},  # type: ignore[misc]
        **{what: lambda what=what, graphs=graphs: _compiled(place, what, method, graphs, theirs, seconds) for what, graphs in modes.items()},  # type: ignore[misc]
    })  # fmt: skip
    if kind != "cuda":
        yield Line("UOTM, CUDA graph", "needs CUDA; tests/test_cuda_graphs.py checks what a graph needs")


def _compiled(place: Place, what: str, method: Method, graphs: bool, theirs: float, seconds: float) -> Line:
    compiling, counters = torch.compile, torch._dynamo.utils.counters["inductor"]
    before = counters["cudagraph_skips"]
    live = start(method, RING, steps=10**6, device=place.device.type, compile=True)
    live.advance()
    begun = time.monotonic()
    try:
        if not graphs:  # on CUDA an update is a graph unless it is compiled without a mode
            torch.compile = lambda *given, **options: compiling(*given, **{**options, "mode": None})
        _advance(live, 1)
        place.wait()
    finally:
        torch.compile = compiling
    compiled_in = time.monotonic() - begun
    ms = pace(place, live.advance, seconds)
    skipped = counters["cudagraph_skips"] - before
    numbers = {"ms": ms, "compiled_in": compiled_in, "graphs_skipped": skipped, "failed": graphs and skipped > 0}
    told = f"; **{skipped} graphs were skipped**" if graphs and skipped else ""
    return Line(
        what,
        f"{ms:.3g} ms a step; x{theirs / ms:.2f} of the plain loop's speed; compiled in {compiled_in:.0f} s{told}",
        numbers,
    )


def stack(place: Place) -> Iterator[Line]:
    """A sweep of tau as one stack of networks against the same runs in turn."""
    values = 3 if place.quick else stacked.VALUES
    if place.device.type not in ("cpu", "cuda"):
        yield Line("sweep of tau", f"not measured on {place.device.type}")
        return

    def sweep() -> Line:
        ours, theirs, ratio = stacked.compared(place.device.type, values, 1 if place.quick else 3)
        shown = f"x{ratio:.1f}: {1000 * ours:.3g} ms against {1000 * theirs:.3g} for a step of all"
        return Line(f"{values} values of tau", shown, {"ms": 1000 * ours, "plain_ms": 1000 * theirs, "ratio": ratio})

    def same() -> Line:
        apart = stacked.apart(values, place.device)
        shown = f"losses of 10 steps within {apart:.0e} of those of single runs on the CPU"
        return Line("the same numbers", shown, {"apart": apart, "failed": apart > NEAR})

    yield from tried(place, {f"{values} values of tau": sweep, "the same numbers": same})


def images(place: Place) -> Iterator[Line]:
    """Images a second of UOTM with DCGAN's networks: the plain loop, ours in float32 and bfloat16, and compiled."""
    width, batches, seconds = (4, (4,), 0.2) if place.quick else (64, (64, 512), 4.0)
    seen = Noises(count=64 if place.quick else 10_000)
    rows = torch.from_numpy(seen.split("train").pixels.copy()).float().div_(127.5).sub_(1)
    kind, networks = (
        place.device.type,
        Networks(generator="dcgan", adversary="dcgan", width=width, adversary_width=width),
    )
    for batch in batches:
        method = preset("uotm", seen).applied(UOTM, batch_size=batch)
        plain = naive.uotm_images(rows, width, batch, device=kind)

        def told(what: str, step: Callable[[], object], batch: int = batch) -> Line:
            ms = pace(place, step, seconds)
            return Line(
                what,
                f"{1000 * batch / ms:,.0f} images/s ({ms:.3g} ms a step)",
                {"ms": ms, "images_per_second": 1000 * batch / ms},
            )

        def ours(what: str, precision: Any, compile: bool = False, method: Method = method) -> Line:
            live = start(
                method, seen, steps=10**6, device=kind, networks=networks, precision=precision, compile=compile
            )
            return told(what, live.advance)

        at = f"batch {batch}"
        measures: dict[str, Measure] = {
            f"{at}, plain loop, float32": lambda at=at, plain=plain: told(f"{at}, plain loop, float32", lambda: next(plain)),  # type: ignore[misc]
            f"{at}, float32": lambda at=at: ours(f"{at}, float32", "float32"),  # type: ignore[misc]
            f"{at}, bfloat16": lambda at=at: ours(f"{at}, bfloat16", "bfloat16"),  # type: ignore[misc]
        }  # fmt: skip
        if kind != "cpu":
            measures[f"{at}, bfloat16, compiled"] = lambda at=at: ours(
                f"{at}, bfloat16, compiled", "bfloat16", compile=True
            )  # type: ignore[misc]
        yield from tried(place, measures)


def batch(place: Place) -> Iterator[Line]:
    """The largest batch of OT-GAN on images that fits, doubling from 256 to the largest there is, 16384."""
    seen = Noises(count=64 if place.quick else 10_000)
    found, kind = preset("ot-gan", seen), place.device.type
    for size in (8, 16) if place.quick else (256 * 2**power for power in range(7)):
        live = start(
            found.applied(named("ot-gan"), batch_size=size), seen, steps=100, device=kind, networks=found.networks
        )
        if kind == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        try:
            _advance(live, 2)  # the first allocates; one updates the critic, the other the generator
            place.wait()
            begun = time.monotonic()
            _advance(live, 2)
            place.wait()
        except (ValueError, torch.OutOfMemoryError) as error:
            yield Line(f"batch {size}", f"does not fit: {error}", {"batch": size, "fits": False})
            return
        seconds = (time.monotonic() - begun) / 2
        peak = torch.cuda.max_memory_allocated() / 1e9 if kind == "cuda" else None
        memory = "" if peak is None else f", {peak:.3g} GB at most"
        yield Line(
            f"batch {size}",
            f"{seconds:.3g} s a step{memory}",
            {"batch": size, "fits": True, "seconds": seconds, "peak_gb": peak},
        )
        if seconds > SLOW or 8 * seconds > place.left:
            yield Line("larger batches", "not tried: no time left", {})
            return


def matching(place: Place) -> Iterator[Line]:
    """OT-GAN's six matchings shared by four processes, against one."""
    size, features = (32, 4) if place.quick else (2048, 64)

    def measured() -> Line:
        found = matching_of_processes(size, features, rounds=2 if place.quick else 5)
        shown = (
            f"{found['shared_ms']:.3g} ms against {found['alone_ms']:.3g} in one process (x{found['ratio']:.2f}), values "
            f"within {found['apart']:.0e}; {found['where']}"
        )
        return Line(what, shown, {**found, "failed": found["apart"] > NEAR})

    what = f"4 processes, batch {size}, {features} features"
    yield from tried(place, {what: measured})


def _advance(live: Training, count: int) -> None:
    for _ in range(count):
        live.advance()


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "check": check,
        "waits": waits,
        "steps": steps,
        "stack": stack,
        "images": images,
        "batch": batch,
        "matching": matching,
    }
)
"""In the order in which they run: what must be right comes first."""
