"""A problem in the units of every library, and the conventions of a library's call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.ot.costs import cost_p
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.entropic import shares
from otviz.ot.exact import exact_cost
from otviz.ot.sinkhorn import Coupling, solve
from otviz.ot.squaring import sweeps_for

SWEEPS = 1000

Quantity = Literal["sinkhorn_divergence", "entropic_cost", "transport_cost", "exact_cost"]


@dataclass(frozen=True)
class Case:
    """The problem in everybody's units; ours is solved once."""

    x: torch.Tensor
    y: torch.Tensor
    p: int
    blur: float
    reach: float | None
    scaling: float
    a: torch.Tensor | None = None
    b: torch.Tensor | None = None

    @property
    def epsilon(self) -> float:
        """blur^p, in units of our cost."""
        return float(self.blur**self.p)

    @property
    def rho(self) -> float | None:
        """reach^p, in units of our cost, or None."""
        return None if self.reach is None else float(self.reach**self.p)

    @cached_property
    def cost(self) -> torch.Tensor:
        """|x - y|^p / p, shape (n, m)."""
        return cost_p(self.x, self.y, self.p)

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """The same as an array."""
        return np.asarray(self.cost.numpy(), dtype=np.float64)

    @cached_property
    def weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of both sides."""
        left, right = self.tensors
        return np.asarray(left.numpy()), np.asarray(right.numpy())

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The same as tensors."""
        return shares(self.a, self.x), shares(self.b, self.y)

    @cached_property
    def plan(self) -> Coupling:
        """Our solution, with many sweeps at the last temperature."""
        sweeps = max(2, sweeps_for(self.scaling, self.p))
        return solve(self.cost, self.epsilon, a=self.a, b=self.b, rho=self.rho, per_level=sweeps, last=200)

    @cached_property
    def ours(self) -> dict[Quantity, float]:
        """Our four numbers."""
        debiased = sinkhorn_divergence(
            self.x, self.y, blur=self.blur, p=self.p, reach=self.reach, scaling=self.scaling, a=self.a, b=self.b
        )
        return {
            "sinkhorn_divergence": float(debiased.value),
            "entropic_cost": float(self.plan.entropic_cost),
            "transport_cost": float(self.plan.transport_cost),
            "exact_cost": exact_cost(self.matrix, *self.weights),
        }


@dataclass(frozen=True)
class LibraryCall:
    """How a library is called, and its conventions; see Entry.

    `compute` gives the value, and with it an offset where there is one; `half` says that its cost is p times ours.
    """

    library: str
    call: str
    returns: str
    quantity: Quantity
    compute: Callable[[Case], float | tuple[float, float]]
    why: str
    epsilon: str = "blur^p"
    entropy: str = "ε KL(P | a bᵀ) included"
    debias: bool = False
    half: bool = False
    balanced: bool = True
    unbalanced: bool = True

    def asked(self, case: Case) -> bool:
        """Whether the library has this model."""
        return self.balanced if case.reach is None else self.unbalanced


def scalar(value: Any) -> float:
    """A number out of whatever a library wraps it in."""
    return float(value.detach()) if isinstance(value, torch.Tensor) else float(value)
