"""What a penalty on the slope asks of an adversary."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Potential(Protocol):
    """A network with one output, v: (B, d) -> (B, 1), that knows its slope."""

    def __call__(self, x: Tensor) -> Tensor:
        """Values at x."""

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Values and input gradients, both differentiable in the weights (not in x).

        Args:
            x: points, shape (B, d).
            others: further points (C, d) to evaluate beside them, without their gradient.

        Returns:
            values (B,), or (B + C,) with others, and gradients (B, d).
        """
