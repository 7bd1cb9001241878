"""The one training loop. It yields; the caller owns pace, stopping and watching.

    for step in train(method, target, steps=5000, seed=0):
        ...

Several methods in step are `zip(train(a, ...), train(b, ...))`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from otviz.distributions import Distribution
from otviz.methods import Batch, Method
from otviz.methods.base import Adversarial
from otviz.networks import MLP, Generator

if TYPE_CHECKING:
    from otviz.compiled import Compiled

_CHUNK = 4096  # points sampled at once: the sampler's fixed cost is then spread over many minibatches


def device_named(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA, then MPS, then the CPU.

    Raises:
        ValueError: the name is unknown or this machine lacks the device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, present in there.items() if present))
    if name not in there:
        raise ValueError(f"device must be one of auto, {', '.join(there)}; got {name!r}")
    if not there[name]:
        raise ValueError(f"device {name} is not present on this machine; use auto or cpu")
    return torch.device(name)


class Stream:
    """Minibatches of a distribution on a device, drawn on the CPU so that every device sees the same points."""

    def __init__(self, distribution: Distribution, rows: int, seed: int, device: torch.device) -> None:
        self._distribution = distribution
        self._rows = rows
        self._device = device
        self._size = rows * max(1, _CHUNK // rows)
        self._rng = np.random.default_rng(seed)
        self._before = self._rng.bit_generator.state
        self._chunk: Tensor = torch.empty(0, 2)
        self._at = self._size

    def next(self) -> Tensor:
        """The next minibatch, shape (rows, 2)."""
        if self._at + self._rows > self._size:
            self._fill()
        self._at += self._rows
        return self._chunk[self._at - self._rows : self._at]

    def _fill(self) -> None:
        self._before = self._rng.bit_generator.state
        self._chunk = torch.from_numpy(self._distribution.sample(self._size, self._rng)).to(self._device)
        self._at = 0

    def state(self) -> dict[str, Any]:
        """Where the stream is, as plain values."""
        used_up = self._at >= self._size  # then the next chunk is drawn, not this one again
        return {"rng": self._rng.bit_generator.state if used_up else self._before, "at": self._at}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to where `state` was taken."""
        self._rng.bit_generator.state = state["rng"]
        if state["at"] < self._size:
            self._fill()
        self._at = state["at"]


@dataclass(frozen=True)
class Step:
    """One finished step: its number (1, 2 ...), the last detached losses (None before the first) and the live training."""

    number: int
    generator_loss: Tensor | None
    adversary_loss: Tensor | None
    training: Training


