"""A verdict on a run in plain words: does it cover the target, has it collapsed, does it mix modes, is it unstable?

Rules are tried in order and the first that holds gives the word. Their limits were set on the ring of 8 modes (radius 2,
std 0.1), on one to five runs of each method of papers/001 and papers/003; beside each limit stands what lay either side of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otviz.distributions.ring import Ring
from otviz.metrics import COVERED, coverage, diversity, held_out, w2_floor, wasserstein2

Kind = Literal["covers", "collapsed", "mixes modes", "unbalanced", "unstable", "not finished", "not judged"]
Meter = Mapping[str, Any]
History = Sequence[tuple[int, Meter]]
Array = NDArray[np.float64]

FINISHED = 0.9
"""Share of the planned steps before which nothing is judged: UOTM without cost loses its modes between a fifth and two
thirds of its run, and UOTM-SD is behind UOTM for half of its schedule."""

LATE = 0.75
"""Share of the steps done after which looks count for steadiness; the authors' alpha schedule ends there too."""

LAST = 0.95
"""Share of the steps done after which looks count for the state (at least 3 looks; their median is taken): a mode of OTM
slips off its centre for a single look now and then and comes back."""

COUNTED = 2 * COVERED
"""Least weight of a mode that must be found: of 1000 true samples, fewer than 1 % may fall on a mode of weight 0.01."""

GONE, HELD = 0.25, 0.5
"""Shares of its due, among samples on modes, below which a mode is gone and from which it is held. UOTM's lightest mode
had 0.37 to 0.85 of its due; the modes that UOTM without cost had lost, less than 0.2."""

COMES_AND_GOES, MISSING = 2, 0.25
"""Modes found again, and share of late looks with a mode gone, that make a run unstable: WGAN with R1 found modes again
16 times and missed some at every late look; OTM once, and missed one at one look of ten."""

FLOWN = 3.0
"""W2 over that of the first look beyond which the samples have flown away. On one of 8 modes it is about 1.4; a plain GAN
with its critic frozen reached 90."""

MIXED = 0.3
"""Share of samples between modes: WGAN-GP 0.43 to 0.53, WGAN up to 0.58; OTM 0.14 to 0.26, the Sinkhorn generator 0.25,
OT-GAN 0.20, UOTM 0.08 to 0.15. A continuous map has some bridges."""

ON_MODES = 0.5
"""Share of samples on modes below which the modes are smeared, wherever the others lie."""

UNBALANCED = 0.2
"""Total variation between mode shares and weights: UOTM and UOTM-SD 0.03 to 0.10, pure chance 0.03 at 1000 samples; with
it a fifth of the mass is in the wrong mode."""

FAR = 2.0
"""W2 over its floor: 0.7 to 1.3 for the methods that cover, 3 to 5 for DAN-S whose modes are all counted but unbalanced."""

FAR_PLAIN = 1.5
"""The same for a target without modes: moons, spiral, checkerboard 0.7 to 1.4 with cost, up to 1.9 without."""

UNSTEADY = 1.0
"""Standard deviation of the generator loss about its trend in the last quarter: OTM 1.2 to 3.0 and WGAN 1.7 to 26; all
others up to 0.3. It is the scale of the potential at which the convex functions bend (g'(0) = 1 falls off)."""


@dataclass(frozen=True)
class Verdict:
    """A word on a run, with what it rests on.

    Attributes:
        kind: the word without numbers.
        word: the word, as "collapsed: 3 of 8".
        sentence: the numbers.
        rule: the rule that was followed.
    """

    kind: Kind
    word: str
    sentence: str
    rule: str


@dataclass(frozen=True)
class _Seen:
    """What the rules look at: the history, with shares (k,) and the numbers of the last looks as medians; nan: unknown."""

    history: History
    losses: Array
    done: int
    steps: int
    weights: Array
    shares: Array
    high_quality: float
    mode_mixture: float
    w2: float
    floor: float

    @property
    def unit(self) -> str:
        """Of lengths; "" for data units."""
        return str(self.history[-1][1].get("unit", "")) if self.history else ""

    def length(self, value: float) -> str:
        """A length in digits that fit: those of a file may have any size."""
        return f"{value:.3g}" if self.unit else f"{value:.2f}"

    @property
    def after(self) -> str:
        """What follows a length: its unit, if it has one of its own."""
        return f" {self.unit}" if self.unit else ""

    @property
    def due(self) -> NDArray[np.bool_]:
        """Modes heavy enough to be counted, shape (k,)."""
        return self.weights >= COUNTED

    @property
    def covered(self) -> int:
        """Modes that hold at least COVERED of all samples, among those that are due."""
        return int((self.shares[self.due] >= COVERED).sum())

    @property
    def total(self) -> int:
        """Modes due."""
        return int(self.due.sum())


