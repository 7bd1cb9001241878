"""The verdict on a run: that of its last snapshot, and its stability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.verdicts.limits import FINISHED
from otviz.evaluation.verdicts.rules import judge
from otviz.evaluation.verdicts.stability import broken, shaking
from otviz.evaluation.verdicts.wording import History, Verdict


def verdict(
    history: History, losses: NDArray[np.floating[Any]], steps: int, weights: Sequence[float] | None = None
) -> Verdict:
    """The verdict on a run: on its last snapshot, and on the stability of its last quarter.

    Args:
        history: step and metrics (`Snapshot.meter`) of its snapshots, in order.
        losses: of all steps so far, shape (n, 2): generator, adversary; nan without an update.
        steps: planned number of steps.
        weights: of the target's modes, shape (k,), summing to 1; None: from the metrics, or equal.

    Raises ValueError for losses or weights of another shape.
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(f"losses must have shape (steps, 2): generator, adversary; got {values.shape}")
    if why := broken(history, values):
        rule = "Samples are not judged once a loss, or a point, is no longer a finite number; such a run is unstable."
        return Verdict("not judged", "not judged", why, rule, "unstable", f"{why} {rule}")
    done = max(len(values), history[-1][0] if history else 0)
    known = [(step, meter) for step, meter in history if meter.get("mode_shares") or meter.get("w2") is not None]
    found = judge(known[-1][1], known[-1][0], weights) if known else None
    if found is None or done < FINISHED * steps:
        rule = f"Nothing is judged before {FINISHED:.0%} of the steps are done: methods lose modes late, and find them late."
        so_far = "nothing is measured yet." if found is None else f"so far: {found.word}. {found.sentence}"
        return Verdict("not finished", "not finished", f"{done} of {steps} steps are done; {so_far}", rule)
    unstable = shaking(known, values)
    stability = "unstable" if unstable else "steady"
    return Verdict(found.kind, found.word, found.sentence, found.rule, stability, unstable)  # type: ignore[arg-type]
