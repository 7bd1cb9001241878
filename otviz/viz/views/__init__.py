"""Views below an animation, one per file. Importing them draws nothing and needs neither torch nor Plotly."""

from otviz.core.plugins import discover
from otviz.viz.views.view import Labelled, View

__all__ = ["Labelled", "View", "views"]


def views(page: str) -> dict[str, View]:
    """The views of a page by name, in order."""
    found = (cls() for cls in discover("otviz.viz.views", View).values() if page in cls.pages)  # type: ignore[type-abstract]
    return {view.name: view for view in sorted(found, key=lambda view: (view.order, view.name))}
