"""What usually helps against each verdict: for methods of otviz with the knob to move, for other models in general words."""

from __future__ import annotations

from otviz.evaluation.diagnosis.result import Advice, Kind


def advice(kind: Kind) -> tuple[Advice, ...]:
    """What usually helps, the most likely to help first."""
    return _ADVICE[kind]


_ADVICE: dict[Kind, tuple[Advice, ...]] = {
    "covers": (),
    "collapsed": (
        Advice("A transport cost ties each sample to its own noise, so that no part of the data is left out.", "uotm", "tau", "0.05"),
        Advice("Larger batches, a gradient penalty on the critic, or fewer generator steps per critic step often bring modes back."),
    ),
    "memorised": (
        Advice("Stop earlier, use more data or augmentation, or a smaller generator."),
    ),
    "too narrow": (
        Advice("Check truncation, guidance and EMA settings of the sampler: they trade spread for quality."),
        Advice("Train longer, or lower the regularisation that draws samples to the means of modes."),
    ),
    "too wide": (
        Advice("Train longer, or with a lower learning rate at the end; average the weights (EMA)."),
    ),
    "off target": (
        Advice("Check that both sides were preprocessed alike: scaling, order of columns, colour range."),
        Advice("Train longer, or strengthen the critic: more steps of it per generator step."),
    ),
    "unbalanced": (
        Advice("A lower weight on mass left behind makes shares exact.", "uotm", "", ""),
        Advice("Check how training data were sampled: class weights, or a sorted file that was not shuffled."),
    ),
    "cannot be told": (Advice("Give more samples on both sides; a generator makes as many as you ask for."),),
}  # fmt: skip
