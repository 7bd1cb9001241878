"""Modes covered over the steps of every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from otviz.viz.views.view import Labelled, View

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class ModesOverTime(View):
    """A stepped line for each run."""

    name: ClassVar[str] = "history"
    title: ClassVar[str] = "Modes over time"
    pages: ClassVar[tuple[str, ...]] = ("compare",)
    order: ClassVar[int] = 10

    def figure(self, runs: Labelled) -> go.Figure:
        from otviz.runs.run_verdict import meter_history
        from otviz.viz.mode_history import mode_history

        if not any("modes_total" in run.meter for run in runs.values()):
            raise ValueError("this target has no modes to count; compare W2 in the meter instead")
        return mode_history({label: meter_history(run.snapshots) for label, run in runs.items()})
