"""Adam for a model whose tensors are few and large: all of them in one launch.

PyTorch's fused kernel gives one block 65,536 elements, so a small cohort keeps a tenth of a GPU
busy; here a block has ``TILE``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

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
        float32 and contiguous, on a GPU.
    epsilon
        Of the denominator.
    """

    def __init__(self, parameters: Iterable[Tensor], *, epsilon: float) -> None:
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(value) for value in self._parameters]
        self._squares = [torch.zeros_like(value) for value in self._parameters]
        self._epsilon = epsilon

    @torch.no_grad()
    def step(self, step: Tensor, learning_rate: Tensor) -> None:
        """Move every parameter that has a gradient.

        Parameters
        ----------
        step : int64 tensor, 0-d
            Steps made before this one.
        learning_rate : float32 tensor, 0-d
        """
        from kernels.triton_adam import adam_kernel  # Triton is not everywhere

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
            adam_kernel[(programs,)](
                parameters,
                gradients,
                means,
                squares,
                sizes,
                tuple(begins),
                step,
                learning_rate,
                EPSILON=self._epsilon,
                BETA_1=BETA_1,
                BETA_2=BETA_2,
                COUNT=len(chosen),
                TILE=TILE,
            )
