"""Scores that papers report on CIFAR-10. They are not comparable with those of the shipped models: other networks and features."""

from __future__ import annotations

from typing import NamedTuple


class Reported(NamedTuple):
    """Reported scores of a method.

    Attributes:
        fid: Fréchet distance of Inception features; the cards of otviz use features of their own classifiers.
        precision, recall: in [0, 1], of Inception features.
        inception_score: by the Inception network.
        data: data set and network.
        source: key of `otviz.content.bibliography`, and the place in the source.
    """

    fid: float | None = None
    precision: float | None = None
    recall: float | None = None
    inception_score: float | None = None
    data: str = "CIFAR-10, NCSN++"
    source: tuple[str, str] = ("choi", "Table 2")


REPORTED = {
    "wgan": Reported(48.8, 0.45, 0.02),
    "wgan-gp": Reported(4.5, 0.71, 0.55),
    "otm": Reported(4.3, 0.71, 0.49),
    "uotm-no-cost": Reported(19.7, 0.80, 0.13),
    "uotm": Reported(2.7, 0.78, 0.62),
    "uotm-kl": Reported(2.9),
    "uotm-sd": Reported(2.51, data="CIFAR-10, the best of its schedules", source=("choi", "abstract")),
    "ot-gan": Reported(inception_score=8.47, data="CIFAR-10, minibatches of 8000", source=("salimans", "Section 5.2")),
    "ot-gan random": Reported(
        inception_score=4.64, data="CIFAR-10, random matching", source=("salimans", "Section 5.2")
    ),
}


def reported(method: str, matching: str = "optimal") -> Reported | None:
    """The reported scores of a method, by name, or None."""
    return REPORTED.get(f"{method} random" if matching == "random" else method)
