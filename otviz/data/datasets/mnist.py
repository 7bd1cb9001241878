"""MNIST and Fashion-MNIST: 28 x 28 grey images of ten classes, in IDX files of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from otviz.data.datasets.download import RemoteFile
from otviz.data.datasets.idx import read_idx
from otviz.data.datasets.image_set import Images, Split
from otviz.data.datasets.published import Published, Sums
from otviz.data.datasets.rows import Shape

_MNIST = ("https://storage.googleapis.com/cvdf-datasets/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist")
_FASHION = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
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


def _at(folders: tuple[str, ...], name: str, size: int, sha256: str) -> RemoteFile:
    return RemoteFile(name, size, sha256, tuple(f"{folder}/{name}" for folder in folders))


@dataclass(frozen=True)
class Mnist(_IdxSet):
    """Handwritten digits, white on black (LeCun et al. 1998)."""

    name: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    licence: ClassVar[str] = "CC BY-SA 3.0 (Y. LeCun, C. Cortes)"
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")

    folder: ClassVar[str] = "mnist"
    remote: ClassVar[tuple[RemoteFile, ...]] = (
        _at(
            _MNIST,
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        _at(
            _MNIST,
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        _at(
            _MNIST,
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        _at(
            _MNIST,
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    )
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
    remote: ClassVar[tuple[RemoteFile, ...]] = (
        _at(
            _FASHION,
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _at(
            _FASHION,
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        _at(
            _FASHION,
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        _at(
            _FASHION,
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    )
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
