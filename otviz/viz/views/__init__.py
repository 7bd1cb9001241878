"""Views under a moving picture: one file is one view. Importing them draws nothing and needs neither torch nor Plotly."""

from otviz.core.plugins import discover
from otviz.viz.views.view import Labelled, View

__all__ = ["Labelled", "View", "views"]


def views(page: str) -> dict[str, View]:
    """Those of a page, by name, in their order."""
    found = (cls() for cls in discover("otviz.viz.views", View).values() if page in cls.pages)  # type: ignore[type-abstract]
    return {view.name: view for view in sorted(found, key=lambda view: (view.order, view.name))}
