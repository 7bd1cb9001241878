"""A sweep of one knob: metrics of each method over its values (Choi et al. 2024, Fig. 3), and a map of verdicts.

Every mark and every cell is a run, with the run's id as `customdata`, so that a click can open it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.experiments.sweeps import Cell, Outcome, Sweep, label
from otviz.methods import Method
from otviz.viz.style import DASHES, GUIDE, MARKS, SHADES, legend_above, plain

MEASURES = {
    "w2": "W2 (data units)",
    "high_quality": "share of samples on a mode",
    "mode_mixture": "share of samples between modes",
    "loss_spread": "spread of the generator loss",
}
"""Measures that can be drawn, with their axis."""

_SHORT = {
    "mixes modes": "mixes", "unbalanced": "unbal.", "off target": "off", "too narrow": "narrow", "too wide": "wide",
    "not finished": "short", "not judged": "?",
}  # fmt: skip
_LESS_IS_BETTER = ("w2", "mode_mixture", "loss_spread")
_ROW, _HEAD = 26, 150  # pixels

Outcomes = Mapping[Cell, Outcome]


def robustness_curves(sweep: Sweep, outcomes: Outcomes, measures: Sequence[str] = ("w2", "high_quality")) -> go.Figure:
    """Each measure over the knob: mean and standard deviation over seeds for each method, and faint single seeds.

    Args:
        sweep: the settings.
        outcomes: of the finished cells.
        measures: of MEASURES, one panel each; those without values are left out.
    """
    shown = [
        name for name in measures if not outcomes or any(_value(each, name) is not None for each in outcomes.values())
    ]
    figure = make_subplots(1, max(len(shown), 1), horizontal_spacing=0.09)
    places = _places(sweep)
    for column, measure in enumerate(shown, start=1):
        figure.update_yaxes(
            title_text=MEASURES[measure].replace("data units", _unit(sweep) or "data units"), col=column
        )
        for index, method in enumerate(sweep.methods):
            _draw_method(figure, sweep, outcomes, method, measure, index, column)
        floors = [each.w2_floor for each in outcomes.values() if each.w2_floor is not None]
        if measure == "w2" and floors:
            samples = next(each.w2_samples for each in outcomes.values())
            figure.add_hline(
                y=float(np.mean(floors)), row=1, col=column, line={"color": GUIDE, "dash": "dot"},
                annotation_text=f"floor: real points, {samples} each", annotation_position="bottom right",
            )  # fmt: skip
    _name_places(figure, sweep, places)
    figure.update_yaxes(rangemode="tozero")
    if "high_quality" in shown:
        figure.update_yaxes(range=[0, 1.02], col=shown.index("high_quality") + 1)
    return legend_above(plain(figure, height=400))


def robustness_map(sweep: Sweep, outcomes: Outcomes, measure: str = "high_quality") -> go.Figure:
    """A heat map with methods and seeds in rows and values in columns: cells show a measure and a short verdict, "…" if pending.

    Args:
        sweep: the settings.
        outcomes: of the finished cells.
        measure: of MEASURES; colours run from bad (dark) to good (light).
    """
    rows = [(method, seed) for method in sweep.methods for seed in sweep.seeds]
    cells = [[Cell(method, value, seed) for value in sweep.values] for method, seed in rows]
    done = [[outcomes.get(cell) for cell in row] for row in cells]
    figure = go.Figure()
    figure.add_heatmap(
        z=[[None if each is None else _value(each, measure) for each in row] for row in done],
        colorscale="cividis", reversescale=measure in _LESS_IS_BETTER, hoverinfo="skip", xgap=2, ygap=2,
        zmin=0, zmax=1 if measure in ("high_quality", "mode_mixture") else None,
        text=[["" if each is None else _short(each) for each in row] for row in done], texttemplate="%{text}",
        colorbar={"thickness": 12},
    )  # fmt: skip
    _add_marks(figure, sweep, cells, outcomes, measure)
    seeds = len(sweep.seeds)
    for line in range(seeds, len(rows), seeds):
        figure.add_hline(y=line - 0.5, line={"color": GUIDE, "width": 1})
    names = [f"{label(method, sweep.knob)}, seed {seed}" for method, seed in rows]
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, autorange="reversed", showgrid=False)
    figure.update_xaxes(
        tickvals=list(range(len(sweep.values))), ticktext=[f"{value:g}" for value in sweep.values], showgrid=False,
        title_text=_axis(sweep), range=[-0.5, len(sweep.values) - 0.5],
    )  # fmt: skip
    return plain(figure, height=_HEAD + _ROW * len(rows)).update_layout(
        margin={"l": 190}, clickmode="event+select", hovermode="closest", hoverdistance=-1
    )


def _add_marks(figure: go.Figure, sweep: Sweep, cells: list[list[Cell]], outcomes: Outcomes, measure: str) -> None:
    """Invisible marks over the cells, since points of a heat map cannot be selected."""
    placed = [(x, y, cell) for y, row in enumerate(cells) for x, cell in enumerate(row)]
    done = [(x, y, cell) for x, y, cell in placed if cell in outcomes]
    figure.add_scatter(
        x=[x for x, _, _ in done], y=[y for _, y, _ in done], mode="markers", name="runs",
        marker={"size": _ROW - 4, "symbol": "square", "opacity": 0}, selected={"marker": {"opacity": 0.35}},
        customdata=[outcomes[cell].run_id for _, _, cell in done],
        text=[_hover_text(sweep, cell, outcomes[cell]) for _, _, cell in done], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    blank = [place for place in placed if place[2] not in outcomes or _value(outcomes[place[2]], measure) is None]
    words = [_short(outcomes[cell]) if cell in outcomes else "…" for _, _, cell in blank]
    figure.add_scatter(
        x=[x for x, _, _ in blank], y=[y for _, y, _ in blank], mode="text", text=words, name="without colour",
        textfont={"color": GUIDE}, hovertemplate="not yet done<extra></extra>" if "…" in words else None,
        hoverinfo="skip" if "…" not in words else None,
    )  # fmt: skip


def _draw_method(
    figure: go.Figure, sweep: Sweep, outcomes: Outcomes, method: Method, measure: str, index: int, column: int
) -> None:
    colour, mark = SHADES[index % len(SHADES)], MARKS[index % len(MARKS)]
    name, places = label(method, sweep.knob), _places(sweep)
    runs = [
        (cell, each) for cell, each in outcomes.items() if cell.method == method and _value(each, measure) is not None
    ]
    figure.add_scatter(
        x=[places[cell.value] for cell, _ in runs], y=[_value(each, measure) for _, each in runs], mode="markers",
        name=f"{name}, each seed", legendgroup=name, showlegend=False,
        marker={"color": colour, "symbol": mark, "size": 8, "opacity": 0.35}, customdata=[each.run_id for _, each in runs],
        text=[_hover_text(sweep, cell, each) for cell, each in runs], hovertemplate="%{text}<extra></extra>", row=1, col=column,
    )  # fmt: skip
    found = [
        (place, [_value(each, measure) for cell, each in runs if cell.value == value])
        for value, place in sorted(places.items())
    ]
    there = [(place, np.array(values, dtype=float)) for place, values in found if values]
    spread = [float(values.std(ddof=1)) if len(values) > 1 else 0.0 for _, values in there]
    figure.add_scatter(
        x=[place for place, _ in there], y=[float(values.mean()) for _, values in there], mode="lines+markers",
        name=name, legendgroup=name, showlegend=column == 1,
        line={"color": colour, "dash": DASHES[(index + index // len(SHADES)) % len(DASHES)], "width": 2},
        marker={"color": colour, "symbol": mark, "size": 6}, error_y={"array": spread, "width": 4, "color": colour},
        customdata=[[len(values), deviation] for (_, values), deviation in zip(there, spread, strict=True)],
        hovertemplate="mean %{y:.3f} ± %{customdata[1]:.3f} over %{customdata[0]} seeds<extra>" + name + "</extra>",
        row=1, col=column,
    )  # fmt: skip


def _value(outcome: Outcome, measure: str) -> float | None:
    values: dict[str, float | None] = {name: getattr(outcome, name) for name in MEASURES}
    return values[measure]


def _places(sweep: Sweep) -> dict[float, float]:
    """Position of each value; on a logarithmic axis, 0 is a factor of ten below the smallest other value."""
    above = [value for value in sweep.values if value > 0]
    if not _log(sweep) or not above:
        return {value: value for value in sweep.values}
    return {value: value if value > 0 else min(above) / 10 for value in sweep.values}


def _name_places(figure: go.Figure, sweep: Sweep, places: Mapping[float, float]) -> None:
    kind = "log" if _log(sweep) and all(place > 0 for place in places.values()) else "linear"
    ends = [math.log10(place) if kind == "log" else place for place in (min(places.values()), max(places.values()))]
    margin = 0.05 * (ends[1] - ends[0]) or 0.5
    figure.update_xaxes(
        type=kind, tickvals=list(places.values()), ticktext=[f"{value:g}" for value in places], title_text=_axis(sweep),
        range=[ends[0] - margin, ends[1] + margin],
    )  # fmt: skip


def _log(sweep: Sweep) -> bool:
    return sweep.param().log


def _axis(sweep: Sweep) -> str:
    """Title of the knob's axis."""
    knob = sweep.param()
    words = knob.name.replace("_", " ")
    return words if knob.symbol in ("", knob.name) else f"{words} ({knob.symbol})"


