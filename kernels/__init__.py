"""The fused reparameterise-and-KL op, its noise, and the choice of implementation."""

from kernels.backend import BackendError, resolve_backend
from kernels.noise import philox_normal
from kernels.philox import philox_uint32
from kernels.reparameterize import reparameterize_kl

__all__ = [
    "BackendError",
    "philox_normal",
    "philox_uint32",
    "reparameterize_kl",
    "resolve_backend",
]
