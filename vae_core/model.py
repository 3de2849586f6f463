"""An autoencoder: encoder, decoder, and how their outputs are read. One run or a stack of runs, the
same code.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from kernels import philox_normal
from vae_core.objectives import LIKELIHOODS
from vae_core.streams import PRIOR


@dataclass(frozen=True)
class Posterior:
    """q(z|x) of a batch: ``mu`` and ``logvar`` are ``[…, B, D]``; ``logvar`` is None where q is a
    point.
    """

    mu: Tensor
    logvar: Tensor | None


class Autoencoder(nn.Module):
    """Encoder and decoder of one run, ready to use.

    Parameters
    ----------
    encoder
        ``[B, C, H, W] → [B, 2·D]``, the mean and then the log-variance of each latent dimension.
    decoder
        ``[B, D] → [B, C, H, W]``.
    is_stochastic
        False for a deterministic autoencoder, which ignores the log-variances.
    likelihood
        A name of ``vae_core.objectives.LIKELIHOODS``.
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

    def encode(self, x: Tensor) -> Posterior:
        """Images ``[B, C, H, W]`` in [0, 1] to their posterior."""
        mu, logvar = split_parameters(self.encoder(x))
        return Posterior(mu, logvar if self.is_stochastic else None)

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


def split_parameters(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, ``[…, D]`` each, of an encoder's output ``[…, 2·D]``."""
    mu, logvar = parameters.chunk(2, dim=-1)
    return mu, logvar
