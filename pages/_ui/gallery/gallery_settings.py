"""The settings for generating images from a model, and the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from otviz.core.params import Knobs, param
from pages._ui.controls import controls
from pages._ui.shell.links import Link

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

WIDE = 680  # px, width of a square sheet on the page


@dataclass(frozen=True)
class SampleSettings(Knobs):
    """Settings of the generated images."""

    name: ClassVar[str] = "look"

    seed: int = param(0, 0, 1_000_000, doc="Seed of the random x and z")
    images: int = param(64, 1, 400, doc="How many are shown", unit="images")
    truncation: float | None = param(
        None,
        0.1,
        3.0,
        doc="Limits the noise to this many standard deviations: more typical images, less variety",
        unit="std",
    )
    asked: int | None = param(None, 0, 999, doc="The class to ask for; none: all in turn")

    def labels(self, model: PublishedModel, n: int) -> Any:
        """Classes to request for n images; None if not selected, or for an unconditional model."""
        return None if self.asked is None or not model.classes else np.full(n, self.asked)

    def count(self, model: PublishedModel) -> int:
        """Number of images that are drawn; with classes in columns, all rows of the sheet are full."""
        columns = self.columns(model)
        return -(-self.images // columns) * columns if model.classes and self.asked is None else self.images

    def columns(self, model: PublishedModel) -> int:
        """Images per row: a column for each class if all classes are shown."""
        from otviz.checkpoints.image_sheets import columns_for

        return model.classes if model.classes and self.asked is None else columns_for(self.images)


def chosen(link: Link, needed: Sequence[str], columns: Sequence[DeltaGenerator]) -> SampleSettings | None:
    """Draw these knobs side by side; None while one is invalid."""
    values: dict[str, Any] = {}
    for name, column in zip(needed, columns, strict=True):
        with column:
            found = controls.knobs(link, SampleSettings, only=(name,))
        if found is None:
            return None
        values[name] = getattr(found, name)
    return SampleSettings(**values)


def sampled(model: PublishedModel, settings: SampleSettings) -> Any:
    """The generated images as rows."""
    n = settings.count(model)
    return model.sample(n, settings.seed, settings.truncation, settings.labels(model, n))


def png_of(rows: Any, model: PublishedModel, columns: int, wide: int = WIDE) -> bytes:
    """A sheet of images about `wide` pixels wide."""
    from otviz.checkpoints.image_sheets import picture

    return picture(rows, model.card.shape, columns, wide)
