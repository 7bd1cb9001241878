"""POT and scikit-learn, imported so that the first does not bring the second with it.

POT imports what it finds of scikit-learn and networkx, for parts that are not used here: with them come pandas and pyarrow, a
second, 100 MB, and a thread that does not survive a fork.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any

_OPTIONAL = ("sklearn", "networkx")
_alone = threading.RLock()  # while POT is imported, nobody else may look for what it must not find


def pot() -> Any:
    """The module `ot`, imported without the packages that it can do without."""
    with _alone:
        hidden = [name for name in _OPTIONAL if "ot" not in sys.modules and name not in sys.modules]
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            return importlib.import_module("ot")
        finally:
            for name in hidden:
                del sys.modules[name]


def scikit_learn(part: str) -> Any:
    """A module of scikit-learn, such as `cluster`."""
    with _alone:
        return importlib.import_module(f"sklearn.{part}")
