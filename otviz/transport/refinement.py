"""The rest of an answer in a separate thread, for a page that must keep answering."""

from __future__ import annotations

import threading
import time

from otviz.transport.potentials import Masses, Points
from otviz.transport.problem import Problem
from otviz.transport.solution import Picture
from otviz.transport.solve import refine

FORGOTTEN = 20.0
"""Seconds without a question after which the answer is no longer wanted: a closed tab sends no message."""


class Refinement:
    """Plays `refine`; `picture` is the best answer so far.

    It ends at its next pause when it is told to, when nobody has asked for a while, or when the process ends.
    """

    def __init__(
        self,
        problem: Problem,
        x: Points,
        y: Points,
        rough: Picture,
        a: Masses | None = None,
        b: Masses | None = None,
    ) -> None:
        self.problem = problem
        self.picture = rough
        self.error = ""
        self._work = refine(problem, x, y, rough, a, b)
        self._stop = threading.Event()
        self._over = threading.Event()
        self._asked_at = time.monotonic()
        self._thread = threading.Thread(target=self._play, name="refinement", daemon=False)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Ask for it: whether it has ended, after at most so many seconds."""
        self._asked_at = time.monotonic()
        return self._over.wait(seconds)

    def stop(self) -> None:
        """End it at its next pause; does not wait."""
        self._stop.set()

    def _play(self) -> None:
        try:
            for found in self._work:
                if found is not None:
                    self.picture = found
                if self._unwanted():
                    break
        except Exception as error:  # read by the page, which has a sentence for it
            self.error = str(error) or type(error).__name__
        finally:
            self._work.close()
            self._over.set()

    def _unwanted(self) -> bool:
        forgotten = time.monotonic() - self._asked_at > FORGOTTEN
        return forgotten or self._stop.is_set() or not threading.main_thread().is_alive()
