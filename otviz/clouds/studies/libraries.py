"""The same problem solved by several libraries: what each returns, why the raw numbers differ, and how to convert them.

Ours are geomloss' conventions: C = |x - y|^p / p, epsilon = blur^p, rho = reach^p and
OT_epsilon = min_P <P, C> + epsilon KL(P | a b) + rho KL(P 1 | a) + rho KL(P' 1 | b), KL with its mass terms.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.clouds.studies.conventions import Case, LibraryCall, Quantity
from otviz.clouds.studies.library_calls import LIBRARY_CALLS
from otviz.ot.divergences import check_sinkhorn

LARGEST = 500
"""Points of each side at most: POT's thousand sweeps in the log domain take seconds here, a minute at 2000."""

AGREE = 0.01
"""Share of our number by which another may be off and is said to agree."""


@dataclass(frozen=True)
class Entry:
    """One way of computing a number.

    Attributes:
        library, call: whose, and the code.
        returns: what comes back, in a sentence.
        cost, epsilon, entropy: the library's conventions: ground cost, temperature, and how the entropy enters the value.
        debias: whether self terms are subtracted.
        quantity: which of ours it is compared with.
        why: why the raw number differs, if it does.
        value: as returned, or nan.
        factor, offset: factor * value + offset is our number.
        converted, difference: that, and how far it is from ours.
        seconds: of the call.
        error: why there is no value, or "".
    """

    library: str
    call: str
    returns: str
    cost: str
    epsilon: str
    entropy: str
    debias: bool
    quantity: Quantity
    why: str
    value: float
    factor: float
    offset: float
    converted: float
    difference: float
    seconds: float
    error: str

    @property
    def agrees(self) -> bool:
        """Whether the converted number agrees with otviz' within AGREE; True if there is none."""
        return bool(self.error) or abs(self.difference) <= AGREE * abs(self.converted - self.difference)


def agreement(entries: Sequence[Entry]) -> str:
    """In a sentence: whether the converted numbers agree, and whose do not. Ours are the minima of the definitions above."""
    off = [entry for entry in entries if not entry.agrees]
    if not off:
        return f"they agree within {AGREE:.0%}."
    named = "; ".join(f"{entry.library}, `{entry.call}`, is off by {entry.difference:.2g}" for entry in off)
    return f"{'all others' if len(off) < len(entries) - 1 else 'the rest'} agree within {AGREE:.0%}, but {named}: it did not reach the optimum that our solver found."


def compare(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    p: int = 2,
    blur: float = 0.05,
    reach: float | None = None,
    scaling: float = 0.9,
    a: NDArray[np.float64] | None = None,
    b: NDArray[np.float64] | None = None,
) -> Iterator[Entry]:
    """One entry after the other, otviz first; a library that fails leaves its error, and the rest continue.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p, blur, reach, scaling: geomloss' words, lengths in data units.
        a, b: weights (n,) and (m,), > 0 and summing to 1; uniform if None. Points of weight 0 are left out.

    Raises ValueError at once for shapes or values out of range.
    """
    if max(len(x), len(y)) > LARGEST:
        raise ValueError(f"at most {LARGEST} points of each side; got {len(x)} and {len(y)}: draw fewer (n)")
    left, right = (torch.from_numpy(np.array(cloud, dtype=np.float64)) for cloud in (x, y))
    of_x, of_y = (None if weights is None else torch.from_numpy(weights) for weights in (a, b))
    check_sinkhorn(left, right, blur=blur, p=p, reach=reach, a=of_x, b=of_y)
    (left, of_x), (right, of_y) = _heavy(left, of_x), _heavy(right, of_y)
    case = Case(left - left[0], right - left[0], p, blur, reach, scaling, of_x, of_y)
    return (_entry(way, case) for way in LIBRARY_CALLS if way.asked(case))


def _heavy(points: torch.Tensor, weights: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Points that have weight: some libraries take logarithms."""
    return (points, None) if weights is None else (points[weights > 0], weights[weights > 0])


def _entry(way: LibraryCall, case: Case) -> Entry:
    value, offset, error = math.nan, 0.0, ""
    began = time.perf_counter()
    enabled = torch.is_grad_enabled()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = way.compute(case)
            value, offset = found if isinstance(found, tuple) else (found, 0.0)
    except Exception as fault:
        error = str(fault) or type(fault).__name__
    finally:
        torch.set_grad_enabled(enabled)  # geomloss leaves gradients on
    seconds = time.perf_counter() - began
    factor = 1 / case.p if way.half else 1.0
    converted = factor * value + offset
    return Entry(
        way.library, way.call, way.returns, _cost_words(way, case), way.epsilon, way.entropy, way.debias, way.quantity,
        way.why, value, factor, offset, converted, converted - case.ours[way.quantity], seconds, error,
    )  # fmt: skip


def _cost_words(way: LibraryCall, case: Case) -> str:
    if case.p == 1:
        return "|x − y|"
    return "|x − y|²" if way.half else "|x − y|²/2"
