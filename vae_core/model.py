"""An autoencoder: encoder, decoder, and how their outputs are read. One run or a stack of runs, the
same code.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kernels import philox_normal
from vae_core.likelihoods import LIKELIHOODS
from vae_core.posteriors import Gaussian
from vae_core.streams import PRIOR


class Autoencoder(nn.Module):
    """Encoder and decoder of one run, ready to use.

    Parameters
    ----------
    encoder
        ``[B, C, H, W] → [B, Q]``: the mean, the log-variances and, for a full covariance, what
        stands below the diagonal of its Cholesky factor (``vae_core.posteriors``).
    decoder
        ``[B, D] → [B, C, H, W]``.
    is_stochastic
        False for a deterministic autoencoder, whose code is the mean.
    likelihood
        A name of ``vae_core.likelihoods.LIKELIHOODS``.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        latent_dim: int,
        is_stochastic: bool,
        likelihood: str,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.latent_dim = latent_dim
        self.is_stochastic = is_stochastic
        self.likelihood = LIKELIHOODS[likelihood]

    def encode(self, x: Tensor) -> Gaussian:
        """Images ``[B, C, H, W]`` in [0, 1] to q(z|x): of a deterministic model a point, whose
        variances are 0.
        """
        posterior = Gaussian.of(self.encoder(x), self.latent_dim)
        if self.is_stochastic:
            return posterior
        return Gaussian(posterior.mu, torch.full_like(posterior.mu, -math.inf))

    def decode(self, z: Tensor) -> Tensor:
        """Latents ``[B, D]`` to mean images ``[B, C, H, W]``."""
        return self.likelihood.mean(self.decoder(z))

    def sample(self, count: int, *, seed: int = 0) -> Tensor:
        """Decode ``count`` draws from N(0, I): ``[count, C, H, W]``, the same for the same seed.

        An autoencoder can be asked too; that its answer is poor is what a comparison shows.
        """
        weight = next(self.decoder.parameters())
        z = philox_normal(
            (count, self.latent_dim), seed, 0, PRIOR, device=weight.device, dtype=weight.dtype
        )
        return self.decode(z)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct from the posterior mean: ``[B, C, H, W] → [B, C, H, W]``."""
        return self.decode(self.encode(x).mu)
