"""See optimal transport make generative models.

    model = otviz.train("uotm", "points.csv", steps=2000, tau=0.05)
    print(model.metrics())
    model.plot().show()

`train`, `load` and `evaluate` make and measure generators; `transport` and `sinkhorn_divergence` are optimal transport
between two clouds; `methods` and `distributions` are the packages that define what can be trained on what.

Importing this package does not import torch; training, loading and transport do.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from otviz.core import __version__

if TYPE_CHECKING:
    from otviz import methods
    from otviz.cli.trained_model import evaluate, load, train
    from otviz.cli.transport_plan import sinkhorn_divergence, transport
    from otviz.data import distributions

__all__ = [
    "__version__", "distributions", "evaluate", "load", "methods", "sinkhorn_divergence", "train", "transport",
]  # fmt: skip

_PACKAGES = {"distributions": "otviz.data.distributions", "methods": "otviz.methods"}
_FUNCTIONS = {
    "evaluate": "otviz.cli.trained_model",
    "load": "otviz.cli.trained_model",
    "train": "otviz.cli.trained_model",
    "sinkhorn_divergence": "otviz.cli.transport_plan",
    "transport": "otviz.cli.transport_plan",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(_PACKAGES[name])
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    raise AttributeError(f"module 'otviz' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
