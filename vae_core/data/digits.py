"""scikit-learn's embedded handwritten digits: 1,797 real images of 8×8 pixels in 17 grey levels."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits

from vae_core.data.dataset import Dataset
from vae_core.data.split import stratified_split

TEST_SIZE = 360


def load() -> Dataset:
    """1,437 training and 360 test images, ``[N, 1, 8, 8]`` (Alpaydin & Kaynak 1998, UCI, test
    part).
    """
    bunch = load_digits()
    images = torch.from_numpy(bunch.images.astype("uint8")).unsqueeze(1)
    labels = torch.from_numpy(bunch.target.astype("int64"))
    train, test = (torch.from_numpy(rows) for rows in stratified_split(bunch.target, TEST_SIZE))
    return Dataset(
        name="digits",
        levels=16,
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
    )
