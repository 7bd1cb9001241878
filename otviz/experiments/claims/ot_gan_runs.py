"""Trainings of OT-GAN in the plane."""

from __future__ import annotations

from typing import ClassVar

from otviz.data.distributions.ring import Ring
from otviz.experiments.charts import Curves, Dots, Line, Row
from otviz.experiments.experiment import Cost, Effect, Experiment, Number, number_of
from otviz.experiments.trainings import gap, level, numbers, times, trained, verdict_is
from otviz.methods import named
from otviz.training.compare import presets

WIDE = Ring(radius=2.0, std=0.2)
"""The toy problem of the authors."""


LOSS = (
    r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
    r"\qquad - 2W(X,X') - 2W(Y,Y')",
)
SCORES = ("modes_covered", "high_quality", "w2")
LATE = "Scores are means over the last tenth of the run."


FREEZE = {"ot-gan": "OT-GAN", "dan-s": "DAN-S", "gan": "plain GAN"}


class Freeze(Experiment):
    """Freeze the critic and continue training the generator."""

    name = "frozen-critic"
    title = "With its critic frozen, OT-GAN keeps all modes and DAN-S collapses"
    paper = "salimans"
    place = "Section 5.1, Fig. 2"
    claim = "Once its critic is frozen OT-GAN keeps all 8 modes, while DAN-S collapses to 3."
    summary_template = (
        "Modes found at the end, seed by seed: OT-GAN {ot-gan_modes_covered:each}; DAN-S {dan-s_modes_covered:each}."
    )
    chart = Dots(
        "modes of 8 found at the end",
        (
            Row("OT-GAN", "ot-gan_modes_covered", low=7.5, high=8.0),
            Row("DAN-S", "dan-s_modes_covered", 3.0, high=7.5),
            Row("plain GAN", "gan_modes_covered"),
        ),
    )
    order = 10
    cost: ClassVar[Cost] = "minutes"
    formula = (
        *LOSS,
        r"\text{after step } 1500 \text{ only } T \text{ descends}",
    )
    how = (
        "The preset of the page Compare: a ring of radius 2 and standard deviation 0.2, critic frozen at step 1500 of 4000 (the paper: 15 000 "
        f"of 40 000, with a tenth of the step size). {LATE}"
    )
    numbers = (Number("", "modes that DAN-S ends with", "3 of 8"), *numbers(FREEZE, *SCORES))
    parts = (
        level("OT-GAN keeps all 8 modes", "ot-gan", "modes_covered", low=7.5),
        level("more than half of OT-GAN's samples lie on a mode", "ot-gan", "high_quality", low=0.5),
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

    name = "random-matching"
    title = "Matched at random, OT-GAN's samples are far worse"
    paper = "salimans"
    place = "Section 5.2, Fig. 5"
    claim = "Matched at random, the same training gives far worse samples."
    summary_template = "Samples on a mode: {optimal_high_quality:percent} with optimal matching, {random_high_quality:percent} with random matching."
    chart = Dots(
        "share of samples on a mode",
        (Row("optimal matching", "optimal_high_quality"), Row("random matching", "random_high_quality")),
    )
    order = 30
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"W = \mathrm{Tr}[M C^\top]",
        r"M \text{ optimal, or a random permutation}",
    )
    how = f"The preset of the page Compare: a ring of radius 2 and standard deviation 0.2, 3000 steps with each matching. {LATE}"
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

    name = "batch-size"
    title = "Larger batches make OT-GAN better and more stable"
    paper = "salimans"
    place = "Section 5.2, Fig. 3"
    claim = "Quality and stability of OT-GAN rise with the batch size; the smallest is unstable."
    summary_template = (
        "Samples on a mode: {b16_high_quality:percent} with batches of 16, {b64_high_quality:percent} with 64, "
        "{b256_high_quality:percent} with 256."
    )
    chart = Curves(
        "batch size",
        "share of samples on a mode",
        (Line("OT-GAN", {float(size): f"b{size}_high_quality" for size in SIZES}),),
        log_x=True,
    )
    order = 20
    cost: ClassVar[Cost] = "minutes"
    formula = LOSS
    how = f"A ring of radius 2 and standard deviation 0.2, 2000 steps, batches of 16, 64 and 256 (the paper: 200 to 8000 images). {LATE}"
    numbers = numbers({f"b{size}": f"batch {size}" for size in SIZES}, *SCORES, "loss_spread")
    parts = (
        gap("batches of 256 put more samples on modes than batches of 16", "b256", "b16", "high_quality"),
        gap("batches of 64 put more samples on modes than batches of 16", "b64", "b16", "high_quality"),
        gap("batches of 256 put more samples on modes than batches of 64", "b256", "b64", "high_quality"),
        times("batches of 16 end further from the data than batches of 256 (W2)", "b16", "b256", "w2"),
        times("the loss spreads more with batches of 16 than with 256", "b16", "b256", "loss_spread"),
        verdict_is("training with batches of 16 is unstable", "b16", "unstable"),
    )
    live = "compare?preset=batch-size"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods = {f"b{size}": named("ot-gan").parse({"batch_size": str(size)}) for size in SIZES}
        return trained(methods, 2000, seed, quick, WIDE)


