"""From two sets of samples to a diagnosis, in stages: a first look at few samples, the verdict on all, every number.

for found in stages(real, generated):
    print(found.stage, found.sentence)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from otviz.evaluation.diagnosis.advice import advice
from otviz.evaluation.diagnosis.checks import check_pair, checked
from otviz.evaluation.diagnosis.measures import Measured
from otviz.evaluation.diagnosis.notes import notes_of, told_apart
from otviz.evaluation.diagnosis.numbers import numbers_of
from otviz.evaluation.diagnosis.pair import Pair
from otviz.evaluation.diagnosis.reference import Reference
from otviz.evaluation.diagnosis.result import Diagnosis, Stage
from otviz.evaluation.diagnosis.rules import findings
from otviz.evaluation.diagnosis.samples import Samples
from otviz.evaluation.diagnosis.transport import carried, distances
from otviz.evaluation.diagnosis.two_sample import two_sample_test

MOST = 10_000
"""Largest number of samples of either side; of more, this many are drawn."""

FIRST, FIRST_DRAWS = 800, 5
"""Largest number of samples of either side of the first look, and its draws."""

SIZE, DRAWS = 2000, 8
"""Largest number of samples of either side in a draw of the numbers with floors, and the number of draws."""


def diagnose(real: Samples, generated: Samples, held_out: Samples | None = None, seed: int = 0) -> Diagnosis:
    """What generated samples miss, and where: the last of `stages`.

    Args:
        real: real samples, as a rule those the generator was trained on.
        generated: of any model.
        held_out: real samples that the generator has not seen.
        seed: of what is drawn.

    Raises:
        ValueError: samples that cannot be compared; the message says what to do.
    """
    *_, last = stages(real, generated, held_out, seed)
    return last


def stages(real: Samples, generated: Samples, held_out: Samples | None = None, seed: int = 0) -> Iterator[Diagnosis]:
    """A first look, the verdict on all samples, and the complete diagnosis, each as soon as it is known.

    Args:
        real, generated, held_out, seed: as for `diagnose`.

    Raises:
        ValueError: as `diagnose`, before the first stage.
    """
    check_pair(checked(real), checked(generated))
    if held_out is not None:
        check_pair(real, checked(held_out))
    if max(len(real), len(generated)) > 2 * FIRST:
        look = Pair(Reference(real, held_out, seed, FIRST), generated)
        yield _diagnosis("first look", look, look.measured(FIRST // 2, FIRST_DRAWS))
    yield from later(Reference(real, held_out, seed, MOST), generated)


def judged(real: Samples, generated: Samples, held_out: Samples | None = None, seed: int = 0) -> Diagnosis:
    """The verdict on all samples, without transport distances: a third of the time of `diagnose`.

    Args:
        real, generated, held_out, seed: as for `diagnose`.

    Raises:
        ValueError: as `diagnose`.
    """
    check_pair(checked(real), checked(generated))
    if held_out is not None:
        check_pair(real, checked(held_out))
    return next(later(Reference(real, held_out, seed, MOST), generated))


def later(reference: Reference, generated: Samples) -> Iterator[Diagnosis]:
    """The stages after the first look, for one of several sets of samples. Raises ValueError as `diagnose`."""
    check_pair(reference.samples, checked(generated))
    pair = Pair(reference, generated)
    found = _diagnosis("judged", pair, pair.measured(SIZE, DRAWS))
    yield found
    space = reference.space.title
    real, other = carried(pair)
    test = two_sample_test(pair, space)
    yield replace(
        found, stage="complete", real=replace(found.real, left=real), generated=replace(found.generated, left=other),
        numbers=(*found.numbers, test, *distances(pair, space)),
        notes=(*told_apart(found.kind, test.value), *found.notes),
    )  # fmt: skip


def _diagnosis(stage: Stage, pair: Pair, found: Measured) -> Diagnosis:
    evidence, reference = pair.evidence(found), pair.reference
    all_found = findings(evidence)
    first, (real, generated) = all_found[0], pair.sides()
    return Diagnosis(
        stage=stage, kind=first.kind, word=first.word, sentence=first.sentence, why=first.why,
        also=tuple(other.also for other in all_found[1:] if other.also), helps=advice(first.kind),
        numbers=numbers_of(evidence, reference.space.title), clusters=evidence.clusters,
        clustering=reference.grouping.how, real=real, generated=generated, space=reference.space.title,
        plane=reference.plane.title, axes=reference.plane.axes, names=(reference.samples.name, pair.given.name),
        totals=(len(reference.samples), len(pair.given)), notes=notes_of(pair),
    )  # fmt: skip
