"""The conjugates g of the semi-dual objectives, each with g(0) = 0 and g'(0) = 1 (Choi et al. 2024, Algorithm 1).

g = Psi* is the convex conjugate of an entropy Psi; alpha weighs the divergence: g^alpha(x) = alpha g(x / alpha)
tends to x as alpha rises (transport with exact marginals) and to sup of the slope as alpha falls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

KL_LIMIT = 8.0
"""Where e^x - 1 goes over into its tangent; a slope of e^8 = 2981 per sample is large enough to be seen."""

_E_LIMIT = math.exp(KL_LIMIT)
_LOG_4 = 2 * math.log(2)


@dataclass(frozen=True)
class Conjugate:
    """One conjugate g with its slope; both act elementwise on tensors of any shape.

    `formula` is g in LaTeX, `formula_alpha` is g^alpha.
    """

    name: str
    title: str
    formula: str
    formula_alpha: str
    g: Callable[[Tensor], Tensor]
    g_slope: Callable[[Tensor], Tensor]

    def value(self, x: Tensor, alpha: float | Tensor = 1.0) -> Tensor:
        """alpha g(x / alpha), the shape of x; alpha > 0 is a number or a tensor of shape ()."""
        if isinstance(alpha, float | int) and alpha == 1:
            return self.g(x)
        return self.g(x / alpha) * alpha

    def slope(self, x: Tensor, alpha: float | Tensor = 1.0) -> Tensor:
        """g'(x / alpha), the slope of `value` in x, the shape of x."""
        return self.g_slope(x / alpha)


def identity(x: Tensor) -> Tensor:
    """g(x) = x: exact marginals (WGAN, OTM)."""
    return x


def softplus(x: Tensor) -> Tensor:
    """SP(x) = 2 log(1 + e^x) - 2 log 2; slope in (0, 2) (Choi et al. 2024, footnote 2)."""
    return F.softplus(x).mul(2).sub(_LOG_4)


def kl(x: Tensor) -> Tensor:
    """e^x - 1, conjugate of the Kullback-Leibler divergence; its tangent beyond x = KL_LIMIT.

    The tangent keeps the function convex, increasing and finite in float32, and a sample beyond the limit keeps a
    gradient, which a clamp would take from it.
    """
    return torch.expm1(x.clamp(max=KL_LIMIT)) + F.relu(x - KL_LIMIT) * _E_LIMIT


def chi2(x: Tensor) -> Tensor:
    """x + x^2 / 4 for x >= -2, else -1: conjugate of Psi(t) = (t - 1)^2 on t >= 0 (chi-square)."""
    return F.relu(1 + x / 2).square().sub(1)


def _one(x: Tensor) -> Tensor:
    return torch.ones_like(x)


def _softplus_slope(x: Tensor) -> Tensor:
    return torch.sigmoid(x).mul(2)


def _kl_slope(x: Tensor) -> Tensor:
    return x.clamp(max=KL_LIMIT).exp()


def _chi2_slope(x: Tensor) -> Tensor:
    return F.relu(1 + x / 2)


_ALL = (
    Conjugate("identity", "Identity (exact marginals)", "x", "x", identity, _one),
    Conjugate(
        "softplus",
        "Softplus",
        r"2\log(1 + e^{x}) - 2\log 2",
        r"2\alpha\log(1 + e^{x/\alpha}) - 2\alpha\log 2",
        softplus,
        _softplus_slope,
    ),
    Conjugate("kl", "Kullback-Leibler", r"e^{x} - 1", r"\alpha\,(e^{x/\alpha} - 1)", kl, _kl_slope),
    Conjugate(
        "chi2",
        "Chi-square",
        r"\max(0,\,1 + x/2)^2 - 1",
        r"\alpha\max(0,\,1 + x/(2\alpha))^2 - \alpha",
        chi2,
        _chi2_slope,
    ),
)

CONJUGATES: MappingProxyType[str, Conjugate] = MappingProxyType({conjugate.name: conjugate for conjugate in _ALL})
"""Every conjugate by its name."""
