"""MNIST and Fashion-MNIST: 28 x 28 grey images of ten classes, in IDX files of the same name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from otviz.data.datasets.idx import read_idx, write_idx
from otviz.data.datasets.image_set import Images, Split
from otviz.data.datasets.published import Published, Sums
from otviz.data.datasets.rows import Shape

_PREFIX: Mapping[Split, str] = {"train": "train", "test": "t10k"}


@dataclass(frozen=True)
class _IdxSet(Published):
    image: ClassVar[Shape] = (1, 28, 28)
    sizes: ClassVar[tuple[int, int]] = (60_000, 10_000)

    def files(self, which: Split) -> tuple[str, ...]:
        return (f"{_PREFIX[which]}-images-idx3-ubyte.gz", f"{_PREFIX[which]}-labels-idx1-ubyte.gz")

    def decode(self, place: Path, which: Split) -> Images:
        count = self.sizes[0] if which == "train" else self.sizes[1]
        images, labels = self.files(which)
        pixels = read_idx(place / images, (count, *self.image[1:]))
        return Images(pixels[:, None], read_idx(place / labels, (count,)).astype(np.int64))

    def encode(self, train: Images, test: Images) -> Iterator[tuple[str, bytes]]:
        splits: Mapping[Split, Images] = {"train": train, "test": test}
        for which, images in splits.items():
            names = self.files(which)
            yield names[0], write_idx(images.pixels[:, 0])
            yield names[1], write_idx(images.labels.astype(np.uint8))


@dataclass(frozen=True)
class Mnist(_IdxSet):
    """Handwritten digits, white on black (LeCun et al. 1998)."""

    name: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    licence: ClassVar[str] = "CC BY-SA 3.0 (Y. LeCun, C. Cortes)"
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")

    folder: ClassVar[str] = "mnist"
    openml: ClassVar[int] = 554
    sums: ClassVar[Mapping[Split, Sums]] = {
        "train": Sums(
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        ),
        "test": Sums(
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
    }


@dataclass(frozen=True)
class FashionMnist(_IdxSet):
    """Articles of clothing from Zalando's catalogue (Xiao et al. 2017)."""

    name: ClassVar[str] = "fashion-mnist"
    title: ClassVar[str] = "Fashion-MNIST"
    licence: ClassVar[str] = "MIT, Copyright (c) 2017 Zalando SE"
    class_names: ClassVar[tuple[str, ...]] = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip

    folder: ClassVar[str] = "fashion-mnist"
    openml: ClassVar[int] = 40996
    sums: ClassVar[Mapping[Split, Sums]] = {
        "train": Sums(
            "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        ),
        "test": Sums(
            "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
    }
