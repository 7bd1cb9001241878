"""Networks for images. Samples are rows (B, C*H*W), as for points; only the bodies see images (B, C, H, W)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Shape = tuple[int, int, int]


def with_class(rows: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Rows with one-hot classes appended, shape (n, k + classes).

    Args:
        rows: shape (n, k).
        labels: class of each row, shape (n,).
        classes: number of classes.
    """
    return torch.cat([rows, nn.functional.one_hot(labels, classes).to(rows)], dim=1)


class ImageGenerator(nn.Module):
    """The transport map T(x, z) onto images in [-1, 1] (Choi et al. 2024, Algorithm 1).

    Args:
        body: maps inputs (B, d + k) to images (B, C, H, W).
        from_source: whether the inputs contain x; otherwise they are z alone, as in OT-GAN.
        autocast: compute the body in bfloat16; weights and results stay float32.
        classes: number of classes of a conditional generator; 0 for an unconditional one.
    """

    def __init__(self, body: nn.Module, from_source: bool = True, autocast: bool = False, classes: int = 0) -> None:
        super().__init__()
        self.body = body
        self._run: Callable[[Tensor], Tensor] = body.forward
        self.from_source = from_source
        self.autocast = autocast
        self.classes = classes

    def compile_body(self) -> None:
        """Compile the body when it is first called."""
        self._run = torch.compile(self.body.forward, dynamic=False)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Generated rows (B, d) in [-1, 1] of source x (B, d) and noise z (B, k).

        With classes, they are appended to z (`with_class`) and to the rows: the pairs (Y, S) of Salimans et al. 2018.
        """
        inputs = torch.cat([x, z], dim=1) if self.from_source else z
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            images = self._run(inputs)
        rows = torch.tanh(images.float()).flatten(1)
        return torch.cat([rows, z[:, -self.classes :]], dim=1) if self.classes else rows


class ImageCritic(nn.Module):
    """An adversary of images given as rows: (B, C*H*W) -> (B, outputs).

    Args:
        body: (B, C, H, W) -> (B, outputs); with classes, (B, C + classes, H, W).
        shape: (C, H, W) of an image.
        autocast, classes: as for `ImageGenerator`; input gradients are always computed in float32.
    """

    def __init__(self, body: nn.Module, shape: Shape, autocast: bool = False, classes: int = 0) -> None:
        super().__init__()
        self.body = body
        self._run: Callable[[Tensor], Tensor] = body.forward
        self.shape = shape
        self.autocast = autocast
        self.classes = classes

    def compile_body(self) -> None:
        """As `ImageGenerator.compile_body`, but for `value_and_gradient`: torch.compile cannot differentiate twice (2.13)."""
        self._run = torch.compile(self.body.forward, dynamic=False)

    def forward(self, x: Tensor) -> Tensor:
        """Values at rows x. Classes appended to the rows become constant planes of the image, 0 or 1."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.autocast):
            values = self._run(self._seen(x))
        return values.float()

    def _seen(self, x: Tensor) -> Tensor:
        if not self.classes:
            return x.reshape(-1, *self.shape)
        images = x[:, : -self.classes].reshape(-1, *self.shape)
        planes = x[:, -self.classes :, None, None].expand(-1, -1, *self.shape[1:])
        return torch.cat([images, planes], dim=1)

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `Potential.value_and_gradient`, by differentiating twice."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            values: Tensor = self.body(self._seen(x)).squeeze(-1)
            (gradient,) = torch.autograd.grad(values.sum(), x, create_graph=True)
        if others is not None:
            values = torch.cat([values, self(others).squeeze(-1)])
        return values, gradient
