"""UOTM with convex functions typed by the user: any non-decreasing convex g with g(0) = 0 and g'(0) = 1.

Choi et al. 2024, section 3.1, require no more of g1 and g2; `otviz.ot.convex` parses and checks the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from otviz.core.params import OBJECTIVE, param
from otviz.methods.unified import OTM, divergence_weight
from otviz.ot.convex import conjugate

HYPERBOLA = "x + sqrt(x**2 + 1) - 1"
"""Its derivative goes from 0 to 2, like that of softplus, but decays as 1 / x^2: well separated samples keep some weight."""


def written(which: str) -> Any:
    """Declare g1 or g2 as a text."""
    on = "v(T(x, z)) - c" if which == "g1" else "-v(y)"
    doc = f"Convex function on {on}: a formula in x, such as exp(x) - 1"
    return param(HYPERBOLA, doc=doc, symbol=which, label=f"Convex function {which}", group=OBJECTIVE)


@dataclass(frozen=True)
class UOTMTyped(OTM):
    """UOTM with typed g1 and g2; g3 is the identity."""

    name: ClassVar[str] = "uotm-typed"
    title: ClassVar[str] = "UOTM with your own g"
    line: ClassVar[str] = "UOTM with a g that you type"
    basic: ClassVar[tuple[str, ...]] = ("tau", "g1", "g2")
    compilable: ClassVar[bool] = False  # expression trees: the compiler would recompile for each text

    g1: str = written("g1")
    g2: str = written("g2")
    alpha: float = divergence_weight(1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("g1", "g2"):
            try:
                conjugate(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name} cannot be used: {error}") from error

    def conjugates(self) -> tuple[str, str, str]:
        return self.g1, self.g2, "identity"

    def scalars(self, progress: float) -> dict[str, float]:
        return {**super().scalars(progress), "alpha": self.alpha}
