"""What is trained, as data: one table of objectives.

A loss is that of one member, mean over the batch, in the units of ``C · error + β · rate`` with
errors summed over pixels. Every objective is one function of the same ``Terms``; an autoencoder is
the sum without a rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.likelihoods import Likelihood
from vae_core.posteriors import Gaussian, log_density_of_pairs


@dataclass(frozen=True)
class Terms:
    """What a batch of k members gives an objective.

    Attributes
    ----------
    error
        The likelihood's error of each decoded latent, summed over pixels, ``[k, S, B]``.
    mean_error
        Its mean over draws and batch, ``[k]``.
    z, kl
        Latents ``[k, S, B, D]`` and analytic KL ``[k, B]`` in nats; a point and 0 where nothing is
        drawn.
    rate
        What of the KL is to be paid, mean over the batch, ``[k]``: the KL itself, or what free nats
        or a capacity leave of it.
    recon_weight, kl_weight
        C and β, the latter as the schedule has it at this step, ``[k]``.
    likelihood, pixels
        How errors become a reconstruction term, and P.
    """

    error: Tensor
    mean_error: Tensor
    posterior: Gaussian
    z: Tensor
    kl: Tensor
    rate: Tensor
    recon_weight: Tensor
    kl_weight: Tensor
    likelihood: Likelihood
    pixels: int

    @property
    def reconstruction(self) -> Tensor:
        """C · error, mean over draws and batch, ``[k]``."""
        return self.recon_weight * self.likelihood.reduce(self.mean_error, self.pixels)


def _reconstruct(terms: Terms) -> Tensor:
    return terms.reconstruction


def _elbo(terms: Terms) -> Tensor:
    return torch.addcmul(terms.reconstruction, terms.kl_weight, terms.rate)


def _regularised(terms: Terms) -> Tensor:
    # The decoder's weight decay, the other half of this regulariser, is added to all members at
    # once where the weights are.
    squares = terms.posterior.wide.mu.square().sum(-1)
    return terms.reconstruction + terms.kl_weight * 0.5 * squares.mean(-1)


def _importance_weighted(terms: Terms) -> Tensor:
    log_prior_over_posterior = terms.posterior.log_prior_over_posterior(terms.z)
    log_weights = (
        terms.kl_weight[:, None, None] * log_prior_over_posterior
        - terms.recon_weight[:, None, None] * terms.error
    )
    draws = log_weights.shape[1]
    return (math.log(draws) - torch.logsumexp(log_weights, dim=1)).mean(-1)


def _total_correlation(terms: Terms) -> Tensor:
    """Rate plus β − 1 times the total correlation of the batch, by minibatch-weighted sampling.

    The constants of the estimator, which depend on the size of the training set, have no gradient
    and are left out: q(z) is the mixture of the batch.
    """
    z = terms.z[:, 0]
    pairs = log_density_of_pairs(terms.posterior, z)
    joint = torch.logsumexp(pairs.sum(-1), dim=-1)
    marginals = torch.logsumexp(pairs, dim=-2).sum(-1)
    count, width = z.shape[-2:]
    total_correlation = (joint - marginals).mean(-1) + (width - 1) * math.log(count)
    return terms.reconstruction + terms.rate + (terms.kl_weight - 1) * total_correlation


@dataclass(frozen=True)
class Objective:
    """One row of the table.

    Attributes
    ----------
    loss
        ``Terms`` of k members to their losses ``[k]``.
    is_stochastic
        Whether a latent is drawn; otherwise q(z|x) is the encoder's mean.
    is_weighted_sum
        Whether the loss is C · error + β · rate, means over draws and batch, and no more.
    corrupts
        Whether the encoder sees images with Gaussian noise added.
    decays_decoder
        Whether the decoder's squared weights are part of the loss.
    """

    loss: Callable[[Terms], Tensor]
    is_stochastic: bool
    is_weighted_sum: bool = False
    corrupts: bool = False
    decays_decoder: bool = False


OBJECTIVES: dict[str, Objective] = {
    "ae": Objective(_reconstruct, is_stochastic=False, is_weighted_sum=True),
    # Vincent et al. 2008: reconstruct the clean image from a corrupted one.
    "denoising-ae": Objective(
        _reconstruct, is_stochastic=False, is_weighted_sum=True, corrupts=True
    ),
    # Ghosh et al. 2020, arXiv:1903.12436, RAE-L2: ½·β·‖z‖² and weight decay of the decoder.
    "rae-l2": Objective(_regularised, is_stochastic=False, decays_decoder=True),
    # Kingma & Welling 2014; with β, Higgins et al. 2017.
    "vae": Objective(_elbo, is_stochastic=True, is_weighted_sum=True),
    # Burda et al. 2016, arXiv:1509.00519, equation 8; β weighs log q(z|x)/p(z).
    "iwae": Objective(_importance_weighted, is_stochastic=True),
    # Chen et al. 2018, arXiv:1802.04942, equation 4 with α = γ = 1.
    "beta-tcvae": Objective(_total_correlation, is_stochastic=True),
}
"""Deterministic objectives first: members of a cohort stand in this order."""
