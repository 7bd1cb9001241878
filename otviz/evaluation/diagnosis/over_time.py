"""Several sets of samples of one generator, in the order of its training: when were parts of the data lost?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from otviz.evaluation.diagnosis.checks import check_pair, checked
from otviz.evaluation.diagnosis.diagnosing import MOST, later
from otviz.evaluation.diagnosis.reference import Reference
from otviz.evaluation.diagnosis.result import Diagnosis
from otviz.evaluation.diagnosis.rules import listed
from otviz.evaluation.diagnosis.samples import Samples


@dataclass(frozen=True, eq=False)
class Timeline:
    """Diagnoses of the same real samples, in order.

    Attributes:
        steps: where each stands, as numbers from the names of the files, or 1, 2, 3 ... if these have none.
        diagnoses: of each.
    """

    steps: tuple[float, ...]
    diagnoses: tuple[Diagnosis, ...]

    def losses(self) -> tuple[tuple[str, float], ...]:
        """Clusters that are missing at the end, and the step from which on they are, in the order of these."""
        found = []
        for at, cluster in enumerate(self.diagnoses[-1].clusters):
            gone = [diagnosis.clusters[at].lost for diagnosis in self.diagnoses]
            if cluster.lost:
                since = len(gone) - next((back for back, lost in enumerate(reversed(gone)) if not lost), len(gone))
                found.append((cluster.name, self.steps[since]))
        return tuple(sorted(found, key=lambda pair: pair[1]))

    @property
    def sentence(self) -> str:
        """What was lost, and when."""
        lost = self.losses()
        if not lost:
            return "No cluster of the real data is lost at the end."
        steps = dict.fromkeys(step for _, step in lost)
        gone = {step: [name for name, since in lost if since == step] for step in steps}
        parts = [
            f"{listed(names)} {'is' if len(names) == 1 else 'are'} missing from {step:g} on"
            for step, names in gone.items()
        ]
        return f"{'; '.join(parts)}."[:1].upper() + f"{'; '.join(parts)}."[1:]

    def record(self) -> dict[str, Any]:
        """Everything as JSON-compatible values."""
        return {
            "sentence": self.sentence,
            "steps": list(self.steps),
            "diagnoses": [diagnosis.record() for diagnosis in self.diagnoses],
        }


def over_time(
    real: Samples, generated: Sequence[Samples], held_out: Samples | None = None, seed: int = 0
) -> Iterator[Timeline]:
    """The timeline so far, after each set of samples.

    Args:
        real: real samples.
        generated: of one generator, in order.
        held_out: real samples that it has not seen.
        seed: of what is drawn.

    Raises:
        ValueError: as `diagnose`.
    """
    checked(real)
    if held_out is not None:
        check_pair(real, checked(held_out))
    reference, steps = Reference(real, held_out, seed, MOST), steps_of([side.name for side in generated])
    found: list[Diagnosis] = []
    for side in generated:
        *_, last = later(reference, side)
        found.append(last)
        yield Timeline(steps[: len(found)], tuple(found))


def steps_of(names: Sequence[str]) -> tuple[float, ...]:
    """The last number in each name, such as 20 in "epoch-20.npy", if these increase; otherwise 1, 2, 3 ..."""
    found = [re.findall(r"\d+", name.rsplit(".", 1)[0]) for name in names]
    if all(found):
        steps = [float(numbers[-1]) for numbers in found]
        if all(a < b for a, b in pairwise(steps)):
            return tuple(steps)
    return tuple(float(at + 1) for at in range(len(names)))
