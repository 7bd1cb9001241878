"""The map beside the sheet of a run on images: where its images lie among real ones, snapshot by snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from otviz.data.datasets import ImageSet
from otviz.player.wire.updates import RealPoints
from otviz.runs.snapshots import Snapshot


def real_points(images: ImageSet) -> RealPoints | None:
    """Real images on the plane of their set; None if none are at hand."""
    from otviz.checkpoints.sample_map import real_plane

    try:
        plane = real_plane(images)
    except ValueError:
        return None
    found = plane.reference
    names = found.grouping.names if len(found.grouping.names) <= 20 else ()
    middles = [
        (name, *np.median(found.coordinates[found.vectors.groups == at], axis=0).round(3).tolist())
        for at, name in enumerate(names) if (found.vectors.groups == at).any()
    ]  # fmt: skip
    return RealPoints(found.coordinates.round(3).ravel().tolist(), middles, plane.title)


def with_places(looks: Sequence[Snapshot], images: ImageSet) -> list[Snapshot]:
    """The snapshots, each with the places of its images on the plane of real ones in its meter: x0, y0, x1, y1, ..."""
    from otviz.checkpoints.sample_map import real_plane

    plane, placed = real_plane(images), []
    for look in looks:
        places = plane.place(look.generated.reshape(-1, *images.shape))
        placed.append(replace(look, meter={**look.meter, "places": places.round(3).ravel().tolist()}))
    return placed
