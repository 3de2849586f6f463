"""Who computes a step's losses and gradients: PyTorch as written, or a program compiled from it.

``auto`` compiles only what was measured to gain from it (``docs/performance.md``), which is a
function of a run's configuration alone, and says so when it had to give way. An engine that was
asked for by name never gives way to another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

import torch
from torch import Tensor

from vae_core.cohort import PLAIN, Losses, LossSettings, StackedAutoencoders
from vae_core.stacked_layers import Stacked, StackedLinear, Stateless
from vae_core.stacking import StackedSequential

ENGINES = ("auto", "eager", "compiled")
DTYPES = ("float32", "bfloat16")

COMPILE_FROM_STEPS = 10_000
"""Steps from which compiling pays for itself, a cohort of 16 taken: it costs about 25 s of
processor time once and saves 0.19 ms a model and step."""

MAX_PROGRAMS = 1_024
"""Programs one function may be compiled to in a process: every structure of a sweep is one."""

Function = TypeVar("Function", bound=Callable[..., object])


class Engine:
    """Computes losses of a model and leaves their gradients in its parameters.

    Parameters
    ----------
    model
        The stacked members, on their device.
    requested
        One of ``ENGINES``.
    dtype
        One of ``DTYPES``: what the networks compute in; losses are float32 always.
    steps
        How many batches it will be asked for.
    settings
        What the losses of all members share.

    Attributes
    ----------
    name
        ``eager`` or ``compiled``: what runs.
    reason
        Why ``auto`` gave way to eager after choosing otherwise; None where it did not.

    Raises
    ------
    ValueError
        When ``requested`` or ``dtype`` is unknown.
    """

    def __init__(
        self,
        model: StackedAutoencoders,
        requested: str,
        *,
        dtype: str,
        steps: int,
        settings: LossSettings = PLAIN,
    ) -> None:
        if requested not in ENGINES:
            raise ValueError(f"engine: {requested!r} is unknown; {', '.join(ENGINES)} are allowed")
        if dtype not in DTYPES:
            raise ValueError(f"dtype: {dtype!r} is unknown; {', '.join(DTYPES)} are allowed")
        self.name = _chosen(model, steps) if requested == "auto" else requested
        self.reason: str | None = None
        self._model = model
        device = model.seeds.device
        self._autocast = autocast(device, dtype)
        self._may_give_way = requested == "auto" and self.name == "compiled"
        # A number would be part of the program, which would be compiled anew at each step; it is
        # filled in on the device, so that nothing waits.
        self._step = torch.zeros((), dtype=torch.int64, device=device)
        self._losses = partial(model.losses, steps=steps, settings=settings)
        self._compiled = compile_whole(self._losses, device) if self.name == "compiled" else None

    def gradients(self, x: Tensor, *, step: int, stream: int, backend: str) -> Losses:
        """Losses of one batch ``[K, B, C, H, W]``; each member's parameters hold the gradient of
        its own loss afterwards, and nothing of earlier calls.
        """
        if not self._may_give_way:
            return self._gradients(x, step, stream, backend)
        buffers = {name: value.clone() for name, value in self._model.named_buffers()}
        try:
            losses = self._gradients(x, step, stream, backend)
        except _compiler_errors() as error:
            self.name, self._compiled = "eager", None
            self.reason = f"eager because compiling failed: {_first_line(error)}"
            self._model.load_state_dict(buffers, strict=False)
            losses = self._gradients(x, step, stream, backend)
        self._may_give_way = False
        return losses

    def _gradients(self, x: Tensor, step: int, stream: int, backend: str) -> Losses:
        self._model.zero_grad(set_to_none=True)
        with self._autocast:
            if self._compiled is None:
                losses = self._losses(x, step=step, stream=stream, backend=backend)
            else:
                at = self._step.fill_(step)
                losses = self._compiled(x, step=at, stream=stream, backend=backend)
        losses.loss.sum().backward()  # type: ignore[no-untyped-call]
        return losses


def autocast(device: torch.device, dtype: str) -> torch.autocast:
    """Networks called within compute in ``dtype``, from weights that stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def compile_whole(function: Function, device: torch.device) -> Function:
    """Compile a function for fixed shapes, as one program, when it is first called.

    On a GPU the program is replayed as a CUDA graph: what it returns is good until the next call. A
    function that PyTorch cannot compile as one program raises then, with PyTorch's own error.
    """
    import torch._dynamo.config as limits  # takes seconds to import

    limits.recompile_limit = max(limits.recompile_limit, MAX_PROGRAMS)
    limits.accumulated_recompile_limit = max(limits.accumulated_recompile_limit, MAX_PROGRAMS)
    mode = "reduce-overhead" if device.type == "cuda" else None
    return cast("Function", torch.compile(function, dynamic=False, fullgraph=True, mode=mode))


def _chosen(model: StackedAutoencoders, steps: int) -> str:
    gains = steps >= COMPILE_FROM_STEPS and model.seeds.device.type == "cpu" and _is_dense(model)
    return "compiled" if gains else "eager"


def _is_dense(model: StackedAutoencoders) -> bool:
    """Whether all layers are dense: convolutions and vmapped modules are slower when compiled."""
    layers = [layer for layer in model.modules() if isinstance(layer, Stacked)]
    return all(isinstance(layer, StackedLinear | Stateless | StackedSequential) for layer in layers)


def _compiler_errors() -> tuple[type[Exception], ...]:
    from torch._dynamo.exc import TorchDynamoException
    from torch._inductor.exc import CppCompileError, InvalidCxxCompiler

    return TorchDynamoException, CppCompileError, InvalidCxxCompiler


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
