"""Claims that are not reproduced, with the reason; all their numbers are reported ones."""

from __future__ import annotations

from typing import ClassVar

from otviz.experiments.charts import Dots, Row
from otviz.experiments.experiment import Cost, Experiment, Number


class Reference(Experiment):
    """Base class of claims that are only reported."""

    cost: ClassVar[Cost] = "reference"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        """Raises ValueError with the reason."""
        raise ValueError(f"{self.name} cannot be run here: {self.reason}")


class InceptionScores(Reference):
    """Table 1 of OT-GAN."""

    name = "inception-scores"
    title = "OT-GAN has the best inception score on CIFAR-10"
    paper = "salimans"
    place = "Section 5.2, Table 1, Fig. 4"
    claim = "OT-GAN reaches a better inception score on CIFAR-10 than the methods before it."
    chart = Dots(
        "inception score on CIFAR-10 (higher is better)",
        (
            Row("OT-GAN", reported=8.47),
            Row("WGAN-GP", reported=7.86),
            Row("Denoising matching", reported=7.72),
            Row("Improved GAN", reported=6.86),
            Row("DCGAN", reported=6.16),
            Row("real data", reported=11.95),
        ),
    )
    order = 10
    reason = "it takes batches of 8000 on eight GPUs for days, and the score needs a network that is not shipped"
    numbers = (
        Number("", "OT-GAN, batch 8000", "8.47 ± 0.12"),
        Number("", "real data", "11.95 ± 0.12", "memory"),
        Number("", "DCGAN", "6.16 ± 0.07", "memory"),
        Number("", "Improved GAN", "6.86 ± 0.06", "memory"),
        Number("", "Denoising feature matching", "7.72 ± 0.13", "memory"),
        Number("", "WGAN-GP", "7.86 ± 0.07", "memory"),
    )
    live = "gallery"


class ImageNetDogs(Reference):
    """Figure 6 of OT-GAN."""

    name = "imagenet-dogs"
    title = "OT-GAN beats DCGAN on ImageNet dogs"
    paper = "salimans"
    place = "Section 5.3, Fig. 6"
    claim = "On ImageNet dogs at 128 × 128 OT-GAN reaches a better score than DCGAN, which collapses."
    chart = Dots(
        "inception score on ImageNet dogs (higher is better)",
        (Row("OT-GAN", reported=8.97), Row("DCGAN", reported=8.19)),
    )
    order = 20
    reason = "it takes batches of 2048 images of 128 × 128 on several GPUs for days"
    numbers = (Number("", "inception score of OT-GAN", "8.97 ± 0.09"), Number("", "of DCGAN", "8.19 ± 0.11"))


class TextToImage(Reference):
    """Table 2 of OT-GAN."""

    name = "text-to-image"
    title = "OT-GAN draws the best birds from text"
    paper = "salimans"
    place = "Section 5.4, Table 2, Fig. 7"
    claim = "OT-GAN conditioned on text reaches the best inception score on CUB."
    chart = Dots(
        "inception score on CUB birds (higher is better)",
        (
            Row("OT-GAN", reported=3.84),
            Row("StackGAN", reported=3.70),
            Row("GAWWN", reported=3.62),
            Row("GAN-INT-CLS", reported=2.88),
        ),
    )
    order = 30
    reason = "it takes text embeddings of another project and batches of 2048 on several GPUs"
    numbers = (
        Number("", "OT-GAN", "3.84 ± 0.05"),
        Number("", "GAN-INT-CLS", "2.88 ± 0.04", "memory"),
        Number("", "GAWWN", "3.62 ± 0.07", "memory"),
        Number("", "StackGAN", "3.70 ± 0.04", "memory"),
    )


class ImageSettings(Reference):
    """Settings of OT-GAN's code for images."""

    name = "image-settings"
    title = "The settings of OT-GAN's image models"
    paper = "salimans"
    place = "the authors' code"
    claim = "Images are trained with ε = 1/500, 500 Sinkhorn iterations, n_gen = 5 and batches of 625 on each of eight GPUs."
    order = 40
    reason = "these are settings, not a result; the small image models of otviz use those that fit"
    numbers = (
        Number("", "batch on each of 8 GPUs", "625", "code"),
        Number("", "step size of both networks, Adam (0.5, 0.999)", "3e-4", "code"),
        Number("", "1/ε, and Sinkhorn iterations", "500, 500", "code"),
        Number("", "averaging of weights", "0.999", "code"),
    )