def _short(outcome: Outcome) -> str:
    """A verdict in one or two words; an exclamation mark means unstable."""
    unstable = outcome.stability == "unstable"
    if outcome.kind == "not judged" and unstable:
        return "unstable"
    word = (
        outcome.word.removeprefix("collapsed: ").replace("modes left", "left")
        if outcome.kind == "collapsed"
        else outcome.kind
    )
    return _SHORT.get(word, word) + (" !" if unstable else "")


def _unit(sweep: Sweep) -> str:
    """Unit of lengths of a file, or empty."""
    return sweep.target.units.word


def _length(sweep: Sweep, value: float) -> str:
    return f"{value:.4g} {_unit(sweep)}" if _unit(sweep) else f"{value:.3f}"


def _hover_text(sweep: Sweep, cell: Cell, outcome: Outcome) -> str:
    """Hover text of a run."""
    lines: list[str] = [
        f"<b>{label(cell.method, sweep.knob)}</b>, {sweep.knob.replace('_', ' ')} {cell.value:g}, seed {cell.seed}",
        f"<b>{outcome.word}</b>{', unstable' if outcome.stability == 'unstable' else ''}",
    ]
    if outcome.w2 is not None and outcome.w2_floor is not None:
        lines.append(
            f"W2 {_length(sweep, outcome.w2)} (floor {_length(sweep, outcome.w2_floor)}; {outcome.w2_samples} points each)"
        )
    if outcome.high_quality is not None and outcome.mode_mixture is not None:
        lines.append(f"{outcome.modes_covered} of {outcome.modes_total} modes; {outcome.high_quality:.0%} on a mode,")
        lines.append(f"{outcome.mode_mixture:.0%} between modes ({outcome.samples} samples)")
    if outcome.loss_spread is not None:
        lines.append(f"loss spread {outcome.loss_spread:.3g}; {outcome.seconds:.0f} s of training")
    return "<br>".join([*lines, "click to play this run" if outcome.run_id else "not stored"])


def text_alternative(sweep: Sweep, outcomes: Outcomes) -> str:
    """The map in words."""
    rows: list[str] = []
    for method in sweep.methods:
        words: list[Any] = [
            f"{cell.value:g} (seed {cell.seed}): {each.word}"
            for cell, each in outcomes.items()
            if cell.method == method
        ]
        rows.append(f"{label(method, sweep.knob)}: {', '.join(words) or 'nothing yet'}")
    return f"{len(outcomes)} of {sweep.total} runs over {sweep.knob}. " + "; ".join(rows)
