"""N11: transport has a gradient far away, where kernels and likelihoods have none."""

from __future__ import annotations

import torch

from otviz.experiments.base import Experiment, Number, Part
from otviz.experiments.clouds import notebook_clouds
from otviz.transport.flow import FlowLoss, loss_and_force

FAR = 20.0


class FarSource(Experiment):
    """The pull on a source that starts 20 lengths away."""

    name = "n11"
    title = "Gradients when the source starts far away"
    paper = "000"
    place = "11.1.4 and 11.3, L244-249, L428-442"
    claim = "The Sinkhorn loss gives useful gradients even where distributions do not overlap, unlike losses that vanish there."
    covers = ("N11",)
    formula = (
        r"\nabla_x S \quad \text{against} \quad \nabla_x \mathrm{MMD}^2, \; k(x, y) = e^{-|x - y|^2 / 2\sigma^2}",
    )
    how = (
        "500 points of the source, moved 20 to the right, against 500 of the ring: mean force −n ∇L. The claim's own "
        "comparison is KL, which samples do not have; a Gaussian kernel (MMD, width 0.5) stands for losses that need "
        "overlap. Coverage and steadiness of the trained generator are judged in n7."
    )
    numbers = (
        Number("sinkhorn", "mean force of S, blur 0.05, from 20 away (length)"),
        Number("energy", "mean force of the energy distance from 20 away"),
        Number("gaussian", "mean force of the Gaussian MMD from 20 away", "vanishes", "inference"),
        Number("gaussian_near", "mean force of the Gaussian MMD with the source in place (per-point length)"),
    )
    parts = (
        Part("S pulls by the way to go, 20 to 2 %", lambda got: abs(float(got["sinkhorn"]) / FAR - 1) < 0.02),
        Part("the Gaussian MMD's force is below 1e-6", lambda got: float(got["gaussian"]) < 1e-6),
    )
    live = "transport?source.std=0.5&points=drawn&source.centre=20.0,0.0&n=500"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        n = 200 if quick else 500
        x, y, _ = notebook_clouds(seed)
        x, y = x[:n], y[:n]
        far = x + torch.tensor([FAR, 0.0])
        gaussian = FlowLoss("", "gaussian", blur=0.5)
        losses = {
            "sinkhorn": FlowLoss("", "sinkhorn", blur=0.05),
            "energy": FlowLoss("", "energy"),
            "gaussian": gaussian,
        }
        pulls = {name: float(loss_and_force(loss, far, y)[1].mean(0).norm()) for name, loss in losses.items()}
        return {**pulls, "gaussian_near": float(loss_and_force(gaussian, x, y)[1].norm(dim=1).mean())}
