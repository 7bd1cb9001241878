"""The loops that ours is measured against, written the plain way the papers' own code is.

They share no code with otviz: nn.Sequential, DataLoader, autograd twice through the penalty, `.item()` at each step.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def ring(n: int, radius: float, std: float, seed: int) -> Tensor:
    """n points of eight Gaussians on a circle, shape (n, 2)."""
    rng = np.random.RandomState(seed)
    angles = 2 * np.pi * rng.choice(8, n) / 8
    circle = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return torch.from_numpy((circle + std * rng.randn(n, 2)).astype(np.float32))


def _silu_mlp(wide_in: int, hidden: int, wide_out: int) -> nn.Sequential:
    inner: list[nn.Module] = [nn.Linear(wide_in, hidden), nn.SiLU()]
    for _ in range(2):
        inner += [nn.Linear(hidden, hidden), nn.SiLU()]
    return nn.Sequential(*inner, nn.Linear(hidden, wide_out))


def _softplus(x: Tensor) -> Tensor:
    return 2 * nn.functional.softplus(x) - 2 * float(np.log(2))


def _endless(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[Tensor]:
    while True:
        for (batch,) in loader:
            yield batch


def uotm(
    steps: int,
    hidden: int = 64,
    batch: int = 128,
    seed: int = 0,
    tau: float = 0.05,
    weight: float = 0.05,
    device: str = "cpu",
) -> Iterator[tuple[float, float]]:
    """UOTM on the ring (radius 2, std 0.1) in the style of the authors' code; yields (generator, potential) losses."""
    torch.manual_seed(seed)
    loader = DataLoader(TensorDataset(ring(50_000, 2, 0.1, seed)), batch_size=batch, shuffle=True, drop_last=True)
    data = _endless(loader)
    net_t, net_v = _silu_mlp(4, hidden, 2).to(device), _silu_mlp(2, hidden, 1).to(device)
    adam_t = torch.optim.Adam(net_t.parameters(), lr=1e-3, betas=(0.5, 0.9))
    adam_v = torch.optim.Adam(net_v.parameters(), lr=1e-3, betas=(0.5, 0.9))
    for _ in range(steps):
        x, z, y = torch.randn(batch, 2).to(device), torch.randn(batch, 2).to(device), next(data).to(device)
        y.requires_grad_(True)
        fake = net_t(torch.cat([x, z], dim=1))
        c = tau * (x - fake).square().sum(1)
        v_real = net_v(y).squeeze(-1)
        slope = torch.autograd.grad(v_real.sum(), y, create_graph=True)[0]
        penalty = slope.square().sum(1).mean()
        loss_v = _softplus(net_v(fake).squeeze(-1) - c).mean() + _softplus(-v_real).mean() + weight * penalty
        adam_v.zero_grad()
        torch.autograd.backward(loss_v)
        adam_v.step()
        x, z = torch.randn(batch, 2).to(device), torch.randn(batch, 2).to(device)
        fake = net_t(torch.cat([x, z], dim=1))
        loss_t = (tau * (x - fake).square().sum(1) - net_v(fake).squeeze(-1)).mean()
        adam_t.zero_grad()
        torch.autograd.backward(loss_t)
        adam_t.step()
        yield loss_t.item(), loss_v.item()


def sinkhorn_generator(hidden: int = 256, seed: int = 0) -> nn.Sequential:
    """The notebook's generator, from points of the plane to points of the plane."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2)
    )  # fmt: skip


def sinkhorn(
    steps: int, seed: int = 0, batch: int = 256, blur: float = 0.02, net: nn.Module | None = None
) -> Iterator[float]:
    """The notebook's Sinkhorn generator on its ring (radius 3, std 0.25); yields the loss of each step, trains `net`."""
    from geomloss import SamplesLoss

    net = sinkhorn_generator(seed=seed) if net is None else net
    loader = DataLoader(TensorDataset(ring(2000, 3, 0.25, seed)), batch_size=batch, shuffle=True, drop_last=True)
    data = _endless(loader)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999))
    divergence = SamplesLoss("sinkhorn", p=2, blur=blur, scaling=0.9, debias=True, backend="tensorized")
    for _ in range(steps):
        loss = divergence(net(torch.randn(batch, 2)), next(data))
        adam.zero_grad()
        torch.autograd.backward(loss)
        adam.step()
        yield loss.item()


def _dcgan(width: int, noise: int) -> tuple[nn.Sequential, nn.Sequential]:
    """DCGAN's generator and critic of 3 x 32 x 32 images; the generator also sees a source image, like UOTM's."""
    c = width
    generator = nn.Sequential(
        nn.Linear(3 * 32 * 32 + noise, 4 * c * 4 * 4), nn.Unflatten(1, (4 * c, 4, 4)), nn.BatchNorm2d(4 * c), nn.ReLU(),
        nn.ConvTranspose2d(4 * c, 2 * c, 4, 2, 1), nn.BatchNorm2d(2 * c), nn.ReLU(),
        nn.ConvTranspose2d(2 * c, c, 4, 2, 1), nn.BatchNorm2d(c), nn.ReLU(),
        nn.ConvTranspose2d(c, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Conv2d(3, c, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(c, 2 * c, 3, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * c, 4 * c, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(4 * c * 4 * 4, 1),
    )  # fmt: skip
    return generator, critic


def uotm_images(
    pixels: Tensor, width: int = 64, batch: int = 64, noise: int = 16, device: str = "cpu", weight: float = 0.1
) -> Iterator[tuple[float, float]]:
    """UOTM on images (N, 3, 32, 32) in [-1, 1] in float32, with R1; yields (generator, potential) losses, endlessly."""
    torch.manual_seed(0)
    data = _endless(DataLoader(TensorDataset(pixels), batch_size=batch, shuffle=True, drop_last=True))
    net_t, net_v = (net.to(device) for net in _dcgan(width, noise))
    adam_t, adam_v = (torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.9)) for net in (net_t, net_v))
    tau = 0.3 / (3 * 32 * 32)
    while True:
        x, z = torch.randn(batch, 3 * 32 * 32).to(device), torch.randn(batch, noise).to(device)
        y = next(data).to(device).requires_grad_(True)
        fake = net_t(torch.cat([x, z], dim=1)).detach()
        c = tau * (x - fake.flatten(1)).square().sum(1)
        v_real = net_v(y).squeeze(-1)
        slope = torch.autograd.grad(v_real.sum(), y, create_graph=True)[0]
        penalty = slope.square().sum((1, 2, 3)).mean()
        loss_v = _softplus(net_v(fake).squeeze(-1) - c).mean() + _softplus(-v_real).mean() + weight * penalty
        adam_v.zero_grad()
        torch.autograd.backward(loss_v)
        adam_v.step()
        x, z = torch.randn(batch, 3 * 32 * 32).to(device), torch.randn(batch, noise).to(device)
        fake = net_t(torch.cat([x, z], dim=1))
        loss_t = (tau * (x - fake.flatten(1)).square().sum(1) - net_v(fake).squeeze(-1)).mean()
        adam_t.zero_grad()
        torch.autograd.backward(loss_t)
        adam_t.step()
        yield loss_t.item(), loss_v.item()
