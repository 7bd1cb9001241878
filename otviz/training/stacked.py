"""Many trainings of one method as one batch of stacked networks: one sequence of operations trains a row of a sweep.

Row i of a matrix holds all weights of member i. The method's losses are mapped over rows, scalars and batches; the gradient
of their sum is the gradient of each. Weights, noise and points come from plain trainings, so that member i ends where it
would have ended alone, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from otviz.core.params import params_of
from otviz.core.precision import has_float64
from otviz.methods import Adversarial, Batch, Method
from otviz.methods.method import Map
from otviz.networks import MLP, BoundMLP, Generator
from otviz.training.adam import Optimiser
from otviz.training.compiled import Drawn
from otviz.training.loop import Training

BLOCK = 16
"""Steps whose batches are drawn and sent to the device at once, so that a GPU does not wait for them."""

_MOMENTS = ("exp_avg", "exp_avg_sq")


def check_stackable(methods: Sequence[Method]) -> None:
    """Raise ValueError if these methods cannot be trained as one stack."""
    first, shared = methods[0], structure(methods[0])
    if not first.compilable:
        raise ValueError(f"{first.name} cannot be stacked; only gan and the unified family (WGAN to UOTM-SD) can")
    if not all(method.steps_alike for method in methods):
        raise ValueError(f"{first.name} with penalty_every above 1 cannot be stacked; use penalty_every 1")
    for other in methods[1:]:
        if type(other) is not type(first):
            raise ValueError(f"a stack holds one method; got {first.name} and {other.name}")
        for name, value in structure(other).items():
            if value != shared[name]:
                raise ValueError(f"{name} must be the same for all of a stack; got {shared[name]!r} and {value!r}")


def structure(method: Method) -> dict[str, object]:
    """The knobs that are not live, by name: all members of a stack share them."""
    return {knob.name: getattr(method, knob.name) for knob in params_of(type(method)) if not knob.live}


class Stacked:
    """Trains several members together.

    Attributes:
        members: the trainings; they draw the batches, and `sync_members` updates them.

    Args:
        members: S trainings on the CPU before their first step, of one method; live knobs, seeds and data may differ.
        device: where to train.

    Raises:
        ValueError: the members cannot be stacked, have started, or have different numbers of steps.
    """

    def __init__(self, members: Sequence[Training], device: torch.device | None = None) -> None:
        check_stackable([member.method for member in members])
        if len({member.steps for member in members}) > 1 or any(member.step for member in members):
            raise ValueError("all of a stack must be planned for the same number of steps and not have begun")
        self.members = tuple(members)
        self._method = members[0].method
        at = torch.device("cpu") if device is None else device
        parts = list(zip(*(member.parts() for member in members), strict=True))
        rows = [_Rows([list(tensors.values()) for tensors, _ in part], at) for part in parts]
        self._generator, self._adversary, *self._averaged = rows
        self._generator.optimise(self._method, [member.method.lr for member in members])
        self._adversary.optimise(self._method, [_adversary_lr(member.method) for member in members])
        self._losses = torch.full((2, len(members)), math.nan, device=at, dtype=self._generator.values.dtype)
        self._of_generator: Callable[..., Tensor] = torch.func.vmap(self._generator_loss)
        self._of_adversary: Callable[..., Tensor] = torch.func.vmap(self._adversary_loss)

    def advance(self, steps: int) -> Tensor:
        """Do `steps` >= 1 steps; returns the losses of generator and adversary, (steps, S, 2), nan before a first update."""
        found: list[Tensor] = []
        for begin in range(0, steps, BLOCK):
            found += self._block(min(BLOCK, steps - begin))
        return torch.stack(found)

    def sync_members(self) -> None:
        """Copy weights, optimiser states and last losses to the members, to evaluate or save them."""
        rows = (self._generator, self._adversary, *self._averaged)
        for part in rows:
            part.fetch()
        losses = self._losses.cpu()
        for index, member in enumerate(self.members):
            for (tensors, optimiser), part in zip(member.parts(), rows, strict=True):
                part.give(index, list(tensors.values()), optimiser)
            member.set_last_losses([None if loss.isnan() else loss for loss in losses[:, index]])

    def _block(self, steps: int) -> list[Tensor]:
        """`steps` steps; scalars and batches are drawn first."""
        due, numbers, first = [], [], self.members[0].step
        for _ in range(steps):
            updates = [
                member.due() for member in self.members
            ]  # equal for all; the call lets each member freeze its adversary
            due.append(updates[0])
            numbers.append([list(member.method.scalars(member.progress).values()) for member in self.members])
            for member in self.members:
                member.step += 1
        batches = self._draw(sum(map(sum, due)))
        names = list(self._method.scalars(0.0))
        scalars = self._sent(
            torch.tensor(numbers, dtype=torch.float64 if has_float64(self._losses.device) else torch.float32)
        ).mT
        found = []
        for step, ((for_adversary, for_generator), values) in enumerate(zip(due, scalars, strict=True), start=first):
            live = dict(zip(names, values, strict=True))
            for _ in range(for_adversary):
                self._update_adversary(next(batches), live)
            for _ in range(for_generator):
                self._update_generator(next(batches), live, step)
            found.append(self._losses.t().clone())
        return found

    def _draw(self, count: int) -> Iterator[Drawn]:
        """`count` batches of every member, sent to the device together."""
        stacks = []
        for _ in range(count):
            kinds = zip(*(member.batch()[:4] for member in self.members), strict=True)
            stacks.append([torch.stack(kind) for kind in kinds])
        x, z, y, mix = (self._sent(torch.stack(kind)) for kind in zip(*stacks, strict=True))
        return zip(x, z, y, mix, strict=True)

    def _sent(self, values: Tensor) -> Tensor:
        like = self._generator.values
        return values.to(like.dtype).to(like.device, non_blocking=True)

    def _update_adversary(self, drawn: Drawn, live: dict[str, Tensor]) -> None:
        losses = self._of_adversary(self._adversary.values, self._generator.values.detach(), drawn, live)
        self._adversary.descend(losses)
        for member, weights in zip(self.members, self._adversary.each, strict=True):
            member.method.constrain(weights)
        self._losses[1] = losses.detach()

    def _update_generator(self, drawn: Drawn, live: dict[str, Tensor], step: int) -> None:
        losses = self._of_generator(self._generator.values, self._adversary.values.detach(), drawn, live)
        self._generator.descend(losses)
        for averaged in self._averaged:
            averaged.values.lerp_(self._generator.values.detach(), 1 - self._method.ema_decay(step))
        self._losses[0] = losses.detach()

    def _generator_loss(self, row: Tensor, other: Tensor, drawn: Drawn, live: dict[str, float]) -> Tensor:
        generator, adversary = self._bound(row, other)
        return self._method.generator_loss(generator, adversary, Batch(*drawn, torch.default_generator), live)

    def _adversary_loss(self, row: Tensor, other: Tensor, drawn: Drawn, live: dict[str, float]) -> Tensor:
        generator, adversary = self._bound(other, row)
        return self._method.adversary_loss(generator, adversary, Batch(*drawn, torch.default_generator), live)

    def _bound(self, generator: Tensor, adversary: Tensor) -> tuple[Map, BoundMLP]:
        """Generator and adversary with these rows as weights."""
        like = self.members[0]
        assert isinstance(like.generator, Generator)
        assert isinstance(like.adversary, MLP)
        of_generator = like.generator.bound(self._generator.split(generator))
        return of_generator, like.adversary.bound(self._adversary.split(adversary))


def _adversary_lr(method: Method) -> float:
    return method.adversary_lr if isinstance(method, Adversarial) else 0.0


class _Rows:
    """One network (generator or adversary) of all members.

    Attributes:
        values: the P weights of member i in row i, shape (S, P).
        each: views of them as the weights of each member's network, in the order of `parameters()`.
    """

    def __init__(self, members: list[list[Tensor]], device: torch.device) -> None:
        self._shapes = [weight.shape for weight in members[0]]
        rows = [torch.cat([weight.detach().flatten() for weight in weights]) for weights in members]
        self.values = torch.stack(rows).to(device)
        self.each = [self.split(row) for row in self.values]
        self._adam: torch.optim.Adam | None = None
        self._fetched: list[Tensor] = []

    def split(self, row: Tensor) -> list[Tensor]:
        """Views of a row (P,) as the weights of a network."""
        parts = torch.split(row, [shape.numel() for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def optimise(self, method: Method, lrs: list[float]) -> None:
        """Create one Adam for all rows, with a learning rate per row."""
        self._lrs = torch.tensor(lrs, dtype=self.values.dtype, device=self.values.device)[:, None]
        self.values.requires_grad_()
        fused = self.values.device.type in ("cpu", "cuda")
        self._adam = torch.optim.Adam([self.values], lr=1.0, betas=(method.beta1, method.beta2), fused=fused)

    def descend(self, losses: Tensor) -> None:
        """One Adam step on losses (S,), one per row.

        Adam's step is the learning rate times a direction, so each row takes its share of a step with learning rate 1.
        """
        assert self._adam is not None
        (self.values.grad,) = torch.autograd.grad(losses.sum(), self.values)
        before = self.values.detach().clone()
        self._adam.step()
        with torch.no_grad():
            self.values.copy_(torch.lerp(before, self.values, self._lrs))

    def fetch(self) -> None:
        """Copy weights and moments of all members to the CPU at once."""
        moments = self._adam.state[self.values] if self._adam is not None else {}
        held = [self.values.detach(), *(moments[name] for name in _MOMENTS if name in moments)]
        self._fetched = [rows.cpu().clone() for rows in held]
        self._steps = float(moments["step"]) if "step" in moments else 0.0

    def give(self, index: int, weights: list[Tensor], optimiser: Optimiser | None) -> None:
        """Copy the last fetched state of member `index` into its weights and optimiser."""
        own, *moments = (self.split(rows[index]) for rows in self._fetched)
        with torch.no_grad():
            for weight, value in zip(weights, own, strict=True):
                weight.copy_(value)
        if optimiser is None or not moments:
            return
        for weight, first, second in zip(weights, *moments, strict=True):
            step = torch.tensor(self._steps)
            optimiser.state[weight] = {"step": step, **dict(zip(_MOMENTS, (first, second), strict=True))}
