"""Scores of a model's images by the classifier of their set, and the same scores of real images."""

from __future__ import annotations

from typing import Any

import numpy as np

from otviz.checkpoints.models import ImageModel
from otviz.evaluation.features import NEAREST, SAMPLES, reference
from otviz.evaluation.metrics import diversity

JUDGED_SEED = 11  # not that of samples.png, so that choosing models by their picture does not bias the scores


def judged(model: ImageModel, n: int = SAMPLES, nearest: int = NEAREST) -> dict[str, Any]:
    """Score n new images; returns plain values, including the number of samples and `floor`, the scores of real images.

    Args:
        model: the model.
        n: number of images.
        nearest: number of images whose nearest training image is searched.

    Raises:
        ValueError: the set has no classifier, or its images are not available.
    """
    judge = reference(model.images)
    # A conditional model generates classes with their frequencies in the training images.
    asked = model.images.sample_labels(n, np.random.default_rng([JUDGED_SEED, 1])) if model.classes else None
    rows = model.sample(n, JUDGED_SEED, labels=asked)
    floor = judge.floor(n).record()
    kept = ("frechet", "precision", "recall", "density", "coverage", "inception_style", "classes_effective", "samples")
    labels = model.images.labels()
    return {
        **_rounded(judge.evaluate(rows, n, nearest=nearest).record()),
        **({} if asked is None else {"as_asked": round(judge.as_asked(rows, asked), 6)}),
        "diversity": round(diversity(rows), 6),
        "diversity_target": round(diversity(model.images.sample(n, np.random.default_rng(JUDGED_SEED))), 6),
        "true_class_shares": _rounded(
            (np.bincount(labels, minlength=len(model.images.class_names)) / len(labels)).tolist()
        ),
        "floor": {
            **_rounded({name: floor[name] for name in kept}),
            **({} if asked is None else {"as_asked": judge.classifier.card["accuracy"]}),
        },
    }


def _rounded(value: Any) -> Any:
    """Round to six digits, which is more than the samples determine."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
