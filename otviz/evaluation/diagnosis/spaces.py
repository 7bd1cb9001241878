"""Where distances are measured: columns of a table, pixels reduced to principal components, or features of a classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.samples import Samples

Array = NDArray[np.float64]

COMPONENTS = 50
"""Most principal components of pixels."""

UNLIKE = 10.0
"""Columns are divided by their standard deviations if these differ by more than this factor."""


class Seen(NamedTuple):
    """Vectors (n, d) whose Euclidean distances are compared, and the most likely class of each, (n,), if there are classes."""

    vectors: Array
    classes: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Space:
    """A map from samples to vectors.

    Attributes:
        title: for notes beside numbers.
        of: the map.
        classes: names of the classes, if it has them.
        plane, axes: what the first two coordinates are, if they can be drawn as they are; otherwise empty.
        notes: sentences on what was decided.
    """

    title: str
    of: Callable[[Samples], Seen]
    classes: tuple[str, ...] = ()
    plane: str = ""
    axes: tuple[str, str] = ("", "")
    notes: tuple[str, ...] = ()


def space_of(real: Samples) -> Space:
    """The space in which samples like `real` are compared. Raises ValueError if no column of points varies."""
    return _of_images(real) if real.are_images else _of_points(real)


def _of_points(real: Samples) -> Space:
    values = np.asarray(real.values, np.float64)
    names = real.columns or tuple(f"column {at + 1}" for at in range(values.shape[1]))
    deviations = values.std(0)
    varying = np.flatnonzero(deviations > 1e-12 * np.abs(values).max(0))
    if len(varying) < 1:
        raise ValueError(f"{real.name} has the same numbers in every row: give samples that differ")
    fixed = [names[at] for at in range(len(names)) if at not in varying]
    notes = [f"Columns with the same number in every real row are left out: {', '.join(fixed[:10])}."] if fixed else []
    unlike = deviations[varying].max() > UNLIKE * deviations[varying].min()
    scale = deviations[varying] if unlike else np.ones(len(varying))
    if unlike:
        notes.append("Columns are divided by their standard deviations in the real data, since these differ widely.")
    # The plane of two columns stays as it is, even if one of them is constant.
    flat = len(names) == 2
    return Space(
        "columns divided by their standard deviations" if unlike else "the columns of the file",
        lambda samples: Seen(np.asarray(samples.values, np.float64)[:, varying] / scale),
        plane=f"columns {names[0]} and {names[1]}" if flat else "",
        axes=(names[0], names[1]) if flat else ("", ""),
        notes=tuple(notes),
    )


def _of_images(real: Samples) -> Space:
    if real.images:
        try:
            return _of_classifier(real.images)
        except ValueError as error:
            return _of_pixels(real, (f"Pixels are compared, not features: {error}.",))
    return _of_pixels(real)


def _of_classifier(name: str) -> Space:
    from otviz.data.datasets import named
    from otviz.evaluation.classifier import classifier_for
    from otviz.evaluation.features import see

    images = named(name)()
    classifier = classifier_for(images)

    def of(samples: Samples) -> Seen:
        found = see(samples.values, classifier)
        return Seen(found.features, found.probabilities.argmax(1))

    return Space(
        f"64 features of our classifier of {images.title}",
        of,
        tuple(images.class_names),
    )


def _of_pixels(real: Samples, notes: tuple[str, ...] = ()) -> Space:
    from sklearn.decomposition import PCA

    flat = _flat(real)
    count = min(COMPONENTS, flat.shape[1], len(flat) - 1)
    reduced = PCA(count, svd_solver="randomized", random_state=0).fit(flat)
    kept = float(reduced.explained_variance_ratio_.sum())
    return Space(
        f"pixels reduced to {count} principal components, which keep {kept:.0%} of the variance",
        lambda samples: Seen(np.asarray(reduced.transform(_flat(samples)), np.float64)),
        notes=notes,
    )


def _flat(samples: Samples) -> NDArray[np.float32]:
    """Images as rows in [-1, 1], (n, C*H*W)."""
    rows: NDArray[np.float32] = samples.values.reshape(len(samples), -1).astype(np.float32) / np.float32(127.5) - 1
    return rows
