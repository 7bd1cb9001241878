"""From a transport problem to its picture: a quick coarse solution first, then the full one.

Up to FULL points the first solution is the full one. Beyond, `coarse` solves SOME points of each cloud and extends their
potentials to all others by one soft minimum; `refine` then solves all points. Of more than LARGE points some are drawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from otviz.clouds import couplings, kernels, large_picture
from otviz.clouds.geomloss_solver import by_geomloss
from otviz.clouds.large import is_large
from otviz.clouds.large_picture import some_of
from otviz.clouds.potentials import Masses, Points
from otviz.clouds.problem import Problem
from otviz.clouds.solution import Picture
from otviz.core.memory import check_memory
from otviz.core.work import Progress, Work, completed
from otviz.ot.exact import exact_cost

FULL = 1500
"""Number of points up to which the first solution is the full one."""

SOME = 600
"""Maximum number of points of each cloud in the coarse solution."""

FORGOTTEN = 20.0
"""Seconds without a call of `wait` after which a refinement ends: a closed tab sends no message."""

EXACT = 2000
"""Number of points up to which the linear programme is solved: its time grows as n^3, and it cannot be interrupted."""


def coarse(problem: Problem, x: Points, y: Points, a: Masses | None = None, b: Masses | None = None) -> Picture:
    """Solve a problem quickly, whatever its size.

    Args:
        problem: loss, cost, blur, reach and solver.
        x, y: points, shapes (n, 2) and (m, 2), data units.
        a, b: masses, shapes (n,) and (m,), >= 0 and each summing to 1; uniform if None.

    Raises:
        ValueError: points or masses have another shape or are not finite, or masses do not sum to 1.
    """
    check_points(x, y)
    check_masses(x, y, a, b)
    large = is_large(len(x), len(y))
    if large:
        (x, a, _), (y, b, _) = some_of(x, a), some_of(y, b)
    some = SOME if max(len(x), len(y)) > FULL else None
    with _one_thread():
        picture = completed(_picture(problem, x, y, a, b, some))
    return replace(picture, finished=picture.finished and not large)


def refine(
    problem: Problem,
    x: Points,
    y: Points,
    rough: Picture,
    a: Masses | None = None,
    b: Masses | None = None,
    progress: Progress | None = None,
) -> Generator[Picture | None, None, None]:
    """Solve a problem in full. Yields None at every pause, where the caller may stop, and then the picture.

    For a loss with a plan and up to EXACT points, it yields the picture again with `exact_cost`.

    Args:
        problem, x, y, a, b: as in `coarse`.
        rough: picture that `coarse` returned for them.
        progress: records how much has been done, for more than LARGE points.

    Raises:
        ValueError: the problem does not fit into memory, or as in `coarse`.
    """
    check_points(x, y)
    check_masses(x, y, a, b)
    full = rough
    if not rough.finished:
        posed = problem, x, y, a, b
        work = _large(*posed, progress or Progress()) if is_large(len(x), len(y)) else _picture(*posed, None)
        while True:
            try:
                with _one_thread():
                    next(work)
            except StopIteration as end:
                full = end.value
                break
            yield None
        yield full
    if _has_exact(problem, x, y):
        yield None
        value = exact_cost(couplings.cost_matrix(problem, x, y), a, b)
        yield replace(full, numbers=replace(full.numbers, exact_cost=value))
    elif rough.finished:
        yield full


def check_points(x: Points, y: Points) -> None:
    """Raise ValueError unless x and y are finite, of shapes (n, 2) and (m, 2)."""
    for name, points in (("source", x), ("target", y)):
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"{name} must have shape (n, 2) with n >= 1; got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"{name} must be finite; {int((~np.isfinite(points)).any(1).sum())} points are not")


def check_masses(x: Points, y: Points, a: Masses | None, b: Masses | None) -> None:
    """Check the masses of two clouds.

    Args:
        x, y: points, shapes (n, 2) and (m, 2).
        a, b: masses, shapes (n,) and (m,), or None.

    Raises:
        ValueError: masses have another shape, are negative or not finite, or do not sum to 1 within 1e-6.
    """
    for name, masses, points in (("a", a, x), ("b", b, y)):
        if masses is None:
            continue
        if masses.shape != (len(points),):
            raise ValueError(f"masses {name} must be one number for each of {len(points)} points; got {masses.shape}")
        if not (np.isfinite(masses).all() and masses.min() >= 0):
            raise ValueError(f"masses {name} must be finite and >= 0; got {masses.min():g} to {masses.max():g}")
        if abs(float(masses.sum()) - 1) > 1e-6:
            raise ValueError(f"masses {name} must sum to 1; got {masses.sum():g}: divide them by their sum")


def is_complete(picture: Picture) -> bool:
    """Whether `refine` would add nothing."""
    small = picture.whole is None and max(len(picture.x), len(picture.y)) <= EXACT
    return picture.finished and (picture.plan is None or not small or picture.numbers.exact_cost is not None)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit torch to one thread: the work runs two of its own, see `alongside`."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _has_exact(problem: Problem, x: Points, y: Points) -> bool:
    return couplings.has_plan(problem) and max(len(x), len(y)) <= EXACT


def _picture(
    problem: Problem, x: Points, y: Points, a: Masses | None, b: Masses | None, some: int | None
) -> Work[Picture]:
    """Solve for `some` points of each cloud, or for all if None."""
    began = time.perf_counter()
    if couplings.has_plan(problem):
        if some is None:
            check_memory(len(x), len(y), couplings.matrices(problem, x, y))
        picture = yield from couplings.picture(problem, x, y, a, b, some)
    else:
        picture = yield from kernels.picture(problem, x, y, a, b, some)
    picture = replace(_timed(picture, began), a=a, b=b)
    if problem.solver == "geomloss" and some is None and couplings.has_plan(problem):
        yield
        return by_geomloss(problem, picture, x, y, a, b)
    return picture


def _large(
    problem: Problem, x: Points, y: Points, a: Masses | None, b: Masses | None, progress: Progress
) -> Work[Picture]:
    """Solve for all points, and draw some."""
    began = time.perf_counter()
    if not couplings.has_plan(problem):
        picture = yield from kernels.picture(problem, x, y, a, b, None)
        return large_picture.some_drawn(_timed(replace(picture, a=a, b=b), began))
    picture = yield from large_picture.picture(problem, x, y, a, b, progress)
    picture = _timed(picture, began)
    return by_geomloss(problem, picture, x, y, a, b) if problem.solver == "geomloss" else picture


def _timed(picture: Picture, began: float) -> Picture:
    return replace(picture, numbers=replace(picture.numbers, seconds=time.perf_counter() - began))


class Refinement:
    """Runs `refine` in a thread, so that a page stays responsive; `picture` is the best solution so far.

    The thread ends at its next pause after `stop`, after FORGOTTEN seconds without a call of `wait`, or when the main
    thread has ended. `error` is the message of the exception that ended it, or "".

    Args:
        problem, x, y, a, b: as in `coarse`.
        rough: picture that `coarse` returned for them.
    """

    def __init__(
        self,
        problem: Problem,
        x: Points,
        y: Points,
        rough: Picture,
        a: Masses | None = None,
        b: Masses | None = None,
    ) -> None:
        self.problem = problem
        self.picture = rough
        self.error = ""
        self.progress = Progress()
        self._work = refine(problem, x, y, rough, a, b, self.progress)
        self._stop = threading.Event()
        self._over = threading.Event()
        self._asked_at = time.monotonic()
        self._thread = threading.Thread(target=self._play, name="refinement", daemon=False)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for the thread to end; returns whether it has ended."""
        self._asked_at = time.monotonic()
        return self._over.wait(seconds)

    def stop(self) -> None:
        """Ask the thread to end at its next pause; does not wait."""
        self._stop.set()

    def _play(self) -> None:
        try:
            for found in self._work:
                if found is not None:
                    self.picture = found
                if self._unwanted():
                    break
        except Exception as error:  # shown by the page
            self.error = str(error) or type(error).__name__
        finally:
            self._work.close()
            self._over.set()

    def _unwanted(self) -> bool:
        forgotten = time.monotonic() - self._asked_at > FORGOTTEN
        return forgotten or self._stop.is_set() or not threading.main_thread().is_alive()
