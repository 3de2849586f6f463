"""Checks at the edge of the package: what was given, under which name, and what is allowed.

Knows the shapes and dtypes of the public functions, and nothing of how they compute.
"""

from __future__ import annotations

import torch
from torch import Tensor

FLOATING_DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def as_int64_tensor(name: str, value: int | Tensor, device: torch.device) -> Tensor:
    """Return ``value`` as an int64 tensor on ``device``; an int wraps to 64 bits.

    Raises
    ------
    TypeError, ValueError
        When a tensor has another dtype or lies on another device: it is never moved silently,
        because that would synchronise the device.
    """
    if isinstance(value, Tensor):
        if value.dtype != torch.int64:
            raise TypeError(f"{name} must be an int or an int64 tensor, got {describe(value)}")
        if value.device != device:
            raise ValueError(f"{name} must be on {device}, got a tensor on {value.device}")
        return value
    require_int(name, value, "an int or an int64 tensor")
    return torch.full((), wrap_int64(value), dtype=torch.int64, device=device)


def require_int(name: str, value: object, allowed: str = "an int") -> None:
    """Raise TypeError unless ``value`` is an integer and not a bool."""
    if isinstance(value, bool) or not isinstance(value, int | torch.SymInt):
        raise TypeError(f"{name} must be {allowed}, got {describe(value)}")


def wrap_int64(value: int) -> int:
    """Return the signed 64-bit integer with the low 64 bits of ``value``."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return value


def describe(value: object) -> str:
    """Return how an error message names ``value``."""
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor of shape {list(value.shape)}"
    return f"{type(value).__name__} {value!r}"


def check_moments(mu: Tensor, logvar: Tensor) -> None:
    """Check the two inputs of ``reparameterize_kl``, each ``[..., B, D]``.

    Raises
    ------
    TypeError, ValueError
        Naming the argument and what is allowed.
    """
    for name, value in (("mu", mu), ("logvar", logvar)):
        if not isinstance(value, Tensor) or value.dtype not in FLOATING_DTYPES:
            allowed = ", ".join(str(dtype).removeprefix("torch.") for dtype in FLOATING_DTYPES)
            raise TypeError(f"{name} must be a tensor of dtype {allowed}, got {describe(value)}")
    if mu.dim() < 2:
        raise ValueError(f"mu must have shape [..., B, D], got {list(mu.shape)}")
    if logvar.shape != mu.shape:
        raise ValueError(
            f"logvar must have the shape of mu {list(mu.shape)}, got {list(logvar.shape)}"
        )
    if logvar.dtype != mu.dtype:
        raise TypeError(f"logvar must have the dtype of mu {mu.dtype}, got {logvar.dtype}")
    if logvar.device != mu.device:
        raise ValueError(f"logvar must be on the device of mu {mu.device}, got {logvar.device}")
    if mu.shape[-1] == 0:
        raise ValueError(f"mu must have at least one latent dimension, got {list(mu.shape)}")


def check_samples(samples: int | None) -> None:
    """Raise unless ``samples`` is None or a positive int."""
    if samples is None:
        return
    require_int("samples", samples, "None or a positive int")
    if samples < 1:
        raise ValueError(f"samples must be None or a positive int, got {samples}")


def seed_per_run(seed: int | Tensor, runs: torch.Size, device: torch.device) -> Tensor:
    """Return one int64 seed per stacked run, of shape ``runs``; an int serves every run."""
    tensor = as_int64_tensor("seed", seed, device)
    if not isinstance(seed, Tensor):
        return tensor.expand(runs)
    if tensor.shape != runs:
        raise ValueError(
            f"seed must be an int or have the shape of mu without its last two axes "
            f"{list(runs)}, got {list(tensor.shape)}"
        )
    return tensor


def step_scalar(step: int | Tensor, device: torch.device) -> Tensor:
    """Return the step as a 0-d int64 tensor on ``device``."""
    tensor = as_int64_tensor("step", step, device)
    if tensor.dim():
        raise ValueError(f"step must be an int or a 0-d int64 tensor, got {describe(tensor)}")
    return tensor
