"""A diagnosis in a thread, with progress: a page shows what is known so far and never waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otviz.checkpoints.diagnoses.sides import MODEL, RUN, data_of, open_side
from otviz.checkpoints.diagnoses.stored import Found
from otviz.core.machine import cores
from otviz.evaluation.diagnosis import Diagnosis, Samples, Timeline, stages
from otviz.evaluation.diagnosis.checks import check_pair, checked
from otviz.evaluation.diagnosis.diagnosing import MOST, later
from otviz.evaluation.diagnosis.over_time import steps_of
from otviz.evaluation.diagnosis.reference import Reference

if TYPE_CHECKING:
    from otviz.runs.run_view import RunView

MOST_FILES = 50
_PLACES = threading.BoundedSemaphore(
    max(1, cores() - 1)
)  # other diagnoses of this server wait, so that its pages do not


@dataclass(frozen=True)
class Request:
    """What to judge.

    Attributes:
        real: one side, as for `open_side`; empty: what the model or run on the other side was trained on.
        generated: one or more sets of samples of one generator, in order.
        columns, label: of points.
        held_out: real samples that the generator has not seen; empty: none.
    """

    real: str
    generated: tuple[str, ...]
    columns: tuple[str, ...] = ()
    label: str = ""
    held_out: str = ""


class Stopped(Exception):
    """The job was stopped."""


class DiagnosisJob:
    """Judges in a thread of its own; everything may be read at any time.

    Args:
        request: what to judge.
        runs: that it may use, by id.

    Attributes:
        error: one sentence if it failed.
        found: what is known so far; None at first.
        phase: what it does, in words.
        version: changes with `found` and at the end.
        over: whether it has ended.
    """

    def __init__(self, request: Request, runs: Mapping[str, RunView] | None = None) -> None:
        self.request = request
        self.error = ""
        self.found: Found | None = None
        self.phase = "Waiting for other diagnoses of this server"
        self.version = 0
        self.over = False
        self._runs = runs or {}
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="diagnosis", daemon=True).start()

    def stop(self) -> None:
        """End the job after the stage that it is in; what was found is kept."""
        self._stopped.set()

    @property
    def share(self) -> float:
        """The part that is done, in [0, 1]."""
        done = 0.0 if self.found is None else self.found.share
        return min(1.0, done / len(self.request.generated))

    def _run(self) -> None:
        try:
            with _PLACES:
                self._judge()
        except Stopped:
            pass
        except ValueError as error:
            self.error = str(error)
        except MemoryError:
            self.error = "there is not enough memory for so many samples: give fewer of them"
        except Exception as error:  # the page must say what happened rather than wait
            self.error = f"{type(error).__name__}: {error}"
        self.over = True
        self.version += 1

    def _judge(self) -> None:
        asked = self.request
        self._begin("Reading the real data")
        real = self._real(asked)
        held_out = self._open(asked.held_out, real) if asked.held_out else None
        sides: list[Samples] = []
        found: list[Diagnosis] = []
        for diagnoses in self._each(asked, real, held_out, sides):
            for diagnosis in diagnoses:
                found[len(sides) - 1 :] = [diagnosis]
                steps = steps_of([each.name for each in sides])
                self.found = Found(Timeline(steps, tuple(found)), real, tuple(sides))
                self.version += 1
                self._begin(f"Comparing {sides[-1].name}: {diagnosis.stage}")

    def _each(
        self, asked: Request, real: Samples, held_out: Samples | None, sides: list[Samples]
    ) -> Iterator[Iterator[Diagnosis]]:
        """The stages of each set of samples, which is added to `sides`."""
        reference: Reference | None = None
        for source in asked.generated:
            sides.append(self._generated(source, real))
            self._begin(f"Comparing {sides[-1].name}")
            if len(asked.generated) == 1:
                yield stages(real, sides[-1], held_out)
                return
            if reference is None:
                check_pair(checked(real), checked(sides[-1]))
                reference = Reference(real, held_out, 0, MOST)
            yield later(reference, sides[-1])

    def _begin(self, phase: str) -> None:
        if self._stopped.is_set():
            raise Stopped
        self.phase = phase

    def _real(self, asked: Request) -> Samples:
        if asked.real:
            return self._open(asked.real, None)
        if not asked.generated[0].startswith((MODEL, RUN)):
            raise ValueError("real data are missing: give a file of them, or choose a set by its name")
        return data_of(asked.generated[0], self._runs)

    def _generated(self, source: str, real: Samples) -> Samples:
        self._begin("Generating samples" if source.startswith((MODEL, RUN)) else "Reading the samples")
        return self._open(source, real)

    def _open(self, source: str, like: Samples | None) -> Samples:
        return open_side(source, like, self.request.columns, self.request.label, self._runs)
