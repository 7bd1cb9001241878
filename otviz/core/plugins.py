"""Registration: a plug-in is a named, concrete subclass in a module of its package."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from typing import TypeVar

from otviz.core.params import Knobs

T = TypeVar("T", bound=Knobs)


def discover(package: str, base: type[T]) -> dict[str, type[T]]:
    """All plug-ins of a package by name, in alphabetical order.

    Args:
        package: dotted name, such as "otviz.methods".
        base: the abstract base class; plug-ins set its class variable `name`.

    Raises:
        ImportError: a module of the package cannot be imported (with the cause).
        ValueError: two plug-ins share a name.
    """
    return dict(_discover(package, base))  # type: ignore[arg-type]


@functools.cache
def _discover(package: str, base: type[Knobs]) -> dict[str, type[Knobs]]:
    found: dict[str, type[Knobs]] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{info.name}")
        for cls in vars(module).values():
            ours = inspect.isclass(cls) and cls.__module__ == module.__name__ and issubclass(cls, base)
            if not ours or inspect.isabstract(cls) or not cls.name:
                continue
            if found.get(cls.name, cls) is not cls:
                raise ValueError(f"two plug-ins are named {cls.name!r}: {found[cls.name]} and {cls}")
            found[cls.name] = cls
    return dict(sorted(found.items()))


def choose(plugins: dict[str, type[T]], name: str, what: str) -> type[T]:
    """The plug-in of that name.

    Args:
        plugins: by name.
        name: of the one to return.
        what: kind of plug-in, for the message.

    Raises:
        ValueError: unknown name; the message lists the known ones.
    """
    if name not in plugins:
        raise ValueError(f"{what} must be one of {', '.join(plugins)}; got {name!r}")
    return plugins[name]
