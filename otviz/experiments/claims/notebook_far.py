"""Transport has a gradient at large distances, where kernels and likelihoods have none."""

from __future__ import annotations

import torch

from otviz.clouds.studies.gradient_flow import FlowLoss, loss_and_force
from otviz.experiments.charts import Dots, Row
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.experiment import Experiment, Number, Part

FAR = 20.0


class FarSource(Experiment):
    """The gradient for a source that starts 20 lengths away."""

    name = "far-gradient"
    title = "The Sinkhorn divergence still pulls when the source is far away"
    paper = "fuge"
    place = "Sections 11.2 and 11.3"
    claim = "The Sinkhorn loss gives useful gradients even where distributions do not overlap, unlike losses that vanish there."
    summary_template = (
        "From 20 away the Sinkhorn divergence pulls with a mean force of {sinkhorn}, a Gaussian kernel with {gaussian}."
    )
    chart = Dots(
        "mean force from 20 away (length)",
        (
            Row("Sinkhorn, blur 0.05", "sinkhorn", low=FAR * 0.98, high=FAR * 1.02),
            Row("energy distance", "energy"),
            Row("Gaussian kernel", "gaussian", high=1e-6),
        ),
        log=True,
    )
    order = 70
    formula = (
        r"\nabla_x S \quad \text{against} \quad \nabla_x \mathrm{MMD}^2, \; k(x, y) = e^{-|x - y|^2 / 2\sigma^2}",
    )
    how = (
        "500 points of the source, moved 20 to the right, against 500 of the ring; the mean force is −n ∇L. The notebook compares with the "
        "KL divergence, which samples do not have; a Gaussian kernel (MMD, width 0.5) stands for losses that need overlap. What the trained "
        "generator covers is judged by the claim on the notebook's training."
    )
    numbers = (
        Number("sinkhorn", "mean force of S, blur 0.05, from 20 away (length)"),
        Number("energy", "mean force of the energy distance from 20 away"),
        Number("gaussian", "mean force of the Gaussian MMD from 20 away", "vanishes", "inference"),
        Number("gaussian_near", "mean force of the Gaussian MMD with the source in place (per-point length)"),
    )
    parts = (
        Part(
            "the Sinkhorn force is the distance to go, 20, within 2 %",
            lambda got: abs(float(got["sinkhorn"]) / FAR - 1) < 0.02,
        ),
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
