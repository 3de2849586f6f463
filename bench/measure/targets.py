"""Which continuous numbers each image was made from, where that is known: targets of regression.

A data set's factors do not say whether they have an order; here stand those that do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vae_core import Dataset
from vae_core.data import linear_gaussian, sprites

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Targets:
    """Numbers of the training images ``[M, F]`` and of the test images ``[N, F]``."""

    train: Floats
    test: Floats


def regression_targets(dataset: Dataset) -> dict[str, Targets]:
    """Targets by the name that they are scored under; none where none are known."""
    source = SOURCES.get(dataset.name)
    return {} if source is None else source(dataset)


def _sprites(dataset: Dataset) -> dict[str, Targets]:
    """Position in pixels, scale, and orientation as its cosine and sine."""
    if dataset.factors is None:
        return {}
    train, test = (
        _sprite_numbers(part.numpy()) for part in (dataset.factors.train, dataset.factors.test)
    )
    return {name: Targets(train[name], test[name]) for name in train}


def _sprite_numbers(factors: NDArray[np.int64]) -> dict[str, Floats]:
    _, scale, orientation, x, y = factors.T
    radians = sprites.ORIENTATIONS[orientation]
    return {
        "position": np.column_stack([x, y]).astype(np.float64),
        "scale": sprites.SCALES[scale][:, np.newaxis],
        "orientation": np.column_stack([np.cos(radians), np.sin(radians)]),
    }


def _linear_gaussian(dataset: Dataset) -> dict[str, Targets]:
    """The latents z of the images W z + b + σ ε."""
    train = _latents(len(dataset.train_images), linear_gaussian.TRAIN_SEED)
    test = _latents(len(dataset.test_images), linear_gaussian.TEST_SEED)
    return {"latents": Targets(train, test)}


def _latents(count: int, seed: int) -> Floats:
    # The same draws without their noise are W z + b, which determines z.
    noiseless = replace(linear_gaussian.TRUTH, noise_scale=0.0)
    signal = noiseless.sample(count, seed) - noiseless.bias
    return np.asarray(np.linalg.lstsq(noiseless.weights, signal.T)[0].T, dtype=np.float64)


SOURCES: dict[str, Callable[[Dataset], dict[str, Targets]]] = {
    "sprites": _sprites,
    "linear-gaussian": _linear_gaussian,
}
