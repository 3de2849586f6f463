"""The autoencoder of one run: what its networks are, and how their outputs are read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kernels import philox_normal
from vae_core.likelihoods import LIKELIHOODS
from vae_core.networks import Factory, build_networks, resolve_factory
from vae_core.objectives import OBJECTIVES
from vae_core.posteriors import PARAMETERS, Gaussian
from vae_core.streams import PRIOR


@dataclass(frozen=True)
class Structure:
    """What the networks of a run are. ``image_shape`` is (C, H, W); ``hidden`` are layer widths or
    channel counts; ``posterior`` is the form of covariance that the encoder gives.
    """

    architecture: str
    hidden: tuple[int, ...]
    image_shape: tuple[int, ...]
    latent_dim: int
    likelihood: str
    posterior: str = "diagonal"


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


def initial_networks(
    structure: Structure, seed: int, factory: Factory | None = None
) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder with the initial weights of ``seed``, by the structure's own factory
    unless one is given.

    Every objective gets the same parameters (a deterministic one leaves the covariance unused), so
    that an autoencoder and a variational one of the same seed start from the same weights.

    Raises
    ------
    ArchitectureError
        As ``resolve_factory`` and ``build_networks``.
    """
    return build_networks(
        factory or resolve_factory(structure.architecture),
        image_shape=structure.image_shape,
        latent_dim=structure.latent_dim,
        posterior_parameters=PARAMETERS[structure.posterior](structure.latent_dim),
        hidden=structure.hidden,
        seed=seed,
    )


def autoencoder(
    structure: Structure, objective: str, encoder: nn.Module, decoder: nn.Module
) -> Autoencoder:
    """Return the model of one run around its two networks."""
    return Autoencoder(
        encoder,
        decoder,
        latent_dim=structure.latent_dim,
        is_stochastic=OBJECTIVES[objective].is_stochastic,
        likelihood=structure.likelihood,
    )
