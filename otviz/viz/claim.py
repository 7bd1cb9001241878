"""The chart of a claim as SVG, small for a card and large for its page; text has the colour of the page.

Every seed is drawn, with a tooltip. Dots and bands are measured values, diamonds are reported ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from otviz.experiments.charts import Chart, Curves, Dots, Line, Mark, Row, Spread, mark_at, spread
from otviz.experiments.evidence import number
from otviz.experiments.experiment import Outcome

SHADES = ("#2B86C5", "#C77700", "#009E73", "#B5578F")
"""Visible on white and on black."""
DASHES = ("", "6 3", "2 3", "8 3 2 3")
SHADE, GUIDE = "#009E73", "#8A8F98"
HALO = 'style="paint-order: stroke; stroke: var(--paper, transparent); stroke-width: 4px; stroke-linejoin: round"'
LETTER = 7.0
"""Average width of a letter of 12 px, rounded up."""


@dataclass(frozen=True)
class Size:
    """Size of a drawing in px; text always has 12 px."""

    wide: float
    high: float


CARD, PAGE = Size(360, 190), Size(640, 320)


@dataclass(frozen=True)
class Axis:
    """Scale from values to positions between `start` and `end`, in px."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (_scaled(each, self.log) for each in (self.low, self.high, max(value, self.low)))
        return self.start + (self.end - self.start) * (min(at, high) - low) / (high - low)

    def ticks(self, most: int) -> list[float]:
        """At most `most` round values."""
        if not self.log:
            return round_ticks(self.low, self.high, most)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
            shown = [tick for tick in found if self.low <= tick <= self.high]
            if len(shown) <= most:
                return shown
        return shown[:: math.ceil(len(shown) / most)]


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from low to high, at equal steps of 1, 2 or 5 times a power of ten.

    Args:
        low, high: ends of the axis.
        most: largest number of values.
    """
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return []
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    while (high - low) / step > most:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2.0
    first = math.ceil(low / step - 1e-9)
    return [round(count * step, 12) for count in range(first, math.floor(high / step + 1e-9) + 1)]


def claim_svg(chart: Chart, outcomes: Sequence[Outcome], title: str, size: Size = CARD) -> str:
    """Draw the chart as an SVG element.

    Args:
        chart: what to draw.
        outcomes: of the seeds.
        title: accessible name.
        size: in px.
    """
    if isinstance(chart, Dots) and size is not CARD:
        size = Size(size.wide, min(size.high, 60 + 48 * len(chart.rows)))
    parts = _dots(chart, outcomes, size) if isinstance(chart, Dots) else _curves(chart, outcomes, size)
    label = f"{title}. {in_words(chart, outcomes)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size.wide:g} {size.high:g}" role="img" '
        f'aria-label="{escape(label)}" font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def in_words(chart: Chart, outcomes: Sequence[Outcome]) -> str:
    """Text alternative: a sentence for each row or line."""
    parts = [f"{chart.what if isinstance(chart, Dots) else f'{chart.y} by {chart.x}'}:"]
    if isinstance(chart, Dots):
        for row in chart.rows:
            found = spread(row.value, outcomes, chart.log) if row.value else None
            values = [] if found is None else [number(found.mean)]
            values += [] if row.reported is None else [f"reported {number(row.reported)}"]
            parts.append(f"{row.label} {', '.join(values)};")
    else:
        for line in chart.lines:
            at = [f"{number(found.mean)} at {number(x)}" for x, found in _measured(line, outcomes, chart.log_y).items()]
            parts.append(f"{line.label} {', '.join(at)};")
    parts += [f"{mark.label} {number(at)};" for mark, at in _marks(chart.marks, outcomes)]
    return " ".join(parts).rstrip(";") + "."


def _dots(chart: Dots, outcomes: Sequence[Outcome], size: Size) -> Iterator[str]:
    rows = [(row, spread(row.value, outcomes, chart.log) if row.value else None) for row in chart.rows]
    marks = _marks(chart.marks, outcomes)
    left = min(0.45 * size.wide, LETTER * max(len(row.label) for row in chart.rows) + 18)
    top, bottom = (18.0 if marks else 6.0), size.high - 38
    axis = _axis(_extent(rows, marks, chart.log), left, size.wide - 14, chart.log)
    yield from _across(axis, chart.what, bottom, size)
    step = min(44.0, (bottom - top) / len(rows))
    top += ((bottom - top) - step * len(rows)) / 2
    for index, (row, found) in enumerate(rows):
        y = top + step * (index + 0.5)
        yield from _row(row, found, axis, y, min(10.0, step / 2 - 1))
    for mark, at in marks:
        yield from _upright(mark, axis(at), 16, bottom, size)


def _row(row: Row, found: Spread | None, axis: Axis, y: float, half: float) -> Iterator[str]:
    if math.isfinite(row.low) or math.isfinite(row.high):
        low, high = axis(max(row.low, axis.low)), axis(min(row.high, axis.high))
        yield (
            f'<rect x="{low:.1f}" y="{y - half:.1f}" width="{max(high - low, 2):.1f}" height="{2 * half:.1f}" rx="2" '
            f'fill="{SHADE}" fill-opacity="0.18"><title>the range that is claimed</title></rect>'
        )
    yield f'<text x="{axis.start - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(row.label)}</text>'
    if found is not None:
        ends = [axis(end) for end in found.interval]
        yield _path(f"M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}", SHADES[0], 2)
        for seed, value in found.seeds.items():
            yield _dot(axis(value), y, f"{row.label}, seed {seed}: {number(value)}")
        at, height = axis(found.mean), min(half, 7)
        label = f"{row.label}: mean {number(found.mean)}, 95 % interval {number(found.interval[0])} to {number(found.interval[1])}"
        yield _path(f"M{at:.1f} {y - height:.1f}V{y + height:.1f}", SHADES[0], 3, label)
    if row.reported is not None:
        yield _diamond(axis(row.reported), y, f"{row.label}, reported: {number(row.reported)}")


def _curves(chart: Curves, outcomes: Sequence[Outcome], size: Size) -> Iterator[str]:
    lines = [(line, _measured(line, outcomes, chart.log_y)) for line in chart.lines]
    marks = _marks(chart.marks, outcomes)
    places = sorted({x for line, found in lines for x in (*found, *line.reported)} or {*chart.lines[0].points})
    across: Callable[[float], float] = {x: float(index) for index, x in enumerate(places)}.__getitem__
    values = [v for _, found in lines for each in found.values() for v in each.seeds.values()]
    values += [at for _, at in marks] + [v for line in chart.lines for v in line.reported.values()]
    lanes = _lanes([line.label for line in chart.lines], size) if len(lines) > 1 or chart.lines[0].reported else []
    top, bottom = 16 * (max((lane for lane, _ in lanes), default=-1) + 1) + 20.0, size.high - 38
    up = _axis(_range(values, chart.log_y), bottom, top, chart.log_y)
    labels = up.ticks(4)
    left = LETTER * max((len(number(tick)) for tick in labels), default=1) + 14
    if chart.even:
        x_axis = _axis((0.0, len(places) - 1.0), left + 14, size.wide - 24, False)
    else:
        across, x_axis = float, _axis((places[0], places[-1]), left + 6, size.wide - 22, chart.log_x)
    for tick in labels:
        yield _path(f"M{left:.1f} {up(tick):.1f}H{size.wide - 14:.1f}", "currentColor", 1, opacity=0.12)
        yield f'<text x="{left - 6:.1f}" y="{up(tick) + 4:.1f}" text-anchor="end">{number(tick)}</text>'
    yield f'<text x="0" y="{top - 8:.1f}" fill-opacity="0.75">{escape(chart.y)}</text>'
    shown = _apart([(x_axis(across(x)), number(x)) for x in places])
    yield from _labelled(shown, chart.x, bottom, size)
    yield from (_path(f"M{left:.1f} {up(at):.1f}H{size.wide - 14:.1f}", GUIDE, 1.5, dash="4 3") for _, at in marks)
    for index, (line, found) in enumerate(lines):
        points = [(x_axis(across(x)), each) for x, each in found.items()]
        yield from _line(line, points, up, index)
        for x, value in line.reported.items():
            yield _diamond(x_axis(across(x)), up(value), f"{line.label}, reported: {number(value)}")
        if lanes:
            yield from _key(index, line.label, *lanes[index])
    for mark, at in marks:
        place = f'x="{size.wide - 16:.1f}" y="{up(at) - 4:.1f}" text-anchor="end"'
        yield f"<text {place} {HALO}>{escape(mark.label)}</text>"


def _line(line: Line, points: Sequence[tuple[float, Spread]], up: Axis, index: int) -> Iterator[str]:
    shade, dash = SHADES[index % len(SHADES)], DASHES[index % len(DASHES)]
    above = [f"{x:.1f} {up(max(each.seeds.values())):.1f}" for x, each in points]
    below = [f"{x:.1f} {up(min(each.seeds.values())):.1f}" for x, each in reversed(points)]
    if len(points) > 1:
        yield f'<path d="M{"L".join([*above, *below])}Z" fill="{shade}" fill-opacity="0.16"/>'
        yield _path("M" + "L".join(f"{x:.1f} {up(each.mean):.1f}" for x, each in points), shade, 2.5, dash=dash)
    for x, each in points:
        label = f"{line.label}: mean {number(each.mean)}, seeds {number(min(each.seeds.values()))} to {number(max(each.seeds.values()))}"
        if len(points) == 1:
            yield _path(f"M{x:.1f} {up(max(each.seeds.values())):.1f}V{up(min(each.seeds.values())):.1f}", shade, 2)
        yield f'<circle cx="{x:.1f}" cy="{up(each.mean):.1f}" r="3.5" fill="{shade}"><title>{escape(label)}</title></circle>'


def _measured(line: Line, outcomes: Sequence[Outcome], log: bool) -> Mapping[float, Spread]:
    found = {x: spread(value, outcomes, log) for x, value in sorted(line.points.items())}
    return {x: each for x, each in found.items() if each is not None}


def _marks(marks: Sequence[Mark], outcomes: Sequence[Outcome]) -> list[tuple[Mark, float]]:
    return [(mark, at) for mark in marks if (at := mark_at(mark, outcomes)) is not None]


def _extent(
    rows: Sequence[tuple[Row, Spread | None]], marks: Sequence[tuple[Mark, float]], log: bool
) -> tuple[float, float]:
    """Lowest and highest value drawn, including finite ends of ranges."""
    values = [at for _, at in marks]
    for row, found in rows:
        values += [] if found is None else [*found.seeds.values(), *found.interval]
        values += [each for each in (row.reported, row.low, row.high) if each is not None and math.isfinite(each)]
    return _range(values, log)


def _range(values: Sequence[float], log: bool) -> tuple[float, float]:
    """Limits of an axis, with a margin; on a logarithmic axis, of the values above 0."""
    known = [value for value in values if not log or value > 0] or [1.0]
    low, high = min(known), max(known)
    if log:
        room = max((high / low) ** 0.06, 1.15)
        return low / room, high * room
    room = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    return (0.0 if low == 0 or 0 < low < 0.35 * high else low - room), high + room


def _axis(ends: tuple[float, float], start: float, end: float, log: bool) -> Axis:
    low, high = ends
    return Axis(low, high if high > low else low + 1, start, end, log)


def _scaled(value: float, log: bool) -> float:
    return math.log10(value) if log else value


def _across(axis: Axis, what: str, bottom: float, size: Size) -> Iterator[str]:
    """The bottom axis: line, ticks and title."""
    yield from _labelled(_apart([(axis(tick), number(tick)) for tick in axis.ticks(5)]), what, bottom, size)
    yield _path(f"M{axis.start:.1f} {bottom:.1f}H{size.wide - 14:.1f}", "currentColor", 1, opacity=0.35)


def _labelled(ticks: Sequence[tuple[float, str]], what: str, bottom: float, size: Size) -> Iterator[str]:
    for at, text in ticks:
        yield _path(f"M{at:.1f} {bottom:.1f}v4", "currentColor", 1, opacity=0.35)
        yield f'<text x="{at:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{text}</text>'
    yield f'<text x="{size.wide - 14:.1f}" y="{bottom + 33:.1f}" text-anchor="end" fill-opacity="0.75">{escape(what)}</text>'


def _apart(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The labels that do not overlap the previous one."""
    kept: list[tuple[float, str]] = []
    for at, text in sorted(ticks):
        if not kept or at - kept[-1][0] > LETTER * (len(text) + len(kept[-1][1])) / 2 + 6:
            kept.append((at, text))
    return kept


