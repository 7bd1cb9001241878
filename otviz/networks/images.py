"""Networks for images. Samples are rows (B, C*H*W) as for points; only inside are they images (B, C, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Shape = tuple[int, int, int]


class ImageGenerator(nn.Module):
    """The transport map T(x, z) onto images in [-1, 1] (papers/003, Algorithm 1).

    Args:
        body: makes images (B, C, H, W) of inputs (B, d + k).
        from_source: whether the inputs hold x; otherwise they are z alone, as in OT-GAN.
        autocast: compute the body in bfloat16; weights and results stay float32.
    """

    def __init__(self, body: nn.Module, from_source: bool = True, autocast: bool = False) -> None:
        super().__init__()
        self.body = body
        self.from_source = from_source
        self.autocast = autocast

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Generated rows (B, d) in [-1, 1] of source x (B, d) and noise z (B, k)."""
        inputs = torch.cat([x, z], dim=1) if self.from_source else z
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            images = self.body(inputs)
        return torch.tanh(images.float()).flatten(1)


class ImageCritic(nn.Module):
    """An adversary of images given as rows: (B, C*H*W) -> (B, outputs).

    Args:
        body: (B, C, H, W) -> (B, outputs).
        autocast: as for `ImageGenerator`; slopes are always found in float32.
    """

    def __init__(self, body: nn.Module, shape: Shape, autocast: bool = False) -> None:
        super().__init__()
        self.body = body
        self.shape = shape
        self.autocast = autocast

    def forward(self, x: Tensor) -> Tensor:
        """Values at rows x."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            values: Tensor = self.body(x.reshape(-1, *self.shape))
        return values.float()

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `Potential.value_and_gradient`, by differentiating twice."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            values: Tensor = self.body(x.reshape(-1, *self.shape)).squeeze(-1)
            (gradient,) = torch.autograd.grad(values.sum(), x, create_graph=True)
        if others is not None:
            values = torch.cat([values, self(others).squeeze(-1)])
        return values, gradient
