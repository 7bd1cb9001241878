"""The verdict on a run so far, and the judgement of each of its snapshots.

Runs on images are judged only on collapse, since none of these metrics ranks images as a person would. The limits come from
controls and runs on mnist8 and MNIST with 1000 to 10 000 samples. Recall was 0 to 0.13 for generators that repeat a few
images and at least 0.5 for readable digits. There were about 9 of 10 effective classes with one digit missing, and at most 3
with hardly more than one left. Precision does not help: collapsed generators and even noise reach 0.9. Noise also has few
effective classes and no recall, so images much rougher than real ones are not judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from otviz.evaluation.verdicts import FINISHED, Judgement, Verdict, judge, loss_spread, verdict
from otviz.runs.run_view import ENDED, RunView
from otviz.runs.snapshots import Meter, Snapshot
from otviz.training.driver import DIVERGED
from otviz.training.presets import preset

if TYPE_CHECKING:
    import pandas as pd

RECALL = 0.25
"""Recall below which most real images have no generated image nearby."""

CLASSES = 0.5
"""Ratio of effective classes to those of real images, below which classes are lost."""

ROUGH = 1.4
"""Ratio of roughness to that of real images, above which images count as noise. Measured: at least 1.9 with noise of a
quarter of the range added (1.2 on the digits, whose strokes are a pixel wide), 2.6 for a generator that has hardly learned,
and at most 1.2 for single digits (1.5 on mnist8)."""

YOUNG = 0.5
"""Fraction of the usual steps for the method and the images, below which a run is not judged."""

_RULE = (
    f"Once {FINISHED:.0%} of its steps, and {YOUNG:.0%} of the usual ones, are done, a run on images has collapsed if its "
    f"samples spread over fewer than {CLASSES:.0%} of the effective classes of the real images (exp of the entropy), or if "
    f"recall is below {RECALL:g}; not if they are rougher than real images by {ROUGH:g} times, as noise is."
)

COLUMNS = {
    "high_quality": "on modes", "mode_mixture": "between modes", "w2": "W2", "w2_floor": "W2 floor",
    "w2_floor_std": "± floor", "precision": "precision", "recall": "recall", "diversity": "diversity",
    "diversity_target": "of the target",
}  # fmt: skip
"""Names of metrics, and their column titles."""


def verdict_on(run: RunView) -> Verdict:
    """The verdict of `otviz.evaluation.verdicts` on a run. One that diverged is unstable, and its message says why."""
    if run.status == "failed" and run.message.startswith(DIVERGED):
        rule = "A run is unstable, and its samples are not judged, once losses or weights are no longer finite numbers."
        return Verdict("not judged", "not judged", f"{run.message}.", rule, "unstable", f"{run.message}. {rule}")
    if run.config.target.kind == "images":
        return _image_verdict(run, run.meter, run.step)
    return verdict(meter_history(run.snapshots), run.losses(), run.config.steps)


def is_final(run: RunView, found: Verdict) -> bool:
    """Whether a verdict is final: the run has ended, and was long enough to be judged."""
    return run.status in ENDED and found.kind != "not finished"


def judge_snapshot(run: RunView, look: Snapshot) -> Judgement:
    """The judgement of one snapshot, from its own metrics alone."""
    if run.config.target.kind == "images":
        found = _image_verdict(run, look.meter, look.step)
        return Judgement(found.kind, found.word, found.sentence, found.rule)
    if not np.isfinite(look.generated).all():
        rule = "Samples are not judged once a point is no longer a finite number."
        return Judgement("not judged", "not judged", "The generated points are no longer finite numbers.", rule)
    return judge(look.meter, look.step)


def verdict_so_far(run: RunView) -> str:
    """The verdict in words: the final one, or the judgement of the last snapshot."""
    found = verdict_on(run)
    if is_final(run, found) or not run.snapshots:
        return found.words
    word = judge_snapshot(run, run.snapshots[-1]).word
    return f"so far: {word}" if word else ""


def _image_verdict(run: RunView, meter: Meter, step: int) -> Verdict:
    usual = preset(run.config.method.name, run.config.target).steps
    return image_verdict(meter, step, run.config.steps, usual)


def meter_history(snapshots: Sequence[Snapshot]) -> list[tuple[int, Meter]]:
    """Step and metrics of each snapshot."""
    return [(snapshot.step, snapshot.meter) for snapshot in snapshots]


def table(runs: Sequence[RunView], labels: Sequence[str]) -> pd.DataFrame:
    """A table with a row for each run: its verdict and the metrics of its last snapshot; nan where they do not apply."""
    import pandas as pd

    rows = []
    for run, label in zip(runs, labels, strict=True):
        meter = run.meter
        found = f"{meter['modes_covered']} of {meter['modes_total']}" if "modes_total" in meter else ""
        numbers = {title: meter.get(key, math.nan) for key, title in COLUMNS.items()}
        spread = loss_spread(run.losses()[:, 0])
        rows.append(
            {
                "method": label,
                "verdict": verdict_so_far(run),
                "step": run.step,
                "modes": found,
                **numbers,
                "loss spread": spread,
            }
        )
    return pd.DataFrame(rows)


def image_verdict(meter: Meter, step: int, steps: int, usual: int) -> Verdict:
    """The verdict on a run on images. Its kind is "not judged", without a word, unless the run has collapsed.

    Args:
        meter: metrics, as in `Snapshot.meter`.
        step, steps: steps done and planned.
        usual: steps that the method usually needs for readable images of this set.
    """
    silent = Verdict("not judged", "", "", _RULE)
    if step < max(FINISHED * steps, YOUNG * usual) or meter.get("recall") is None or not meter.get("class_shares"):
        return silent
    found, total, recall = meter["classes_effective"], meter["classes_total"], meter["recall"]
    few, narrow = found < CLASSES * _effective(meter["true_class_shares"]), recall < RECALL
    if not (few or narrow) or meter["roughness"] > ROUGH * meter["roughness_target"]:
        return silent
    word = f"{found:.1f} of {total} classes left" if few else f"recall {recall:.2f}"
    text = (
        f"{found:.1f} effective classes of {meter['samples']} samples; recall is {recall:.2f} (real images "
        f"{meter['recall_floor']:.2f}). It repeats few images, or makes nothing like them: the picture tells which."
    )
    return Verdict("collapsed", f"collapsed: {word}", text, _RULE)


def _effective(shares: list[float]) -> float:
    held = np.array([share for share in shares if share > 0])
    return float(np.exp(-(held * np.log(held)).sum()))
