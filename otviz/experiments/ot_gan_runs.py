"""O6, O7, O9 and O14: OT-GAN in the plane, trained."""

from __future__ import annotations

from typing import ClassVar

from otviz.compare import presets
from otviz.distributions.ring import Ring
from otviz.experiments.base import Cost, Effect, Experiment, Number, number_of
from otviz.experiments.trainings import gap, level, numbers, times, trained, verdict_is
from otviz.methods import named

WIDE = Ring(radius=2.0, std=0.2)
"""The authors' toy."""


LOSS = (
    r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
    r"\qquad - 2W(X,X') - 2W(Y,Y')",
)
SCORES = ("modes_covered", "high_quality", "w2")
LATE = "Scores are means over the last tenth of the run."


FREEZE = {"ot-gan": "OT-GAN", "dan-s": "DAN-S", "gan": "plain GAN"}


class Freeze(Experiment):
    """Stop the critic, go on with the generator."""

    name = "o6"
    title = "Freezing the critic"
    paper = "001"
    place = "5.1, Fig 2"
    claim = "Once its critic is frozen OT-GAN keeps all 8 modes, while DAN-S collapses to few."
    covers = ("O6",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        *LOSS,
        r"\text{after step } 1500 \text{ only } T \text{ descends}",
    )
    how = (
        "The preset of the page Compare: ring of radius 2, std 0.2, critic frozen at step 1500 of 4000 (the paper: 15 000 of "
        f"40 000, with a tenth of the step size). {LATE}"
    )
    numbers = (Number("", "modes that DAN-S ends with", "3 of 8"), *numbers(FREEZE, *SCORES))
    parts = (
        level("OT-GAN keeps all 8 modes", "ot-gan", "modes_covered", low=7.5),
        level("and more than half of its samples are on them", "ot-gan", "high_quality", low=0.5),
        level("DAN-S loses modes", "dan-s", "modes_covered", high=7.5),
        times("DAN-S is at least twice as far from the data (W2)", "dan-s", "ot-gan", "w2", 2),
        level("DAN-S ends with 3 modes or fewer, as in the paper", "dan-s", "modes_covered", high=3.5),
    )
    live = "compare?preset=freeze"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        chosen = presets()["freeze"]
        return trained({method.name: method for method in chosen.methods}, chosen.steps, seed, quick, WIDE)


class RandomMatching(Experiment):
    """The ablation of section 5.2."""

    name = "o9"
    title = "Random instead of optimal matching"
    paper = "001"
    place = "L275-280, Fig 5"
    claim = "Matched at random the same training gives far worse samples."
    covers = ("O9",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"W = \mathrm{Tr}[M C^\top]",
        r"M \text{ optimal, or a random permutation}",
    )
    how = f"The preset of the page Compare: ring of radius 2, std 0.2, 3000 steps, once with each matching. {LATE}"
    numbers = (
        Number("", "inception score on CIFAR-10: random against optimal", "4.64 against 8.47"),
        *numbers({"optimal": "optimal matching", "random": "random matching"}, *SCORES),
    )
    parts = (
        times(
            "optimal matching has at least twice the share of samples on modes", "optimal", "random", "high_quality", 2
        ),
        times("random matching is at least twice as far from the data (W2)", "random", "optimal", "w2", 2),
    )
    live = "compare?preset=matching"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        chosen = presets()["matching"]
        methods = dict(zip(("optimal", "random"), chosen.methods, strict=True))
        return trained(methods, chosen.steps, seed, quick, WIDE)


SIZES = (16, 64, 256)


class BatchSize(Experiment):
    """Figure 3 in the plane."""

    name = "o7"
    title = "Larger batches are better and calmer"
    paper = "001"
    place = "5.2, Fig 3"
    claim = "Quality and stability of OT-GAN rise with the batch size; the smallest is unstable."
    covers = ("O7",)
    cost: ClassVar[Cost] = "minutes"
    formula = LOSS
    how = f"Ring of radius 2, std 0.2, 2000 steps, batches of 16, 64 and 256 (the paper: 200 to 8000 images). {LATE}"
    numbers = numbers({f"b{size}": f"batch {size}" for size in SIZES}, *SCORES, "loss_spread")
    parts = (
        gap("batch 256 has a larger share on modes than batch 16", "b256", "b16", "high_quality"),
        gap("batch 64 has a larger share than batch 16", "b64", "b16", "high_quality"),
        gap("batch 256 has a larger share than batch 64", "b256", "b64", "high_quality"),
        times("batch 16 is further from the data than batch 256 (W2)", "b16", "b256", "w2"),
        times("its loss spreads more than that of batch 256", "b16", "b256", "loss_spread"),
        verdict_is("batch 16 is unstable", "b16", "unstable"),
    )
    live = "compare?preset=batch-size"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods = {f"b{size}": named("ot-gan").parse({"batch_size": str(size)}) for size in SIZES}
        return trained(methods, 2000, seed, quick, WIDE)


COSTS = {"squared-l2": "", "cosine": "-cosine"}
"""Costs between features: of the authors' toy, and of the paper."""


class GeneratorOften(Experiment):
    """n_gen = 5 against 1."""

    name = "o14"
    title = "The generator is updated more often than the critic"
    paper = "001"
    place = "L191-206"
    claim = "If the generator is not updated more often than the critic, the cost degenerates and training suffers."
    covers = ("O14",)
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSS, r"n_{\mathrm{gen}} = 5 \text{ against } 1")
    how = (
        "Ring of radius 2, std 0.2, n_gen = 5 and 1, as many generator updates in each: 2500 (3000 and 5000 steps), with the cost "
        "of the authors' toy, half the squared distance of features, and with the cosine of the paper. The spread of the loss "
        f"is about its trend in the last quarter; the features' is the root mean square about their mean, on data. {LATE}"
    )
    numbers = numbers(
        {f"{key}{ending}": f"{title}, {words}" for ending, words in (("", "squared"), ("-cosine", "cosine"))
         for key, title in (("often", "n_gen = 5"), ("equal", "n_gen = 1"))},
        "loss_level", "loss_spread", "scale_early", "scale", *SCORES,
    )  # fmt: skip
    parts = (
        times("without, the loss spreads at least twice as much", "equal", "often", "loss_spread", 2),
        Effect("without, the critic's features grow: they are at least twice as spread at the end as a tenth of the run in",
               "ratio of the spread of features", lambda got: number_of(got, "equal_scale") / number_of(got, "equal_scale_early"),
               low=2, ratio=True),
        gap("fewer samples lie on modes", "often", "equal", "high_quality"),
        gap("they are further from the data (W2)", "equal", "often", "w2"),
        times("with the cosine the loss spreads at least twice as much", "equal-cosine", "often-cosine", "loss_spread", 2),
        gap("with the cosine fewer samples lie on modes", "often-cosine", "equal-cosine", "high_quality"),
        gap("with the cosine they are further from the data (W2)", "equal-cosine", "often-cosine", "w2"),
    )  # fmt: skip
    live = "train?method=ot-gan&n_gen=1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for cost, ending in COSTS.items():
            for key, n_gen, steps in (("often", 5, 3000), ("equal", 1, 5000)):
                method = named("ot-gan").parse({"n_gen": str(n_gen), "cost": cost})
                found |= trained({f"{key}{ending}": method}, steps, seed, quick, WIDE)
        return found
