"""Compiled updates: loss, gradient and Adam as one graph, about twice as fast on a CPU.

Compiling takes about 20 s and needs a C++ compiler, so it is off by default. Values that may change during a run enter as
tensors, so that one graph serves all of them. The optimisers' state is updated in place: compiled and plain steps can
alternate, and saved states are the same.

On CUDA an update is captured as a CUDA graph. That is possible only if all tensors that it changes stay where they are, so
weights, moments and counters are marked as static; what a graph returns is overwritten by its next run, so losses are copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from otviz.methods import Batch, Method
from otviz.networks import MLP, Generator

Drawn = tuple[Tensor, Tensor, Tensor, Tensor]

EPSILON = 1e-8  # Adam's, torch's default


class Compiled:
    """Compiled updates of a training's networks. Needs one plain step first, which allocates Adam's moments.

    Args:
        method: its losses are compiled.
        generator, adversary: networks to update.
        optimise_generator, optimise_adversary: their Adam optimisers.

    Raises:
        ValueError: the method's losses cannot be compiled.
    """

    def __init__(
        self,
        method: Method,
        generator: Generator,
        adversary: MLP,
        optimise_generator: torch.optim.Optimizer,
        optimise_adversary: torch.optim.Optimizer,
    ) -> None:
        self._method = method
        self._generator, self._adversary = generator, adversary
        self._of_generator = _Moments(generator, optimise_generator)
        self._of_adversary = _Moments(adversary, optimise_adversary)
        self._held: dict[str, tuple[float, Tensor]] = {}
        self._captured = self._of_generator.weights[0].is_cuda
        mode = "reduce-overhead" if self._captured else "default"
        compile_whole = torch.compile(fullgraph=True, mode=mode)
        self._update_generator: Callable[..., Tensor] = compile_whole(self._generator_update)
        self._update_adversary: Callable[..., Tensor] = compile_whole(self._adversary_update)
        self._update_both: Callable[..., tuple[Tensor, Tensor]] = compile_whole(self._both_updates)

    def update_generator(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        """Update the generator once.

        Args:
            batch, scalars: arguments of the loss.
            lr: learning rate.

        Returns:
            its loss, shape ().
        """
        return self._kept(self._update_generator(*self._arguments(self._of_generator, batch, scalars, lr)))

    def update_adversary(self, batch: Batch, scalars: dict[str, float], lr: float) -> Tensor:
        """Update the adversary once.

        Args:
            batch, scalars, lr: as for `update_generator`.
        """
        return self._kept(self._update_adversary(*self._arguments(self._of_adversary, batch, scalars, lr)))

    def update_both(
        self, batches: tuple[Batch, Batch], scalars: dict[str, float], lrs: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        """Update the adversary, then the generator, as one graph.

        Args:
            batches, lrs: for the adversary, then for the generator.
            scalars: arguments of both losses.

        Returns:
            the losses of adversary and generator.
        """
        first = self._arguments(self._of_adversary, batches[0], scalars, lrs[0])
        drawn, _, lr = self._arguments(self._of_generator, batches[1], scalars, lrs[1])
        on_adversary, on_generator = self._update_both(*first, drawn, lr)
        return self._kept(on_adversary), self._kept(on_generator)

    def _kept(self, loss: Tensor) -> Tensor:
        return loss.clone() if self._captured else loss

    def _arguments(
        self, moments: _Moments, batch: Batch, scalars: dict[str, float], lr: float
    ) -> tuple[Drawn, dict[str, Tensor], Tensor]:
        live = {name: self._tensor(name, value) for name, value in scalars.items()}
        rate = self._tensor("generator lr" if moments is self._of_generator else "adversary lr", lr)
        return (batch.source, batch.noise, batch.target, batch.mix), live, rate

    def _tensor(self, name: str, value: float) -> Tensor:
        """The value as a tensor, cached because most values stay the same."""
        held = self._held.get(name)
        if held is None:
            held = (value, static(torch.tensor(value, device=self._of_generator.weights[0].device)))
        elif held[0] != value:
            held = (value, held[1].fill_(value))
        self._held[name] = held
        return held[1]

    def _generator_update(self, drawn: Drawn, live: dict[str, float], lr: Tensor) -> Tensor:
        batch, adversary = Batch(*drawn, torch.default_generator), self._adversary.bound(self._of_adversary.weights)

        def loss(weights: Sequence[Tensor]) -> Tensor:
            return self._method.generator_loss(self._generator.bound(weights), adversary, batch, live)

        gradient, value = torch.func.grad_and_value(loss)(self._of_generator.weights)
        self._of_generator.descend(gradient, lr, self._method.beta1, self._method.beta2)
        return value  # type: ignore[no-any-return]

    def _adversary_update(self, drawn: Drawn, live: dict[str, float], lr: Tensor) -> Tensor:
        batch, generator = Batch(*drawn, torch.default_generator), self._generator.bound(self._of_generator.weights)

        def loss(weights: Sequence[Tensor]) -> Tensor:
            return self._method.adversary_loss(generator, self._adversary.bound(weights), batch, live)

        gradient, value = torch.func.grad_and_value(loss)(self._of_adversary.weights)
        self._of_adversary.descend(gradient, lr, self._method.beta1, self._method.beta2)
        self._method.constrain(self._of_adversary.weights)
        return value  # type: ignore[no-any-return]

    def _both_updates(
        self, first: Drawn, live: dict[str, float], lr: Tensor, second: Drawn, generator_lr: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self._adversary_update(first, live, lr), self._generator_update(second, live, generator_lr)


def static(tensor: Tensor) -> Tensor:
    """The tensor, marked as one that stays where it is: CUDA graphs use it in place and may change it."""
    torch._dynamo.mark_static_address(tensor, guard=False)
    return tensor


class _Moments:
    """The weights of a network and their Adam state, as lists of the same tensors."""

    def __init__(self, network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
        parameters = list(network.parameters())
        self.weights = [static(parameter.detach()) for parameter in parameters]  # views, updated in place
        self.first, self.second, self.steps = (
            [static(optimiser.state[parameter][key]) for parameter in parameters]
            for key in ("exp_avg", "exp_avg_sq", "step")
        )

    def descend(self, gradient: Sequence[Tensor], lr: Tensor, beta1: float, beta2: float) -> None:
        """One step of Adam (Kingma and Ba 2015), in place."""
        for step in self.steps:
            step.add_(1)
        t = self.steps[0]
        unbias1, unbias2 = 1 - beta1**t, 1 - beta2**t
        for weight, slope, first, second in zip(self.weights, gradient, self.first, self.second, strict=True):
            first.lerp_(slope, 1 - beta1)
            second.mul_(beta2).addcmul_(slope, slope, value=1 - beta2)
            weight.sub_(lr / unbias1 * first / ((second / unbias2).sqrt() + EPSILON))
