"""The values of a slider: pure functions of a knob's range."""

from __future__ import annotations

import math

from otviz.core.params import Param

_DECADE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_STEPS = 400  # most stops that a user can hit on a linear slider
_SPAN = 1e6  # range of a logarithmic slider that starts at 0


def is_slider(knob: Param, default: float) -> bool:
    """Whether a number has a slider."""
    if knob.low is None or knob.high is None or not _finite(knob.low, knob.high):
        return False
    if knob.log:
        return knob.low >= 0 and knob.high > 0 and (knob.kind is not int or knob.high <= 1e7)
    if knob.kind is int:
        return knob.high - knob.low <= 100
    return _fits(knob.low, knob.high, default, step(knob.low, knob.high, default))


def log_stops(knob: Param, extra: tuple[float, ...]) -> list[float]:
    """Rounded values from low to high, ten per decade (or powers of two), and `extra`."""
    low, high = float(knob.low or 0), float(knob.high or 0)
    if knob.kind is int and low >= 1 and _is_power(low) and _is_power(high):
        stops = {2.0**k for k in range(round(math.log2(low)), round(math.log2(high)) + 1)}
    else:
        start = low if low > 0 else high / _SPAN
        decades = range(math.floor(math.log10(start)), math.ceil(math.log10(high)) + 1)
        stops = {tidy(m * 10.0**k) for k in decades for m in _DECADE}
        stops = {stop for stop in stops if start <= stop <= high}
    stops |= {low, high, *(value for value in extra if low <= value <= high)}
    if knob.kind is int:
        return sorted({int(stop) for stop in stops if stop == int(stop)})
    return sorted(stops)


def step(low: float, high: float, default: float) -> float:
    """The step of a linear slider: 1, 2 or 5 times a power of ten, such that low and default are stops."""
    wanted = (high - low) / 100
    size = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0 else 1.0
    for candidate in (size * 2, size, size / 2, size / 5, size / 10):
        if candidate <= wanted * 1.01 and _fits(low, high, default, candidate):
            return tidy(candidate)
    return tidy(size / 10)


def middle(knob: Param) -> float:
    """Initial value when an optional number is switched on."""
    low = 0.0 if knob.low is None else float(knob.low)
    high = low + 1.0 if knob.high is None else float(knob.high)
    if knob.log:
        stops = log_stops(knob, ())
        return stops[len(stops) // 2]
    centre = tidy((low + high) / 2)
    return int(centre) if knob.kind is int else centre


def tidy(value: float) -> float:
    """The value without binary rounding errors."""
    return float(f"{value:.12g}")


def _fits(low: float, high: float, default: float, size: float) -> bool:
    count = (default - low) / size
    return abs(count - round(count)) < 1e-6 and (high - low) / size <= _STEPS


def _is_power(value: float) -> bool:
    return value == 2.0 ** round(math.log2(value))


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)
