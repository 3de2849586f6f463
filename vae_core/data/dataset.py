"""What a data set is to the engine: images split once, what is known of them, and a hash of exactly
these bytes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from vae_core.data.split import fixed_subset


class DataError(ValueError):
    """A data set is missing, corrupt or too small; the message says which file and how to get
    it.
    """


@dataclass(frozen=True)
class Factors:
    """What each image was made from, where that is known: ``F`` discrete factors.

    Attributes
    ----------
    names, sizes
        ``F`` names, and the number of values each factor can take.
    train, test
        Index of each image's value, int64 ``[N, F]``.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    train: Tensor
    test: Tensor


@dataclass(frozen=True)
class Dataset:
    """Images with a fixed training and test split.

    Images are kept as integers in ``0 … levels`` (a quarter of the memory of float32), or as the
    float32 values they are, and read as float32 through :meth:`pixels`.

    Attributes
    ----------
    levels
        The integer that means 1.0; 1 where images are float32.
    train_images, test_images
        uint8 or float32 ``[N, C, H, W]``.
    train_labels, test_labels
        int64 ``[N]``; both None where there are none.
    factors
        None where they are not known.
    """

    name: str
    levels: int
    train_images: Tensor
    train_labels: Tensor | None
    test_images: Tensor
    test_labels: Tensor | None
    factors: Factors | None = None

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
        """SHA-256 of shapes, levels, images, labels and factors, 16 hex digits: names the data, not
        its file.
        """
        digest = hashlib.sha256(f"{self.levels}".encode())
        for part in self._parts():
            digest.update(b"none" if part is None else f"{tuple(part.shape)} {part.dtype}".encode())
            if part is not None:
                digest.update(part.cpu().flatten().numpy().data)
        return digest.hexdigest()[:16]

    def _parts(self) -> Iterator[Tensor | None]:
        yield from (self.train_images, self.train_labels, self.test_images, self.test_labels)
        if self.factors is not None:
            yield from (self.factors.train, self.factors.test)

    def pixels(self, images: Tensor) -> Tensor:
        """Read images (or a batch of them) as float32, same shape; integers come to [0, 1]."""
        if images.is_floating_point():
            return images.to(torch.float32)
        return images.to(torch.float32).div_(self.levels)

    @property
    def divisor(self) -> int:
        """What images are divided by to come to [0, 1]: 1 for numbers that are no integers."""
        return 1 if self.train_images.is_floating_point() else self.levels

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data with its tensors on ``device``."""
        factors = self.factors
        return replace(
            self,
            train_images=self.train_images.to(device),
            train_labels=None if self.train_labels is None else self.train_labels.to(device),
            test_images=self.test_images.to(device),
            test_labels=None if self.test_labels is None else self.test_labels.to(device),
            factors=factors
            and replace(factors, train=factors.train.to(device), test=factors.test.to(device)),
        )

    def subset(self, train_size: int | None, test_size: int | None) -> Dataset:
        """Keep a fixed part of either split, stratified where there are labels; None keeps it
        whole.

        Raises
        ------
        DataError
            When more images are asked for than there are, or fewer than classes.
        """
        whole_train, whole_test = (None, len(self.train_images)), (None, len(self.test_images))
        if train_size in whole_train and test_size in whole_test:
            return self  # not a copy: it may be half of what memory holds
        train = chosen_rows(
            self.name, "train", len(self.train_images), self.train_labels, train_size
        )
        test = chosen_rows(self.name, "test", len(self.test_images), self.test_labels, test_size)
        factors = self.factors
        return replace(
            self,
            train_images=self.train_images[train],
            train_labels=None if self.train_labels is None else self.train_labels[train],
            test_images=self.test_images[test],
            test_labels=None if self.test_labels is None else self.test_labels[test],
            factors=factors
            and replace(factors, train=factors.train[train], test=factors.test[test]),
        )


def chosen_rows(
    name: str, split: str, count: int, labels: Tensor | None, size: int | None
) -> Tensor:
    """Rows of a fixed part of ``size`` of ``count`` images, ascending; None takes all.

    Raises
    ------
    DataError
        When there are not as many, or the part is smaller than the number of classes.
    """
    if size is None or size == count:
        return torch.arange(count)
    if labels is None:
        classes, has = 1, f"{count} {split} images"
    else:
        classes = len(np.unique(labels.numpy()))
        has = f"{count} {split} images of {classes} classes"
    if not classes <= size < count:
        raise DataError(
            f"data.{split}_size: {size} is not allowed; {name} has {has}, so {classes} to "
            f"{count} is"
        )
    return torch.from_numpy(fixed_subset(count, size, None if labels is None else labels.numpy()))
