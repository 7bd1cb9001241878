"""The verdict on a run on images: whether it has collapsed. More is not said: no number here ranks images as an eye does.

Limits from controls and runs on mnist8 and MNIST, 1000 to 10 000 samples: recall 0 to 0.13 for generators that repeat a
few images, 0.5 and more for readable digits; about 9 of 10 effective classes where one digit is missing, 3 and fewer where
hardly more than one is left. Precision is no help: collapsed generators and even noise reach 0.9. Noise has few effective
classes and no recall either, so images much rougher than real ones are not judged.
"""

from __future__ import annotations

import numpy as np

from otviz.evaluation.verdicts import FINISHED, Verdict
from otviz.runs.snapshots import Meter

RECALL = 0.25
"""Recall below which most of the real images have nothing generated near them."""

CLASSES = 0.5
"""Effective classes over those of the real images, below which classes are lost."""

ROUGH = 1.4
"""Roughness over that of real images from which they are noise: 1.9 and more with noise of a quarter of the range added
(1.2 on the digits, whose strokes are a pixel wide), 2.6 for a generator that has hardly learned; single digits up to 1.2,
on mnist8 1.5."""

YOUNG = 0.5
"""Share of the steps that are usual for the method and the images, before which a run has learned too little."""

_RULE = (
    f"Once {FINISHED:.0%} of its steps, and {YOUNG:.0%} of the usual ones, are done, a run on images has collapsed if its "
    f"samples spread over fewer than {CLASSES:.0%} of the effective classes of the real images (exp of the entropy), or if "
    f"recall is below {RECALL:g}; not if they are rougher than real images by {ROUGH:g} times, as noise is."
)


def image_verdict(meter: Meter, step: int, steps: int, usual: int) -> Verdict:
    """The verdict from the last measurement; of kind "not judged" and without a word unless the run has collapsed.

    Args:
        meter: its metrics, `Snapshot.meter`.
        step, steps: done and planned.
        usual: steps after which its method makes readable images of this set.
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
