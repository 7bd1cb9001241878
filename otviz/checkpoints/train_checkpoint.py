"""Trains a model of images and writes a checkpoint: weights, picture, snapshots and, last, the card.

A training may be interrupted at any time, even by a power cut. Started again with the same config and folder, it continues
from its last save and gives the same weights.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from otviz.checkpoints import latents as spaces
from otviz.checkpoints.card import KIND
from otviz.checkpoints.models import SHEET_SEED, PublishedModel, of_bytes
from otviz.checkpoints.scoring import judged
from otviz.core import __version__
from otviz.core.files import clear, write_whole
from otviz.core.interrupts import Interrupts
from otviz.data.datasets import ImageSet, to_pixels
from otviz.evaluation.features import SAMPLES, Reference, reference
from otviz.runs.config import RunConfig
from otviz.runs.saved.run_lock import LOCK, RunLock
from otviz.runs.saved.run_store import write_config
from otviz.runs.saved.snapshots_file import pack, unpack
from otviz.runs.snapshots import IMAGE_BOX, Meter, Scene, Snapshot, sheet_side, spread_steps
from otviz.training.adam import plain
from otviz.training.driver import (
    AtSteps,
    Chunk,
    LossHistory,
    Observer,
    SingleTrainer,
    drive,
    every,
    loss_summary,
    mean_losses,
)
from otviz.training.loop import Training

UNFINISHED = "unfinished.safetensors"
FILES = ("config.json", "generator.safetensors", "samples.png", "snapshots.npz", "card.json")
SAVE_SECONDS = 30.0  # seconds of training between saves
HALF = 500_000  # numbers of a layer from which on they are stored in half precision
PROGRESS_SECONDS = 0.5  # seconds between calls of `progress`
FRAMES, FRAMES_LARGE = 33, 17  # number of snapshots, and that of large images
LARGE = 1024  # numbers of an image from which on it is large
SCORES = ("frechet", "precision", "recall", "classes_effective")
"""Metrics of snapshots."""

JUDGED = 2000  # images for each score of a snapshot
JUDGED_LAST = SAMPLES  # images for the scores on the card
JUDGED_LOOKS = 9
"""Snapshots with scores, including the last."""

Progress = Callable[[int, int, float], None]


def generated(training: Training, n: int, seed: int, asked: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """Images (n, C*H*W) of the current generator, from latents that depend on the seed only.

    Args:
        training: on images.
        n: number of images.
        seed: for the latents.
        asked: classes of the images, (n,); in turn if None.
    """
    x, z = spaces.drawn(n, training.target.dim, training.method.noise_dim, seed)
    parts = []
    for first in range(0, n, 500):
        part = slice(first, first + 500)
        source, noise = (torch.from_numpy(side[part]).to(training.device) for side in (x, z))
        labels = None if asked is None else torch.from_numpy(asked[part])
        parts.append(training.generate(source, noise, labels).float().cpu().numpy())
    return np.concatenate(parts)


class About(NamedTuple):
    """What a card says besides what the run knows: title, claims that it demonstrates, and the command that repeats it."""

    title: str = ""
    claims: tuple[str, ...] = ()
    command: str = ""


def record(
    config: RunConfig, folder: Path, about: About | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Train to the end, write a checkpoint and return its card.

    Args:
        config: of a run on images.
        folder: of the checkpoint; created if missing.
        about: title, claims and command for the card. Without a title, those of the method and the image set are used.
        progress: called with steps done, steps planned and steps per second.

    Raises:
        ValueError: the images or the device are not available, a loss became NaN or infinite, or another process trains there.
        OSError: the folder cannot be written.
    """
    torch.set_num_threads(1)  # as runs do
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(RunLock(folder)):
        clear(folder, (UNFINISHED, *FILES))
        recording = _Recording(config, folder, about or About())
        try:
            recording.resume()
        except ValueError:  # the save is damaged: begin anew
            recording = _Recording(config, folder, about or About())
        with Interrupts() as interrupts:
            recording.play(progress, interrupts)
        card = recording.finish()
        with contextlib.suppress(OSError):  # Windows removes no open file
            (folder / LOCK).unlink()
        return card


