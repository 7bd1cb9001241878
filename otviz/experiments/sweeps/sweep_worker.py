"""A process that plays cells: `python -m otviz.experiments.sweeps.sweep_worker` reads tasks and writes outcomes, one JSON text a line.

A task is a list of configs; the answers are {"index": i, "outcome": {...}} for each, then {"over": ""}, or a sentence there
if it could not be played. It ends when its input does, so that it cannot outlive its parent.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from otviz.experiments.sweeps.train_cells import train_cells
from otviz.runs.config import RunConfig
from otviz.runs.run_store import Store

NICENESS = 10
"""Pages and the runs one watches come first."""


def answers(task: list[dict[str, Any]], store: Store) -> Iterator[dict[str, Any]]:
    """Play a task."""
    try:
        configs = [RunConfig.from_record(record) for record in task]
        for index, outcome in enumerate(train_cells(configs, store)):
            yield {"index": index, "outcome": dataclasses.asdict(outcome)}
        yield {"over": ""}
    except Exception as error:  # told to whoever asked; the next task may be a good one
        yield {"over": str(error) or type(error).__name__}


def main() -> None:
    """Play tasks until the input ends."""
    store = Store()
    serve(lambda task: answers(task, store))


def serve(answers: Callable[[Any], Iterator[dict[str, Any]]]) -> None:
    """Read tasks and write the answers to each, one JSON text a line, until the input ends; then end this process.

    Args:
        answers: to one task; the last is {"over": ""}, or has a sentence there if the task could not be done.
    """
    if sys.platform != "win32":
        os.nice(NICENESS)
    torch.set_num_threads(1)
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    while True:
        for answer in answers(json.loads(tasks.get())):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def _read(tasks: queue.SimpleQueue[str]) -> None:
    """Pass lines on; at their end, end the process at once."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
