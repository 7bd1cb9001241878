"""Serves the app as `streamlit run` does, but its runs rest between their steps, which leaves the processor to the browser.

A test waits for some steps and not for many, and a run with a million ahead would take a whole core until the test ends.
"""

from __future__ import annotations

import sys
import time

from streamlit.web.cli import main

from otviz.runs import scheduling

REST = 4.0  # seconds of rest for each second of training
LONGEST = 0.1  # seconds of rest at once: a command waits for its end


class PacedTimer(scheduling.LoopTimer):
    """The clock of a run that rests."""

    def record_steps(self, steps: int, seconds: float) -> None:
        """Record the time that steps took, and rest."""
        super().record_steps(steps, seconds)
        time.sleep(min(REST * seconds, LONGEST))


if __name__ == "__main__":
    scheduling.LoopTimer = PacedTimer  # type: ignore[misc]
    sys.exit(main())
