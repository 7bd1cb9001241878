"""The training loop: a generator of steps. The caller controls speed, stopping and observation.

    for step in train(method, target, steps=5000, seed=0):
        ...

To train several methods in lockstep: `zip(train(a, ...), train(b, ...))`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor, nn

from otviz.core.accelerator import prepare_images
from otviz.core.distributed import world
from otviz.core.memory import largest, no_room
from otviz.data.datasets.rows import in_turn
from otviz.data.target import Target
from otviz.methods import Batch, Method
from otviz.methods.method import Adversarial
from otviz.networks import Networks
from otviz.networks.image_networks import with_class
from otviz.training.adam import Optimiser
from otviz.training.build_networks import check_classes, check_compile, compile_images
from otviz.training.learners import Learners
from otviz.training.streams import Draws, Noise, Samples, WhiteNoise, sent, source_of, stream_of

if TYPE_CHECKING:
    from otviz.training.compiled import CompiledUpdates

Decay = Literal["none", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]
TrainingState: TypeAlias = tuple[dict[str, Tensor], str]
"""What is needed to continue: tensors by name, and the rest as JSON."""


def device_named(name: str = "auto") -> torch.device:
    """The device of that name; "auto" prefers CUDA, then MPS, then the CPU. `start` avoids MPS for methods that fail on it.

    Raises:
        ValueError: the name is unknown, or this machine has no such device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in present.items() if found))
    if name not in present:
        raise ValueError(f"device must be one of auto, {', '.join(present)}; got {name!r}")
    if not present[name]:
        raise ValueError(f"device {name} is not present on this machine; use auto or cpu")
    return torch.device(name)


def _steps_on(device: torch.device, method: Method, target: Target, source: Samples, networks: Networks | None) -> bool:
    """Whether both networks can be updated on the device: some lack operations or float64."""
    try:
        training = Training(dataclasses.replace(method, batch_size=2), target, source, 2, 0, device, networks)
        for _ in range(2):
            training.advance()
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    return True


@dataclass(frozen=True)
class Step:
    """A finished step: its number (from 1), the last losses, detached (None before the first), and the training itself."""

    number: int
    generator_loss: Tensor | None
    adversary_loss: Tensor | None
    training: Training


