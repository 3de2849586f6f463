"""What a data set is to the engine: images split once, their labels, and a hash of exactly these
bytes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from vae_core.data.split import stratified_subset


class DataError(ValueError):
    """A data set is missing, corrupt or too small; the message says which file and how to get
    it.
    """


@dataclass(frozen=True)
class Dataset:
    """Images with a fixed training and test split.

    Images are kept as integers in ``0 … levels`` (a quarter of the memory of float32) and read as
    float32 in [0, 1] through :meth:`pixels`.

    Attributes
    ----------
    train_images, test_images
        uint8 ``[N, C, H, W]``.
    train_labels, test_labels
        int64 ``[N]``.
    levels
        The integer that means 1.0.
    """

    name: str
    levels: int
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(C, H, W)."""
        return tuple(self.train_images.shape[1:])

    @property
    def pixels_per_image(self) -> int:
        """P, the number of values in one image."""
        return math.prod(self.image_shape)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of shapes, levels, images and labels, 16 hex digits: names the data, not its
        file.
        """
        digest = hashlib.sha256(f"{self.levels}".encode())
        for part in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(f"{tuple(part.shape)} {part.dtype}".encode())
            digest.update(part.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def pixels(self, images: Tensor) -> Tensor:
        """Read integer images (or a batch of them) as float32 in [0, 1], same shape."""
        return images.to(torch.float32).div_(self.levels)

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data with its tensors on ``device``."""
        return replace(
            self,
            train_images=self.train_images.to(device),
            train_labels=self.train_labels.to(device),
            test_images=self.test_images.to(device),
            test_labels=self.test_labels.to(device),
        )

    def subset(self, train_size: int | None, test_size: int | None) -> Dataset:
        """Keep a fixed stratified part of either split; None keeps it whole.

        Raises
        ------
        DataError
            When more images are asked for than there are.
        """
        train = _chosen(self.name, "train", self.train_labels, train_size)
        test = _chosen(self.name, "test", self.test_labels, test_size)
        return replace(
            self,
            train_images=self.train_images[train],
            train_labels=self.train_labels[train],
            test_images=self.test_images[test],
            test_labels=self.test_labels[test],
        )


def _chosen(name: str, split: str, labels: Tensor, size: int | None) -> Tensor:
    if size is None or size == len(labels):
        return torch.arange(len(labels))
    classes = len(np.unique(labels.numpy()))
    if not classes <= size < len(labels):
        raise DataError(
            f"data.{split}_size: {size} is not allowed; {name} has {len(labels)} {split} images of "
            f"{classes} classes, so {classes} to {len(labels)} is"
        )
    return torch.from_numpy(stratified_subset(labels.numpy(), size))
