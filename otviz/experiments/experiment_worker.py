"""A process that measures: `python -m otviz.experiments.experiment_worker` reads {"experiment", "seed", "quick"} and writes the outcome.

It answers {"outcome": {...}}, then {"over": ""}, or a sentence there if it could not be measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otviz.experiments.experiment_runner import run_here
from otviz.experiments.sweeps.sweep_worker import serve


def answers(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Measure one seed."""
    try:
        yield {"outcome": run_here(task["experiment"], task["seed"], task["quick"]).record()}
        yield {"over": ""}
    except Exception as error:  # told to whoever asked; the next task may be a good one
        yield {"over": f"{task.get('experiment')}, seed {task.get('seed')}: {error or type(error).__name__}"}


if __name__ == "__main__":
    serve(answers)
