"""The four figures of Vu's report on OT-GAN, reproduced at 8 x 8 pixels.

The limits were first derived from the wording of the report, before measuring. Two were changed afterwards because they
compared different things: over four epochs, the variation of the loss is relative to its own mean, not to that of another
epoch; and for a small ε, "similar" is a ratio, not 0.1 of losses that are smaller than that. Parts on further measurements
(recall, classes, distances) were added.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from otviz.experiments import image_trajectories
from otviz.experiments.charts import Curves, Dots, Line, Mark, Row, over
from otviz.experiments.experiment import Cost, Effect, Experiment, Number, Values, number_of
from otviz.experiments.image_trajectories import image_trajectory, report_config

CNN, MLP, BATCH, EPSILON = (
    "mnist8-ot-gan-epoch-4", "mnist8-ot-gan-mlp", "mnist8-ot-gan-batch-8", "mnist8-ot-gan-epsilon",
)  # fmt: skip
HOW = (
    "MNIST at 8 × 8 pixels with the report's settings (z and features of 16 numbers, ε = 1, 50 iterations, batches of 32, five generator "
    "steps to one of the critic, Adam at 10⁻⁴). Fréchet distance, recall and classes are measured on 2000 images by otviz' own classifier."
)
DISTANCE = (
    r"L = W(X,Y) + W(X,Y') + W(X',Y) + W(X',Y')",
    r"\qquad - 2W(X,X') - 2W(Y,Y')",
    r"W = \mathrm{Tr}[M C^\top], \; c = 1 - \cos",
)


def _gap(says: str, what: str, more: str, less: str) -> Effect:
    return Effect(says, f"difference of {what}", lambda got: number_of(got, more) - number_of(got, less), low=0)


def _ratio(says: str, what: str, above: str, below: str, low: float = 1.0, high: float = math.inf) -> Effect:
    return Effect(
        says, f"ratio of {what}", lambda got: number_of(got, above) / number_of(got, below), low, high, ratio=True
    )


class OfImages(Experiment):
    """Base class of claims that train on MNIST."""

    paper = "vu"
    cost: ClassVar[Cost] = "minutes"

    def unavailable_reason(self) -> str:
        return image_trajectories.unavailable_reason()


class Epochs(OfImages):
    """Figure 1."""

    name = "four-epochs"
    title = "In four epochs the loss falls and digits appear"
    place = "Section 3.2, Fig. 1"
    claim = "The loss falls well with a large variation, images improve greatly in two epochs, and the loss goes with their quality."
    summary_template = (
        "The mean loss falls by a factor of {part 1}; the Fréchet distance goes from {frechet_0} to {frechet_2} in two epochs and "
        "to {frechet_4} in four."
    )
    chart = Curves(
        "epoch",
        "share of the first value",
        (
            Line("mean loss", {float(n): over(f"loss_{n}", "loss_1") for n in (1, 2, 3, 4)}),
            Line("Fréchet distance", {float(n): over(f"frechet_{n}", "frechet_0") for n in (0, 1, 2, 4)}),
        ),
        log_y=True,
    )
    order = 10
    formula = DISTANCE
    how = f"{HOW} A CNN trains for 3750 steps (four epochs) and is measured every half epoch."
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
        _ratio("the mean loss of epoch 1 is at least twice that of epoch 4", "mean losses", "loss_1", "loss_4", 2),
        *(
            _ratio(f"in epoch {n} the spread of the loss is at least a quarter of its mean", "spread to mean",
                   f"spread_{n}", f"loss_{n}", 0.25)
            for n in (1, 4)
        ),
        _ratio("two epochs halve the Fréchet distance or more", "Fréchet distances", "frechet_0", "frechet_2", 2),
        Effect("the first two epochs lower it more than the next two", "fall in the first two epochs less that in the next two",
               lambda got: number_of(got, "frechet_0") - 2 * number_of(got, "frechet_2") + number_of(got, "frechet_4"), low=0),
        Effect("digits appear: after two epochs more than half of the classes are there",
               "classes, effective number of 10", lambda got: number_of(got, "classes_2"), low=5),
        Effect("the loss follows the quality: their rank correlation is at least 0.5", "rank correlation",
               lambda got: number_of(got, "agreement"), low=0.5),
    )  # fmt: skip
    live = "images?method=ot-gan&target=mnist8&epsilon=1.0&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=3750"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        seen = image_trajectory(report_config(CNN, seed), quick)
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

    name = "mlp-or-cnn"
    title = "An MLP's images are noisier than a CNN's"
    place = "Section 3.3, Fig. 2"
    claim = "After one epoch the images of the MLP are noisier, and those of the CNN smoother and more realistic."
    summary_template = "Roughness: MLP {mlp_roughness}, CNN {cnn_roughness}, real digits {real_roughness}."
    chart = Dots(
        "roughness of the images",
        (Row("MLP", "mlp_roughness"), Row("CNN", "cnn_roughness")),
        (Mark("real digits", "real_roughness"),),
    )
    order = 20
    how = (
        f"{HOW} An MLP of two layers of 128 units and the CNN train for 937 steps (one epoch). Roughness is the mean squared difference of "
        "neighbouring pixels (black is −1, white is 1)."
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
        _gap("the MLP's images are rougher", "roughness", "mlp_roughness", "cnn_roughness"),
        Effect(
            "the CNN's roughness is nearer to that of real digits",
            "difference of the distances in roughness",
            lambda got: _off(got, "mlp") - _off(got, "cnn"),
            low=0,
        ),
        _gap("the CNN's Fréchet distance is lower", "Fréchet distance", "mlp_frechet", "cnn_frechet"),
        _gap("the CNN's images reach more of the data", "recall", "cnn_recall", "mlp_recall"),
        _gap(
            "the CNN's images are of more classes",
            "classes, effective number of 10",
            "cnn_classes_effective",
            "mlp_classes_effective",
        ),
    )
    live = (
        "images?method=ot-gan&target=mnist8&epsilon=1.0&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=937"
        "&network.generator=mlp&network.adversary=mlp&network.width=128&network.adversary_width=128&network.layers=2"
    )

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, model in (("mlp", MLP), ("cnn", CNN)):
            seen = image_trajectory(report_config(model, seed), quick)
            found |= {
                f"{key}_{score}": seen.score(score, 1) for score in image_trajectories.SCORES if score != "precision"
            }
        return found | {"real_roughness": image_trajectories.real_roughness(report_config(CNN, seed).image_set)}


class SmallBatches(OfImages):
    """Figure 3."""

    name = "small-batches"
    title = "Batches of 8 are less stable than batches of 32"
    place = "Section 3.4, Fig. 3"
    claim = "With batches of 8 the training is less stable than with 32, and the images are less varied."
    summary_template = "The loss spreads {part 1} times as much with batches of 8 as with 32; recall is {b8_recall} against {b32_recall}."
    chart = Dots(
        "spread of the loss",
        (Row("batches of 8", "b8_spread"), Row("batches of 32", "b32_spread")),
    )
    order = 30
    formula = DISTANCE
    how = f"{HOW} A CNN trains for four epochs with each batch size: 15 000 steps of 8 and 3750 of 32."
    numbers = tuple(
        Number(f"b{size}_{key}", f"batch {size}: {words}")
        for key, words in (("spread", "spread of the loss about its trend, mean of eight half epochs"),
                           ("recall", "recall"), ("classes", "classes, effective number of 10"),
                           ("frechet", "Fréchet distance"), ("loss", "mean loss in epoch 4"))
        for size in (8, 32)
    )  # fmt: skip
    parts = (
        _ratio("the loss spreads more with batches of 8", "spreads", "b8_spread", "b32_spread"),
        _gap("the images reach less of the data with batches of 8", "recall", "b32_recall", "b8_recall"),
        _gap("the images are of fewer classes", "classes, effective number of 10", "b32_classes", "b8_classes"),
        _gap("the images are worse (Fréchet distance)", "Fréchet distance", "b8_frechet", "b32_frechet"),
    )
    live = "images?method=ot-gan&target=mnist8&epsilon=1.0&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=15000&batch_size=8"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, model in (("b8", BATCH), ("b32", CNN)):
            seen = image_trajectory(report_config(model, seed), quick)
            found |= {
                f"{key}_spread": seen.spread(0, 4), f"{key}_loss": seen.loss(3, 4),
                f"{key}_recall": seen.score("recall", 4), f"{key}_frechet": seen.score("frechet", 4),
                f"{key}_classes": seen.score("classes_effective", 4),
            }  # fmt: skip
        return found


class Regularisation(OfImages):
    """Figure 4, whose caption repeats that of Figure 3."""

    name = "small-epsilon"
    title = "ε = 0.01 gives no better images than ε = 1"
    place = "Section 3.5, Fig. 4"
    claim = "Images at ε = 0.01 are not better than at ε = 1, while the loss is smaller at first, similar later and varies more."
    summary_template = "Fréchet distance (lower is better): {small_frechet} at ε = 0.01, {large_frechet} at ε = 1."
    chart = Dots(
        "Fréchet distance (lower is better)",
        (Row("ε = 0.01", "small_frechet"), Row("ε = 1", "large_frechet")),
    )
    order = 40
    formula = (*DISTANCE, r"M = \arg\min_M \mathrm{Tr}[M C^\top] - \varepsilon\, H(M)")
    how = f"{HOW} A CNN trains for 3750 steps (four epochs) with each ε. Better means a Fréchet distance lower by more than a tenth. The caption of the figure, on batch sizes, repeats that of Fig. 3."
    numbers = tuple(
        Number(f"{key}_{name}", f"ε = {epsilon}: {words}")
        for name, words in (("frechet", "Fréchet distance"), ("recall", "recall"),
                            ("first", "mean loss in the first half epoch"), ("last", "mean loss in epoch 4"),
                            ("spread", "spread of the loss about its trend, epoch 4"))
        for key, epsilon in (("small", "0.01"), ("large", "1"))
    )  # fmt: skip
    parts = (
        _ratio("images at ε = 0.01 are not better (Fréchet distance)", "Fréchet distances at 0.01 and 1",
               "small_frechet", "large_frechet", 0.9),
        Effect("they do not reach more of the data either", "difference of recall",
               lambda got: number_of(got, "small_recall") - number_of(got, "large_recall"), high=0.02),
        _gap("the loss is smaller in the first half epoch", "mean loss", "large_first", "small_first"),
        _ratio("the mean losses of epoch 4 are similar: neither is more than 1.5 times the other", "mean losses at 0.01 and 1",
               "small_last", "large_last", 1 / 1.5, 1.5),
        _ratio("the loss varies more at ε = 0.01", "spreads at 0.01 and 1", "small_spread", "large_spread"),
    )  # fmt: skip
    live = "images?method=ot-gan&target=mnist8&epsilon=0.01&iterations=50&lr=0.0001&adversary_lr=0.0001&steps=3750"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for key, model in (("small", EPSILON), ("large", CNN)):
            seen = image_trajectory(report_config(model, seed), quick)
            found |= {
                f"{key}_frechet": seen.score("frechet", 4), f"{key}_recall": seen.score("recall", 4),
                f"{key}_first": seen.loss(0, 0.5), f"{key}_last": seen.loss(3, 4), f"{key}_spread": seen.spread(3, 4),
            }  # fmt: skip
        return found


def _off(got: Values, key: str) -> float:
    """Difference of the roughness of images from that of real ones."""
    return abs(number_of(got, f"{key}_roughness") - number_of(got, "real_roughness"))


def _rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman's rank correlation of lists of equal length; 0 for fewer than three values."""
    if len(a) < 3:
        return 0.0
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])
