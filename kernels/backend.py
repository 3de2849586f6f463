"""Which implementation runs where; an explicit choice that cannot be met is refused.

Knows nothing of what the implementations compute.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BACKENDS = ("auto", "reference", "triton")
TRITON_INSTALLED = importlib.util.find_spec("triton") is not None
TRITON_INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in {"1", "true", "on"}
"""Whether Triton runs its kernels in its interpreter, which it decides once per process."""


class BackendError(ValueError):
    """The requested backend is unknown or cannot run on the device."""


def takes_triton(device: torch.device) -> bool:
    """Return whether Triton kernels can run on tensors of ``device`` in this process."""
    return TRITON_INSTALLED and (
        device.type == "cuda" or (device.type == "cpu" and TRITON_INTERPRETED)
    )


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
        return "triton" if device.type == "cuda" and TRITON_INSTALLED else "reference"
    if not TRITON_INSTALLED:
        raise BackendError("backend 'triton' needs the triton package, which is not installed")
    if takes_triton(device):
        return "triton"
    raise BackendError(
        f"backend 'triton' cannot run on device '{device}': it needs a CUDA device, or a CPU with "
        f"TRITON_INTERPRET=1 set before Python starts; use 'reference' or 'auto'"
    )
