"""The verdict on a run on images: whether it has collapsed. More is not said: no number here ranks images as an eye does.

Limits from controls and runs on mnist8 and MNIST, 1000 to 10 000 samples: recall 0 to 0.13 for generators that repeat a
few images, 0.5 and more for readable digits; about 9 of 10 effective classes where one digit is missing, 3 and fewer where
hardly more than one is left. Precision is no help: collapsed generators and even noise reach 0.9.
"""

from __future__ import annotations

import numpy as np

from otviz.runs.snapshots import Meter
from otviz.verdicts import FINISHED, Verdict

RECALL = 0.25
"""Recall below which most of the real images have nothing generated near them."""

CLASSES = 0.5
"""Effective classes over those of the real images, below which classes are lost."""

_RULE = (
    f"Once {FINISHED:.0%} of the steps are done, a run on images has collapsed if its samples spread over fewer than "
    f"{CLASSES:.0%} of the effective classes of the real images (exp of the entropy), or if recall is below {RECALL:g}."
)


def image_verdict(meter: Meter, step: int, steps: int) -> Verdict:
    """The verdict from the last measurement; of kind "not judged" and without a word unless the run has collapsed."""
    silent = Verdict("not judged", "", "", _RULE)
    if step < FINISHED * steps or meter.get("recall") is None or not meter.get("class_shares"):
        return silent
    found, total = meter["classes_effective"], meter["classes_total"]
    due = _effective(meter["true_class_shares"])
    counted = (
        f"of {meter['samples']} samples; recall is {meter['recall']:.2f} (real images {meter['recall_floor']:.2f})"
    )
    if found < CLASSES * due:
        return Verdict(
            "collapsed",
            f"collapsed: {found:.1f} of {total} classes",
            f"{found:.1f} effective classes {counted}.",
            _RULE,
        )
    if meter["recall"] < RECALL:
        text = f"{found:.1f} effective classes {counted}. It repeats a few images, or makes noise: the picture tells which."
        return Verdict("collapsed", f"collapsed: recall {meter['recall']:.2f}", text, _RULE)
    return silent


def _effective(shares: list[float]) -> float:
    held = np.array([share for share in shares if share > 0])
    return float(np.exp(-(held * np.log(held)).sum()))