def verdict(
    history: History, losses: NDArray[np.floating[Any]], steps: int, weights: Sequence[float] | None = None
) -> Verdict:
    """The verdict on a run.

    Args:
        history: (step, meter) of its looks in order, meters as in `Snapshot.meter`.
        losses: of every step so far, shape (n, 2): generator, adversary; nan where there is none.
        steps: steps planned.
        weights: of the target's modes, shape (k,), summing to 1; taken from the meter, or equal, if None.

    Raises ValueError for losses or weights of another shape.
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(f"losses must have shape (steps, 2): generator, adversary; got {values.shape}")
    seen = _see(history, values, steps, weights)
    rules = _WITH_MODES if len(seen.weights) else _WITHOUT_MODES
    return next(found for rule in (_diverged, _early, *rules) if (found := rule(seen)) is not None)


def loss_spread(losses: NDArray[np.floating[Any]]) -> float:
    """Standard deviation of losses (n,) about their linear trend in the last quarter; nan with fewer than 8 finite ones.

    The trend is left out because a potential that is only known up to a constant drifts without meaning.
    """
    late = np.asarray(losses, dtype=np.float64)[int(LATE * len(losses)) :]
    late = late[np.isfinite(late)]
    if len(late) < 8:
        return math.nan
    at = np.linspace(-1, 1, len(late))
    return float(np.std(late - late.mean() - at * (at @ late) / (at @ at)))


def _see(history: History, losses: Array, steps: int, given: Sequence[float] | None) -> _Seen:
    done = max(len(losses), history[-1][0] if history else 0)
    last = [meter for _, meter in _after(history, LAST * done, 3)]
    modes = len(last[-1].get("mode_shares") or ()) if last else 0
    weights = np.full(modes, 1 / modes) if modes else np.zeros(0)
    stated = given if given is not None else (last[-1].get("true_shares") if modes else None)
    if stated is not None and modes:
        weights = np.asarray(stated, dtype=np.float64)
        if weights.shape != (modes,):
            raise ValueError(f"weights must be {modes} numbers, one per mode; got shape {weights.shape}")
    shares = np.median([meter["mode_shares"] for meter in last], axis=0) if modes else np.zeros(0)
    named = [_median(last, key) for key in ("high_quality", "mode_mixture", "w2", "w2_floor")]
    return _Seen(history, losses, done, steps, weights, shares, *named)


def _after(history: History, step: float, least: int = 1) -> History:
    """The looks after a step, or the last few if there are fewer."""
    late = [look for look in history if look[0] > step]
    return late if len(late) >= least else history[-least:]


def _number(meter: Meter, key: str) -> float:
    value = meter.get(key)
    return math.nan if value is None else float(value)


def _median(meters: Sequence[Meter], key: str) -> float:
    values = [_number(meter, key) for meter in meters if key in meter]
    return float(np.median(values)) if values else math.nan


def _diverged(seen: _Seen) -> Verdict | None:
    rule = "A run is unstable once a loss, or the distance to the target, is no longer a finite number."
    for column, name in enumerate(("generator", "adversary")):
        values = seen.losses[:, column]
        finite = np.isfinite(values)
        if finite.any() and not finite[-1]:
            at = len(values) - int(finite[::-1].argmax()) + 1
            return Verdict("unstable", "unstable", f"The {name} loss is not a finite number from step {at} on.", rule)
    if len(seen.losses) > 1 and not np.isfinite(seen.losses).any():
        return Verdict("unstable", "unstable", "No loss was ever a finite number.", rule)
    if seen.history and "w2" in seen.history[-1][1] and not math.isfinite(_number(seen.history[-1][1], "w2")):
        return Verdict("unstable", "unstable", "The generated points are no longer finite numbers.", rule)
    return None


def _early(seen: _Seen) -> Verdict | None:
    unknown = not len(seen.weights) and math.isnan(seen.w2)
    if seen.done >= FINISHED * seen.steps and not unknown:
        return None
    rule = (
        f"Nothing is judged before {FINISHED:.0%} of the steps are done: methods lose modes late, and find them late."
    )
    so_far = "nothing is measured yet" if unknown else f"so far: {_numbers(seen)}"
    return Verdict("not finished", "not finished", f"{seen.done} of {seen.steps} steps are done; {so_far}.", rule)


def _flown(seen: _Seen) -> Verdict | None:
    first = next((_number(meter, "w2") for _, meter in seen.history if "w2" in meter), math.nan)
    if not seen.w2 > FLOWN * first:
        return None
    rule = f"A run is unstable if it ends {FLOWN:g} times further from the target than it began."
    text = f"W2 was {seen.length(first)} at the first look and is {seen.length(seen.w2)}{seen.after} now."
    return Verdict("unstable", "unstable", text, rule)


def _comes_and_goes(seen: _Seen) -> Verdict | None:
    states = [_states(np.asarray(meter["mode_shares"]), seen) for _, meter in _late_looks(seen, "mode_shares")]
    missing = np.mean([bool((state[seen.due] < 0).any()) for state in states])
    found, before = 0, np.zeros(len(seen.weights))
    for state in states:
        found += int(((before < 0) & (state > 0) & seen.due).sum())
        before = np.where(state == 0, before, state)
    if found < COMES_AND_GOES or missing < MISSING:
        return None
    rule = (
        f"A run is unstable if, in its last quarter, modes are lost and found again at least {COMES_AND_GOES} times and "
        f"one is missing at {MISSING:.0%} or more of the looks. A mode is lost under {GONE:g} of its due share."
    )
    text = f"In the last quarter lost modes came back {found} times, and {missing:.0%} of the looks miss one"
    return Verdict("unstable", "unstable", f"{text}; at the end {_numbers(seen)}.{_unsteady(seen)}", rule)


def _states(shares: Array, seen: _Seen) -> Array:
    """-1, 0 or 1 for each mode: gone, between, held, by its share among the samples on modes."""
    if shares.sum() < COVERED:
        return np.zeros(len(shares))
    share = shares / shares.sum()
    return np.where(share < GONE * seen.weights, -1.0, np.where(share >= HELD * seen.weights, 1.0, 0.0))


def _collapsed(seen: _Seen) -> Verdict | None:
    if seen.high_quality < COVERED:
        lost = seen.mode_mixture < MIXED
    else:
        lost = bool(((_states(seen.shares, seen) < 0) & (seen.shares < COVERED) & seen.due).any())
    if not lost:
        return None
    rule = (
        f"A run has collapsed if a mode holds less than {COVERED:.0%} of all samples and less than {GONE:g} of its due "
        "among the samples that lie on modes."
    )
    word = f"collapsed: {seen.covered} of {seen.total}"
    return Verdict("collapsed", word, f"{_numbers(seen)}.{_light(seen)}{_unsteady(seen)}", rule)


def _mixes(seen: _Seen) -> Verdict | None:
    if seen.mode_mixture < MIXED and seen.high_quality >= ON_MODES:
        return None
    rule = (
        f"A run mixes modes if {MIXED:.0%} or more of its samples lie between neighbouring modes, or if fewer than "
        f"{ON_MODES:.0%} lie on a mode."
    )
    return Verdict("mixes modes", "mixes modes", f"{_numbers(seen)}.{_unsteady(seen)}", rule)


def _unbalanced(seen: _Seen) -> Verdict | None:
    off = 0.5 * float(np.abs(seen.shares / seen.shares.sum() - seen.weights).sum())
    if off < UNBALANCED and not seen.w2 > FAR * seen.floor:
        return None
    rule = (
        f"A run is unbalanced if its modes are all there but {UNBALANCED:.0%} or more of the mass is in the wrong mode, or "
        f"W2 is above {FAR:g} times its floor."
    )
    text = f"{off:.0%} of the mass on modes is in the wrong one; {_numbers(seen)}."
    return Verdict("unbalanced", "unbalanced", text + _unsteady(seen), rule)


def _covers(seen: _Seen) -> Verdict:
    rule = (
        "A run covers its target if every mode is found and none of the rules for lost, mixed or unbalanced modes "
        f"applies; the loss is called unsteady beside it if it spreads by {UNSTEADY:g} or more about its trend."
    )
    return Verdict("covers", "covers", f"{_numbers(seen)}.{_light(seen)}{_unsteady(seen)}", rule)


def _wanders(seen: _Seen) -> Verdict | None:
    ratios = np.array([_number(meter, "w2") / _number(meter, "w2_floor") for _, meter in _late_looks(seen, "w2")])
    if not ((ratios <= FAR_PLAIN).any() and (ratios[ratios.argmin() :] >= 2 * FAR_PLAIN).any()):
        return None
    rule = (
        f"Without modes a run is unstable if, in its last quarter, W2 rises from under {FAR_PLAIN:g} times its floor to "
        f"over {2 * FAR_PLAIN:g} times."
    )
    text = (
        f"In the last quarter W2 went from {ratios.min():.1f} to {ratios.max():.1f} times its floor; {_numbers(seen)}."
    )
    return Verdict("unstable", "unstable", text + _unsteady(seen), rule)


def _plain(seen: _Seen) -> Verdict:
    rule = (
        f"Without modes only W2 is known: a run covers its target if W2 is at most {FAR_PLAIN:g} times its floor, and is "
        "unbalanced otherwise; lost, mixed and misplaced mass cannot be told apart."
    )
    kind: Kind = "covers" if seen.w2 <= FAR_PLAIN * seen.floor else "unbalanced"
    return Verdict(kind, kind, f"{_numbers(seen)}.{_unsteady(seen)}", rule)


_WITH_MODES: tuple[Callable[[_Seen], Verdict | None], ...] = (
    _flown, _comes_and_goes, _collapsed, _mixes, _unbalanced, _covers,
)  # fmt: skip
_WITHOUT_MODES: tuple[Callable[[_Seen], Verdict | None], ...] = (_flown, _wanders, _plain)


def _late_looks(seen: _Seen, key: str) -> History:
    return [look for look in _after(seen.history, LATE * seen.done) if look[1].get(key) is not None]


def _numbers(seen: _Seen) -> str:
    last = seen.history[-1][1]
    parts = []
    if len(seen.weights):
        sampled = f"{last['samples']} samples" if "samples" in last else "all samples"
        parts = [
            f"{seen.covered} of {seen.total} modes hold at least {COVERED:.0%} of {sampled}",
            f"{seen.high_quality:.0%} lie on a mode and {seen.mode_mixture:.0%} between modes",
        ]
    if math.isfinite(seen.w2):
        floor = f" (floor {seen.length(seen.floor)})" if math.isfinite(seen.floor) else ""
        parts.append(f"W2 is {seen.length(seen.w2)}{seen.after}{floor}")
    if last.get("precision") is not None and last.get("recall") is not None:
        parts.append(f"precision is {last['precision']:.2f} and recall {last['recall']:.2f}")
    return ", ".join(parts)


def _light(seen: _Seen) -> str:
    light = int((~seen.due).sum())
    return f" Not counted: {light} of {len(seen.due)} modes, lighter than {COUNTED:.0%}." if light else ""


def _unsteady(seen: _Seen) -> str:
    spread = loss_spread(seen.losses[:, 0])
    if not spread >= UNSTEADY:
        return ""
    return f" The generator loss is unsteady: over the last quarter it spreads by {spread:.1f} about its trend."


@dataclass(frozen=True)
class DiversityExample:
    """Where the notebook's diversity does not see a collapse. Made up: no run gave these samples, and `label` says so."""

    label: str
    samples: NDArray[np.float32]
    target: NDArray[np.float32]
    diversity: float
    target_diversity: float
    verdict: Verdict


def notebook_diversity_example(n: int = 1000, seed: int = 0) -> DiversityExample:
    """n samples on two opposite modes of the notebook's ring: its diversity is the target's, radius^2 / 2 + std^2 = 4.5625.

    Each mode gets half of them, so that the number does not depend on how they fall (papers/000, 11.2).
    """
    ring, rng = Ring(), np.random.default_rng(seed)
    centres = ring.mixture().centres[[0, ring.modes // 2]]
    samples = (centres[np.arange(n) % 2] + ring.std * rng.standard_normal((n, 2))).astype(np.float32)
    real = held_out(ring, min(n, 500), rng)
    distances = {"w2": wasserstein2(samples[:500], real), "w2_floor": w2_floor(ring, real, rng), "samples": n}
    found = verdict([(1, {**coverage(samples, ring.mixture()), **distances})], np.zeros((1, 2)), 1)
    return DiversityExample(
        label="Made-up example, not a run: two opposite modes of eight",
        samples=samples,
        target=real,
        diversity=diversity(samples),
        target_diversity=ring.radius**2 / 2 + ring.std**2,
        verdict=found,
    )
