"""What is trained, as data: one table of objectives, one of likelihoods.

The trained loss of a run, per sample and summed over pixels, is ``C · error(x, x̂) + β · KL(q(z|x)
‖ N(0, I))``.
An autoencoder is the same sum with a point for q and without the KL.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Objective:
    """One row of the table.

    Attributes
    ----------
    posterior
        ``point``: q(z|x) is the encoder's mean; ``diagonal``: a Gaussian with a variance for each
        dimension.
    """

    posterior: str

    @property
    def is_stochastic(self) -> bool:
        """Whether a latent is drawn, so that the loss has a rate and the KL weight a meaning."""
        return self.posterior != "point"


OBJECTIVES: dict[str, Objective] = {
    "ae": Objective(posterior="point"),
    "vae": Objective(posterior="diagonal"),
}


@dataclass(frozen=True)
class Likelihood:
    """How a decoder's output is read and scored.

    Attributes
    ----------
    mean
        Decoder output to mean image, same shape.
    error
        (decoder output, x), both ``[…, C, H, W]``, to the error of each image summed over its
        pixels, ``[…]``.
    negative_log_likelihood
        (error, C, P) to −log p(x|z) in nats with all its constants, shape of error; P is the number
        of pixels.
    effective_decoder_variance
        (β, C) to the variance at which unit-weight KL is the same objective; None where there is
        none.
    """

    mean: Callable[[Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]
    negative_log_likelihood: Callable[[Tensor, float, int], Tensor]
    effective_decoder_variance: Callable[[float, float], float | None]


def _over_pixels(per_pixel: Tensor) -> Tensor:
    return per_pixel.flatten(-3).sum(-1)


def _squared_error(output: Tensor, x: Tensor) -> Tensor:
    return _over_pixels((output - x).square())


def _cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    return _over_pixels(F.binary_cross_entropy_with_logits(logits, x, reduction="none"))


def _gaussian_nll(error: Tensor, recon_weight: float, pixels: int) -> Tensor:
    # C is 1 / (2σ²), so −log N(x; x̂, σ²I) = C·‖x − x̂‖² + P/2 · log(2πσ²) with 2πσ² = π / C.
    return recon_weight * error + 0.5 * pixels * math.log(math.pi / recon_weight)


def _bernoulli_nll(error: Tensor, recon_weight: float, pixels: int) -> Tensor:
    # The cross-entropy is −log p(x|z) itself; C weighs it in the loss and does not change the
    # model.
    return error


LIKELIHOODS: dict[str, Likelihood] = {
    "gaussian": Likelihood(
        mean=lambda output: output,
        error=_squared_error,
        negative_log_likelihood=_gaussian_nll,
        effective_decoder_variance=lambda kl_weight, recon_weight: kl_weight / (2 * recon_weight),
    ),
    "bernoulli": Likelihood(
        mean=torch.sigmoid,
        error=_cross_entropy,
        negative_log_likelihood=_bernoulli_nll,
        effective_decoder_variance=lambda kl_weight, recon_weight: None,
    ),
}