def unfinished(folder: Path) -> tuple[RunConfig, About]:
    """The config of an interrupted training, and texts for its card. Raises ValueError if its save cannot be read."""
    try:
        with safe_open(folder / UNFINISHED, "pt") as file:
            saved = file.metadata()
        title, claims, command = json.loads(saved["about"])
        return RunConfig.from_record(json.loads(saved["config"])), About(title, tuple(claims), command)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{UNFINISHED} in {folder} cannot be resumed ({error}); train it again") from error


class _Recording:
    """A training with its snapshots and losses so far."""

    def __init__(self, config: RunConfig, folder: Path, about: About) -> None:
        self.config, self.folder, self.about = config, folder, about
        self.training: Training = config.begin()
        self.images = config.image_set
        self.seconds = 0.0
        self.losses = LossHistory()
        self.steps = spread_steps(config.steps, FRAMES if config.target.dim <= LARGE else FRAMES_LARGE)
        self.side = sheet_side(config.classes)
        self.snapshots: list[Snapshot] = []
        self._judge = _judge_of(self.images)

    def play(self, progress: Progress | None, interrupts: Interrupts) -> None:
        """Train to the end with snapshots at the planned steps; save regularly, and on an interrupt before it ends."""

        def stop(chunk: Chunk) -> None:
            if interrupts.number and chunk.finite:
                self._save()
                raise KeyboardInterrupt

        observers: list[Observer] = [self.losses.record, self._record]
        if progress:
            observers.append(
                lambda chunk: progress(chunk.step, self.config.steps, chunk.step / max(chunk.seconds, 1e-9))
            )
        observers += [stop, every(SAVE_SECONDS, self._save, self.seconds)]
        ahead = AtSteps(self.steps[len(self.snapshots) :], PROGRESS_SECONDS)
        for _ in drive(SingleTrainer(self.training), ahead, observers, seconds=self.seconds):
            self._take_snapshot()

    def _record(self, chunk: Chunk) -> None:
        self.seconds = chunk.seconds

    def _take_snapshot(self) -> None:
        pixels = to_pixels(generated(self.training, self.side**2, SHEET_SEED), self.images.shape)
        place, last = len(self.snapshots), len(self.steps) - 1
        due = self._judge is not None and place in np.linspace(0, last, JUDGED_LOOKS).round().astype(int)[1:]
        before = self.snapshots[-1] if place else None
        generator_loss, adversary_loss = mean_losses(self.losses.all()[before.step if before else 0 :])
        self.snapshots.append(
            Snapshot(
                sequence=place,
                step=self.training.step,
                progress=self.training.progress,
                seconds=self.seconds,
                generated=pixels.reshape(len(pixels), -1),
                potential=None,
                arrows=None,
                manifold=None,
                generator_loss=generator_loss,
                adversary_loss=adversary_loss,
                alpha=None,
                meter=self._scores() if due else before.meter if before else {},
            )
        )

    def _scores(self) -> Meter:
        assert self._judge is not None
        asked = self.images.sample_labels(JUDGED, np.random.default_rng(1))
        found = self._judge.evaluate(generated(self.training, JUDGED, 1, asked), JUDGED, nearest=0).record()
        return {
            **{name: float(found[name]) for name in SCORES}, "measured_at": self.training.step,
            "samples": JUDGED, "neighbour_samples": JUDGED, "classes_total": len(found["class_shares"]),
        }  # fmt: skip

    def _scene(self) -> Scene:
        none = np.empty((0, self.images.dim), np.uint8)
        return Scene(
            title=self._title(), box=IMAGE_BOX, target=none, source=none, centres=None, adversary="", steps=self.config.steps,
            loss_floor=None, shape=self.images.shape,
        )  # fmt: skip

    def _title(self) -> str:
        return self.about.title or f"{self.config.method.title} on {self.images.title}"

    def _save(self) -> None:
        tensors, text = self.training.state()
        held = {
            **{f"state.{name}": value for name, value in tensors.items()},
            "losses": torch.from_numpy(self.losses.all()),
            "snapshots": torch.frombuffer(bytearray(pack(self._scene(), self.snapshots)), dtype=torch.uint8),
        }
        rest = {
            "config": self._signature(), "about": json.dumps(self.about), "state": text, "trained": json.dumps(self.seconds),
        }  # fmt: skip
        write_whole(self.folder / UNFINISHED, save_tensors(held, metadata=rest))

    def resume(self) -> None:
        """Continue from the last save if there is one with the same config. Raises ValueError if it is damaged."""
        path = self.folder / UNFINISHED
        if not path.exists():
            return
        try:
            with safe_open(path, "pt") as file:
                rest = file.metadata() or {}
                # Copies, since a file that is still mapped to memory cannot be replaced on Windows.
                held = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            if rest.get("config") != self._signature():
                return
            state = {name.removeprefix("state."): value for name, value in held.items() if name.startswith("state.")}
            self.training.restore(state, rest["state"])
            self.losses, self.seconds = LossHistory(held["losses"].numpy()), float(json.loads(rest["trained"]))
            self.snapshots = list(unpack(held["snapshots"].numpy().tobytes())[1])
        except Exception as error:  # a damaged file may raise any error
            raise ValueError(f"{UNFINISHED} is damaged ({error})") from error

    def _signature(self) -> str:
        return json.dumps({"otviz": __version__, **self.config.record()}, sort_keys=True)

    def finish(self) -> dict[str, Any]:
        """Write all files, the card last, and return the card."""
        weights = save_tensors(
            {name: _stored(plain(value)) for name, value in self.training.eval_generator.state_dict().items()}
        )
        card = self._card(weights)
        model = of_bytes(_text(card), weights, self.folder.resolve().name)
        card |= scored(model)
        write_config(self.config, self.folder)
        write_whole(self.folder / "generator.safetensors", weights)
        write_whole(self.folder / "samples.png", model.samples_png())
        write_whole(self.folder / "snapshots.npz", pack(self._scene(), self.snapshots))
        write_whole(self.folder / "card.json", _text(card))
        (self.folder / UNFINISHED).unlink(missing_ok=True)
        return card

    def _card(self, weights: bytes) -> dict[str, Any]:
        method, done = self.config.method, self.training.step
        return {
            "title": self._title(),
            "kind": KIND,
            "claims": list(self.about.claims),
            **self.config.record(),
            "shape": list(self.images.shape),
            "device": self.training.device.type,
            "machine": platform.machine(),
            "seconds": round(self.seconds, 1),
            "steps_per_second": round(done / max(self.seconds, 1e-9), 1),
            "images_per_second": round(method.drawn(done) / max(self.seconds, 1e-9)),
            "losses": loss_summary(self.losses.all()),
            "samples": {"seed": SHEET_SEED, "count": self.side**2, "columns": self.side},
            "parameters": sum(value.numel() for value in self.training.eval_generator.parameters()),
            "torch": torch.__version__,
            "otviz": __version__,
            "command": self.about.command,
            "sha256": hashlib.sha256(weights).hexdigest(),
            "licence": f"images: {self.images.licence}; weights: MIT like the code",
        }


