"""How a decoder's output is read and scored: one table of likelihoods p(x|z)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST_VARIANCE = 1e-6
"""Floor under a variance that is estimated, about (1/1000)²: far below one of 256 levels."""


@dataclass(frozen=True)
class Likelihood:
    """One row of the table.

    Attributes
    ----------
    mean
        Decoder output to mean image, same shape.
    error
        (decoder output, x), both ``[…, C, H, W]``, to the error of each image summed over its
        pixels, ``[…]``.
    kind
        What ``kernels.losses`` calls that error.
    reduce
        (mean error of a batch ``[…]``, P) to the trained term before it is weighed with C, ``[…]``.
    negative_log_likelihood
        (error, C, P) to −log p(x|z) in nats with all its constants, shape of error; P is the number
        of pixels.
    effective_decoder_variance
        (β, C) to the variance at which unit-weight KL is the same objective; None where there is
        none.
    is_calibrated
        Whether the variance is estimated from the errors; C of ``negative_log_likelihood`` is then
        1 / (2σ²).
    """

    mean: Callable[[Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]
    kind: str
    reduce: Callable[[Tensor, int], Tensor]
    negative_log_likelihood: Callable[[Tensor, float, int], Tensor]
    effective_decoder_variance: Callable[[float, float], float | None]
    is_calibrated: bool = False


def _over_pixels(per_pixel: Tensor) -> Tensor:
    return per_pixel.flatten(-3).sum(-1)


def _squared_error(output: Tensor, x: Tensor) -> Tensor:
    return _over_pixels(F.mse_loss(output, x, reduction="none"))


def _cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    return _over_pixels(F.binary_cross_entropy_with_logits(logits, x, reduction="none"))


def _itself(mean_error: Tensor, pixels: int) -> Tensor:
    return mean_error


def _at_best_variance(mean_error: Tensor, pixels: int) -> Tensor:
    """−log p(x|z) at the variance that is best for the batch, the mean squared error itself."""
    variance = (mean_error / pixels).clamp_min(SMALLEST_VARIANCE)
    return 0.5 * pixels * (torch.log(2 * math.pi * variance) + 1)


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
        kind="squared",
        reduce=_itself,
        negative_log_likelihood=_gaussian_nll,
        effective_decoder_variance=lambda kl_weight, recon_weight: kl_weight / (2 * recon_weight),
    ),
    # Rybkin et al. 2021, arXiv:2006.13202, equation 8 (optimal σ-VAE).
    "gaussian-calibrated": Likelihood(
        mean=lambda output: output,
        error=_squared_error,
        kind="squared",
        reduce=_at_best_variance,
        negative_log_likelihood=_gaussian_nll,
        effective_decoder_variance=lambda kl_weight, recon_weight: None,
        is_calibrated=True,
    ),
    "bernoulli": Likelihood(
        mean=torch.sigmoid,
        error=_cross_entropy,
        kind="cross-entropy",
        reduce=_itself,
        negative_log_likelihood=_bernoulli_nll,
        effective_decoder_variance=lambda kl_weight, recon_weight: None,
    ),
}
