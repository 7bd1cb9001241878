"""Soft minima between cells of two clouds in which only those pairs count that carry mass.

Rows come in blocks of neighbours, and each block has a list of the columns it sees. Potentials are float64; a block is
solved about its own centre, where float32 mostly suffices: what is large is added to columns and rows before and after.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np
import torch
from torch import Tensor

from otviz.clouds.cells import Cells, Indices
from otviz.clouds.fields import LEAST, LOG_2
from otviz.core.work import LOOK, Progress, Work
from otviz.ot.grounds import Cosine, Ground, Quadratic

KEPT = 16.0
"""Pairs below 2^-KEPT of the largest in their row are left out below that temperature: at half of it a density is squared."""

PRECISE = 1e4
"""Largest score of a block in float32, whose rounding then changes a density by a thousandth."""

ROWS = 128
"""Rows of a block: fewer see fewer columns, but each block takes 0.1 ms."""

Lists = tuple[Indices, ...]


class Team:
    """Threads that share the blocks of a pass, each with one core. To be used in a `with` statement."""

    def __init__(self, threads: int, progress: Progress) -> None:
        self.progress = progress
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def __enter__(self) -> Team:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()

    def each(self, do: Callable[[int], None], count: int) -> Work[None]:
        """Call `do` with 0, 1 ... count - 1, in any order; pauses while it waits, and ends early if it is closed."""
        ended, places = threading.Event(), itertools.count()

        def play() -> None:
            while not ended.is_set() and (place := next(places)) < count:
                do(place)

        futures = [self._pool.submit(play) for _ in range(self._threads)]
        try:
            while wait(futures, LOOK).not_done:
                yield
        finally:
            ended.set()
        for future in futures:
            future.result()


@dataclass(frozen=True)
class Pull:
    """Soft minimum and means over the rows of a plan, in the order of the rows.

    Attributes:
        values: shape (n,), units of the cost.
        slopes: mean of dc/dx over each row, shape (n, 2): the gradient before damping.
        means: mean of y over each row, shape (n, 2): the barycentric projection.
        costs: mean of c over each row, shape (n,), units of the cost.
    """

    values: Tensor
    slopes: Tensor
    means: Tensor
    costs: Tensor


@dataclass(frozen=True)
class _Block:
    """Rows of a plan over the columns they see.

    Attributes:
        rows: which rows.
        columns: which columns, shape (k,).
        weights: entries up to a factor per row, shape (r, k).
        total: their sums, shape (r, 1).
        values: soft minima before damping, shape (r,), float64.
        z, y: rows and columns about `middle` and `centre`.
    """

    rows: slice
    columns: Indices
    weights: Tensor
    total: Tensor
    values: Tensor
    z: Tensor
    y: Tensor
    middle: Tensor
    centre: Tensor


@dataclass(frozen=True)
class Pairs:
    """The pairs of rows and columns that carry mass.

    Attributes:
        ground: cost between a row and a column.
        rows, columns: cells of the two clouds.
        lists: columns that each block of ROWS rows sees, rising.
    """

    ground: Ground
    rows: Cells
    columns: Cells
    lists: Lists

    @classmethod
    def all(cls, ground: Ground, rows: Cells, columns: Cells) -> Pairs:
        """Every row sees every column.

        Args:
            ground: cost between a row and a column.
            rows, columns: cells of the two clouds.
        """
        return cls(ground, rows, columns, (np.arange(len(columns)),) * _blocks(len(rows)))

    @property
    def entries(self) -> int:
        """Number of pairs."""
        return sum(len(columns) * len(range(len(self.rows))[_rows(k)]) for k, columns in enumerate(self.lists))

    def finer(self, rows: Cells) -> Pairs:
        """Finer cells as rows, which see what their parents saw."""
        parents = self.rows.parents(rows)
        lists = []
        for block in range(_blocks(len(rows))):
            within = parents[_rows(block)]
            seen = self.lists[within[0] // ROWS : within[-1] // ROWS + 1]
            lists.append(seen[0] if len(seen) == 1 else np.unique(np.concatenate(seen)))
        return replace(self, rows=rows, lists=tuple(lists))

    def split(self, columns: Cells) -> Pairs:
        """Finer cells as columns, seen where their parents were."""
        return replace(self, columns=columns, lists=tuple(self.columns.children(columns, k) for k in self.lists))

    def values(self, potential: Tensor, epsilon: float, damping: float, team: Team) -> Work[Tensor]:
        """The soft minimum at the rows, shape (n,), float64, units of the cost.

        Args:
            potential: at the columns, shape (m,), float64, units of the cost.
            epsilon: temperature, units of the cost.
            damping: rho / (rho + epsilon) for soft marginals, else 1.
            team: who computes.
        """
        out = torch.empty(len(self.rows), dtype=torch.float64)

        def block(k: int) -> None:
            found = self._block(k, potential, epsilon)
            out[found.rows] = found.values * damping

        yield from self._pass(block, team)
        return out

    def screened(
        self, potential: Tensor, epsilon: float, damping: float, team: Team, partners: Tensor
    ) -> Work[tuple[Tensor, Pairs]]:
        """`values`, and those pairs that may carry mass at half the temperature, when columns are split.

        A part of a column may be better than its centre: for a quadratic cost by its distance from the centre times that
        of the row from the column's partner, for others, whose slopes are at most 1, by twice the size of the cell.

        Args:
            potential, epsilon, damping, team: as in `values`.
            partners: mean of the rows that each column is coupled with, shape (m, 2).
        """
        out = torch.empty(len(self.rows), dtype=torch.float64)
        lists: list[Indices] = list(self.lists)
        bit, size = epsilon * LOG_2, self.columns.size

        def block(k: int) -> None:
            found = self._block(k, potential, epsilon)
            out[found.rows] = found.values * damping
            best = found.weights.amax(0).log2().double()
            if isinstance(self.ground, Quadratic):
                z = self.rows.points[found.rows]
                apart = (partners[found.columns] - found.middle).norm(dim=1) + (z - found.middle).norm(dim=1).max()
                best += apart * (self.ground.factor * size / math.sqrt(2) / bit)
            else:
                best += 2 * size / bit
            lists[k] = found.columns[(best > -KEPT).numpy()]

        yield from self._pass(block, team)
        return out, replace(self, lists=tuple(lists))

    def pulls(self, potential: Tensor, epsilon: float, damping: float, team: Team) -> Work[Pull]:
        """Soft minimum and means over the rows of the plan.

        Args:
            potential, epsilon, damping, team: as in `values`.
        """
        values = torch.empty(len(self.rows), dtype=torch.float64)
        out = Pull(values, torch.empty_like(self.rows.points), torch.empty_like(self.rows.points), values.clone())

        def block(k: int) -> None:
            found = self._block(k, potential, epsilon)
            rows, weights = found.rows, found.weights.div_(found.total)
            means = torch.stack([weights.mv(column) for column in found.y.T], 1).double()
            z, y = self.rows.points[rows], self.columns.points[found.columns]
            out.values[rows], out.means[rows] = found.values * damping, means + found.centre
            if isinstance(self.ground, Quadratic):
                out.slopes[rows] = (z - out.means[rows]) * self.ground.factor
            else:
                about = (z - found.middle).to(weights), (y - found.middle).to(weights)
                out.slopes[rows] = self.ground.pull(weights, *about).double()
            inner = self.ground.mean(weights, found.z, found.y).double()
            if isinstance(self.ground, Quadratic):
                apart = found.middle - found.centre
                offset = (found.z.double() - means) @ apart + apart.square().sum() / 2
                inner += offset * self.ground.factor
            out.costs[rows] = inner

        yield from self._pass(block, team)
        return out

    def _pass(self, block: Callable[[int], None], team: Team) -> Work[None]:
        yield from team.each(block, len(self.lists))
        team.progress.add(self.entries)

    def _block(self, k: int, potential: Tensor, epsilon: float) -> _Block:
        """Scores are (g_j - c(z_i, y_j)) / epsilon in powers of two, less the largest of their row.

        With z = z' + p and y = y' + q, |z - y|^2 = |z' - y'|^2 + 2 (z' - y').(p - q) + |p - q|^2: for a quadratic cost rows
        and columns have their own centres, and only z'.y' is left to the matrix.
        """
        columns, rows = self.lists[k], _rows(k)
        z, y = self.rows.points[rows], self.columns.points[columns]
        g = potential[columns] + epsilon * self.columns.masses[columns].log()
        middle = torch.zeros_like(z[0]) if isinstance(self.ground, Cosine) else z.mean(0)
        centre, beside = middle, torch.zeros_like(z[:, 0])
        z = z - middle
        if isinstance(self.ground, Quadratic):
            centre = y.mean(0)
            apart = (middle - centre) * self.ground.factor
            y = y - centre
            g, beside = g + y @ apart, z @ apart + (middle - centre) @ apart / 2
        else:
            y = y - middle
        highest, bit = g.max(), epsilon * LOG_2
        dtype = torch.float32 if self._largest(z, y) < PRECISE * epsilon else torch.float64
        z, y = z.to(dtype), y.to(dtype)
        weights = self.ground.scores(y, (g - highest).to(dtype), bit)(z)
        top = weights.amax(1, keepdim=True)
        total = weights.sub_(top).clamp_min_(LEAST).exp2_().sum(1, keepdim=True)
        values = beside - highest - bit * (top + total.log2())[:, 0].double()
        return _Block(rows, columns, weights, total, values, z, y, middle, centre)

    def _largest(self, z: Tensor, y: Tensor) -> float:
        """A bound on what is left to the matrix, in units of the cost."""
        if isinstance(self.ground, Cosine):
            return 1.0
        far = [float(points.abs().max()) for points in (z, y)]
        return 2 * far[0] * far[1] * self.ground.factor if isinstance(self.ground, Quadratic) else sum(far)


def _blocks(rows: int) -> int:
    return -(-rows // ROWS)


def _rows(block: int) -> slice:
    return slice(block * ROWS, (block + 1) * ROWS)