def _stored(weights: Tensor) -> Tensor:
    return weights.half() if weights.numel() >= HALF and weights.dtype == torch.float32 else weights


def scored(model: PublishedModel) -> dict[str, Any]:
    """The scores of a model for its card, or the reason why there are none."""
    try:
        return {"metrics": judged(model, JUDGED_LAST)}
    except ValueError as error:
        return {"metrics": {}, "unjudged": str(error)}


def judge_again(folder: Path, model: PublishedModel) -> dict[str, Any]:
    """Update the scores on the card of a checkpoint with the current classifier; returns the card. Raises OSError."""
    kept = {key: value for key, value in model.card.record.items() if key not in ("metrics", "unjudged")}
    return _rewritten(folder, {**kept, **scored(model)})


def label_again(folder: Path, model: PublishedModel, about: About) -> dict[str, Any]:
    """Update title and claims on the card of a checkpoint; returns the card.

    Args:
        folder: of the checkpoint.
        model: the model in that folder.
        about: the new title and claims; an empty title leaves the old one.

    Raises:
        OSError: the card cannot be written.
    """
    said = {"claims": list(about.claims), **({"title": about.title} if about.title else {})}
    return _rewritten(folder, {**model.card.record, **said})


def _rewritten(folder: Path, card: dict[str, Any]) -> dict[str, Any]:
    write_whole(folder / "card.json", _text(card))
    return card


def _judge_of(images: ImageSet) -> Reference | None:
    try:
        return reference(images)
    except ValueError:
        return None


def _text(card: dict[str, Any]) -> bytes:
    file = io.StringIO()
    json.dump(card, file, indent=1, allow_nan=False)
    return (file.getvalue() + "\n").encode()
