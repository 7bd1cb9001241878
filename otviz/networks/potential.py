"""The interface of an adversary with a gradient penalty."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Potential(Protocol):
    """A network with one output, v: (B, d) -> (B, 1), and its input gradient."""

    def __call__(self, x: Tensor) -> Tensor:
        """Values at x."""

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Values and input gradients, both differentiable in the weights (not in x).

        Args:
            x: points, shape (B, d).
            others: further points (C, d), evaluated in the same pass without their gradient.

        Returns:
            values (B,), or (B + C,) with others, and gradients (B, d).
        """
