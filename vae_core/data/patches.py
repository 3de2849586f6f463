"""Patches of natural images: the two photographs that come with scikit-learn, in colour."""

from __future__ import annotations

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from vae_core.data.dataset import Dataset

PHOTOGRAPHS = ("china.jpg", "flower.jpg")
PATCH_SIDE = 16
STRIDE = 8

TRAIN_COLUMNS = 512
"""Of 640: patches left of this line train, patches right of it test, and none crosses it."""


def load() -> Dataset:
    """6,552 training and 1,560 test patches, ``[N, 3, 16, 16]``, without labels.

    Patches of one part overlap by half; those of different parts share no pixel.
    """
    photographs = [load_sample_image(name) for name in PHOTOGRAPHS]
    train = [_patches(photograph[:, :TRAIN_COLUMNS]) for photograph in photographs]
    test = [_patches(photograph[:, TRAIN_COLUMNS:]) for photograph in photographs]
    return Dataset(
        name="patches",
        levels=255,
        train_images=torch.from_numpy(np.concatenate(train)),
        train_labels=None,
        test_images=torch.from_numpy(np.concatenate(test)),
        test_labels=None,
    )


def _patches(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every patch on a regular grid over ``[H, W, 3]``, ``[N, 3, side, side]``, row by row."""
    windows = sliding_window_view(photograph, (PATCH_SIDE, PATCH_SIDE), axis=(0, 1))
    return windows[::STRIDE, ::STRIDE].reshape(-1, 3, PATCH_SIDE, PATCH_SIDE)
