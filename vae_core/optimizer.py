"""Adam over the weights of all members: element by element, so members never meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from kernels.adam import StackedAdam, takes


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
    """PyTorch's Adam, or one launch for all tensors.

    Parameters
    ----------
    parameters
        On ``device``.
    epsilon
        Of the denominator.
    by_kernels
        Whether Triton moves them; float32 and contiguous ones only.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        epsilon: float,
        device: torch.device,
        by_kernels: bool = False,
    ) -> None:
        parameters = list(parameters)
        # A recording of a step finds it in the device's memory.
        self._rate = torch.zeros((), device=device)
        if by_kernels and all(map(takes, parameters)):
            stacked = StackedAdam(parameters, epsilon=epsilon)
            self._move: Callable[[], object] = partial(stacked.step, self._rate)
            self._groups: list[dict[str, Any]] = []
            return
        on_gpu = device.type == "cuda"
        plain = torch.optim.Adam(
            parameters,
            lr=self._rate if on_gpu else 0.0,
            eps=epsilon,
            fused=True,
            capturable=on_gpu,
        )
        self._groups = [] if on_gpu else plain.param_groups
        self._move = plain.step

    def set_learning_rate(self, rate: float) -> None:
        """Step by this rate from now on."""
        self._rate.fill_(rate)
        for group in self._groups:
            group["lr"] = rate

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self._move()
