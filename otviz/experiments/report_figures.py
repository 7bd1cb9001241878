"""R1 to R4: the four figures of the report on OT-GAN, trained again at 8 x 8 pixels.

What the limits below ask was written down before these claims were measured, from the words of the report; known then were
the scores of the shipped models (checkpoints/mnist8-ot-gan-*), which are seed 0 of three of these trainings.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from otviz.experiments import albums
from otviz.experiments.albums import album, report_config
from otviz.experiments.base import Cost, Experiment, Number, Part, Values

CNN, MLP, BATCH, EPSILON = (
    "mnist8-ot-gan-epoch-4", "mnist8-ot-gan-mlp", "mnist8-ot-gan-batch-8", "mnist8-ot-gan-epsilon",
)  # fmt: skip
HOW = (
    "MNIST at 8 x 8, the report's settings (z and features of 16 numbers, ε = 1, 50 iterations, batch 32, five generator "
    "steps to one of the critic, Adam at 1e-4); Fréchet distance, recall and classes by otviz' own classifier, on 2000 images."
)
DISTANCE = (
    r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
    r"\qquad - 2W(X,X') - 2W(Y,Y')",
    r"W = \mathrm{Tr}[M C^\top], \; c = 1 - \cos",
)


def _of(got: Values, key: str) -> float:
    return float(got[key])


class OfImages(Experiment):
    """A claim that trains on MNIST."""

    paper = "002"
    cost: ClassVar[Cost] = "minutes"

    def lacking(self) -> str:
        return albums.lacking()


class Epochs(OfImages):
    """Figure 1."""

    name = "r1"
    title = "Four epochs: the loss falls and digits appear"
    place = "3.2, Fig 1"
    claim = "The loss falls well with a large variation, images improve greatly in two epochs, and the loss goes with their quality."
    covers = ("R1",)
    formula = DISTANCE
    how = f"{HOW} CNN, 3750 steps (four epochs), looked at every half epoch."
    numbers = (
        *(Number(f"loss_{n}", f"mean loss in epoch {n}") for n in (1, 2, 3, 4)),
        Number("spread_1", "spread of the loss about its trend, epoch 1"),
        Number("spread_4", "the same, epoch 4"),
        *(Number(f"frechet_{n}", f"Fréchet distance after {n} epochs") for n in (0, 1, 2, 4)),
        Number("recall_4", "recall after 4 epochs"),
        Number("classes_2", "classes after 2 epochs, effective number of 10"),
        Number("agreement", "rank correlation of loss and Fréchet distance over eight half epochs"),
    )
    parts = (
        Part("the mean loss of epoch 4 is less than half of that of epoch 1",
             lambda got: _of(got, "loss_4") < _of(got, "loss_1") / 2),
        Part("it varies: its spread in epoch 4 is at least a tenth of the mean of epoch 1",
             lambda got: _of(got, "spread_4") >= _of(got, "loss_1") / 10),
        Part("two epochs halve the Fréchet distance, and take more of it away than the next two", lambda got: (
            _of(got, "frechet_0") - _of(got, "frechet_2")
            > max(_of(got, "frechet_0") / 2, _of(got, "frechet_2") - _of(got, "frechet_4"))
        )),
        Part("the loss goes with the quality: rank correlation of at least 0.5",
             lambda got: _of(got, "agreement") >= 0.5),
    )  # fmt: skip
    live = "images?method=ot-gan&target=mnist8&epsilon=1.0&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=3750"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        seen = album(report_config(CNN, seed), quick)
        found: dict[str, float | int | str] = {f"loss_{n}": seen.loss(n - 1, n) for n in (1, 2, 3, 4)}
        found |= {f"frechet_{n}": seen.score("frechet", n) for n in (0, 1, 2, 4)}
        losses = [float(part.mean()) for part in seen.halves()]
        return found | {
            "spread_1": seen.spread(0, 1), "spread_4": seen.spread(3, 4), "recall_4": seen.score("recall", 4),
            "classes_2": seen.score("classes_effective", 2),
            "agreement": _rank_correlation(losses, [float(value) for value in seen.scores[1:, 0]]),
        }  # fmt: skip


class NetworkKinds(OfImages):
    """Figure 2."""

    name = "r2"
    title = "An MLP's images are noisier than a CNN's"
    place = "3.3, Fig 2"
    claim = "After one epoch the images of the MLP are noisier, and those of the CNN smoother and more realistic."
    covers = ("R2",)
    how = (
        f"{HOW} 937 steps (one epoch) with an MLP of two layers of 128 units, and with the CNN. Roughness is the mean squared "
        "difference of neighbouring pixels (black -1, white 1)."
    )
    formula = (r"\text{roughness} = \text{mean of } (x_i - x_j)^2 \text{ over neighbouring pixels } i, j",)
    numbers = (
        Number("real_roughness", "real digits: roughness"),
        *(
            Number(f"{key}_{score}", f"{title}: {words}")
            for score, words in (("roughness", "roughness"), ("frechet", "Fréchet distance"), ("recall", "recall"),
                                 ("classes_effective", "classes, effective number of 10"))
            for key, title in (("mlp", "MLP"), ("cnn", "CNN"))
        ),
    )  # fmt: skip
    parts = (
        Part("the MLP's images are rougher", lambda got: _of(got, "mlp_roughness") > _of(got, "cnn_roughness")),
        Part("the CNN's Fréchet distance is lower", lambda got: _of(got, "cnn_frechet") < _of(got, "mlp_frechet")),
        Part("the CNN's roughness is nearer to that of real digits", lambda got: (
            abs(_of(got, "cnn_roughness") - _of(got, "real_roughness"))
            < abs(_of(got, "mlp_roughness") - _of(got, "real_roughness"))
        )),
    )  # fmt: skip
    live = (
        "images?method=ot-gan&target=mnist8&epsilon=1.0&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=937"
        "&network.generator=mlp&network.adversary=mlp&network.width=128&network.adversary_width=128&network.layers=2"
    )

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, model in (("mlp", MLP), ("cnn", CNN)):
            seen = album(report_config(model, seed), quick)
            found |= {f"{key}_{score}": seen.score(score, 1) for score in albums.SCORES if score != "precision"}
        return found | {"real_roughness": albums.real_roughness(report_config(CNN, seed).target)}


class SmallBatches(OfImages):
    """Figure 3."""

    name = "r3"
    title = "Batches of 8 against 32"
    place = "3.4, Fig 3"
    claim = "With batches of 8 the training is less stable than with 32, and the images are less various."
    covers = ("R3",)
    formula = DISTANCE
    how = f"{HOW} CNN, four epochs of each: 15 000 steps of 8 and 3750 of 32."
    numbers = tuple(
        Number(f"b{size}_{key}", f"batch {size}: {words}")
        for key, words in (("spread", "spread of the loss about its trend, mean of eight half epochs"),
                           ("recall", "recall"), ("classes", "classes, effective number of 10"),
                           ("frechet", "Fréchet distance"), ("loss", "mean loss in epoch 4"))
        for size in (8, 32)
    )  # fmt: skip
    parts = (
        Part("the loss spreads more with batches of 8", lambda got: _of(got, "b8_spread") > _of(got, "b32_spread")),
        Part("its images reach less of the data (recall)", lambda got: _of(got, "b8_recall") < _of(got, "b32_recall")),
        Part("they are of fewer classes", lambda got: _of(got, "b8_classes") < _of(got, "b32_classes")),
    )
    live = "images?method=ot-gan&target=mnist8&epsilon=1.0&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=15000&batch_size=8"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, model in (("b8", BATCH), ("b32", CNN)):
            seen = album(report_config(model, seed), quick)
            found |= {
                f"{key}_spread": seen.spread(0, 4), f"{key}_loss": seen.loss(3, 4),
                f"{key}_recall": seen.score("recall", 4), f"{key}_frechet": seen.score("frechet", 4),
                f"{key}_classes": seen.score("classes_effective", 4),
            }  # fmt: skip
        return found


class Regularisation(OfImages):
    """Figure 4, whose caption repeats that of Figure 3."""

    name = "r4"
    title = "ε = 0.01 gives no better images than ε = 1"
    place = "3.5, Fig 4 (its caption, on batch sizes, is that of Fig 3)"
    claim = "Images at ε = 0.01 are not better than at ε = 1, while the loss is smaller at first, similar later and varies more."
    covers = ("R4",)
    formula = (*DISTANCE, r"M = \arg\min_M \mathrm{Tr}[M C^\top] - \varepsilon\, H(M)")
    how = f"{HOW} CNN, 3750 steps (four epochs) of each. Better means a Fréchet distance lower by more than a tenth."
    numbers = tuple(
        Number(f"{key}_{name}", f"ε = {epsilon}: {words}")
        for name, words in (("frechet", "Fréchet distance"), ("recall", "recall"),
                            ("first", "mean loss in the first half epoch"), ("last", "mean loss in epoch 4"),
                            ("spread", "spread of the loss about its trend, epoch 4"))
        for key, epsilon in (("small", "0.01"), ("large", "1"))
    )  # fmt: skip
    parts = (
        Part("images at ε = 0.01 are not better", lambda got: _of(got, "small_frechet") >= 0.9 * _of(got, "large_frechet")),
        Part("the loss is smaller in the first half epoch", lambda got: _of(got, "small_first") < _of(got, "large_first")),
        Part("the mean losses of epoch 4 are within 0.1 of each other",
             lambda got: abs(_of(got, "small_last") - _of(got, "large_last")) < 0.1),
        Part("the loss varies more at ε = 0.01", lambda got: _of(got, "small_spread") > _of(got, "large_spread")),
        Part("images at ε = 0.01 are better", lambda got: _of(got, "small_frechet") < 0.9 * _of(got, "large_frechet"),
             instead=True),
    )  # fmt: skip
    live = "images?method=ot-gan&target=mnist8&epsilon=0.01&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=3750"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, model in (("small", EPSILON), ("large", CNN)):
            seen = album(report_config(model, seed), quick)
            found |= {
                f"{key}_frechet": seen.score("frechet", 4), f"{key}_recall": seen.score("recall", 4),
                f"{key}_first": seen.loss(0, 0.5), f"{key}_last": seen.loss(3, 4), f"{key}_spread": seen.spread(3, 4),
            }  # fmt: skip
        return found


def _rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman's, of lists of equal length; 0 for fewer than three."""
    if len(a) < 3:
        return 0.0
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])
