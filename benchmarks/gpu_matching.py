"""OT-GAN's matchings in several processes that share them, by the clock.

They meet through gloo and compute on the CPU: NCCL takes one card for each process. With as many cards, each takes its own.
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.spawn import start_processes

from otviz.core.distributed import ALONE, World, together
from otviz.ot.divergences import minibatch_energy_distance

SIZE = 4


def matching_of_processes(batch: int, features: int, rounds: int) -> dict[str, Any]:
    """Median milliseconds of value and gradient, by SIZE processes and by one, and by how much the values differ.

    Args:
        batch: rows B of each of the four minibatches of features.
        features: numbers of a row.
        rounds: how often each is repeated.
    """
    cards = torch.cuda.device_count() >= SIZE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.pt"
        setting = (batch, features, rounds, cards, _free_port(), str(path))
        # Forked processes need not import torch again; those that use a card must not be forked.
        method = "fork" if sys.platform == "linux" and not cards else "spawn"
        start_processes(_process, args=setting, nprocs=SIZE, start_method=method)  # type: ignore[no-untyped-call]
        found: dict[str, Any] = torch.load(path, weights_only=True)
    return {**found, "where": f"NCCL, {SIZE} cards" if cards else f"gloo, {os.cpu_count()} cores"}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _process(rank: int, batch: int, features: int, rounds: int, cards: bool, port: int, path: str) -> None:
    torch.set_num_threads(1)
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": SIZE, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()})
    with together() as world:
        device = torch.device("cuda", rank) if cards else torch.device("cpu")
        rng = torch.Generator().manual_seed(0)
        rows = torch.randn(4, batch, features, generator=rng).to(device)
        alone, value = _timed(rows, ALONE, rounds if rank == 0 else 0)
        shared, mine = _timed(rows, world, rounds)
        mean = world.mean(mine)
        if rank == 0:
            torch.save(
                {
                    "alone_ms": alone, "shared_ms": shared, "ratio": alone / shared,
                    "apart": float((mean - value).abs() / value.abs()),
                },
                path,
            )  # fmt: skip
        world.mean(mean)  # the first process leads: it may leave once all have come so far


def _timed(rows: torch.Tensor, world: World, rounds: int) -> tuple[float, torch.Tensor]:
    """Median milliseconds of value and gradient, and the value; one more round comes first."""
    took, value = [0.0], rows.new_zeros(())
    for number in range(rounds + 1 if rounds else 0):
        world.mean(value)  # all begin together
        begun = time.monotonic()
        points = rows.clone().requires_grad_()
        loss = minibatch_energy_distance(*points, world=world)
        torch.autograd.backward(loss)
        value = world.mean(loss.detach())  # all have ended
        if rows.is_cuda:
            torch.cuda.synchronize()
        if number:
            took.append(time.monotonic() - begun)
    return 1000 * statistics.median(took[1:] or [0.0]), value
