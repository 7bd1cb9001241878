"""The checklist: every figure, table and claim of the four papers that is to be answered, covered by experiments."""

from __future__ import annotations

from dataclasses import dataclass

from otviz.experiments.base import Experiment


@dataclass(frozen=True)
class Row:
    """One row: its name, where it stands, what it is about."""

    name: str
    place: str
    about: str


ROWS: tuple[Row, ...] = (
    Row("N1", "000, 11.1.1", "The target ring"),
    Row("N2", "000, 11.1.2", "S = 2.7932"),
    Row("N3", "000, 11.1.2", "One giant step"),
    Row("N4", "000, 11.1.3", "The widget of blur and p"),
    Row("N5", "000, 11.1", "What blur does"),
    Row("N6", "000, 11.2", "The generator and its defaults"),
    Row("N7", "000, 11.2", "The training run: loss and diversity"),
    Row("N8", "000, 11.2", "Generated over real points"),
    Row("N9", "000, 11.2", "Diagnostics: loss falls, then a plateau"),
    Row("N10", "000, 11.2", "Interpolation between latents"),
    Row("N11", "000, 11.1.4, 11.3", "Gradients far away, steadiness, coverage"),
    Row("N12", "000", "Mistakes: sign, Manhattan, blur = ε, blind diversity"),
    Row("O1", "001, Eq 5", "Soft matching without entropy"),
    Row("O2", "001, Eq 6-8", "Minibatch energy distance"),
    Row("O3", "001, section 4", "Cosine cost"),
    Row("O4", "001, Algorithm 1", "Loss and order of updates"),
    Row("O5", "001, Fig 1", "The pipeline"),
    Row("O6", "001, 5.1, Fig 2", "Freezing the critic: OT-GAN against DAN-S"),
    Row("O7", "001, 5.2, Fig 3", "Batch size"),
    Row("O8", "001, Table 1", "Inception scores on CIFAR-10"),
    Row("O9", "001, Fig 5", "Random matching"),
    Row("O10", "001, Fig 4", "Samples at batch 8000"),
    Row("O11", "001, 5.3, Fig 6", "ImageNet dogs"),
    Row("O12", "001, 5.4, Table 2", "Text to image"),
    Row("O13", "001, code", "Settings of the image models"),
    Row("O14", "001", "Bias, the repulsive term, who is updated more often"),
    Row("R1", "002, Fig 1", "Loss curve and images over 4 epochs"),
    Row("R2", "002, Fig 2", "MLP against CNN"),
    Row("R3", "002, Fig 3", "Batch 8 against 32"),
    Row("R4", "002, Fig 4", "ε 0.01 against 1, and the repeated caption"),
    Row("R5", "002, Eq 4, 6, 7", "Definitions: entropy counted in, a square root"),
    Row("R6", "002, 3.1", "ε = 1 matches almost at random"),
    Row("U1", "003, Algorithm 1", "The losses against closed forms"),
    Row("U2", "003, footnote 2", "The convex functions"),
    Row("U3", "003, Table 1", "The family: cost and convexity"),
    Row("U4", "003, 3.2", "R1 keeps WGAN and OTM from diverging"),
    Row("U5", "003, Fig 1 left", "Which methods cover, collapse or mix modes"),
    Row("U6", "003, Fig 1 right", "Loss curves: strong fluctuation against calm"),
    Row("U7", "003, Table 2", "Cost raises recall"),
    Row("U8", "003, Fig 2", "Sensitivity to the regulariser's weight"),
    Row("U9", "003, Fig 3", "Sensitivity to τ"),
    Row("U10", "003, Fig 4", "Small, best and large τ"),
    Row("U11", "003, Eq 9", "Weights of samples"),
    Row("U12", "003, Eq 1-8", "Primal, dual, semi-dual"),
    Row("U13", "003, abstract", "FID; the plan tends to the exact one; robust to τ"),
    Row("U14", "003, appendices", "Other backbones, proofs"),
    Row("U15", "003, footnotes", "Caveats"),
    Row("4.5", "all papers", "The same ring for all: coverage, collapse, mixture"),
    Row("5.1", "003, section 4", "α-scaled transport; Theorems 3.1, 4.1, Eq 11"),
    Row("5.2 Tables 3 and 4", "003, section 5", "FID of UOTM-SD"),
    Row("5.2 τ", "003, Fig 5 or Table 5", "UOTM-SD is more robust to τ than UOTM"),
    Row("5.2 ARC", "003, Fig 6", "Average rate of change of v"),
    Row("5.3", "003, code", "Toy settings, schedules, mass kept over τ and α"),
    Row("5.4", "003, code", "Traps in the authors' code"),
    Row("5.5", "003", "What was not recovered"),
)


def covering(row: Row, experiments: dict[str, type[Experiment]]) -> list[type[Experiment]]:
    """The experiments that cover a row."""
    return [each for each in experiments.values() if row.name in each.covers]
