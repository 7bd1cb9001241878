"""Small classifiers, one per data set, whose features score generated images.

    python -m otviz classifier mnist8

trains one and writes checkpoints/classifier-mnist8. Its scores compare generators of one data set with each other and with
their noise floor; they are not Inception scores, and cannot be compared across data sets.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.nn import functional as F

from otviz.core import __version__
from otviz.core.files import CHECKPOINTS, write_whole
from otviz.data.datasets import ImageSet, datasets, named

FEATURES = 64
BATCH = 128
FEWEST_SEEN = 60_000  # training images over all epochs: small data sets get more epochs
MOST_BYTES = 8_000_000  # largest size of a card or a weights file

Progress = Callable[[float, float], None]


class Recipe(NamedTuple):
    """A network and its training.

    Attributes:
        widths, strides: of the convolutions, in order.
        first_kernel: kernel size of the first convolution; the others have 3.
        epochs: passes over the training images.
        lr: largest learning rate of the one-cycle schedule (Smith and Topin 2018).
        weight_decay: of AdamW.
        normalised: batch normalisation after each convolution (Ioffe and Szegedy 2015).
        shift: augmentation: random shifts of up to this many pixels, and mirroring; 0: none.
    """

    widths: tuple[int, ...]
    strides: tuple[int, ...]
    first_kernel: int = 3
    epochs: int = 6
    lr: float = 3e-3
    weight_decay: float = 0.05
    normalised: bool = False
    shift: int = 0


# Three layers need no normalisation, and detect noise better without it: with it, the Fréchet distance of uniform noise from
# mnist8 is half as large (55 instead of 116) and its recall twice as high (.51 instead of .26).
SMALL = Recipe(widths=(16, 32, 32), strides=(1, 2, 1))
GREY = Recipe(widths=(16, 32, 32), strides=(2, 2, 1), first_kernel=5, epochs=10)
COLOUR = Recipe(
    widths=(32, 64, 64, 128, 128),
    strides=(1, 2, 1, 2, 1),
    epochs=30,
    normalised=True,
    shift=4,  # a mirrored photograph is as likely as the photograph; a mirrored digit is not
)


def recipe_for(images: ImageSet) -> Recipe:
    """The recipe for images of this shape."""
    channels, height, width = images.shape
    if channels > 1:
        return COLOUR
    return SMALL if max(height, width) <= 16 else GREY


class Classifier(nn.Module):
    """Convolutions, a layer of 64 features, one logit per class. Weights are uninitialised until drawn or loaded.

    Args:
        shape: (C, H, W) of an image.
        classes: number of classes.
        recipe: widths, strides and first kernel of the convolutions.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, recipe: Recipe) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        kernel = recipe.first_kernel
        for out, stride in zip(recipe.widths, recipe.strides, strict=True):
            layers += [_bare(nn.Conv2d, channels, out, kernel, stride=stride, padding=kernel // 2)]
            layers += [nn.BatchNorm2d(out), nn.ReLU()] if recipe.normalised else [nn.ReLU()]
            channels, kernel = out, 3
            height, width = math.ceil(height / stride), math.ceil(width / stride)
        self.convolutions = nn.Sequential(*layers)
        self.penultimate = _bare(nn.Linear, channels * height * width, FEATURES)
        self.last = _bare(nn.Linear, FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        """Features >= 0 of images x (B, C, H, W) in [-1, 1], shape (B, 64)."""
        return F.relu(self.penultimate(self.convolutions(x).flatten(1)))

    def logits(self, features: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes, (B, classes), from features (B, 64)."""
        found: Tensor = self.last(features)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images x (B, C, H, W) in [-1, 1], shape (B, classes)."""
        return self.logits(self.features(x))

    def draw(self, rng: torch.Generator) -> None:
        """Draw the weights (He et al. 2015) from a CPU generator, so that a seed gives the same network in any thread."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=rng)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)


def _bare(layer: type[nn.Module], *args: Any, **options: Any) -> nn.Module:
    """A layer with uninitialised weights: torch would draw them from its global generator, which all threads share."""
    made: nn.Module = nn.utils.skip_init(layer, *args, **options)  # type: ignore[no-untyped-call]
    return made


class Trained(NamedTuple):
    """A trained classifier and its card: training, accuracy, SHA-256 of its weights."""

    network: Classifier
    card: dict[str, Any]


def train_classifier(
    images: ImageSet,
    epochs: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    device: str = "cpu",
) -> Trained:
    """Train a classifier on the training images and evaluate it on the test images.

    Args:
        images: a data set with at least two classes.
        epochs: passes over the training images; None: those of the recipe.
        seed: draws weights and order; on one machine, the same seed gives the same weights.
        progress: called at intervals with the share done, in [0, 1], and the loss in nats.
        device: "cpu" or "cuda".

    Raises:
        ValueError: no classes, fewer than 1 epoch, or the images are not available.
    """
    _check_classes(images)
    recipe = recipe_for(images)
    training = images.split("train")
    epochs = max(recipe.epochs, math.ceil(FEWEST_SEEN / len(training.labels))) if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs must be 1 or more; got {epochs}")
    began = time.perf_counter()
    network = Classifier(images.shape, len(images.class_names), recipe)
    network.draw(torch.Generator().manual_seed(seed))
    network.to(device).train()
    _descend(network, recipe, training.pixels, training.labels, epochs, seed, progress)
    network.to("cpu").eval().requires_grad_(False)
    seconds = time.perf_counter() - began
    return Trained(network, _card(network, images, recipe, epochs, seed, device, seconds))


def _descend(
    network: Classifier,
    recipe: Recipe,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    epochs: int,
    seed: int,
    progress: Progress | None,
) -> None:
    device = next(network.parameters()).device
    images, classes = torch.tensor(pixels, device=device), torch.tensor(labels, device=device)
    batch = min(BATCH, len(images))
    batches = len(images) // batch
    rng = torch.Generator().manual_seed(seed + 1)
    adam = torch.optim.AdamW(network.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, recipe.lr, total_steps=epochs * batches)
    for step in range(epochs * batches):
        if step % batches == 0:
            order = torch.randperm(len(images), generator=rng).to(device)
        chosen = order[step % batches * batch :][:batch]
        x = _augmented(as_input(images[chosen]), recipe.shift, rng)
        loss = F.cross_entropy(network(x), classes[chosen])
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        schedule.step()
        if progress and (step % 50 == 0 or step + 1 == epochs * batches):
            progress((step + 1) / (epochs * batches), float(loss.detach()))


def as_input(pixels: Tensor) -> Tensor:
    """Network input from pixels (B, C, H, W), uint8: float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def _augmented(x: Tensor, shift: int, rng: torch.Generator) -> Tensor:
    """Images (B, C, H, W), each shifted by up to `shift` pixels along both axes, half of them mirrored."""
    if not shift:
        return x
    count, _, height, width = x.shape
    moves = torch.randint(2 * shift + 1, (2, count, 1), generator=rng)
    mirrored = torch.randint(2, (count, 1), generator=rng).bool()
    columns = torch.where(mirrored, torch.arange(width - 1, -1, -1), torch.arange(width)) + moves[1]
    rows, columns = (torch.arange(height) + moves[0]).to(x.device), columns.to(x.device)
    padded = F.pad(x, (shift,) * 4, mode="reflect").permute(0, 2, 3, 1)
    which = torch.arange(count, device=x.device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@torch.no_grad()
def _accuracy(network: Classifier, pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    found = [network(as_input(block)).argmax(1) for block in torch.split(torch.tensor(pixels), 1000)]
    return float((torch.cat(found).numpy() == labels).mean())


def _card(
    network: Classifier, images: ImageSet, recipe: Recipe, epochs: int, seed: int, device: str, seconds: float
) -> dict[str, Any]:
    test = images.split("test")
    return {
        "title": f"Classifier of {images.title}",
        "kind": "classifier",
        "dataset": images.record(),
        "shape": list(images.shape),
        "classes": list(images.class_names),
        "features": FEATURES,
        **recipe._asdict(),
        "epochs": epochs,
        "batch_size": BATCH,
        "seed": seed,
        "training_images": len(images.split("train").labels),
        "accuracy": _accuracy(network, *test),
        "accuracy_samples": len(test.labels),
        "seconds": round(seconds, 1),
        "device": device,
        "machine": platform.machine(),
        "torch": torch.__version__,
        "otviz": __version__,
        "sha256": hashlib.sha256(_weights(network)).hexdigest(),
        "licence": f"images: {images.licence}; weights: MIT like the code",
        "command": f"python -m otviz classifier {images.name} --epochs {epochs} --seed {seed}"
        + ("" if device == "cpu" else f" --device {device}"),
    }


def _weights(network: Classifier) -> bytes:
    return bytes(save_tensors({name: tensor.contiguous() for name, tensor in network.state_dict().items()}))


def save_classifier(trained: Trained, folder: Path) -> None:
    """Write classifier.safetensors and then card.json into a folder, which is created. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "classifier.safetensors", _weights(trained.network))
    write_whole(folder / "card.json", (json.dumps(trained.card, indent=1) + "\n").encode())


def classifier_for(images: ImageSet, checkpoints: Path = CHECKPOINTS) -> Trained:
    """The classifier of a data set; its weights are verified against the SHA-256 on its card.

    Raises:
        ValueError: missing, damaged, or of another data set; the message says what to do.
    """
    _check_classes(images)
    folder = checkpoints / f"classifier-{images.name}"
    fix = f"train it with python -m otviz classifier {images.name}"
    if images.needs_file:
        fix = "choose a published set, such as mnist, to have images scored"
    elif recipe_for(images) is COLOUR:
        fix += " --device cuda, on a machine with a GPU"
    if not (folder / "card.json").is_file():
        raise ValueError(f"{images.title} has no classifier yet to score its images: {fix}")
    try:
        return _read(images, folder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"the classifier in {folder.name} was not loaded ({reason}): {fix}") from error


def _read(images: ImageSet, folder: Path) -> Trained:
    card = json.loads(_limited(folder / "card.json"))
    if not isinstance(card, dict) or card.get("kind") != "classifier":
        raise ValueError("its card is not that of a classifier")
    if card.get("dataset") != images.record() or card.get("shape") != list(images.shape):
        raise ValueError(f"its card is for {card.get('dataset')} of shape {card.get('shape')}")
    data = _limited(folder / "classifier.safetensors")
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise ValueError("its weights do not have the SHA-256 on its card")
    network = Classifier(images.shape, len(images.class_names), recipe_for(images))
    network.load_state_dict(load_tensors(data))
    return Trained(network.eval().requires_grad_(False), card)


def _limited(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {MOST_BYTES / 1e6:g} MB")
    return data


def _check_classes(images: ImageSet) -> None:
    if len(images.class_names) < 2:
        raise ValueError(
            f"{images.title} has no classes to train a classifier on: choose a set with classes, such as mnist"
        )


def main(words: Sequence[str]) -> int:
    """Train the classifier of a data set and write it to the checkpoints. Returns 0, or 2 after an error message."""
    parser = argparse.ArgumentParser(prog="python -m otviz classifier", description="Train the classifier of a set.")
    parser.add_argument("set", help=f"one of {', '.join(datasets())}")
    parser.add_argument("--epochs", type=int, help="passes over the training images (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and order (0)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to train (cpu)")
    parser.add_argument("--out", type=Path, default=CHECKPOINTS, help="folder of checkpoints")
    args = parser.parse_args(words)
    torch.set_num_threads(1)  # networks this small gain little from more threads
    try:
        images = named(args.set)()
        trained = train_classifier(images, args.epochs, args.seed, _show, args.device)
        save_classifier(trained, args.out / f"classifier-{images.name}")
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    card = trained.card
    sys.stdout.write(f"\naccuracy {card['accuracy']:.4f} of {card['accuracy_samples']} in {card['seconds']} s\n")
    return 0


def _show(done: float, loss: float) -> None:
    sys.stderr.write(f"\r{done:4.0%}  loss {loss:.3f} nats")
    sys.stderr.flush()
