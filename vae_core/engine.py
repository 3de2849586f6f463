"""How a step's losses are computed: as written, or compiled by ``torch.compile``.

Compiling saves part of a step and costs seconds, so nothing here does it unasked. What cannot be
compiled whole is refused: an engine that was asked for never gives way to another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor

from vae_core.cohort import Losses, StackedAutoencoders

ENGINES = ("eager", "compiled")

MAX_PROGRAMS = 1_024
"""Programs one function may be compiled to in a process: every structure of a sweep is one."""

Function = TypeVar("Function", bound=Callable[..., object])


class LossFunction(Protocol):
    """``StackedAutoencoders.losses``, by whatever engine."""

    def __call__(self, x: Tensor, *, step: int, stream: int, backend: str) -> Losses:
        """Losses of one batch ``[K, B, C, H, W]``."""
        ...


def loss_function(model: StackedAutoencoders, engine: str) -> LossFunction:
    """Return the model's losses as computed by ``engine``; ``compiled`` compiles at its first call.

    Raises
    ------
    ValueError
        When ``engine`` is unknown.
    """
    if engine == "eager":
        return model.losses
    if engine != "compiled":
        raise ValueError(f"engine: {engine!r} is unknown; {', '.join(ENGINES)} are allowed")
    compiled = compile_whole(model.losses)

    def losses(x: Tensor, *, step: int, stream: int, backend: str) -> Losses:
        # A number would be part of the program, which would be compiled anew at each step.
        return compiled(x, step=torch.tensor(step), stream=stream, backend=backend)

    return losses


def compile_whole(function: Function) -> Function:
    """Compile a function for fixed shapes, as one program, when it is first called.

    A function that PyTorch cannot compile as one program raises then, with PyTorch's own error.
    """
    import torch._dynamo.config as limits  # takes seconds to import

    limits.recompile_limit = max(limits.recompile_limit, MAX_PROGRAMS)
    limits.accumulated_recompile_limit = max(limits.accumulated_recompile_limit, MAX_PROGRAMS)
    return cast("Function", torch.compile(function, dynamic=False, fullgraph=True))
