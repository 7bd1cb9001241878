"""Which images of a model are looked at: the knobs, and the images they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.core.params import Knobs, param
from pages._ui.controls import controls
from pages._ui.shell.links import Link

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

WIDE = 680  # pixels of a square sheet on the page


@dataclass(frozen=True)
class Look(Knobs):
    """Which images are looked at."""

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
    first: int = param(0, 0, 399, doc="The image to start from")
    second: int = param(1, 0, 399, doc="The image to end at")
    asked: int | None = param(None, 0, 999, doc="The class to ask for; none: all in turn")

    def labels(self, model: PublishedModel, n: int) -> Any:
        """Classes to ask for in n images, or None where it is not chosen or the model is not told any."""
        return None if self.asked is None or not model.classes else np.full(n, self.asked)

    def columns(self, model: PublishedModel) -> int:
        """Images beside each other: a column for each class, where all are shown."""
        from otviz.checkpoints.image_sheets import columns_for

        return model.classes if model.classes and self.asked is None else columns_for(self.images)


def chosen(link: Link, needed: Sequence[str], columns: Sequence[DeltaGenerator]) -> Look | None:
    """These knobs side by side; None while one of them is bad."""
    values: dict[str, Any] = {}
    for name, column in zip(needed, columns, strict=True):
        with column:
            found = controls.knobs(link, Look, only=(name,))
        if found is None:
            return None
        values[name] = getattr(found, name)
    return Look(**values)


def sampled(model: PublishedModel, look: Look) -> Any:
    """The images of a look as rows; where classes stand in columns, all rows of the sheet are full."""
    columns = look.columns(model)
    n = -(-look.images // columns) * columns if model.classes and look.asked is None else look.images
    return model.sample(n, look.seed, look.truncation, look.labels(model, n))


def png_of(rows: Any, model: PublishedModel, columns: int, wide: int = WIDE) -> bytes:
    """A sheet of images about `wide` pixels across."""
    from otviz.checkpoints.image_sheets import picture

    return picture(rows, model.card.shape, columns, wide)


def show_sheet(
    rows: Any,
    model: PublishedModel,
    columns: int,
    alt: str,
    *,
    wide: int = WIDE,
    width: Literal["content", "stretch"] = "content",
) -> None:
    """Draw a sheet as it is: `st.image` by itself would make a JPEG of it."""
    st.image(png_of(rows, model, columns, wide), width=width, output_format="PNG", alt=alt)
