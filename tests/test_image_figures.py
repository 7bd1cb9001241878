"""The figure of a run on images shows what was measured, once each, with what real images reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from otviz.runs.snapshots import Curve, Scene, Snapshot
from otviz.viz.image_metrics_history import image_metrics_history, measurements

NAMES = ("cat", "dog", "bird")
PIXELS = np.zeros((4, 64), np.uint8)
CURVE = Curve(np.arange(1, 4), np.ones(3, np.float32), np.full(3, np.nan, np.float32))


def looks(judged: bool) -> list[Snapshot]:
    def meter(step: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "measured_at": step, "samples": 60, "diversity": 0.1, "diversity_target": 0.2, "brightness": 0.1, "brightness_target": 0.0,
        }  # fmt: skip
        scores = {
            "frechet": 100.0 - step, "frechet_floor": 3.0, "precision": 0.5, "precision_floor": 0.8, "recall": step / 100,
            "recall_floor": 0.9, "classes_effective": 2.0, "classes_total": 3, "class_shares": [0.5, 0.5, 0.0],
            "true_class_shares": [0.3, 0.3, 0.4],
        }  # fmt: skip
        return found | (scores if judged else {})

    steps = [0, 5, 10, 15, 20]
    return [
        Snapshot(
            k, step, 0, 0, PIXELS, None, None, None, 1.0, 0.0, None, meter(10 * (step // 10)) if step >= 10 else {}
        )
        for k, step in enumerate(steps)
    ]


def scene(**changes: Any) -> Scene:
    return Scene("UOTM", (-1, 1, -1, 1), PIXELS, PIXELS, None, "", 20, (0.1, 0.01), (1, 8, 8), NAMES, **changes)


def test_each_measurement_counts_once() -> None:
    assert [meter["measured_at"] for meter in measurements(looks(True))] == [10, 20]


def test_scores_stand_beside_what_real_images_reach() -> None:
    figure = image_metrics_history(scene(), looks(True), CURVE)
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines["frechet"].x) == [10, 20]
    assert list(lines["frechet"].y) == [90, 80]
    assert list(lines["generated"].y) == [0.5, 0.5, 0.0]
    assert list(lines["real images"].x) == list(NAMES)
    assert "adversary loss" not in lines, "there is none"
    levels = {shape.y0 for shape in figure.layout.shapes if shape.y0 == shape.y1}
    assert levels == {3.0, 0.8, 0.9, 0.2}


@pytest.mark.parametrize("count", [0, 5])
def test_without_classifier_only_pixels_are_shown(count: int) -> None:
    figure = image_metrics_history(scene(), looks(False)[:count], CURVE)
    assert {trace.name for trace in figure.data} == {"generator loss", "diversity", "brightness"}
