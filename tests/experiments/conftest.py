"""What tests of claims on images share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from otviz.data.datasets.mnist import Mnist


@pytest.fixture
def digits(home: Path) -> None:
    """Scikit-learn's digits, which are also 8 x 8, in place of the cached MNIST at 8 x 8."""
    found = load_digits()
    pixels = np.rint(found.images * 255 / 16).astype(np.uint8)[:, None]
    for split, count in zip(("train", "test"), Mnist.sizes, strict=True):
        places = np.arange(count) % len(pixels)
        path = home / "data" / "mnist8" / f"{split}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = found.target[places].astype(np.uint8)
        np.savez(path, pixels=pixels[places], labels=labels, source=np.array(Mnist.sums[split]))
