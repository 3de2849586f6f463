"""Who runs a training step: PyTorch as written, a recording of what it launches on a GPU, or a
program compiled from it (recorded too, on a GPU).

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

ENGINES = ("auto", "eager", "captured", "compiled")
DTYPES = ("float32", "bfloat16")

COMPILE_FROM_STEPS = 10_000
"""Steps from which compiling pays for itself, a cohort of 16 taken: it costs about 25 s of
processor time once and saves 0.19 ms a model and step."""

CAPTURE_FROM_STEPS = 20
"""Steps on a GPU from which one is recorded, which costs as long as two to six call by call."""

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
        ``eager``, ``captured`` or ``compiled``: what runs.
    reason
        Why ``auto`` gave way after choosing otherwise; None where it did not.

    Raises
    ------
    ValueError
        When ``requested`` or ``dtype`` is unknown, or a step is to be captured without a GPU.
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
        device = model.seeds.device
        if requested == "captured" and device.type != "cuda":
            raise ValueError(f"engine: captured needs a CUDA device; the models are on {device}")
        self.name = _chosen(model, steps) if requested == "auto" else requested
        self.reason: str | None = None
        self._model = model
        self._on_gpu = device.type == "cuda"
        self._autocast = autocast(device, dtype)
        self._may_give_way = requested == "auto"
        self._ones = torch.ones(len(model.members), device=device)
        self._losses = partial(model.losses, steps=steps, settings=settings)
        self._compiled = compile_whole(self._losses) if self.name == "compiled" else None

    @property
    def records_steps(self) -> bool:
        """Whether a whole step is to be recorded and replayed."""
        return self._on_gpu and self.name != "eager"

    def gradients(self, x: Tensor, *, step: Tensor, stream: int, backend: str) -> Losses:
        """Losses of one batch ``[K, B, C, H, W]``; each member's parameters hold the gradient of
        its own loss afterwards, and nothing of earlier calls.

        ``step`` is a 0-d int64 tensor: a number would be part of a program or a recording.
        """
        if self._compiled is None:
            return self._gradients(x, step, stream, backend)
        try:
            return self._gradients(x, step, stream, backend)
        except _compiler_errors() as error:
            # Nothing to undo: auto compiles dense layers only, in which a call changes nothing.
            self.give_way("compiling failed", error)
            return self._gradients(x, step, stream, backend)

    def give_way(self, because: str, error: Exception) -> None:
        """Run eagerly from now on; raise ``error`` where the engine was asked for by name."""
        if not self._may_give_way:
            raise error
        self.name, self._compiled = "eager", None
        self.reason = f"eager because {because}: {_first_line(error)}"

    def _gradients(self, x: Tensor, step: Tensor, stream: int, backend: str) -> Losses:
        self._model.zero_grad(set_to_none=True)
        compute = self._losses if self._compiled is None else self._compiled
        with self._autocast:
            losses = compute(x, step=step, stream=stream, backend=backend)
        # of the sum: no member's loss depends on another's weights
        losses.loss.backward(self._ones.to(losses.loss.dtype))  # type: ignore[no-untyped-call]
        return Losses(losses.loss.detach(), losses.error.detach(), losses.rate.detach())


def autocast(device: torch.device, dtype: str) -> torch.autocast:
    """Networks called within compute in ``dtype``, from weights that stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def compile_whole(function: Function) -> Function:
    """Compile a function for fixed shapes, as one program, when it is first called.

    A function that PyTorch cannot compile as one program raises then, with PyTorch's own error.
    """
    import torch._dynamo.config as limits  # takes seconds to import

    limits.recompile_limit = max(limits.recompile_limit, MAX_PROGRAMS)
    limits.accumulated_recompile_limit = max(limits.accumulated_recompile_limit, MAX_PROGRAMS)
    return cast("Function", torch.compile(function, dynamic=False, fullgraph=True))


def _chosen(model: StackedAutoencoders, steps: int) -> str:
    if model.seeds.device.type == "cuda":
        return "captured" if steps >= CAPTURE_FROM_STEPS else "eager"
    return "compiled" if steps >= COMPILE_FROM_STEPS and _is_dense(model) else "eager"


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
