"""Convergence of OT-GAN's matchings: marginal errors, and the loss compared with that of many normalisations."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from otviz.clouds.laboratory.matchings import Minibatches, matchings
from otviz.methods.ot_gan import OTGAN

MANY = 500
"""Normalisations taken as converged: those of the paper's code on images."""

CONVERGED = 0.01
"""Largest error of the marginals, and largest relative error of the loss, of a converged matching."""


@dataclass(frozen=True)
class Convergence:
    """Distance of the matchings of a step from the converged ones.

    Attributes:
        iterations: normalisations of the method; `many`: those of the converged matchings.
        error: share of the mass missing in row or column sums, the largest of the six plans.
        loss, limit: L of Algorithm 1 with the method's normalisations and with `many`, in units of the feature cost.
    """

    iterations: int
    many: int
    error: float
    loss: float
    limit: float

    @property
    def reached(self) -> bool:
        """Whether the errors of marginals and loss are at most CONVERGED."""
        return self.error <= CONVERGED and abs(self.loss - self.limit) <= CONVERGED * abs(self.limit)

    @property
    def sentence(self) -> str:
        """The result in words."""
        numbers = (
            f"after {self.iterations} normalisations the marginals of its plans are off by up to {100 * self.error:.2g} % of the mass; "
            f"the loss of a step is {self.loss:.3g}, and {self.limit:.3g} after {self.many}"
        )
        if self.reached:
            return f"The matching has converged: {numbers}."
        return f"The matching has not converged: {numbers}. Use more iterations or a larger ε."


def convergence(drawn: Minibatches, method: OTGAN) -> Convergence | None:
    """Convergence of the method's matchings on these minibatches; None for random matching."""
    if method.matching == "random":
        return None
    own = matchings(drawn, method)
    end = matchings(drawn, dataclasses.replace(method, iterations=MANY))
    error = max(one.marginal_error for one in own.six)
    return Convergence(method.iterations, MANY, error, own.loss, end.loss)
