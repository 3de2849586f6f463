"""What every peer trains: one network, one data set, one loss, one number of steps.

Peers differ in how they step, never in what. Initial weights come from the project's own function
of the seed, so all start from the same point; each shuffles and draws noise its own way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor, nn

from vae_core import Dataset, Structure, load_dataset
from vae_core.model import initial_networks

Networks = tuple[nn.Module, nn.Module]
"""Encoder ``[B, 1, 8, 8] → [B, 2·D]`` (means, log-variances) and decoder ``[B, D] → [B, 1, 8, 8]``
of one trained model."""


@dataclass(frozen=True)
class Task:
    """A Gaussian VAE on digits with the loss ``½·‖x − x̂‖² + β·KL``, mean over the batch, by Adam.

    The factor ½ is pythae's, who fixes it. The training images are a whole number of batches, so
    that an epoch is the same number of steps for those who drop a last part and those who keep it.
    """

    epochs: int
    device: str = "cpu"
    hidden: tuple[int, ...] = (128, 128)
    latent_dim: int = 16
    batch_size: int = 128
    train_size: int = 1_408
    learning_rate: float = 1e-3
    recon_weight: float = 0.5
    kl_weight: float = 0.05

    @property
    def steps(self) -> int:
        """Optimiser steps of one training."""
        return self.epochs * (self.train_size // self.batch_size)

    @property
    def decoder_variance(self) -> float:
        """σ² = β / (2C): with it, the negative loss is an ELBO up to scale and constants."""
        return self.kl_weight / (2 * self.recon_weight)

    @property
    def structure(self) -> Structure:
        """The networks, in this project's terms."""
        return Structure("mlp", self.hidden, (1, 8, 8), self.latent_dim, "gaussian")

    @property
    def dataset(self) -> Dataset:
        """Digits, cut to whole batches."""
        return _digits(self.train_size)

    @property
    def train_pixels(self) -> Tensor:
        """Training images as float32 ``[N, 1, 8, 8]`` in [0, 1], on the CPU."""
        return self.dataset.pixels(self.dataset.train_images)

    def networks(self, seed: int) -> Networks:
        """Encoder and decoder with the initial weights of ``seed``, on the CPU."""
        return initial_networks(self.structure, seed)


@lru_cache(maxsize=1)
def _digits(train_size: int) -> Dataset:
    return load_dataset("digits", train_size=train_size)
