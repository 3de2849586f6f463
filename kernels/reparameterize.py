"""The public op: draws z from a diagonal Gaussian posterior and returns its KL, in one pass.

Checks its arguments, chooses an implementation, and computes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import torch

from kernels import reference
from kernels.arguments import check_moments, check_samples, require_int, seed_per_run, step_scalar
from kernels.backend import BackendError, resolve_backend
from kernels.ops import fused_op

if TYPE_CHECKING:
    from torch import Tensor


@overload
def reparameterize_kl(
    mu: Tensor,
    logvar: Tensor,
    *,
    seed: int | Tensor,
    step: int | Tensor,
    stream: int = 0,
    samples: int | None = None,
    per_dimension: Literal[False] = False,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]: ...


@overload
def reparameterize_kl(
    mu: Tensor,
    logvar: Tensor,
    *,
    seed: int | Tensor,
    step: int | Tensor,
    stream: int = 0,
    samples: int | None = None,
    per_dimension: Literal[True],
    backend: str = "auto",
) -> tuple[Tensor, Tensor, Tensor]: ...


def reparameterize_kl(
    mu: Tensor,
    logvar: Tensor,
    *,
    seed: int | Tensor,
    step: int | Tensor,
    stream: int = 0,
    samples: int | None = None,
    per_dimension: bool = False,
    backend: str = "auto",
) -> tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor]:
    """Return z = mu + exp(logvar / 2) * eps and KL(N(mu, exp(logvar)) || N(0, I)).

    Parameters
    ----------
    mu, logvar : tensors [..., B, D]
        Equal shape, device and dtype: float32, bfloat16 or float16 (arithmetic in float32), or
        float64 (reference only). Leading axes are stacked runs.
    seed : int or int64 tensor [...]
        One seed per stacked run; an int gives every run the same noise.
    step : int or 0-d int64 tensor
        Modulo 2**32. A tensor, like a seed tensor, keeps one compiled graph and may change
        between replays of a CUDA graph.
    stream : int
        Modulo 2**32; separates independent uses of noise within a step.
    samples : int, optional
        Draw S samples per input; mu and logvar are still read once.
    per_dimension : bool
        Also return the KL of every latent dimension.
    backend : {"auto", "reference", "triton"}

    Returns
    -------
    z : like mu, [..., B, D], or [..., S, B, D] with ``samples=S``
    kl : float32 [..., B], nats (float64 for float64 input)
    kl_per_dimension : float32 [..., D], nats, mean over the batch; only with ``per_dimension``

    Raises
    ------
    TypeError, ValueError
        When an argument has another type, dtype, shape or device.
    BackendError
        When ``backend`` cannot run here, or Triton was asked for and the input is float64.

    Notes
    -----
    The noise is that of ``philox_normal``; a NaN or infinite logvar stays in its own row.
    """
    check_moments(mu, logvar)
    check_samples(samples)
    require_int("stream", stream)
    chosen = resolve_backend(backend, mu.device)
    if mu.dtype == torch.float64 and chosen == "triton":
        if backend != "auto":
            raise BackendError("backend 'triton' computes in float32; use 'reference' for float64")
        chosen = "reference"
    compute = fused_op if chosen == "triton" else reference.reparameterize_kl
    z, kl, kl_per_dimension = compute(
        mu,
        logvar,
        seed_per_run(seed, mu.shape[:-2], mu.device),
        step_scalar(step, mu.device),
        stream & 0xFFFFFFFF,
        samples,
        per_dimension,
    )
    return (z, kl, kl_per_dimension) if per_dimension else (z, kl)
