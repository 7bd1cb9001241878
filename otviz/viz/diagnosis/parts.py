"""The parts of a diagnosis as HTML: the answer, the clusters, the numbers, and how they came about over time.

Every text is escaped. `style` is the style sheet of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from otviz.evaluation.diagnosis import Cluster, Diagnosis, Interval, Number, Timeline

_SIGNS = {
    "covers": "✓", "collapsed": "✕", "off target": "✕", "memorised": "=", "too narrow": "↔", "too wide": "↔", "unbalanced": "≠",
    "cannot be told": "?",
}  # fmt: skip
_ARROWS = {
    "high": ("↑", "higher is better"),
    "low": ("↓", "lower is better"),
    "near": ("→", "near that of real samples is best"),
}


@cache
def style() -> str:
    """The style sheet of all parts, for light and dark pages."""
    return (Path(__file__).parent / "diagnosis.css").read_text(encoding="utf-8")


def answer(diagnosis: Diagnosis, first: bool = False) -> str:
    """The verdict in one sentence with its badge, why, and what else was found.

    Args:
        diagnosis: to tell.
        first: whether it is a first look, which may still change.
    """
    sign = f'<span aria-hidden="true">{_SIGNS[diagnosis.kind]}</span>'
    also = " ".join(["", "Also:", *diagnosis.also]) if diagnosis.also else ""
    waits = '<span class="first">a first look, more follows</span>' if first else ""
    return (
        f'<div class="diagnosis answer" data-kind="{escape(diagnosis.kind)}">'
        f'<p class="badge">{sign}{escape(diagnosis.word)}</p>{waits}<p class="sentence">{_text(diagnosis.sentence)}</p>'
        f'<p class="why">{_text(diagnosis.why)}<span class="also">{_text(also)}</span></p></div>'
    )


def _text(words: str) -> str:
    """A text whose lines do not break before a per cent sign."""
    return escape(words).replace(" %", "\u00a0%")


def helps(diagnosis: Diagnosis) -> str:
    """What usually helps, in words; empty if nothing is wrong."""
    lines = "".join(f"<li>{escape(each.text)}</li>" for each in diagnosis.helps)
    return f'<div class="diagnosis helps"><p>What usually helps</p><ul>{lines}</ul></div>' if lines else ""


def order(known: Sequence[Cluster]) -> list[int]:
    """Places of clusters in the order to show: lost ones first, then those whose shares differ most."""
    return sorted(range(len(known)), key=lambda at: (not known[at].lost, -abs(known[at].real - known[at].generated)))


def clusters(diagnosis: Diagnosis, pictures: Mapping[int, str], words: Mapping[int, str]) -> str:
    """The shares of all clusters in both sides, the lost ones first.

    Args:
        diagnosis: whose clusters these are.
        pictures: addresses of images of real samples, by place of the cluster.
        words: where clusters of points lie, by place.
    """
    known = diagnosis.clusters
    top = max([0.01, *(each.real_interval.high for each in known), *(each.generated_interval.high for each in known)])
    rows = "".join(
        _cluster(known[at], at, top, pictures.get(at, ""), words.get(at, "")) for at in order(diagnosis.clusters)
    )
    return f'<ul class="diagnosis clusters" role="list">{rows}</ul><p class="diagnosis small">Clusters: {escape(diagnosis.clustering)}.</p>'


def _cluster(cluster: Cluster, at: int, top: float, picture: str, words: str) -> str:
    mark = ' <b class="lost">lost</b>' if cluster.lost else ""
    image = f'<img src="{escape(picture)}" alt="Real samples of {escape(cluster.name)}">' if picture else ""
    place = f'<span class="place">{escape(words)}</span>' if words else ""
    return (
        f'<li data-cluster="{at}"{" class=gone" if cluster.lost else ""}>'
        f'<p class="name"><span>{escape(cluster.name)}</span>{mark}{place}{image}</p>'
        f"{_bar('real', cluster.real, cluster.real_interval, top)}"
        f"{_bar('generated', cluster.generated, cluster.generated_interval, top)}</li>"
    )


def _bar(side: str, share: float, interval: Interval, top: float) -> str:
    low, high = 100 * interval.low / top, 100 * interval.high / top
    said = f"{percent(share)}, 95 % interval {percent(interval.low)} to {percent(interval.high)}"
    return (
        f'<p class="bar {side}" title="{said}"><span class="side">{side}</span><span class="track">'
        f'<i style="width: {100 * share / top:.2f}%"></i><u style="left: {low:.2f}%; width: {max(0.4, high - low):.2f}%"></u></span>'
        f'<span class="share">{percent(share)}</span></p>'
    )


def numbers(diagnosis: Diagnosis) -> str:
    """All numbers in a table, each beside that of real samples against real samples."""
    spaces = list(dict.fromkeys(number.space for number in diagnosis.numbers))
    rows = "".join(_row(number, len(spaces) > 1) for number in diagnosis.numbers)
    caption = (
        f"Distances are measured in {spaces[0]}."
        if len(spaces) == 1
        else "Where distances are measured is said beside each."
    )
    heads = (
        "",
        "generated",
        "",
        "real against real",
        "better",
        "samples",
        *(["measured in"] if len(spaces) > 1 else []),
    )
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in heads)
    notes = "".join(f'<p class="small">{escape(note)}</p>' for note in diagnosis.notes)
    return (
        f'<div class="diagnosis numbers" tabindex="0" role="group" aria-label="The numbers"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}</div>"
    )


def _row(number: Number, spaced: bool) -> str:
    arrow, words = _ARROWS[number.better]
    real, generated = number.sizes
    sizes = f"{real:,}" if real == generated else f"{real:,} and {generated:,}"
    beside = f"<td>{escape(number.space)}</td>" if spaced else ""
    return (
        f"<tr><th scope=row><span>{escape(number.title)}</span><small>{escape(number.meaning)}</small></th>"
        f'<td class="value"><b>{_said(number.value, number.unit)}</b>{_range(number.interval)}</td><td>{_strip(number)}</td>'
        f'<td class="value">{_said(number.floor, number.unit)}{_range(number.floor_interval)}</td>'
        f'<td title="{words}"><span aria-hidden="true">{arrow}</span><span class="unseen">{words}</span></td>'
        f"<td>{sizes}</td>{beside}</tr>"
    )


def _said(value: float, unit: str = "") -> str:
    near_zero = 0.0 if abs(value) < 1e-9 else value  # rounding errors of shares
    text = f"{near_zero:.3g}".replace("-", "−") if math.isfinite(value) else "–"
    return f"{text} {escape(unit)}" if unit and math.isfinite(value) else text


def _range(interval: Interval | None) -> str:
    if interval is None or not math.isfinite(interval.low + interval.high):
        return ""
    return f"<small>{_said(interval.low)} to {_said(interval.high)}</small>"


def _strip(number: Number) -> str:
    """The number as a dot, with its interval as a line, over the range of real samples as a grey band."""
    if not math.isfinite(number.value) or not math.isfinite(number.floor):
        return ""
    own = number.interval or Interval(number.value, number.value)
    floor = number.floor_interval or Interval(number.floor, number.floor)
    low, high = min(own.low, floor.low, number.floor), max(own.high, floor.high, number.floor)

    def place(value: float) -> float:
        return 6 + 88 * (value - low) / ((high - low) or 1.0)  # per cent of the width

    apart = own.low > floor.high or own.high < floor.low
    return (
        f'<span class="strip{" apart" if apart else ""}" aria-hidden="true">{_span("floor", place(floor.low), place(floor.high))}'
        f'{_span("own", place(own.low), place(own.high))}<b style="left: {place(number.value):.1f}%"></b></span>'
    )


def _span(kind: str, left: float, right: float) -> str:
    return f'<i class="{kind}" style="left: {left:.1f}%; width: {max(1.0, right - left):.1f}%"></i>'


def over_time(timeline: Timeline, shown: int) -> str:
    """Verdict, coverage and the share of every cluster at each step, as a table of shades.

    Args:
        timeline: of two sets of samples or more.
        shown: place of the step that is shown below it.
    """
    known = timeline.diagnoses
    head = "".join(
        f"<th scope=col{_now(at, shown)}><span>{step:g}</span></th>" for at, step in enumerate(timeline.steps)
    )
    words = "".join(
        f'<td{_now(at, shown)}><span class="kind" data-kind="{escape(each.kind)}" title="step {timeline.steps[at]:g}: {escape(each.sentence)}">'
        f'<span class="unseen">{escape(each.word)}</span></span></td>'
        for at, each in enumerate(known)
    )
    covered = "".join(
        _cell(each.number("coverage"), f"coverage {each.number('coverage'):.2f}", _now(at, shown))
        for at, each in enumerate(known)
    )
    rows = "".join(
        f"<tr><th scope=row>{escape(known[-1].clusters[cluster].name)}</th>{_shares(known, cluster, shown)}</tr>"
        for cluster in order(known[-1].clusters)
    )
    return (
        f'<div class="diagnosis time"><p>{escape(timeline.sentence)}</p><div class="wide" tabindex="0" role="group" aria-label="Over time"><table><thead><tr><th scope=col>step</th>{head}</tr></thead>'
        f"<tbody><tr><th scope=row>verdict</th>{words}</tr><tr class=first><th scope=row>coverage</th>{covered}</tr>{rows}</tbody></table></div>"
        '<p class="small">A full bar in a cluster is its share of the real data or more; a red cross: lost.</p></div>'
    )


def _shares(known: Sequence[Diagnosis], cluster: int, shown: int) -> str:
    cells = []
    for at, diagnosis in enumerate(known):
        each = diagnosis.clusters[cluster]
        said = f"{percent(each.generated)} of the samples, {percent(each.real)} of the real data{', lost' if each.lost else ''}"
        cells.append(_cell(each.generated / max(each.real, 1e-9), said, _now(at, shown), each.lost))
    return "".join(cells)


def _cell(share: float, said: str, now: str, lost: bool = False) -> str:
    filled = 100 * min(1.0, share) if math.isfinite(share) else 0.0
    kind = "fill gone" if lost else "fill"
    return f'<td{now}><span class="{kind}" title="{said}"><i style="height: {filled:.0f}%"></i><span class="unseen">{said}</span></span></td>'


def _now(at: int, shown: int) -> str:
    return " class=now" if at == shown else ""


def percent(share: float) -> str:
    """A share in words, as "18 %"."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.1f} %"
