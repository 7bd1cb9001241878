"""Diagnostics of one run over its steps, as in the course notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from otviz.core.numbers import whole
from otviz.viz.views.view import Labelled, View

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Diagnostics(View):
    """Losses, diversity and samples."""

    name: ClassVar[str] = "diagnostics"
    title: ClassVar[str] = "Diagnostics"
    pages: ClassVar[tuple[str, ...]] = ("train",)
    order: ClassVar[int] = 10

    def figure(self, runs: Labelled) -> go.Figure:
        from otviz.viz.diagnostics import diagnostics

        (run,) = runs.values()
        assert run.scene is not None
        return diagnostics(run.scene, run.snapshots, run.losses())

    def note(self, runs: Labelled) -> str:
        (run,) = runs.values()
        return (
            f"As of step {whole(run.step)}. Diversity does not show mode collapse: two opposite modes of a ring have the "
            "same diversity as all eight. Read it together with the modes covered."
        )
