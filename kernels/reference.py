"""The specification of the fused op in plain PyTorch, differentiable by autograd.

It defines what every faster implementation must return, on any device, and knows none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from kernels.noise import normal_op

if TYPE_CHECKING:
    from torch import Tensor


def reparameterize_kl(
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    stream: int,
    samples: int | None,
    per_dimension: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return z, the KL of every row, and the mean KL of every latent dimension.

    Parameters
    ----------
    mu, logvar : floating tensors [..., B, D]
    seed : int64 tensor [...]
    step : 0-d int64 tensor
    stream : int
    samples : int or None
    per_dimension : bool
        Without it the third result is empty, [..., 0].

    Returns
    -------
    z : like mu, [..., B, D], or [..., S, B, D] with ``samples=S``
    kl : [..., B], nats, float32 (float64 for float64 input)
    kl_per_dimension : [..., D], mean over the batch, same dtype

    Notes
    -----
    z = mu + exp(logvar / 2) * eps (Kingma & Welling 2014, section 2.4) and
    KL = (mu**2 + exp(logvar) - 1 - logvar) / 2 summed over dimensions (their appendix B).
    ``expm1`` keeps the KL exact where it nearly vanishes.
    """
    compute_dtype = torch.promote_types(mu.dtype, torch.float32)
    mean, log_variance = mu.to(compute_dtype), logvar.to(compute_dtype)
    eps = posterior_noise(mu.shape, seed, step, stream, samples).to(compute_dtype)
    std = torch.exp(0.5 * log_variance)
    kl = 0.5 * (mean.square() + (torch.expm1(log_variance) - log_variance))
    if samples is not None:
        mean, std = mean.unsqueeze(-3), std.unsqueeze(-3)
    z = mean + std * eps
    kl_per_dimension = kl.mean(-2) if per_dimension else kl.new_empty((*kl.shape[:-2], 0))
    return z.to(mu.dtype), kl.sum(-1), kl_per_dimension


def posterior_noise(
    shape: torch.Size, seed: Tensor, step: Tensor, stream: int, samples: int | None
) -> Tensor:
    """Return float32 noise [..., B, D], or [..., S, B, D] with ``samples=S``.

    Every sample starts at a fresh Philox block: the blocks of sample s follow those of sample
    s - 1, so the first sample is the noise of ``samples=None``.
    """
    *runs, rows, latent_dim = shape
    count = rows * latent_dim
    if samples is None:
        return normal_op(seed, step, stream, count).view(shape)
    padded = -(-count // 4) * 4
    noise = normal_op(seed, step, stream, samples * padded).view(*runs, samples, padded)
    return noise[..., :count].reshape(*runs, samples, rows, latent_dim)
