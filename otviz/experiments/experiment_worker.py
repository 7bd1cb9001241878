"""What a worker process does of an experiment (see `otviz.core.workers.worker`): it measures one seed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from otviz.core.container import Arrays, Plain
from otviz.core.workers.worker import Message, sentence
from otviz.experiments import named
from otviz.experiments.experiment import Outcome


def answers(plain: Plain, arrays: Arrays) -> Iterator[Message]:
    """The outcome of an experiment and a seed. Raises ValueError if it could not be measured."""
    try:
        outcome = measure_seed(plain["experiment"], plain["seed"], plain["quick"])
    except Exception as error:
        raise ValueError(f"{plain['experiment']}, seed {plain['seed']}: {sentence(error)}") from error
    yield {"index": 0, "outcome": outcome.record()}, {}


def measure_seed(experiment: str, seed: int, quick: bool) -> Outcome:
    """One seed in this process."""
    began = time.perf_counter()
    values = named(experiment).measure(seed, quick)
    return Outcome(seed, values, time.perf_counter() - began)
