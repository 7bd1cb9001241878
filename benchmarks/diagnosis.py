"""Diagnoses of samples of which the truth is known: is the word right, and how often is a fresh real draw blamed?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Effort, Measured, Row
from otviz.data import datasets
from otviz.evaluation.diagnosis import Samples, judged, stages

SEEDS = 20
RIGHT, ALARMS = 0.95, 0.02

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """Samples whose verdict is known.

    Attributes:
        name: of the data and what was done to them.
        kind: the right verdict.
        draw: real and generated samples with a seed.
    """

    name: str
    kind: str
    draw: Callable[[int], tuple[Samples, Samples]]


def ring(rng: np.random.Generator, n: int, std: float = 0.1, weights: Array | None = None) -> Array:
    """A ring of 8 modes, radius 2, (n, 2)."""
    angles = rng.choice(8, n, p=weights) * np.pi / 4
    return 2 * np.stack([np.cos(angles), np.sin(angles)], 1) + std * rng.standard_normal((n, 2))


def mixture(rng: np.random.Generator, n: int, std: float = 1.0, weights: Array | None = None) -> Array:
    """A mixture of 8 Gaussians in 16 dimensions, centres from N(0, 9), (n, 16)."""
    centres = 3 * np.random.default_rng(5).standard_normal((8, 16))
    return np.asarray(centres[rng.choice(8, n, p=weights)] + std * rng.standard_normal((n, 16)))


def crowded(rng: np.random.Generator, n: int, std: float = 1.0, weights: Array | None = None) -> Array:
    """The same with centres from N(0, 1), so that the modes overlap, (n, 16)."""
    centres = np.random.default_rng(6).standard_normal((8, 16))
    return np.asarray(centres[rng.choice(8, n, p=weights)] + std * rng.standard_normal((n, 16)))


def blob(rng: np.random.Generator, n: int, std: float = 1.0) -> Array:
    """One Gaussian in the plane, (n, 2)."""
    return std * rng.standard_normal((n, 2))


def moons(rng: np.random.Generator, n: int) -> Array:
    """Two moons, (n, 2)."""
    angle, second = np.pi * rng.random(n), rng.random(n) < 0.5
    x = np.where(second, 1 - np.cos(angle), np.cos(angle))
    y = np.where(second, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], 1) + 0.08 * rng.standard_normal((n, 2))


def _left_out(*modes: int) -> Array:
    weights = np.ones(8)
    weights[list(modes)] = 0
    return np.asarray(weights / weights.sum())


UNEVEN = np.array([1.6, 1.55, 1.5, 1.35, 0.6, 0.5, 0.45, 0.45]) / 8


def point_cases() -> Iterator[Case]:
    """Rings, mixtures in 16 dimensions and one Gaussian, 1000 real samples against 1000."""
    for kind, name in ((ring, "ring"), (mixture, "16 dimensions"), (crowded, "16 dimensions, overlapping")):
        usual = 0.1 if kind is ring else 1.0
        yield _case(f"{name}, a mode left out", "collapsed", kind, kind, weights=_left_out(3))
        yield _case(f"{name}, three modes left out", "collapsed", kind, kind, weights=_left_out(0, 3, 4))
        yield _case(f"{name}, weights changed", "unbalanced", kind, kind, weights=UNEVEN)
        yield _case(f"{name}, half the spread", "too narrow", kind, kind, std=usual / 2)
        yield _case(f"{name}, twice the spread", "too wide", kind, kind, std=usual * 2)
        yield Case(f"{name}, a tenth are copies", "memorised", _copies(kind, 0.1))
        yield Case(f"{name}, all are copies", "memorised", _copies(kind, 1.0))
    yield _case("one Gaussian, half the spread", "too narrow", blob, blob, std=0.5)
    yield _case("one Gaussian, twice the spread", "too wide", blob, blob, std=2.0)
    yield Case("one Gaussian, a third cut off", "collapsed", _cut)
    yield _case("ring, beside it", "off target", ring, lambda rng, n: ring(rng, n) + 0.3)


def fresh_cases(sizes: tuple[int, ...] = (300, 1000)) -> Iterator[Case]:
    """Fresh draws of the real distribution."""
    for n in sizes:
        for kind, name in (
            (ring, "ring"),
            (mixture, "16 dimensions"),
            (crowded, "overlapping"),
            (moons, "moons"),
            (blob, "Gaussian"),
        ):
            yield _case(f"fresh {name}, n = {n}", "covers", kind, kind, n)
    yield Case("fresh ring, 1000 against 300", "covers", lambda seed: _pair(seed, ring, ring, 1000, 300))
    yield Case("fresh ring, 300 against 1000", "covers", lambda seed: _pair(seed, ring, ring, 300, 1000))
    yield _case("fresh ring, n = 60", "cannot be told", ring, ring, 60)


def digit_cases(n: int = 2000) -> Iterator[Case]:
    """MNIST 8 x 8, training against test images, with our features and with pixels."""
    for known in (True, False):
        space = "features" if known else "pixels"
        yield Case(f"digits, {space}, fresh", "covers", _digits(known, n, ()))
        yield Case(f"digits, {space}, one left out", "collapsed", _digits(known, n, (4,)))
        yield Case(f"digits, {space}, three left out", "collapsed", _digits(known, n, (1, 5, 8)))


def _case(name: str, kind: str, real: Any, generated: Any, n: int = 1000, **knobs: Any) -> Case:
    return Case(name, kind, lambda seed: _pair(seed, real, generated, n, n, **knobs))


def _pair(seed: int, real: Any, generated: Any, n: int, m: int, **knobs: Any) -> tuple[Samples, Samples]:
    rng = np.random.default_rng(seed)
    return Samples(real(rng, n), "real"), Samples(generated(rng, m, **knobs), "samples")


def _copies(kind: Any, share: float) -> Callable[[int], tuple[Samples, Samples]]:
    def draw(seed: int) -> tuple[Samples, Samples]:
        rng = np.random.default_rng(seed)
        real, fresh = kind(rng, 1000), kind(rng, 1000)
        copied = rng.random(1000) < share
        fresh[copied] = real[rng.integers(1000, size=int(copied.sum()))]
        return Samples(real, "real"), Samples(fresh, "samples")

    return draw


def _cut(seed: int) -> tuple[Samples, Samples]:
    rng = np.random.default_rng(seed)
    many = blob(rng, 4000)
    return Samples(blob(rng, 1000), "real"), Samples(many[many[:, 0] > -0.43][:1000], "samples")


def _digits(known: bool, n: int, without: tuple[int, ...]) -> Callable[[int], tuple[Samples, Samples]]:
    def draw(seed: int) -> tuple[Samples, Samples]:
        rng = np.random.default_rng(seed)
        images = datasets.named("mnist8")()
        train, test = images.split("train"), images.split("test")
        kept = np.flatnonzero(~np.isin(test.labels, without))
        places = rng.choice(len(train.labels), n, replace=False), rng.choice(kept, n, replace=False)
        real = Samples(train.pixels[places[0]], "real", images=images.name if known else "")
        return real, Samples(test.pixels[places[1]], "samples")

    return draw


def words(case: Case, seeds: range) -> dict[str, int]:
    """How often each verdict was given."""
    found: dict[str, int] = {}
    for seed in seeds:
        kind = judged(*case.draw(seed)).kind
        found[kind] = found.get(kind, 0) + 1
    return found


def diagnose_truth(effort: Effort) -> Measured:
    """The right word over seeds, for each constructed fault, and false alarms over all fresh draws."""
    seeds = 1 if effort.quick else SEEDS
    # Digits need MNIST on this computer.
    cases = (
        [*point_cases()][::9] + [*fresh_cases()][:1]
        if effort.quick
        else [*point_cases(), *fresh_cases(), *digit_cases()]
    )
    found = {
        case.name: effort.once((case.name, case.kind, seeds), lambda case=case: words(case, range(seeds)))  # type: ignore[misc]
        for case in cases
    }
    shares = {case.name: found[case.name].get(case.kind, 0) / seeds for case in cases if case.kind != "covers"}
    fresh = [found[case.name] for case in cases if case.kind == "covers"]
    draws = max(1, sum(sum(words.values()) for words in fresh))
    alarms = 1 - sum(words.get("covers", 0) for words in fresh) / draws
    worst = min(shares, key=shares.__getitem__)
    return Measured(
        shown=f"right word in {shares[worst]:.0%} or more ({worst}), false alarms {alarms:.1%} of {draws}",
        reached=shares[worst] >= RIGHT and alarms <= ALARMS,
        value=shares[worst],
        extra={"words": found, "alarms": alarms},
        sample=f"{len(cases)} constructed truths, {seeds} seeds each",
    )


def diagnose_speed(effort: Effort) -> Measured:
    """Seconds to the first sentence, and to the last number, by the clock."""
    rng, n = np.random.default_rng(0), 500 if effort.quick else 10_000
    images = rng.integers(0, 256, (n // 2, 3, 32, 32)).astype(np.uint8)
    sides = {
        "2 dimensions": (ring(rng, n), ring(rng, n)),
        "64 dimensions": (rng.standard_normal((n, 64)), rng.standard_normal((n, 64))),
        "images": (images, rng.permuted(images, axis=0)),
    }
    found: dict[str, list[float]] = {}
    for name, (real, generated) in sides.items():
        began, found[name] = time.perf_counter(), []
        for _ in stages(Samples(real), Samples(generated)):
            found[name].append(time.perf_counter() - began)
    shown = "; ".join(
        f"{name}: first sentence {times[0]:.1f} s, all {times[-1]:.1f} s" for name, times in found.items()
    )
    points = [found["2 dimensions"], found["64 dimensions"]]
    reached = all(times[0] <= 2 and times[-1] <= 10 for times in points) and found["images"][-1] <= 20
    return Measured(
        shown, reached, extra={"seconds": found}, sample=f"{n} samples a side, {n // 2} images, one run each"
    )


ROWS = (
    Row("diagnose-truth", "diagnosis of samples whose fault is known", ">= 95 % right, <= 2 % false alarms", diagnose_truth),
    Row("diagnose-speed", "diagnosis of 10,000 points against 10,000, of 5,000 images 32 x 32", "2 s and 10 s; 20 s", diagnose_speed),
)  # fmt: skip

if __name__ == "__main__":
    import sys

    for case in [*point_cases(), *fresh_cases(), *digit_cases()]:
        if len(sys.argv) < 3 or sys.argv[2] in case.name:
            print(f"{case.name:45} {case.kind:14} {words(case, range(int(sys.argv[1])))}", flush=True)
