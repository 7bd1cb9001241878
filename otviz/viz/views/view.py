"""The interface of a view."""

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
"""Runs by label on the page."""


@dataclass(frozen=True)
class View(Knobs, ABC):
    """A figure of runs. Subclasses import plotting libraries inside `figure`, since pages list all views before drawing one.

    Attributes:
        name: key in links.
        title: title on the page.
        pages: pages that show it: "train", "images" or "compare".
        order: position among the views of a page.
    """

    pages: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[int] = 500

    @abstractmethod
    def figure(self, runs: Labelled) -> go.Figure:
        """The figure of runs with snapshots. Raises ValueError for runs that it cannot show."""

    def note(self, runs: Labelled) -> str:
        """A sentence or two below the figure, or empty."""
        return ""
