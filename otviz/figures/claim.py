"""An experiment's numbers: what each seed gave, their mean with its interval, and what was reported."""

from __future__ import annotations

import re
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.experiments import Experiment, Number, Outcome
from otviz.experiments.evidence import interval
from otviz.figures.style import GUIDE, SHADES, legend_above, plain

ROW, HEAD = 84, 110  # pixels


def claim_figure(experiment: Experiment, outcomes: Sequence[Outcome]) -> go.Figure:
    """One strip for each measured number, with an axis of its own; a diamond is the reported number, never a measured one.

    Reported texts that are no single number are left to the table.
    """
    shown = [number for number in experiment.numbers if _values(number, outcomes)]
    figure = make_subplots(
        max(len(shown), 1), 1, subplot_titles=[number.what for number in shown],
        vertical_spacing=min(0.3, 0.62 / max(len(shown), 1)),
    )  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font_size=12)
    named = set[str]()
    for row, number in enumerate(shown, start=1):
        values = _values(number, outcomes)
        seeds = {"color": SHADES[1], "size": 8, "symbol": "circle-open"}
        mean = {"color": SHADES[0], "size": 11, "symbol": "line-ns-open"}
        told = {"color": GUIDE, "size": 11, "symbol": "diamond"}
        centre, ends = interval(values) if len(values) > 1 else (values[0], (values[0], values[0]))
        marks = [("a seed each", values, seeds, None), ("mean, 95 % interval", [centre], mean, [ends[1] - centre])]
        reported = as_number(number.reported)
        if reported is not None:
            marks.append(
                (f"reported{'' if number.source == 'paper' else f' [{number.source}]'}", [reported], told, None)
            )
        for label, at, marker, error in marks:
            figure.add_scatter(
                x=at, y=[0] * len(at), mode="markers", name=label, marker=marker, legendgroup=label,
                showlegend=label not in named, row=row, col=1, hovertemplate="%{x:.4g}",
                error_x=None if error is None else {"type": "data", "array": error, "color": SHADES[0], "thickness": 2},
            )  # fmt: skip
            named.add(label)
    figure.update_yaxes(visible=False, range=[-1, 1])
    figure.update_xaxes(showgrid=True, zeroline=False, nticks=6)
    figure = legend_above(plain(figure, height=HEAD + ROW * max(len(shown), 1)))
    return figure.update_layout(legend={"y": 1, "yanchor": "top", "yref": "container"}, margin={"t": 64, "l": 20})


def text_alternative(experiment: Experiment, outcomes: Sequence[Outcome]) -> str:
    """The same in words."""
    told = []
    for number in experiment.numbers:
        values = _values(number, outcomes)
        if values:
            said = f", reported {number.reported} ({number.source})" if number.reported else ""
            told.append(f"{number.what}: {min(values):.4g} to {max(values):.4g} over {len(values)} seeds{said}")
    return "; ".join(told) or "No numbers yet"


def as_number(text: str) -> float | None:
    """A reported text as a number, if it is one, perhaps with a spread; None for anything else."""
    match = re.fullmatch(r"\s*([−-]?\d*\.?\d+)(\s*±\s*\d*\.?\d+)?\s*", text)
    return None if match is None else float(match[1].replace("−", "-"))


def _values(number: Number, outcomes: Sequence[Outcome]) -> list[float]:
    found = [each.values[number.key] for each in outcomes if number.key in each.values]
    return [] if any(isinstance(value, str) for value in found) else [float(value) for value in found]
