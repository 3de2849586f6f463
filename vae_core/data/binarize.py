"""Grey images as probabilities of black and white ones: drawn once, or anew at each step.

Bernoulli likelihoods are densities of binary images; the published ones on MNIST train on images
drawn anew from the grey levels (Burda et al. 2016, section 5).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from kernels import philox_normal
from vae_core.data.dataset import Dataset
from vae_core.streams import BINARIZATION

MODES = ("none", "fixed", "dynamic")

TRAIN_SEED, TEST_SEED = 0, 1
"""Of images that are drawn once, whatever the seed of a run."""


def binarize(dataset: Dataset, mode: str) -> Dataset:
    """Draw the test images, and with ``fixed`` the training images too, as black and white.

    With ``dynamic`` the training images stay grey, to be drawn at each step.
    """
    if mode == "none":
        return dataset
    fixed = replace(dataset, test_images=_drawn(dataset, dataset.test_images, TEST_SEED))
    if mode == "dynamic":
        return fixed
    return replace(fixed, train_images=_drawn(dataset, dataset.train_images, TRAIN_SEED))


def draw_binary(x: Tensor, seeds: Tensor, step: int | Tensor) -> Tensor:
    """Draw images ``[K, B, C, H, W]`` in {0, 1} with the probabilities ``x``, same shape."""
    noise = philox_normal(x.shape, seeds, step, BINARIZATION, device=x.device)
    uniform: Tensor = torch.special.ndtr(noise)
    return (uniform < x).to(x.dtype)


def _drawn(dataset: Dataset, images: Tensor, seed: int) -> Tensor:
    probabilities = dataset.pixels(images).unsqueeze(0)
    binary = draw_binary(probabilities, torch.tensor([seed]), 0)[0]
    return (binary * dataset.levels).to(images.dtype)
