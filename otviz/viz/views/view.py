"""What a view gives the pages that show it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from otviz.core.params import Knobs

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from otviz.runs.run_view import RunView

Labelled: TypeAlias = "Mapping[str, RunView]"
"""Runs by their labels on the page."""


@dataclass(frozen=True)
class View(Knobs, ABC):
    """A figure of runs. Subclasses import what they draw with inside `figure`: pages list all views before any is drawn.

    Attributes:
        name: in links.
        title: on the page.
        pages: that show it: "train", "images" or "compare".
        order: its place among the views of a page.
    """

    pages: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[int] = 500

    @abstractmethod
    def figure(self, runs: Labelled) -> go.Figure:
        """The figure of runs that have snapshots. Raises ValueError, in one sentence, for runs that it cannot show."""

    def note(self, runs: Labelled) -> str:
        """A sentence or two under the figure; empty if it needs none."""
        return ""