class Training:
    """The state of a training: networks, optimisers, data streams. `train` advances it.

    Attributes:
        method: the current settings; change them with `retune` only.
        target: a distribution, or an image set.
        networks: architectures of an image run; None for points.
        classes: number of classes that the generator is conditioned on; 0 if none.
        frozen: whether updates of the adversary are off.
        step, steps: number of steps done and planned.
        compile: whether updates are compiled, from the second step on (see `otviz.training.ahead`).
        eval_generator: the generator that `generate` uses: its moving average if `ema` > 0.

    Args:
        source, seed, device: as for `train`.
        lr_decay: "cosine" lowers both learning rates to 0 at the end.
        autocast: compute image networks in bfloat16; penalties and weights stay float32.
        draws: where noise and images are drawn: on the device, or on the CPU, which gives all devices the same.
    """

    def __init__(
        self,
        method: Method,
        target: Target,
        source: Samples,
        steps: int,
        seed: int,
        device: torch.device,
        networks: Networks | None = None,
        lr_decay: Decay = "none",
        autocast: bool = False,
        draws: Draws = "device",
    ) -> None:
        self.method = method
        self.target = target
        self.source = source
        self.networks = networks
        self.steps = steps
        self.seed = seed
        self.device = device
        self.step = 0
        self.frozen = False
        self.compile = False
        self._decay = lr_decay
        self._autocast = autocast
        self._libraries: CompiledUpdates | None = None
        self._world = world()
        self.classes = 0 if networks is None else networks.conditional_classes(len(target.class_names))
        self._learners = Learners(
            method, target.shape, networks, autocast, self.classes,
            seed=seed, device=device, lrs=self._learning_rates(), world=self._world,
        )  # fmt: skip
        self.generator, self.adversary = self._learners.generator, self._learners.adversary
        self._noise = Noise(seed + 1, device, draws)
        self._targets = stream_of(target, method.rows, seed + 2, device, self._world, self.classes, draws)
        self._labels = torch.tensor(target.labels(), device=self._noise.rng.device) if self.classes else None
        self._sources = source_of(source, method.rows, seed + 3, device, self._world, draws)
        self._losses: list[Tensor | None] = [None, None]

    @property
    def eval_generator(self) -> nn.Module:
        averaged = self._learners.averaged
        return self.generator if averaged is None else averaged

    @property
    def progress(self) -> float:
        """Share of the planned steps done, in [0, 1]."""
        return min(self.step / max(self.steps, 1), 1.0)

    def generate(self, source: Tensor, noise: Tensor, labels: Tensor | None = None, averaged: bool = True) -> Tensor:
        """Samples T(x, z), shape (N, d), without gradients and without changing the training.

        Args:
            source: x, shape (N, d).
            noise: z, shape (N, k).
            labels: requested classes, shape (N,); None: each class in turn. Ignored by an unconditional generator.
            averaged: use `eval_generator`; False: the generator that is being trained.
        """
        network = self.eval_generator if averaged else self.generator
        learning = network.training
        try:
            with torch.no_grad():
                made: Tensor = network.eval()(source, self._with_labels(noise, labels))
                return made[:, : source.shape[1]] if self.classes else made
        finally:
            network.train(learning)

    def _with_labels(self, noise: Tensor, labels: Tensor | None) -> Tensor:
        if not self.classes:
            return noise
        wanted = torch.from_numpy(in_turn(len(noise), self.classes)) if labels is None else labels
        return with_class(noise, wanted.to(noise.device), self.classes)

    def retune(self, method: Method) -> None:
        """Apply changed live settings from the next step on. `method` must be of the same class."""
        self.method = method
        self._learners.set_learning_rates(self._learning_rates())
        if self._libraries is not None:
            self._libraries.method = method

    def _learning_rates(self) -> tuple[float, float]:
        """Learning rates of generator and adversary for the next step."""
        method = self.method
        decay = 0.5 * (1 + math.cos(math.pi * self.progress)) if self._decay == "cosine" else 1.0
        return method.lr * decay, method.adversary_lr * decay if isinstance(method, Adversarial) else 0.0

    def advance(self) -> Step:
        """Do one step. Raises ValueError, with a batch size that fits, if a GPU runs out of memory."""
        try:
            return self._advance()
        except torch.OutOfMemoryError as error:
            size = self.method.batch_size
            fits = largest(self._try, size) if self._world.size == 1 else None
            raise ValueError(no_room(self.device.type, size, fits)) from error

    def _try(self, batch_size: int) -> None:
        """Update both networks of a training like this one, with minibatches of another size."""
        method = dataclasses.replace(self.method, batch_size=batch_size)
        other = Training(method, self.target, self.source, 2, 0, self.device, self.networks, autocast=self._autocast)
        for _ in range(2):
            other._advance()

    def _advance(self) -> Step:
        for_adversary, for_generator = self.due()
        method = self.method.in_step(self.step)
        scalars = method.scalars(self.progress)
        if self._decay != "none":
            self._learners.set_learning_rates(self._learning_rates())
        if self.compile and self._can_compile and self._libraries is None:
            self._libraries = self._compile()
        if self._compiled is not None and for_adversary == for_generator == 1:
            self._losses[1], self._losses[0] = self._update_both(self._compiled, scalars)
        else:
            for _ in range(for_adversary):
                self._losses[1] = self._update_adversary(method, scalars)
            for _ in range(for_generator):
                self._losses[0] = self._update_generator(scalars)
        self.step += 1
        return Step(self.step, self._losses[0], self._losses[1], self)

    def due(self) -> tuple[int, int]:
        """Number of updates of the adversary, then of the generator, in the next step; applies `freeze_after`."""
        method = self.method
        for_adversary, for_generator = method.updates(self.step)
        if isinstance(method, Adversarial) and method.freeze_after and self.step == method.freeze_after:
            self.frozen = True
        return (0, max(for_generator, 1)) if self.frozen else (for_adversary, for_generator)

    def set_last_losses(self, losses: list[Tensor | None]) -> None:
        """Set the last losses of generator and adversary, after another loop has trained these weights."""
        self._losses = losses

    def batch(self) -> Batch:
        """Draw source, noise and target; with several processes, this one's part."""
        noise, mix = (
            self._noise.normal(self.method.rows, self.method.noise_dim),
            self._noise.uniform(self.method.rows, 1),
        )
        if self._labels is not None:  # classes of other images than this batch's: all its draws are independent
            drawn = self._noise.below(len(self._labels), self.method.rows)
            noise = self._with_labels(noise, self._labels[drawn])
        z, mix = (sent(self._world.mine(part), self.device) for part in (noise, mix))
        x, y = self._sources.next(), self._targets.next()
        return Batch(x, z, y, mix, self._noise.rng, self._world)

    def _update_both(self, compiled: CompiledUpdates, scalars: dict[str, float]) -> tuple[Tensor, Tensor]:
        generator_lr, adversary_lr = self._learning_rates()
        values = compiled.update_both((self.batch(), self.batch()), scalars, (adversary_lr, generator_lr))
        self._update_ema()
        return values

    def _update_adversary(self, method: Method, scalars: dict[str, float]) -> Tensor:
        assert self.adversary is not None
        if self._compiled is not None:
            return self._compiled.update_adversary(self.batch(), scalars, self._learning_rates()[1])
        loss = method.adversary_loss(self.generator, self.adversary, self.batch(), scalars)
        return self._learners.update_adversary(loss, method)

    def _update_generator(self, scalars: dict[str, float]) -> Tensor:
        # A frozen adversary needs another graph, which would take longer to compile than most such runs last.
        if self._compiled is not None and not self.frozen:
            value = self._compiled.update_generator(self.batch(), scalars, self._learning_rates()[0])
            self._update_ema()
            return value
        adversary = self.adversary if self.adversary is not None else nn.Identity()
        self._learners.freeze_adversary(True)
        loss = self.method.generator_loss(self.generator, adversary, self.batch(), scalars)
        loss = self._learners.update_generator(loss)
        self._learners.freeze_adversary(False)
        self._update_ema()
        return loss

    def _update_ema(self) -> None:
        if self._learners.averaged is not None:
            self._learners.update_ema(self.method.ema_decay(self.step))

    @property
    def _compiled(self) -> CompiledUpdates | None:
        return self._libraries if self.compile else None

    @property
    def _can_compile(self) -> bool:
        return self.method.can_compile and self.networks is None and self.step > 0

    def take_over(self, build: bool = False) -> bool:
        """Go on with compiled updates on a CPU if they can be loaded from disk; returns whether it does, and never fails.

        Args:
            build: compile them first if they are not there, which takes some twenty seconds.
        """
        if self.device.type != "cpu" or self._world.size > 1 or not self._can_compile:
            return False
        try:
            self._libraries = self._libraries or self._compile(build)
            self.compile = True
        except Exception:  # of a compiler or a loader: of any kind
            return False
        return True

    def _compile(self, build: bool = True) -> CompiledUpdates:
        """Updates compiled as suits the device; on a CPU only if `build`, otherwise they must be on disk."""
        from otviz.training.compile_updates import compile_updates

        return compile_updates(self.method, self._learners, build)

    def state(self) -> TrainingState:
        """All that is needed to continue, copied to the CPU."""
        tensors = {**self._noise.state(), **self._learners.state()}
        for name, loss in zip(("generator", "adversary"), self._losses, strict=True):
            if loss is not None:
                tensors[f"loss.{name}"] = loss.cpu()
        streams = {"target": self._targets.state(), "source": self._sources.state()}
        return tensors, json.dumps({"step": self.step, "frozen": self.frozen, "streams": streams})

    def restore(self, tensors: dict[str, Tensor], text: str) -> None:
        """Continue from `state` with identical results (same method, steps, seed and distributions).

        Raises:
            ValueError: the tensors do not fit this method's networks.
        """
        try:
            rest = json.loads(text)
            self._learners.restore(tensors)
            self._noise.restore(tensors)
            self._losses = [tensors.get("loss.generator"), tensors.get("loss.adversary")]
            self._targets.restore(rest["streams"]["target"])
            self._sources.restore(rest["streams"]["source"])
            self.step, self.frozen = int(rest["step"]), bool(rest["frozen"])
        except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise ValueError(f"saved state does not fit this run ({error}); start it again") from error

    def parts(self) -> Iterator[tuple[dict[str, Tensor], Optimiser | None]]:
        """Named weights and their optimiser; see `Learners.parts`."""
        return self._learners.parts()