class Training:
    """The live state of a training: networks, optimisers, streams of data. `train` advances it.

    Attributes:
        method: the knobs in force; change it only through `retune`.
        frozen: True while the adversary is not updated.
        step, steps: steps done and planned.
        compile: True to compile the updates from the second step on; set it before the first (see `otviz.compiled`).
        shown: the generator to look at (its running average when `ema` > 0).
    """

    def __init__(
        self, method: Method, target: Distribution, source: Distribution, steps: int, seed: int, device: torch.device
    ) -> None:
        self.method = method
        self.target = target
        self.source = source
        self.steps = steps
        self.seed = seed
        self.device = device
        self.step = 0
        self.frozen = False
        self.compile = False
        self._compiled: Compiled | None = None
        weights = torch.Generator().manual_seed(seed)
        self.generator: nn.Module = method.build_generator(2, weights).to(device)
        adversary = method.build_adversary(2, weights)
        self.adversary: nn.Module | None = None if adversary is None else adversary.to(device)
        self._adversary_weights = [] if self.adversary is None else list(self.adversary.parameters())
        self._averaged = method.build_generator(2, weights).to(device) if method.ema else None
        self._rng = torch.Generator().manual_seed(seed + 1)
        self._targets = Stream(target, method.rows, seed + 2, device)
        self._sources = Stream(source, method.rows, seed + 3, device)
        self._optimise_generator = _adam(self.generator, method.lr, method)
        lr = method.adversary_lr if isinstance(method, Adversarial) else 0.0
        self._optimise_adversary = None if self.adversary is None else _adam(self.adversary, lr, method)
        self._losses: list[Tensor | None] = [None, None]
        if self._averaged is not None:
            self._averaged.load_state_dict(self.generator.state_dict())

    @property
    def shown(self) -> nn.Module:
        return self.generator if self._averaged is None else self._averaged

    @property
    def progress(self) -> float:
        """Share of the planned steps done, in [0, 1]."""
        return min(self.step / max(self.steps, 1), 1.0)

    def retune(self, method: Method) -> None:
        """Put changed live knobs in force from the next step on. The caller keeps the method's class."""
        self.method = method
        for group in self._optimise_generator.param_groups:
            group["lr"] = method.lr
        if self._optimise_adversary is not None and isinstance(method, Adversarial):
            for group in self._optimise_adversary.param_groups:
                group["lr"] = method.adversary_lr

    def advance(self) -> Step:
        """Do one step and report it."""
        for_adversary, for_generator = self.due()
        method = self.method
        scalars = method.scalars(self.progress)
        if self.compile and method.compilable and self._compiled is None and self.step > 0:
            self._compiled = self._compile()
        if self._compiled is not None and for_adversary == for_generator == 1:
            self._losses[1], self._losses[0] = self._update_both(self._compiled, scalars)
        else:
            for _ in range(for_adversary):
                self._losses[1] = self._update_adversary(scalars)
            for _ in range(for_generator):
                self._losses[0] = self._update_generator(scalars)
        self.step += 1
        return Step(self.step, self._losses[0], self._losses[1], self)

    def due(self) -> tuple[int, int]:
        """How many updates of the adversary, then of the generator, the next step makes; freezes the adversary in its time."""
        method = self.method
        for_adversary, for_generator = method.updates(self.step)
        if isinstance(method, Adversarial) and method.freeze_after and self.step == method.freeze_after:
            self.frozen = True
        return (0, max(for_generator, 1)) if self.frozen else (for_adversary, for_generator)

    def note(self, losses: list[Tensor | None]) -> None:
        """Take over the last losses, of generator and adversary, from another loop that trained these weights."""
        self._losses = losses

    def batch(self) -> Batch:
        """A fresh draw of source, noise and target."""
        noise = torch.randn(self.method.rows, self.method.noise_dim, generator=self._rng).to(self.device)
        mix = torch.rand(self.method.rows, 1, generator=self._rng).to(self.device)
        return Batch(self._sources.next(), noise, self._targets.next(), mix, self._rng)

    def _update_both(self, compiled: Compiled, scalars: dict[str, float]) -> tuple[Tensor, Tensor]:
        assert self._optimise_adversary is not None
        lrs = self._optimise_adversary.param_groups[0]["lr"], self.method.lr
        values = compiled.update_both((self.batch(), self.batch()), scalars, lrs)
        self._average()
        return values

    def _update_adversary(self, scalars: dict[str, float]) -> Tensor:
        assert self.adversary is not None
        assert self._optimise_adversary is not None
        if self._compiled is not None:
            lr = self._optimise_adversary.param_groups[0]["lr"]
            return self._compiled.update_adversary(self.batch(), scalars, lr)
        loss = self.method.adversary_loss(self.generator, self.adversary, self.batch(), scalars)
        self._optimise_adversary.zero_grad()
        torch.autograd.backward(loss)
        self._optimise_adversary.step()
        self.method.constrain(self._adversary_weights)
        return loss.detach()

    def _update_generator(self, scalars: dict[str, float]) -> Tensor:
        # frozen, it goes on with plain steps: compiling another graph would take longer than most such runs last
        if self._compiled is not None and not self.frozen:
            value = self._compiled.update_generator(self.batch(), scalars, self.method.lr)
            self._average()
            return value
        adversary = self.adversary if self.adversary is not None else nn.Identity()
        _require_grad(self._adversary_weights, False)  # only the way through the adversary to its input is needed
        loss = self.method.generator_loss(self.generator, adversary, self.batch(), scalars)
        self._optimise_generator.zero_grad()
        torch.autograd.backward(loss)
        self._optimise_generator.step()
        _require_grad(self._adversary_weights, True)
        self._average()
        return loss.detach()

    def _average(self) -> None:
        if self._averaged is not None:
            with torch.no_grad():
                for mean, weight in zip(self._averaged.parameters(), self.generator.parameters(), strict=True):
                    mean.lerp_(weight, 1 - self.method.ema)

    def _compile(self) -> Compiled:
        from otviz.compiled import Compiled

        assert isinstance(self.generator, Generator)
        assert isinstance(self.adversary, MLP)
        assert self._optimise_adversary is not None
        return Compiled(self.method, self.generator, self.adversary, self._optimise_generator, self._optimise_adversary)

    def state(self) -> tuple[dict[str, Tensor], str]:
        """Everything a continuation needs: tensors by name, and the rest as JSON text."""
        tensors = {"rng": self._rng.get_state()}
        for name, loss in zip(("generator", "adversary"), self._losses, strict=True):
            if loss is not None:
                tensors[f"loss.{name}"] = loss.cpu()
        for part, optimiser in self.parts():
            tensors.update({name: value.detach().cpu().clone() for name, value in part.items()})
            tensors.update(_moments(optimiser, next(iter(part)).split(".")[0]))
        streams = {"target": self._targets.state(), "source": self._sources.state()}
        return tensors, json.dumps({"step": self.step, "frozen": self.frozen, "streams": streams})

    def restore(self, tensors: dict[str, Tensor], text: str) -> None:
        """Continue exactly where `state` was taken (same method, steps, seed, distributions).

        Raises:
            ValueError: the tensors do not fit this method's networks.
        """
        rest = json.loads(text)
        try:
            for part, optimiser in self.parts():
                for name, value in part.items():
                    with torch.no_grad():
                        value.copy_(tensors[name])
                _restore_moments(optimiser, next(iter(part)).split(".")[0], tensors)
            self._rng.set_state(tensors["rng"])
            self._losses = [tensors.get("loss.generator"), tensors.get("loss.adversary")]
            self._targets.restore(rest["streams"]["target"])
            self._sources.restore(rest["streams"]["source"])
            self.step, self.frozen = int(rest["step"]), bool(rest["frozen"])
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"saved state does not fit this run ({error}); start it again") from error

    def parts(self) -> Iterator[tuple[dict[str, Tensor], torch.optim.Optimizer | None]]:
        """Weights by name, with what optimises them: of the generator, the adversary and the averaged generator, where there."""
        named: list[tuple[str, nn.Module, torch.optim.Optimizer | None]]
        named = [("generator", self.generator, self._optimise_generator)]
        if self.adversary is not None:
            named.append(("adversary", self.adversary, self._optimise_adversary))
        if self._averaged is not None:
            named.append(("averaged", self._averaged, None))
        for name, network, optimiser in named:
            yield {f"{name}.{key}": value for key, value in network.state_dict(keep_vars=True).items()}, optimiser


