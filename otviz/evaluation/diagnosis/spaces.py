"""Where distances are measured: columns of a table, pixels reduced to principal components, or features of a classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.core.imports import scikit_learn
from otviz.data.reading.tables import listed
from otviz.evaluation.diagnosis.samples import Samples

Array = NDArray[np.float64]

COMPONENTS = 50
"""Most principal components of pixels or of many columns."""

FOR_EACH = 20
"""Real samples for each component: with fewer, components follow these samples, and fresh ones seem to spread less."""

WIDEST = 100
"""More columns than this are reduced to principal components."""

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
        fixed: columns that are left out since all real samples have one number in them: name, place, and that number.
        notes: sentences on what was decided.
    """

    title: str
    of: Callable[[Samples], Seen]
    classes: tuple[str, ...] = ()
    plane: str = ""
    axes: tuple[str, str] = ("", "")
    fixed: tuple[tuple[str, int, float], ...] = ()
    notes: tuple[str, ...] = ()


def space_of(real: Samples) -> Space:
    """The space in which samples like `real` are compared. Raises ValueError if no column of points varies."""
    return _of_images(real) if real.are_images else _of_points(real)


def _of_points(real: Samples) -> Space:
    values = np.asarray(real.values, np.float64)
    names = real.columns or tuple(f"column {at + 1}" for at in range(values.shape[1]))
    deviations = values.std(0)
    varies = deviations > 1e-12 * np.abs(values).max(0)
    varying = np.flatnonzero(varies)
    if not len(varying):
        raise ValueError(f"{real.name} has the same numbers in every row: give samples that differ")
    fixed = tuple((names[at], int(at), float(values[0, at])) for at in np.flatnonzero(~varies))
    notes = []
    if fixed:
        notes.append(
            f"Columns with the same number in every real row are left out: {listed([name for name, *_ in fixed])}."
        )
    unlike = deviations[varying].max() > UNLIKE * deviations[varying].min()
    scale = deviations[varying] if unlike else np.ones(len(varying))
    if unlike:
        notes.append("Columns are divided by their standard deviations in the real data, since these differ widely.")
    title = "columns divided by their standard deviations" if unlike else "the columns as they are"
    if len(varying) > WIDEST:
        reduced = _reduction((values[:, varying] - values[:, varying].mean(0)) / scale)
        title = f"{title}, reduced to {reduced.title}"
    else:
        reduced = _Reduction("", lambda rows: rows)
    centre = values[:, varying].mean(0) if len(varying) > WIDEST else np.zeros(len(varying))
    # The plane of two columns stays as it is, even if one of them is constant.
    flat = len(names) == 2
    return Space(
        title,
        lambda samples: Seen(reduced.of((np.asarray(samples.values, np.float64)[:, varying] - centre) / scale)),
        plane=f"columns {names[0]} and {names[1]}" if flat else "",
        axes=(names[0], names[1]) if flat else ("", ""),
        fixed=fixed,
        notes=tuple(notes),
    )


class _Reduction(NamedTuple):
    """A map of rows (n, d) to principal components, and what it is."""

    title: str
    of: Callable[[NDArray[Any]], Array]


def _reduction(rows: NDArray[Any]) -> _Reduction:
    """Rows reduced to at most COMPONENTS principal components."""
    count = max(2, min(COMPONENTS, rows.shape[1], len(rows) // FOR_EACH))
    found = scikit_learn("decomposition").PCA(count, svd_solver="randomized", random_state=0).fit(rows)
    kept = float(found.explained_variance_ratio_.sum())
    return _Reduction(
        f"{count} principal components, which keep {kept:.0%} of the variance",
        lambda others: np.asarray(found.transform(others), np.float64),
    )


def _of_images(real: Samples) -> Space:
    if (real.values == real.values[:1]).all():
        raise ValueError(f"{real.name} has the same pixels in every image: give samples that differ")
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
    reduced = _reduction(_flat(real))
    return Space(f"pixels reduced to {reduced.title}", lambda samples: Seen(reduced.of(_flat(samples))), notes=notes)


def _flat(samples: Samples) -> NDArray[np.float32]:
    """Images as rows in [-1, 1], (n, C*H*W)."""
    rows: NDArray[np.float32] = samples.values.reshape(len(samples), -1).astype(np.float32) / np.float32(127.5) - 1
    return rows
