"""From a transport problem to its picture: at once and coarse, then in full.

Up to FULL points the first answer is the full one. Beyond, SOME points of each cloud are solved, and their potentials
reach all others by one soft minimum; `refine` then solves all points, starting from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from otviz.clouds import couplings, kernels
from otviz.clouds.geomloss_solver import by_geomloss
from otviz.clouds.potentials import Masses, Points
from otviz.clouds.problem import Problem
from otviz.clouds.solution import Picture
from otviz.core.memory import check_memory
from otviz.core.work import Work, completed
from otviz.ot.exact import exact_cost

FULL = 1500
"""Points up to which the first answer is the full one."""

SOME = 600
"""Points of each cloud that stand for a larger one, or fewer: at most EXTENDED entries lie between them and all points."""

EXTENDED = 10_000_000

DENSE = 10_000
"""Points up to which matrices are kept in memory."""

FORGOTTEN = 20.0
"""Seconds without a question after which a full answer is no longer wanted: a closed tab sends no message."""

EXACT = 2000
"""Points up to which the linear programme is solved: it takes seconds there, grows as n^3, and cannot be interrupted."""


def coarse(problem: Problem, x: Points, y: Points, a: Masses | None = None, b: Masses | None = None) -> Picture:
    """The first answer, quick for every size, for points x (n, 2) and y (m, 2), data units.

    Args:
        a, b: masses of the points, (n,) and (m,), >= 0 and each summing to 1; uniform if None.

    Raises ValueError for points or masses of another shape or not finite, and masses that do not sum to 1.
    """
    check_points(x, y)
    check_masses(x, y, a, b)
    n = max(len(x), len(y))
    some = min(SOME, max(100, EXTENDED // n)) if n > FULL else None
    with _one_thread():
        return completed(_picture(problem, x, y, a, b, some))


def refine(
    problem: Problem, x: Points, y: Points, rough: Picture, a: Masses | None = None, b: Masses | None = None
) -> Generator[Picture | None, None, None]:
    """The full answer after `rough`, of the same points and masses: None at every pause, where a caller may stop, then the picture.

    The picture comes again with `exact_cost`, where the linear programme is small enough.

    Raises:
        ValueError: it does not fit into memory, or points and masses that `coarse` refuses.
    """
    check_points(x, y)
    check_masses(x, y, a, b)
    full = rough
    if not rough.finished:
        work = _picture(problem, x, y, a, b, None)
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
    """Raise ValueError unless both are finite points of the plane."""
    for name, points in (("source", x), ("target", y)):
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"{name} must have shape (n, 2) with n >= 1; got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"{name} must be finite; {int((~np.isfinite(points)).any(1).sum())} points are not")


def check_masses(x: Points, y: Points, a: Masses | None, b: Masses | None) -> None:
    """Raise ValueError unless masses a (n,), b (m,) of points x, y are None, or >= 0 and sum to 1."""
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
    """Whether `refine` has nothing to add."""
    small = max(len(picture.x), len(picture.y)) <= EXACT
    return picture.finished and (picture.plan is None or not small or picture.numbers.exact_cost is not None)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: the work has two of its own, see `alongside`."""
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
    """By `some` points of each cloud, or by all of them."""
    began = time.perf_counter()
    if couplings.has_plan(problem):
        dense = max(len(x), len(y)) <= DENSE
        if some is None and dense:
            check_memory(len(x), len(y), couplings.matrices(problem, x, y))
        picture = yield from couplings.picture(problem, x, y, a, b, some, dense)
    else:
        picture = yield from kernels.picture(problem, x, y, a, b, some)
    picture = replace(picture, a=a, b=b, numbers=replace(picture.numbers, seconds=time.perf_counter() - began))
    if problem.solver == "geomloss" and some is None and couplings.has_plan(problem):
        yield
        return by_geomloss(problem, picture, x, y, a, b)
    return picture


class Refinement:
    """Plays `refine` in a thread, for a page that must keep answering; `picture` is the best answer so far.

    It ends at its next pause when it is told to, when nobody has asked for a while, or when the process ends.
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
        self._work = refine(problem, x, y, rough, a, b)
        self._stop = threading.Event()
        self._over = threading.Event()
        self._asked_at = time.monotonic()
        self._thread = threading.Thread(target=self._play, name="refinement", daemon=False)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Ask for it: whether it has ended, after at most so many seconds."""
        self._asked_at = time.monotonic()
        return self._over.wait(seconds)

    def stop(self) -> None:
        """End it at its next pause; does not wait."""
        self._stop.set()

    def _play(self) -> None:
        try:
            for found in self._work:
                if found is not None:
                    self.picture = found
                if self._unwanted():
                    break
        except Exception as error:  # read by the page, which has a sentence for it
            self.error = str(error) or type(error).__name__
        finally:
            self._work.close()
            self._over.set()

    def _unwanted(self) -> bool:
        forgotten = time.monotonic() - self._asked_at > FORGOTTEN
        return forgotten or self._stop.is_set() or not threading.main_thread().is_alive()
