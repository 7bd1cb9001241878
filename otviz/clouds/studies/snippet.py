"""A picture as a Python script that computes the same numbers without a page."""

from __future__ import annotations

from otviz.clouds.problem import Problem
from otviz.core.params import Knobs
from otviz.data.distributions.distribution import Distribution
from otviz.data.distributions.own_files import PREFIX

_SCRIPT = '''"""{source_title} to {target_title}, as otviz draws it: prints the numbers, writes transport.csv and transport.npz."""

from dataclasses import asdict
from pathlib import Path

{imports}
from otviz.clouds.studies.solution_files import arrays_npz, points_csv
from otviz.clouds.problem import Problem, clouds
from otviz.clouds.solve import coarse, refine

problem = {problem}
source = {source}
target = {target}

x, y = clouds(problem, source, target)
for side in (x, y):
    print(side.describe())
picture = coarse(problem, x.points, y.points, x.weights, y.weights)
for better in refine(problem, x.points, y.points, picture, x.weights, y.weights):
    picture = better or picture  # None where one could stop

for name, value in asdict(picture.numbers).items():
    print(f"{{name}}: {{value}}")
for note in picture.notes:
    print(note)
Path("transport.csv").write_bytes(points_csv(picture))
Path("transport.npz").write_bytes(arrays_npz(picture))
'''


def snippet(problem: Problem, source: Distribution, target: Distribution) -> str:
    """A Python script that solves the same problem on the same points and saves the result. It needs only otviz.

    An uploaded file exists on this server only. The script then has a comment where to write the path of the file.

    Args:
        problem: settings to write.
        source, target: distributions, written as constructor calls.
    """
    kinds = sorted({(type(side).__module__, type(side).__name__) for side in (source, target)})
    return _SCRIPT.format(
        source_title=source.title,
        target_title=target.title,
        imports="\n".join(f"from {module} import {name}" for module, name in kinds),
        problem=_call(problem),
        source=_call(source),
        target=_call(target),
    )


def _call(knobs: Knobs) -> str:
    """The constructor call that makes the same object, without knobs that have their default values."""
    text = ", ".join(f"{name}={value!r}" for name, value in knobs.changed().items())
    call = f"{type(knobs).__name__}({text})"
    if any(isinstance(value, str) and value.startswith(PREFIX) for value in knobs.changed().values()):
        call += "  # an upload: write the path of your own copy of the file here"
    return call