def _lanes(labels: Sequence[str], size: Size) -> list[tuple[int, float]]:
    """Row and position of each label of a legend."""
    lanes, row, x = [], 0, 0.0
    for label in labels:
        wide = LETTER * len(label) + 40
        if x and x + wide > size.wide:
            row, x = row + 1, 0.0
        lanes.append((row, x))
        x += wide
    return lanes


def _key(index: int, label: str, row: int, x: float) -> Iterator[str]:
    y = 16 * row + 10
    yield _path(f"M{x:.1f} {y - 4}h22", SHADES[index % len(SHADES)], 2.5, dash=DASHES[index % len(DASHES)])
    yield f'<text x="{x + 27:.1f}" y="{y}">{escape(label)}</text>'


def _upright(mark: Mark, x: float, top: float, bottom: float, size: Size) -> Iterator[str]:
    yield _path(f"M{x:.1f} {top:.1f}V{bottom:.1f}", GUIDE, 1.5, dash="4 3")
    half = LETTER * len(mark.label) / 2
    at = min(max(x, half), size.wide - half)
    yield f'<text x="{at:.1f}" y="{top - 4:.1f}" text-anchor="middle">{escape(mark.label)}</text>'


def _dot(x: float, y: float, label: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{SHADES[0]}" fill-opacity="0.35" stroke="{SHADES[0]}">'
        f"<title>{escape(label)}</title></circle>"
    )


def _diamond(x: float, y: float, label: str) -> str:
    return (
        f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="none" stroke="{SHADES[1]}" stroke-width="2">'
        f"<title>{escape(label)}</title></path>"
    )


def _path(d: str, colour: str, wide: float, label: str = "", dash: str = "", opacity: float = 1.0) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    faint = f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
    title = f"<title>{escape(label)}</title>" if label else ""
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{wide:g}"{dashes}{faint}>{title}</path>'
