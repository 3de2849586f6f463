"""Which implementation runs where; an explicit choice that cannot be met is refused.

Knows nothing of what the implementations compute.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BACKENDS = ("auto", "reference", "triton")


class BackendError(ValueError):
    """The requested backend is unknown or cannot run on the device."""


def resolve_backend(requested: str, device: torch.device) -> str:
    """Return the backend that will run: ``"reference"`` or ``"triton"``.

    Parameters
    ----------
    requested : {"auto", "reference", "triton"}
        ``auto`` takes Triton on a CUDA device where Triton is installed, else the reference.
    device : torch.device

    Raises
    ------
    BackendError
        When ``requested`` is unknown, or Triton was asked for and cannot run on ``device``.
    """
    if requested not in BACKENDS:
        raise BackendError(f"backend must be one of {', '.join(BACKENDS)}, got {requested!r}")
    if requested == "reference":
        return "reference"
    if requested == "auto":
        return "triton" if device.type == "cuda" and triton_installed() else "reference"
    if not triton_installed():
        raise BackendError("backend 'triton' needs the triton package, which is not installed")
    if device.type == "cuda" or (device.type == "cpu" and triton_interpreted()):
        return "triton"
    raise BackendError(
        f"backend 'triton' cannot run on device '{device}': it needs a CUDA device, or a CPU with "
        f"TRITON_INTERPRET=1 set before Python starts; use 'reference' or 'auto'"
    )


@functools.cache
def triton_installed() -> bool:
    """Return whether the triton package can be imported."""
    return importlib.util.find_spec("triton") is not None


@functools.cache
def triton_interpreted() -> bool:
    """Return whether Triton kernels run in its interpreter, decided once per process."""
    return os.environ.get("TRITON_INTERPRET", "0").lower() in {"1", "true", "on", "yes", "y"}
