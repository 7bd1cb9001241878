"""O6, O7, O9 and O14: OT-GAN in the plane, trained."""

from __future__ import annotations

from typing import ClassVar

from otviz.compare import presets
from otviz.distributions.ring import Ring
from otviz.experiments.base import Cost, Experiment, Number, Part, Values
from otviz.experiments.trainings import trained
from otviz.methods import named

WIDE = Ring(radius=2.0, std=0.2)
"""The authors' toy."""


def _numbers(names: dict[str, str]) -> tuple[Number, ...]:
    return tuple(
        number for key, title in names.items() for number in (
            Number(key, f"{title}: verdicts of the seeds"),
            Number(f"{key}_modes_covered", f"{title}: modes of 8 covered"),
            Number(f"{key}_high_quality", f"{title}: share of samples on a mode"),
            Number(f"{key}_w2", f"{title}: W2 (length)"),
        )
    )  # fmt: skip


def _of(got: Values, key: str, otherwise: float) -> float:
    return float(got.get(key, otherwise))


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
        r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
        r"\qquad - 2W(X,X') - 2W(Y,Y')",
        r"\text{after step } 1500 \text{ only } T \text{ descends}",
    )
    how = (
        "The preset of the page Compare: ring of radius 2, std 0.2, critic frozen at step 1500 of 4000 (the paper: 15 000 of "
        "40 000, with a tenth of the step size)."
    )
    numbers = (Number("", "modes that DAN-S ends with", "3 of 8"), *_numbers(FREEZE))
    parts = (
        Part("OT-GAN covers all 8 modes", lambda got: got["ot-gan_modes_covered"] == 8),
        Part("DAN-S loses modes, or its W2 is three times OT-GAN's", lambda got: (
            _of(got, "dan-s_modes_covered", 0) < 8 or _of(got, "dan-s_w2", 1e9) > 3 * _of(got, "ot-gan_w2", 0)
        )),
        Part("DAN-S ends with 3 modes or fewer, as in the paper", lambda got: _of(got, "dan-s_modes_covered", 0) <= 3),
    )  # fmt: skip
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
    how = "The preset of the page Compare: ring of radius 2, std 0.2, 3000 steps, once with each matching."
    numbers = (
        Number("", "inception score on CIFAR-10: random against optimal", "4.64 against 8.47"),
        *_numbers({"optimal": "optimal matching", "random": "random matching"}),
    )
    parts = (
        Part("optimal matching has at least twice the share of samples on modes", lambda got: (
            _of(got, "optimal_high_quality", 0) >= 2 * _of(got, "random_high_quality", 0)
        )),
        Part("it is nearer the data (W2)", lambda got: _of(got, "optimal_w2", 1e9) < _of(got, "random_w2", 1e9)),
    )  # fmt: skip
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
    formula = (
        r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
        r"\qquad - 2W(X,X') - 2W(Y,Y')",
    )
    how = "Ring of radius 2, std 0.2, 2000 steps, batches of 16, 64 and 256 (the paper: 200 to 8000 images)."
    numbers = (
        *_numbers({f"b{size}": f"batch {size}" for size in SIZES}),
        *(Number(f"b{size}_loss_spread", f"batch {size}: spread of the loss") for size in SIZES),
    )
    parts = (
        Part("batch 256 has a larger share on modes than batch 16",
             lambda got: _of(got, "b256_high_quality", 0) > _of(got, "b16_high_quality", 0)),
        Part("the share on modes rises with every size", lambda got: (
            _of(got, "b16_high_quality", 0) < _of(got, "b64_high_quality", 0) < _of(got, "b256_high_quality", 0)
        )),
        Part("the loss spreads less at 256 than at 16",
             lambda got: _of(got, "b256_loss_spread", 1e9) < _of(got, "b16_loss_spread", 0)),
    )  # fmt: skip
    live = "compare?preset=batch-size"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        methods = {f"b{size}": named("ot-gan").parse({"batch_size": str(size)}) for size in SIZES}
        return trained(methods, 2000, seed, quick, WIDE)


class GeneratorOften(Experiment):
    """n_gen = 5 against 1."""

    name = "o14"
    title = "The generator is updated more often than the critic"
    paper = "001"
    place = "L191-206"
    claim = "If the generator is not updated more often than the critic, the cost degenerates and training suffers."
    covers = ("O14",)
    cost: ClassVar[Cost] = "minutes"
    formula = (
        r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
        r"\qquad - 2W(X,X') - 2W(Y,Y')",
        r"n_{\mathrm{gen}} = 5 \text{ against } 1",
    )
    how = "Ring of radius 2, std 0.2, n_gen = 5 and 1, as many generator updates in each: 2500 (3000 and 5000 steps)."
    numbers = _numbers({"often": "n_gen = 5", "equal": "n_gen = 1"})
    parts = (
        Part("with n_gen = 5 more samples lie on modes than with n_gen = 1",
             lambda got: _of(got, "often_high_quality", 0) > _of(got, "equal_high_quality", 0)),
        Part("and it is nearer the data (W2)", lambda got: _of(got, "often_w2", 1e9) < _of(got, "equal_w2", 1e9)),
    )  # fmt: skip
    live = "train?method=ot-gan&n_gen=1"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        made = {key: named("ot-gan").parse({"n_gen": str(n_gen)}) for key, n_gen in (("often", 5), ("equal", 1))}
        found = trained({"often": made["often"]}, 3000, seed, quick, WIDE)
        return found | trained({"equal": made["equal"]}, 5000, seed, quick, WIDE)
