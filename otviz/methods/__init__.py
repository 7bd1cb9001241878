"""Methods: one file per family of objectives. `Method` is the interface to the training loop."""

from otviz.core.plugins import choose, discover
from otviz.methods.method import Adversarial, Batch, Method

__all__ = ["Adversarial", "Batch", "Method", "methods", "named"]


def methods() -> dict[str, type[Method]]:
    """Every method by name."""
    return discover("otviz.methods", Method)  # type: ignore[type-abstract]


def named(name: str) -> type[Method]:
    """The method of that name. Raises ValueError, with the known names, if there is none."""
    return choose(methods(), name, "method")
