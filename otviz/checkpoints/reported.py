"""Numbers that papers report for a method, to stand beside ours: of another data set, network and score. Never mixed."""

from __future__ import annotations

from typing import NamedTuple


class Reported(NamedTuple):
    """What a paper says of a method.

    Attributes:
        fid: Fréchet distance of Inception features, not of ours.
        precision, recall: in [0, 1], of Inception features.
        inception_score: with the Inception network.
        where: data, network, paper.
    """

    fid: float | None = None
    precision: float | None = None
    recall: float | None = None
    inception_score: float | None = None
    where: str = ""


TABLE_2 = "CIFAR-10, NCSN++ (papers/003, Table 2)"

REPORTED = {
    "wgan": Reported(48.8, 0.45, 0.02, where=TABLE_2),
    "wgan-gp": Reported(4.5, 0.71, 0.55, where=TABLE_2),
    "otm": Reported(4.3, 0.71, 0.49, where=TABLE_2),
    "uotm-no-cost": Reported(19.7, 0.80, 0.13, where=TABLE_2),
    "uotm": Reported(2.7, 0.78, 0.62, where=TABLE_2),
    "uotm-kl": Reported(2.9, where=TABLE_2),
    "uotm-sd": Reported(2.51, where="CIFAR-10, the best of its schedules (papers/003, abstract)"),
    "ot-gan": Reported(inception_score=8.47, where="CIFAR-10, minibatches of 8000 (papers/001, 5.2)"),
    "ot-gan random": Reported(inception_score=4.64, where="CIFAR-10, random matching (papers/001, 5.2)"),
}


def reported(method: str, matching: str = "optimal") -> Reported | None:
    """What was reported for a method, by name; None where there is nothing."""
    return REPORTED.get(f"{method} random" if matching == "random" else method)