class CifarTable(Reference):
    """Table 2 of the UOTM-SD paper."""

    name = "cifar-table"
    title = "Transport cost raises recall on CIFAR-10, and UOTM has the best FID"
    paper = "choi"
    place = "Table 2"
    claim = "The cost term raises recall, and UOTM has the best FID of the unified family on CIFAR-10."
    chart = Dots(
        "FID on CIFAR-10 (lower is better)",
        (
            Row("UOTM (SP)", reported=2.7),
            Row("UOTM (KL)", reported=2.9),
            Row("OTM", reported=4.3),
            Row("WGAN-GP", reported=4.5),
            Row("UOTM without cost", reported=19.7),
            Row("WGAN", reported=48.8),
        ),
        log=True,
    )
    order = 10
    reason = "it takes NCSN++ on CIFAR-10 for 200 000 steps on several GPUs; the same question is asked of points and of small networks by other claims"
    numbers = (
        Number("", "WGAN: FID / precision / recall", "48.8 / 0.45 / 0.02"),
        Number("", "WGAN-GP", "4.5 / 0.71 / 0.55"),
        Number("", "OTM", "4.3 / 0.71 / 0.49"),
        Number("", "UOTM without cost", "19.7 / 0.80 / 0.13"),
        Number("", "UOTM (SP)", "2.7 / 0.78 / 0.62"),
        Number("", "UOTM (KL): FID", "2.9"),
    )
    live = "compare?preset=table-1"


class BestFID(Reference):
    """The FIDs of the abstract and of Tables 3 and 4."""

    name = "best-fid"
    title = "UOTM-SD has the best FID on CIFAR-10 and CelebA-HQ"
    paper = "choi"
    place = "abstract, Tables 3 and 4"
    claim = "UOTM-SD reaches FID 2.51 on CIFAR-10 and 5.99 on CelebA-HQ-256, better than UOTM and OTM."
    chart = Dots(
        "FID on CIFAR-10 (lower is better)",
        (
            Row("UOTM-SD, linear", reported=2.51),
            Row("UOTM-SD, cosine", reported=2.57),
            Row("UOTM-SD, step", reported=2.78),
            Row("UOTM", reported=2.97),
            Row("OTM", reported=4.15),
        ),
    )
    order = 20
    reason = "it takes NCSN++ on CIFAR-10 and on faces of 256 × 256 on several GPUs for days"
    numbers = (
        Number("", "CIFAR-10 FID: UOTM-SD, linear (also in the abstract)", "2.51"),
        Number("", "CelebA-HQ-256 FID: UOTM-SD (also in the abstract)", "5.99"),
        Number("", "CIFAR-10 FID: UOTM-SD cosine, step", "2.57, 2.78", "second hand"),
        Number("", "CIFAR-10 FID: UOTM, OTM", "2.97, 4.15", "second hand"),
        Number("", "CelebA-HQ-256 FID: UOTM (KL), UOTM (SP), OTM", "6.36, 6.31, 13.56", "second hand"),
    )


class MissingText(Reference):
    """Text missing from the available copy of the paper."""

    name = "appendices"
    title = "What the appendices hold"
    paper = "choi"
    place = "appendices C and D"
    claim = "Appendices hold proofs, a DCGAN backbone, the toys' settings and the exact step schedule."
    order = 40
    reason = "the copy of the paper used here ends in Section 3.2.2, and what is not known is not made up"
    numbers = (Number("", "iterations of the toys of Figure 1", "about 30 000 to 36 000", "inference"),)


class Caveats(Reference):
    """Footnote 1 and the introduction."""

    name = "open-questions"
    title = "What the authors leave open"
    paper = "choi"
    place = "Section 1, footnote 1"
    claim = "That T attains min c − v is necessary but not sufficient for an OT map; why OT maps make good generators is open."
    order = 30
    reason = "these are statements about theory; how far a trained map is from the exact plan can be seen on the page Compare"
    live = "compare?preset=table-1&view=exact"


class CodeTraps(Reference):
    """Differences between the authors' code and the paper."""

    name = "code-traps"
    title = "Where the authors' code differs from the paper"
    paper = "choi"
    place = "the authors' code"
    claim = "The code has no step schedule and no weight clipping, and 256 points of the 25 Gaussians raise an error."
    order = 50
    reason = "this was read in the authors' code, which is not part of otviz"
    numbers = (Number("", "batch 256 with 25 modes", "ValueError", "code"),)