def train(
    method: Method,
    target: Target,
    source: Samples | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    compile: bool = False,
    networks: Networks | None = None,
    lr_decay: Decay = "none",
    precision: Precision = "auto",
    draws: Draws = "device",
    training: Training | None = None,
) -> Iterator[Step]:
    """Train a method; yields a `Step` after each step.

    Args:
        method: what to train.
        target, source: distributions of y and x; the source defaults to N(0, I).
        steps: number of steps; defaults to the method's own.
        seed: draws weights, noise and data; the same seed gives the same numbers on the same device.
        device: "auto", "cuda", "mps" or "cpu".
        compile: compile the updates of points (see `otviz.training.ahead`), or the networks of images on an accelerator;
            takes about 20 s the first time.
        networks: architectures for images; by default those that suit their size.
        lr_decay: "cosine" lowers the learning rates to 0 at the end.
        precision: of image networks; "auto" is bfloat16 on CUDA and float32 elsewhere. On CUDA only "float32" is free of TF32.
        draws: "cpu" draws noise and images on the CPU whatever the device, to compare devices.
        training: a training to continue; the other arguments are then ignored.
    """
    live = training or start(
        method, target, source, steps=steps, seed=seed, device=device, compile=compile,
        networks=networks, lr_decay=lr_decay, precision=precision, draws=draws,
    )  # fmt: skip
    while live.step < live.steps:
        yield live.advance()


