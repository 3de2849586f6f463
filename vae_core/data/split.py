"""Choices of rows that are the same on every machine and in every run, with the class shares of the
whole where there are labels.
"""

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
    """Row numbers of ``size`` rows with the class shares of the whole, ascending.

    Any size from 1 to all rows; a larger choice holds every smaller one.
    """
    generator = np.random.default_rng(SPLIT_SEED)
    share_taken = np.empty(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        share_taken[generator.permutation(rows)] = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.sort(np.argsort(share_taken, kind="stable")[:size])


def fixed_subset(count: int, size: int, labels: NDArray[Any] | None) -> NDArray[np.int64]:
    """Row numbers of ``size`` of ``count`` rows, ascending: stratified where there are labels."""
    if size == count:
        return np.arange(count)
    return stratified_subset(np.zeros(count) if labels is None else labels, size)


def fixed_split(
    count: int, test_size: int, labels: NDArray[Any] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of a training and a test part of ``count`` rows, each ascending.

    Unlike ``stratified_split`` it takes classes of any size, and no labels at all.
    """
    test = fixed_subset(count, test_size, labels)
    return np.setdiff1d(np.arange(count), test), test
