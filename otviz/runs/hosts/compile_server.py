"""A process that compiles the updates of a method (see `otviz.core.workers.worker` and `otviz.training.ahead`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otviz.core.container import Arrays
from otviz.core.workers.pipe import Message
from otviz.methods import named
from otviz.training.ahead import build


def answers(plain: dict[str, Any], arrays: Arrays) -> Iterator[Message]:
    """Compile the updates of a method, given by its record, for points of a dimension."""
    knobs = dict(plain["method"])
    build(named(knobs.pop("name"))(**knobs), plain["dim"])
    yield {}, {}
