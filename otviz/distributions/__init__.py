"""2D distributions: one file is one distribution or a close family. Any can be source or target."""

from otviz.distributions.base import Distribution, Mixture, Points
from otviz.plugins import choose, discover

__all__ = ["Distribution", "Mixture", "Points", "distributions", "named"]


def distributions() -> dict[str, type[Distribution]]:
    """Every distribution by name."""
    return discover("otviz.distributions", Distribution)  # type: ignore[type-abstract]


def named(name: str) -> type[Distribution]:
    """The distribution of that name. Raises ValueError that lists the names there are."""
    return choose(distributions(), name, "distribution")
