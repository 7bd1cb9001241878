"""The trained state: generator, adversary, the generator's moving average, their optimisers, and all of it as tensors."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from otviz.core.distributed import World
from otviz.methods import Method
from otviz.networks import Networks
from otviz.training.adam import Optimiser, adam, moments, plain, restore_moments
from otviz.training.build_networks import build_adversary, build_generator


class Learners:
    """Generator and adversary with their optimisers, and the generator's exponential moving average (EMA).

    Attributes:
        generator, adversary: the trained networks; adversary is None for a method without one.
        averaged: the EMA of the generator; None without `ema`.

    Args:
        method, shape, networks, autocast, classes: as for `build_generator`.
        seed: draws the initial weights.
        device: where the networks are.
        lrs: initial learning rates of generator and adversary.
        world: the processes that share the training.
    """

    def __init__(
        self,
        method: Method,
        shape: tuple[int, ...],
        networks: Networks | None,
        autocast: bool,
        classes: int,
        *,
        seed: int,
        device: torch.device,
        lrs: tuple[float, float],
        world: World,
    ) -> None:
        asked = (method, shape, networks, torch.Generator().manual_seed(seed), autocast, classes)
        self._world = world
        self.generator: nn.Module = build_generator(*asked).to(device)
        adversary = build_adversary(*asked)
        self.adversary: nn.Module | None = None if adversary is None else adversary.to(device)
        self.averaged = build_generator(*asked).to(device).eval() if method.ema else None
        self.generator_optimiser = adam(self.generator, lrs[0], method)
        self.adversary_optimiser = None if self.adversary is None else adam(self.adversary, lrs[1], method)
        self._adversary_weights = [] if self.adversary is None else list(self.adversary.parameters())
        if self.averaged is not None:
            self.averaged.load_state_dict(self.generator.state_dict())

    def set_learning_rates(self, lrs: tuple[float, float]) -> None:
        """Set the learning rates of generator and adversary for the next update."""
        for optimiser, lr in zip((self.generator_optimiser, self.adversary_optimiser), lrs, strict=True):
            for group in [] if optimiser is None else optimiser.param_groups:
                group["lr"] = lr

    def freeze_adversary(self, frozen: bool) -> None:
        """Turn the adversary's weight gradients off: an update of the generator needs only the gradient of its input."""
        for weight in self._adversary_weights:
            weight.requires_grad = not frozen

    def update_generator(self, loss: Tensor) -> Tensor:
        """One Adam step on the loss; returns its mean over the processes."""
        return self._update(loss, self.generator, self.generator_optimiser)

    def update_adversary(self, loss: Tensor, method: Method) -> Tensor:
        """One Adam step on the loss, then the method's constraint; returns the mean loss over the processes."""
        assert self.adversary is not None
        assert self.adversary_optimiser is not None
        loss = self._update(loss, self.adversary, self.adversary_optimiser)
        method.constrain(self._adversary_weights)
        return loss

    def _update(self, loss: Tensor, network: nn.Module, optimiser: Optimiser) -> Tensor:
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        loss = self._world.averaged(loss, network)
        optimiser.step()
        return loss

    def update_ema(self, decay: float) -> None:
        """Update the average: averaged = decay * averaged + (1 - decay) * generator."""
        assert self.averaged is not None
        with torch.no_grad():
            for mean, weight in zip(self.averaged.parameters(), self.generator.parameters(), strict=True):
                mean.lerp_(weight, 1 - decay)
            for buffer, value in zip(self.averaged.buffers(), self.generator.buffers(), strict=True):
                buffer.copy_(value)  # batch norm's running statistics are averages already

    def parts(self) -> Iterator[tuple[dict[str, Tensor], Optimiser | None]]:
        """Named weights and their optimiser, for the generator and, if they exist, the adversary and the averaged generator."""
        named: list[tuple[str, nn.Module, Optimiser | None]]
        named = [("generator", self.generator, self.generator_optimiser)]
        if self.adversary is not None:
            named.append(("adversary", self.adversary, self.adversary_optimiser))
        if self.averaged is not None:
            named.append(("averaged", self.averaged, None))
        for name, network, optimiser in named:
            yield {f"{name}.{key}": value for key, value in network.state_dict(keep_vars=True).items()}, optimiser

    def state(self) -> dict[str, Tensor]:
        """Copies on the CPU of all weights and of Adam's moments, by name."""
        tensors: dict[str, Tensor] = {}
        for part, optimiser in self.parts():
            tensors.update({name: plain(value) for name, value in part.items()})
            tensors.update(moments(optimiser, next(iter(part)).split(".")[0]))
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state` copied. Raises KeyError or RuntimeError if it does not fit these networks."""
        for part, optimiser in self.parts():
            for name, value in part.items():
                with torch.no_grad():
                    value.copy_(tensors[name])
            restore_moments(optimiser, next(iter(part)).split(".")[0], tensors)