def start(
    method: Method,
    target: Target,
    source: Samples | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    compile: bool = False,
    networks: Networks | None = None,
    lr_decay: Decay = "none",
    precision: Precision = "auto",
    draws: Draws = "device",
) -> Training:
    """A training before its first step.

    Args:
        method, target, source, steps, seed, device, compile, networks, lr_decay, precision, draws: as for `train`.

    Raises:
        ValueError: the device or the images are not available, settings for images are given for points or the other way
            round, or the method cannot be shared by this number of processes.
    """
    from otviz.data.distributions.gaussian import Gaussian

    method.check_shared(world().size)
    if compile and world().size > 1:
        raise ValueError("steps are compiled in one process only; leave compile out, or torchrun")
    points, at = target.kind == "points", world().device(device_named(device))
    if points and networks is not None:
        raise ValueError("networks can be chosen for images only; for points they are settings of the method")
    if compile and not points:
        check_compile(at.type)
    drawn_from = source or (Gaussian() if points else WhiteNoise(target.shape))
    chosen = None if points else networks or Networks()
    if chosen is not None:
        check_classes(method, chosen, len(target.class_names))
    if device == "auto" and at.type == "mps" and not _steps_on(at, method, target, drawn_from, chosen):
        at = torch.device("cpu")
    autocast = not points and (precision == "bfloat16" or (precision == "auto" and at.type == "cuda"))
    planned = method.default_steps if steps is None else steps
    training = Training(method, target, drawn_from, planned, seed, at, chosen, lr_decay, autocast, draws)
    training.compile = compile and points
    if not points:
        prepare_images(at, exact=precision == "float32")
        if compile:
            compile_images(training.generator, training.adversary)
    return training
