"""What a worker process does of a sweep (see `otviz.core.workers.worker`): it trains the cells of a task, together where they can be stacked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from otviz.core.container import Arrays, Plain
from otviz.core.workers.worker import Message
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.runs.config import RunConfig
from otviz.runs.run_store import Store


def answers(plain: Plain, arrays: Arrays) -> Iterator[Message]:
    """The outcome of each config of a task, in order. Raises ValueError for what cannot be trained."""
    configs = [RunConfig.from_record(record) for record in plain["configs"]]
    for index, outcome in enumerate(train_cells(configs, Store())):
        yield {"index": index, "outcome": dataclasses.asdict(outcome)}, {}
