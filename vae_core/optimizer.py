"""Adam over the weights of all members: element by element, so members never meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.adam import StackedAdam
from kernels.backend import takes_triton


@dataclass(frozen=True)
class OptimizerSettings:
    """Of Adam beside its learning rate: ε of its denominator, and the epochs after which the
    learning rate is multiplied with ``decay``.
    """

    epsilon: float = 1e-8
    milestones: tuple[int, ...] = ()
    decay: float = 1.0

    def factor(self, epoch: int) -> float:
        """What the learning rate is multiplied with in an epoch, counted from 0."""
        return self.decay ** sum(milestone <= epoch for milestone in self.milestones)


PLAIN_ADAM = OptimizerSettings()


class Adam:
    """PyTorch's Adam, or where Triton runs one launch for all tensors.

    Parameters
    ----------
    parameters
        On ``device``.
    epsilon
        Of the denominator.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, epsilon: float, device: torch.device
    ) -> None:
        parameters = list(parameters)
        on_gpu = device.type == "cuda"
        # A recording of a step finds it in the device's memory.
        self._rate = torch.zeros((), device=device)
        self._stacked: StackedAdam | None = None
        self._torch: torch.optim.Adam | None = None
        if takes_triton(device) and all(value.dtype == torch.float32 for value in parameters):
            self._stacked = StackedAdam(parameters, epsilon=epsilon)
        else:
            self._torch = torch.optim.Adam(
                parameters,
                lr=self._rate if on_gpu else 0.0,
                eps=epsilon,
                fused=True,
                capturable=on_gpu,
            )

    def set_learning_rate(self, rate: float) -> None:
        """Step by this rate from now on."""
        self._rate.fill_(rate)
        if self._torch is not None and not self._rate.is_cuda:
            self._torch.param_groups[0]["lr"] = rate

    def step(self, step: Tensor) -> None:
        """Move every parameter that has a gradient, as step ``step``, a 0-d int64 tensor from 0."""
        if self._stacked is not None:
            self._stacked.step(step, self._rate)
        elif self._torch is not None:
            self._torch.step()
