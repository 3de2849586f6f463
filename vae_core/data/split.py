"""Stratified choices that are the same on every machine and in every run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

SPLIT_SEED = 0
"""One split for everybody: a sweep's seeds vary the training, never the data."""


def stratified_split(
    labels: NDArray[Any], test_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of a training and a test part with equal class shares, each ascending."""
    train, test = train_test_split(
        np.arange(len(labels)), test_size=test_size, random_state=SPLIT_SEED, stratify=labels
    )
    return np.sort(train), np.sort(test)


def stratified_subset(labels: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Row numbers of ``size`` rows with the class shares of the whole, ascending."""
    return stratified_split(labels, size)[1]
