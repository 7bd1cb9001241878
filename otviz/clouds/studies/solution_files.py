"""A solved picture as files: points as CSV, every array as NPZ."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from otviz.clouds.solution import Picture

COLUMNS = ("side", "x", "y", "force_x", "force_y", "map_x", "map_y", "mass", "weight")


def points_csv(picture: Picture) -> bytes:
    """Every point in a row, UTF-8: side "source" or "target", place, force, barycentric map, the share of its weight that is
    moved (mass), and its weight, which sums to 1 over a side.

    Lengths are those of the problem, in the units of the file. A cell is empty where a column does not apply: force and
    map to target points, map and mass to losses without a plan.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    of = picture.all_points
    n, m = len(of.x), len(of.y)
    sources: list[NDArray[np.floating]] = [of.x, of.force, _or_empty(of.map, n, 2)]
    sources += [_or_empty(of.mass_x, n, 1), _weights(of.a, n)]
    targets: list[NDArray[np.floating]] = [of.y, np.full((m, 4), np.nan), _or_empty(of.mass_y, m, 1), _weights(of.b, m)]
    for side, blocks in (("source", sources), ("target", targets)):
        for row in np.concatenate(blocks, axis=1):
            writer.writerow([side, *("" if np.isnan(value) else f"{value:.15g}" for value in row)])
    return out.getvalue().encode()


def arrays_npz(picture: Picture) -> bytes:
    """All arrays of a picture by their names there, those of the plan as plan_<name>, numbers as numbers_<name>.

    Where only some points are drawn, all_<name> are the arrays of all points. To be read with numpy.load(file,
    allow_pickle=False); a number that is not known is nan.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        name: getattr(picture, name) for name in ("x", "y", "force", "potential_x", "potential_y", "field_x", "field_y")
    }
    arrays |= {"a": _weights(picture.a, len(picture.x))[:, 0], "b": _weights(picture.b, len(picture.y))[:, 0]}
    arrays["box"] = np.asarray(picture.box)
    if picture.plan is not None:
        arrays |= {f"plan_{name}": np.asarray(value) for name, value in vars(picture.plan).items()}
    if picture.whole is not None:
        arrays |= {f"all_{name}": value for name, value in vars(picture.whole).items() if value is not None}
    for name, value in asdict(picture.numbers).items():
        if not isinstance(value, str):
            arrays[f"numbers_{name}"] = np.asarray(np.nan if value is None else value, dtype=np.float64)
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _weights(masses: NDArray[np.float64] | None, n: int) -> NDArray[np.float64]:
    """Masses that sum to 1, (n, 1)."""
    return np.full((n, 1), 1 / n) if masses is None else masses[:, None]


def _or_empty(values: NDArray[np.floating] | None, n: int, columns: int) -> NDArray[np.floating]:
    return np.full((n, columns), np.nan) if values is None else values.reshape(n, columns)
