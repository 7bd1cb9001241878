"""One training in many processes, on many GPUs or machines, through torch.distributed.

    torchrun --nproc-per-node 8 -m otviz train ot-gan --target cifar10 --batch-size 8000

Every process draws the same batch from the same seed and keeps its own rows of it, so that N processes give the numbers
of one, but for rounding. What a process calls its loss is one of N whose mean is descended: operations between processes
are differentiated as parts of their sum, and gradients are averaged after the backward pass.

Gradients travel as one flat buffer. DistributedDataParallel would send them during the backward pass, through hooks that
expect one forward pass of one module; here a step passes a network several times, also for its slope (double backward).

The two differentiable collectives at the end give what torch.distributed.nn.functional gives, which is deprecated
(FutureWarning in torch 2.13) in favour of a private module.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from otviz.core.interrupts import NAMES

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun sets in the environment of each process."""

POLL = 0.2  # seconds between looks whether the first process has ended
GRACE = 3.0  # seconds that a fault here may be the consequence of one in the first process, which then tells it


@dataclass(frozen=True)
class World:
    """The processes that share a training, seen from one of them. Alone, every method gives back what it is given.

    Attributes:
        rank: number of this process, 0 for the one that prints and saves.
        size: how many there are.
        local: number of this process on its machine, and of its GPU there.
        store: where they leave words for each other.
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    store: Store | None = None

    def device(self, asked: torch.device) -> torch.device:
        """The device of this process, of the kind asked for. Raises ValueError where there is none for it."""
        if self.size == 1 or asked.type == "cpu":
            return asked
        if asked.type != "cuda":
            raise ValueError(f"processes cannot share a training on {asked.type}; use --device cuda or cpu")
        if self.local >= torch.cuda.device_count():
            raise ValueError(
                f"process {self.local} of this machine has no GPU, there are {torch.cuda.device_count()}; "
                "start as many with --nproc-per-node, or use --device cpu"
            )
        return torch.device("cuda", self.local)

    def mine(self, rows: Tensor, dim: int = 0) -> Tensor:
        """The share of this process in the rows of a batch, a view."""
        share = rows.shape[dim] // self.size
        return rows.narrow(dim, self.rank * share, share)

    def gather(self, rows: Tensor, dim: int = 0) -> Tensor:
        """All shares in the order of the batch: (B / N, ...) -> (B, ...); gradients go back to where rows came from."""
        return rows if self.size == 1 else _Gather.apply(rows, dim, self)  # type: ignore[no-untyped-call]

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over the processes; differentiable."""
        return value if self.size == 1 else _Sum.apply(value) / self.size  # type: ignore[no-untyped-call]

    def largest(self, value: Tensor) -> Tensor:
        """The largest of one number of each process, shape ()."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value, dist.ReduceOp.MAX)
        return value

    def averaged(self, loss: Tensor, network: nn.Module) -> Tensor:
        """The mean loss, shape (), detached; gradients of the network's weights become their mean in place."""
        loss = loss.detach()
        if self.size == 1:
            return loss
        slopes = [weight.grad for weight in network.parameters() if weight.grad is not None]
        flat = torch.cat([*(slope.flatten() for slope in slopes), loss.reshape(1)])
        dist.all_reduce(flat)
        parts = torch.split(flat.div_(self.size), [*(slope.numel() for slope in slopes), 1])
        for slope, part in zip(slopes, parts, strict=False):
            slope.copy_(part.view(slope.shape))
        return parts[-1].reshape(()).clone()  # losses are kept: not with all gradients behind them

    def agree(self, arguments: Mapping[str, Any]) -> None:
        """Raise ValueError unless all processes were started with the same arguments, given as plain values."""
        if self.store is None:
            return
        sent = json.dumps(_flat(arguments))
        own = json.loads(sent)
        self.store.set(f"arguments/{self.rank}", sent)
        for rank in range(self.size) if self.rank == 0 else (0,):
            other = json.loads(self.store.get(f"arguments/{rank}"))
            differing = [name for name in sorted({*own, *other}) if own.get(name) != other.get(name)]
            if differing:
                raise ValueError(
                    f"processes {self.rank} and {rank} were started with different values of {', '.join(differing)}; "
                    "give all the same arguments"
                )


ALONE = World()
_world = ALONE


def world() -> World:
    """The processes that this one belongs to; alone outside of `together`."""
    return _world


@contextmanager
def together() -> Iterator[World]:
    """Join the other processes that torchrun started, until the end of the block; alone, where it did not start this one.

    The first process leads: when it leaves the block, however it does, the others end, wherever they are. An interrupt
    (Ctrl+C, or what else torchrun hands to all) is its own to answer.
    """
    if any(name not in os.environ for name in LAUNCHED) or int(os.environ["WORLD_SIZE"]) == 1:
        yield ALONE
        return
    from torch.distributed.rendezvous import rendezvous  # some builds of torch lack it

    global _world
    store, rank, size = next(rendezvous("env://"))
    local, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local < gpus:
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", store=store, rank=rank, world_size=size)
    _world = World(rank, size, local, store)
    try:
        if rank == 0:
            yield _world
        else:
            with _following(store):
                yield _world
    finally:
        if rank == 0:
            store.set("over", "")
        _world = ALONE
        dist.destroy_process_group()


@contextmanager
def _following(store: Store) -> Iterator[None]:
    """End this process as soon as the first has ended."""
    left = threading.Event()

    def watch() -> None:
        while not left.wait(POLL):
            if _is_over(store):
                os._exit(0)  # it may be waiting for the others, where no exception reaches it

    for name in NAMES:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    watching = threading.Thread(target=watch, name="end of the first process", daemon=True)
    watching.start()
    try:
        yield
    except Exception:
        time.sleep(GRACE)
        raise
    finally:
        left.set()
        watching.join(GRACE)  # a thread that is inside the store while Python ends aborts the process


def _is_over(store: Store) -> bool:
    try:
        return bool(store.check(["over"]))
    except RuntimeError:  # the store itself has ended, and whoever held it
        return True


class _Gather(torch.autograd.Function):
    """Shares of all processes, joined; a share's gradient is the sum of what all processes found for it."""

    @staticmethod
    def forward(ctx: Any, share: Tensor, dim: int, among: World) -> Tensor:
        ctx.dim, ctx.among = dim, among
        share = share.contiguous()
        shares = [torch.empty_like(share) for _ in range(among.size)]
        dist.all_gather(shares, share)
        return torch.cat(shares, dim)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        return ctx.among.mine(_summed(slope), ctx.dim), None, None


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose gradient is the sum of what all processes found for it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return _summed(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return _summed(slope)


def _summed(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested plain values under one dotted name each."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found.update(_flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return found
