"""A small image model that was trained for a moment, for all tests that need one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from otviz.checkpoints import train_checkpoint
from otviz.checkpoints.train_checkpoint import About, record
from otviz.data.datasets import named
from otviz.methods import named as method_named
from otviz.runs.config import RunConfig
from otviz.training.presets import preset

CLAIM = "A claim (Choi et al. 2024)"


def digits_config(method: str = "uotm", steps: int = 6, by_class: bool = False, **knobs: object) -> RunConfig:
    """A run on the shipped 8 x 8 digits."""
    images = named("digits")()
    settings = preset(method, images)
    return RunConfig(
        settings.applied(method_named(method), **{"batch_size": 16, **knobs}), images, steps=steps, device="cpu",
        networks=dataclasses.replace(settings.networks, by_class=by_class),
    )  # fmt: skip


def few_judged(patch: pytest.MonkeyPatch) -> None:
    """Judge so few images that a test may wait for it."""
    patch.setattr(train_checkpoint, "JUDGED", 60)
    patch.setattr(train_checkpoint, "JUDGED_LAST", 100)


def made(folder: Path, method: str = "uotm", **knobs: object) -> Path:
    """Train it into a folder and return the folder."""
    with pytest.MonkeyPatch.context() as patch:
        few_judged(patch)
        record(digits_config(method, **knobs), folder, About(title=f"{method} for a test", claims=(CLAIM,)))  # type: ignore[arg-type]
    return folder