COSTS = {"squared-l2": "", "cosine": "-cosine"}
"""Costs between features: of the authors' toy problem, and of the paper."""


class GeneratorOften(Experiment):
    """n_gen = 5 against 1."""

    name = "generator-updates"
    title = "The generator must be updated more often than the critic"
    paper = "salimans"
    place = "Section 4"
    claim = "If the generator is not updated more often than the critic, the cost degenerates and training suffers."
    summary_template = (
        "Updated equally often, the loss spreads {part 1} times as much; {equal_high_quality:percent} of the samples lie on a "
        "mode, against {often_high_quality:percent}."
    )
    chart = Dots(
        "spread of the loss",
        (
            Row("5 to 1, squared cost", "often_loss_spread"),
            Row("1 to 1, squared cost", "equal_loss_spread"),
            Row("5 to 1, cosine cost", "often-cosine_loss_spread"),
            Row("1 to 1, cosine cost", "equal-cosine_loss_spread"),
        ),
        log=True,
    )
    order = 40
    cost: ClassVar[Cost] = "minutes"
    formula = (*LOSS, r"n_{\mathrm{gen}} = 5 \text{ against } 1")
    how = (
        "A ring of radius 2 and standard deviation 0.2. With n_gen = 5 and n_gen = 1 the generator has the same 2500 updates (3000 and 5000 steps). "
        "Two costs of features: half the squared distance, as in the authors' toy, and the cosine of the paper. The spread of the loss is its "
        "standard deviation about its trend in the last quarter; that of the features is their root mean square about their mean, on data. "
        f"{LATE}"
    )
    numbers = numbers(
        {f"{key}{ending}": f"{title}, {words}" for ending, words in (("", "squared"), ("-cosine", "cosine"))
         for key, title in (("often", "n_gen = 5"), ("equal", "n_gen = 1"))},
        "loss_level", "loss_spread", "scale_early", "scale", *SCORES,
    )  # fmt: skip
    parts = (
        times("updated equally often, the loss spreads at least twice as much", "equal", "often", "loss_spread", 2),
        Effect("the critic's features grow: at the end they spread at least twice as much as early in the run",
               "ratio of the spread of features", lambda got: number_of(got, "equal_scale") / number_of(got, "equal_scale_early"),
               low=2, ratio=True),
        gap("fewer samples lie on modes", "often", "equal", "high_quality"),
        gap("the samples are further from the data (W2)", "equal", "often", "w2"),
        times("with the cosine cost, too, the loss spreads at least twice as much", "equal-cosine", "often-cosine", "loss_spread", 2),
        gap("with the cosine cost fewer samples lie on modes", "often-cosine", "equal-cosine", "high_quality"),
        gap("with the cosine cost the samples are further from the data (W2)", "equal-cosine", "often-cosine", "w2"),
    )  # fmt: skip
    live = "train?method=ot-gan&n_gen=1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for cost, ending in COSTS.items():
            for key, n_gen, steps in (("often", 5, 3000), ("equal", 1, 5000)):
                method = named("ot-gan").parse({"n_gen": str(n_gen), "cost": cost})
                found |= trained({f"{key}{ending}": method}, steps, seed, quick, WIDE)
        return found
