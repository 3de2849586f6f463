"""Adam for a model whose tensors are few and large: all of them in one launch.

PyTorch's fused kernel gives one block 65,536 elements, so a small cohort keeps a tenth of a GPU
busy; here a block has ``TILE``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from kernels.launch import on_device_of

if TYPE_CHECKING:
    from torch import Tensor

BETA_1, BETA_2 = 0.9, 0.999
TILE = 1024
TENSORS_A_LAUNCH = 32
"""A launch's arguments are compiled in and have a size limit; deeper models take several."""


class StackedAdam:
    """Adam (Kingma & Ba 2015, algorithm 1) with its usual β₁ = 0.9 and β₂ = 0.999.

    Parameters
    ----------
    parameters
        One or more, float32 and contiguous, on one device.
    epsilon
        Of the denominator.

    Raises
    ------
    ValueError
        When a parameter is not float32 or not contiguous.
    """

    def __init__(self, parameters: Iterable[Tensor], *, epsilon: float) -> None:
        self._parameters = list(parameters)
        if not all(map(takes, self._parameters)):
            raise ValueError("parameters: float32 and contiguous ones are needed")
        self._means = [torch.zeros_like(value) for value in self._parameters]
        self._squares = [torch.zeros_like(value) for value in self._parameters]
        self._epsilon = epsilon
        # On the device, so that a recorded step counts itself.
        self._steps = torch.zeros((), dtype=torch.int64, device=self._parameters[0].device)

    @torch.no_grad()
    def step(self, learning_rate: Tensor) -> None:
        """Move every parameter that has a gradient by a rate, a 0-d float32 tensor."""
        from kernels.triton_adam import adam_kernel  # Triton is not everywhere

        self._steps.add_(1)
        moved = [
            (value, value.grad.contiguous(), mean, square)
            for value, mean, square in zip(
                self._parameters, self._means, self._squares, strict=True
            )
            if value.grad is not None
        ]
        for start in range(0, len(moved), TENSORS_A_LAUNCH):
            chosen = moved[start : start + TENSORS_A_LAUNCH]
            sizes = tuple(value.numel() for value, *_ in chosen)
            begins, programs = [], 0
            for size in sizes:
                begins.append(programs)
                programs += -(-size // TILE)
            parameters, gradients, means, squares = zip(*chosen, strict=True)
            with on_device_of(learning_rate):
                adam_kernel[(programs,)](
                    parameters,
                    gradients,
                    means,
                    squares,
                    sizes,
                    tuple(begins),
                    self._steps,
                    learning_rate,
                    EPSILON=self._epsilon,
                    BETA_1=BETA_1,
                    BETA_2=BETA_2,
                    COUNT=len(chosen),
                    TILE=TILE,
                )
            # as PyTorch's own in-place operations do, for a graph that saved them to notice
            torch.autograd.graph.increment_version(parameters)


def takes(parameter: Tensor) -> bool:
    """Return whether ``StackedAdam`` moves a parameter like this one."""
    return parameter.dtype == torch.float32 and parameter.is_contiguous()
