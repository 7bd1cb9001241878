"""One transport problem between two clouds of points: posed, solved, as numbers and drawn, without any training."""

import importlib
import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """Lets `otviz.transport(x, y)` be a function although this package has its name."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return importlib.import_module("otviz.cli.transport_plan").transport(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
