"""Compiled updates: loss, gradient and Adam as one graph, about twice as fast on a CPU.

Compiling takes about 20 s and needs a C++ compiler, so it is off by default. Values that may change during a run enter as
tensors, so that one graph serves all of them. The optimisers' state is updated in place: compiled and plain steps can
alternate, and saved states are the same.

On CUDA an update is captured as a CUDA graph. That is possible only if all tensors that it changes stay where they are, so
weights, moments and counters are marked as static; what a graph returns is overwritten by its next run, so losses are copied.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from otviz.methods import Batch, Method
from otviz.networks import MLP, Generator
from otviz.training.adam import EPSILON, Optimiser

Drawn = tuple[Tensor, Tensor, Tensor, Tensor]


class CompiledUpdates(ABC):
    """Compiled updates of a training's networks. They need one plain step first, which allocates Adam's moments.

    Attributes:
        method: with current live knobs.

    Args:
        method: its losses are compiled.
        generator, adversary: networks to update.
        optimise_generator, optimise_adversary: their Adam optimisers, after one step.
    """

    def __init__(
        self,
        method: Method,
        generator: Generator,
        adversary: MLP,
        optimise_generator: Optimiser,
        optimise_adversary: Optimiser,
    ) -> None:
        self.method = method
        self._of_generator = Moments.of(generator, optimise_generator)
        self._of_adversary = Moments.of(adversary, optimise_adversary)
        self._held: dict[str, tuple[float, Tensor]] = {}

    @abstractmethod
    def update_generator(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        """Update the generator once; returns its loss, shape ().

        Args:
            batch, scalars: arguments of the loss.
            lr: learning rate.
        """

    @abstractmethod
    def update_adversary(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        """Update the adversary once; returns its loss, shape ().

        Args:
            batch, scalars, lr: as for `update_generator`.
        """

    def update_both(
        self, batches: tuple[Batch, Batch], scalars: dict[str, float], lrs: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        """Update the adversary, then the generator; returns their losses.

        Args:
            batches, lrs: for the adversary, then for the generator.
            scalars: arguments of both losses.
        """
        on_adversary = self.update_adversary(batches[0], scalars, lrs[0])
        return on_adversary, self.update_generator(batches[1], scalars, lrs[1])

    def _numbers(self, scalars: dict[str, float], whose: str, lr: float) -> tuple[dict[str, Tensor], Tensor]:
        """Scalars and the learning rate of `whose` network as tensors; those that stay the same are made once."""
        live = {name: self._tensor(name, value) for name, value in scalars.items()}
        return live, self._tensor(f"{whose} lr", lr)

    def _tensor(self, name: str, value: float) -> Tensor:
        held = self._held.get(name)
        if held is None:
            held = (value, self._placed(torch.tensor(value)))
        elif held[0] != value:
            held = (value, held[1].fill_(value))
        self._held[name] = held
        return held[1]

    def _placed(self, number: Tensor) -> Tensor:
        """A new number, where compiled code expects it."""
        return number


class Compiled(CompiledUpdates):
    """Updates compiled by torch.compile, both as one graph; on CUDA, as CUDA graphs.

    Args:
        method, generator, adversary: as for `CompiledUpdates`.
        optimisers: Adam's of generator and adversary, after one step.
    """

    def __init__(self, method: Method, generator: Generator, adversary: MLP, *optimisers: Optimiser) -> None:
        super().__init__(method, generator, adversary, *optimisers)
        self._updates = Updates(method, generator, adversary)
        for moments in (self._of_generator, self._of_adversary):
            for tensor in (*moments.weights, *moments.first, *moments.second, *moments.steps):
                static(tensor)
        self._captured = self._of_generator.weights[0].is_cuda
        mode = "reduce-overhead" if self._captured else "default"
        compile_whole = torch.compile(fullgraph=True, mode=mode)
        self._update_generator: Callable[..., Tensor] = compile_whole(self._generator_update)
        self._update_adversary: Callable[..., Tensor] = compile_whole(self._adversary_update)
        self._update_both: Callable[..., tuple[Tensor, Tensor]] = compile_whole(self._both_updates)

    def update_generator(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        return self._kept(self._update_generator(batch[:4], *self._numbers(scalars, "generator", lr)))

    def update_adversary(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        return self._kept(self._update_adversary(batch[:4], *self._numbers(scalars, "adversary", lr)))

    def update_both(
        self, batches: tuple[Batch, Batch], scalars: dict[str, float], lrs: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        live, lr = self._numbers(scalars, "adversary", lrs[0])
        _, generator_lr = self._numbers({}, "generator", lrs[1])
        on_adversary, on_generator = self._update_both(batches[0][:4], live, lr, batches[1][:4], generator_lr)
        return self._kept(on_adversary), self._kept(on_generator)

    def _kept(self, loss: Tensor) -> Tensor:
        return loss.clone() if self._captured else loss

    def _placed(self, number: Tensor) -> Tensor:
        return static(number.to(self._of_generator.weights[0].device))

    def _generator_update(self, drawn: Drawn, live: dict[str, float], lr: Tensor) -> Tensor:
        return self._updates.generator(self._of_generator, self._of_adversary.weights, drawn, live, lr)

    def _adversary_update(self, drawn: Drawn, live: dict[str, float], lr: Tensor) -> Tensor:
        value = self._updates.adversary(self._of_adversary, self._of_generator.weights, drawn, live, lr)
        self.method.constrain(self._of_adversary.weights)
        return value

    def _both_updates(
        self, first: Drawn, live: dict[str, float], lr: Tensor, second: Drawn, generator_lr: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self._adversary_update(first, live, lr), self._generator_update(second, live, generator_lr)


def static(tensor: Tensor) -> Tensor:
    """The tensor, marked as one that stays where it is: CUDA graphs use it in place and may change it."""
    torch._dynamo.mark_static_address(tensor, guard=False)
    return tensor


class Updates:
    """Loss, gradient and Adam of either network, as functions of all tensors that they read and change.

    Args:
        method: gives losses and Adam's settings.
        generator, adversary: give the architectures; their own weights are not used.
    """

    def __init__(self, method: Method, generator: Generator, adversary: MLP) -> None:
        self._method = method
        self._generator, self._adversary = generator, adversary

    def generator(
        self, own: Moments, others: Sequence[Tensor], drawn: Drawn, live: dict[str, float], lr: Tensor
    ) -> Tensor:
        """Update the generator in place; returns its loss, shape ().

        Args:
            own: of the generator.
            others: weights of the adversary.
            drawn: source, noise, target and mix of a batch.
            live: scalars of the loss.
            lr: learning rate, shape ().
        """
        batch, adversary = Batch(*drawn, torch.default_generator), self._adversary.bound(others)

        def loss(weights: Sequence[Tensor]) -> Tensor:
            return self._method.generator_loss(self._generator.bound(weights), adversary, batch, live)

        return self._descend(own, loss, lr)

    def adversary(
        self, own: Moments, others: Sequence[Tensor], drawn: Drawn, live: dict[str, float], lr: Tensor
    ) -> Tensor:
        """Update the adversary in place, without the method's constraint; returns its loss, shape ().

        Args:
            own: of the adversary.
            others: weights of the generator.
            drawn, live, lr: as for `generator`.
        """
        batch, generator = Batch(*drawn, torch.default_generator), self._generator.bound(others)

        def loss(weights: Sequence[Tensor]) -> Tensor:
            return self._method.adversary_loss(generator, self._adversary.bound(weights), batch, live)

        return self._descend(own, loss, lr)

    def _descend(self, own: Moments, loss: Callable[[Sequence[Tensor]], Tensor], lr: Tensor) -> Tensor:
        gradient, value = torch.func.grad_and_value(loss)(own.weights)
        own.descend(gradient, lr, self._method.beta1, self._method.beta2)
        return value  # type: ignore[no-any-return]


@dataclass
class Moments:
    """The weights of a network and their Adam state, as lists of the same tensors.

    Attributes:
        weights: of the network, updated in place.
        first, second: Adam's moments of each weight.
        steps: Adam's counters, one for each weight.
    """

    weights: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    steps: list[Tensor]

    @classmethod
    def of(cls, network: torch.nn.Module, optimiser: Optimiser) -> Moments:
        """Those of a network whose optimiser has done a step."""
        parameters = list(network.parameters())
        states = [optimiser.state[parameter] for parameter in parameters]
        return cls(
            [parameter.detach() for parameter in parameters],
            *([state[key] for state in states] for key in ("exp_avg", "exp_avg_sq", "step")),
        )

    def descend(self, gradient: Sequence[Tensor], lr: Tensor, beta1: float, beta2: float) -> None:
        """One step of Adam (Kingma and Ba 2015), in place.

        Args:
            gradient: of each weight.
            lr: learning rate, shape ().
            beta1, beta2: decays of the moments.
        """
        for step in self.steps:
            step.add_(1)
        t = self.steps[0]
        unbias1, unbias2 = 1 - beta1**t, 1 - beta2**t
        for weight, slope, first, second in zip(self.weights, gradient, self.first, self.second, strict=True):
            first.lerp_(slope, 1 - beta1)
            second.mul_(beta2).addcmul_(slope, slope, value=1 - beta2)
            weight.sub_(lr / unbias1 * first / ((second / unbias2).sqrt() + EPSILON))