def train(
    method: Method,
    target: Distribution,
    source: Distribution | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    compile: bool = False,
    training: Training | None = None,
) -> Iterator[Step]:
    """Train a method; yields a light `Step` after each step.

    Args:
        method, target, source: what to train on what; the source defaults to N(0, I).
        steps: steps in all; defaults to the method's own.
        seed: draws weights, noise and data; the same seed gives the same numbers on the same device.
        device: "auto", "cuda", "mps" or "cpu".
        compile: compile the updates, which takes some twenty seconds first (see `otviz.compiled`).
        training: continue this one instead (then the other arguments but `method` and `target` are not used).
    """
    live = training or start(method, target, source, steps=steps, seed=seed, device=device, compile=compile)
    while live.step < live.steps:
        yield live.advance()


def start(
    method: Method,
    target: Distribution,
    source: Distribution | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    compile: bool = False,
) -> Training:
    """A training before its first step; arguments as for `train`.

    Raises:
        ValueError: the device is not here.
    """
    from otviz.distributions.gaussian import Gaussian

    planned = method.default_steps if steps is None else steps
    training = Training(method, target, source or Gaussian(), planned, seed, device_named(device))
    training.compile = compile
    return training


def _require_grad(weights: list[nn.Parameter], value: bool) -> None:
    for weight in weights:
        weight.requires_grad = value


def _adam(network: nn.Module, lr: float, method: Method) -> torch.optim.Adam:
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(method.beta1, method.beta2), fused=fused)


def _moments(optimiser: torch.optim.Optimizer | None, prefix: str) -> dict[str, Tensor]:
    if optimiser is None:
        return {}
    found = {}
    for index, moments in optimiser.state_dict()["state"].items():
        for key, value in moments.items():
            found[f"adam.{prefix}.{index}.{key}"] = value.detach().cpu().clone()
    return found


def _restore_moments(optimiser: torch.optim.Optimizer | None, prefix: str, tensors: dict[str, Tensor]) -> None:
    if optimiser is None:
        return
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(f"adam.{prefix}."):
            _, _, index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
