"""The fused op as PyTorch sees it: shapes for tracing, gradients, batching, and a direct door.

``define``/``impl`` rather than ``custom_op``, whose checks cost several times more per call. The
seed and the step are tensors, because an int would be compiled in and frozen into CUDA graphs.
Nothing is kept for backward but the inputs: backward draws the noise again.

Compilers, ``torch.func`` and tensor subclasses meet the registered op. Plain eager code takes the
direct door, an autograd function: at B = 128, D = 16 the registered op's way through the dispatcher
would cost as much as the whole eager formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kernels import launch

FORWARD = "vaebench::reparameterize_kl"
BACKWARD = "vaebench::reparameterize_kl_backward"

torch.library.define(
    FORWARD,
    "(Tensor mu, Tensor logvar, Tensor seed, Tensor step, int stream, int? samples,"
    " bool per_dimension) -> (Tensor z, Tensor kl, Tensor kl_per_dimension)",
    tags=torch.Tag.pt2_compliant_tag,
)
torch.library.define(
    BACKWARD,
    "(Tensor? dz, Tensor? dkl, Tensor? dkl_per_dimension, Tensor mu, Tensor logvar, Tensor seed,"
    " Tensor step, int stream, int? samples) -> (Tensor dmu, Tensor dlogvar)",
    tags=torch.Tag.pt2_compliant_tag,
)


def fused_op(
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    stream: int,
    samples: int | None,
    per_dimension: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return z, the KL, and the KL per dimension, which is empty without ``per_dimension``.

    Parameters
    ----------
    mu, logvar : float32, bfloat16 or float16 tensors [..., B, D]
    seed : int64 tensor [...]
    step : int64 tensor, 0-d or [...]
    stream : int, a 32-bit word
    samples : int or None
    per_dimension : bool
    """
    door: Callable[..., tuple[Tensor, Tensor, Tensor]] = (
        torch.ops.vaebench.reparameterize_kl if is_observed(mu, logvar) else _Direct.apply
    )
    return door(mu, logvar, seed, step, stream, samples, per_dimension)


def is_observed(*tensors: Tensor) -> bool:
    """Return whether a compiler, a transform, a mode or a subclass must see the op as one node."""
    return (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack() > 0
        or any(type(tensor) is not Tensor for tensor in tensors)
    )


class _Direct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
        _save_inputs(ctx, inputs, ())
        return _forward(*inputs)

    @staticmethod
    def backward(
        ctx: Any, dz: Tensor | None, dkl: Tensor | None, dkl_per_dimension: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            # create_graph: the registered op refuses the second derivative
            return _gradients(ctx, dz, dkl, dkl_per_dimension)
        return _gradients(ctx, dz, dkl, dkl_per_dimension, door=_backward)


def _forward(
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    stream: int,
    samples: int | None,
    per_dimension: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    return launch.forward(
        mu, logvar, seed, step, stream=stream, samples=samples, per_dimension=per_dimension
    )


def _forward_fake(
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    stream: int,
    samples: int | None,
    per_dimension: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    runs, latent_dim = mu.shape[:-2], mu.shape[-1]
    return (
        mu.new_empty(launch.sample_shape(mu.shape, samples)),
        mu.new_empty(mu.shape[:-1], dtype=torch.float32),
        mu.new_empty((*runs, latent_dim if per_dimension else 0), dtype=torch.float32),
    )


def _backward(
    dz: Tensor | None,
    dkl: Tensor | None,
    dkl_per_dimension: Tensor | None,
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    stream: int,
    samples: int | None,
) -> tuple[Tensor, Tensor]:
    return launch.backward(
        dz, dkl, dkl_per_dimension, mu, logvar, seed, step, stream=stream, samples=samples
    )


def _backward_fake(
    dz: Tensor | None,
    dkl: Tensor | None,
    dkl_per_dimension: Tensor | None,
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    stream: int,
    samples: int | None,
) -> tuple[Tensor, Tensor]:
    return mu.new_empty(mu.shape), mu.new_empty(mu.shape)


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    mu, logvar, seed, step, ctx.stream, ctx.samples, ctx.per_dimension = inputs
    ctx.save_for_backward(mu, logvar, seed, step)
    ctx.set_materialize_grads(False)


def _gradients(
    ctx: Any,
    dz: Tensor | None,
    dkl: Tensor | None,
    dkl_per_dimension: Tensor | None,
    door: Callable[..., tuple[Tensor, Tensor]] = torch.ops.vaebench.reparameterize_kl_backward,
) -> tuple[Tensor | None, ...]:
    if not ctx.per_dimension:
        dkl_per_dimension = None
    if dz is None and dkl is None and dkl_per_dimension is None:
        return (None,) * 7
    dmu, dlogvar = door(dz, dkl, dkl_per_dimension, *ctx.saved_tensors, ctx.stream, ctx.samples)
    return dmu, dlogvar, None, None, None, None, None


def _no_second_derivative(ctx: Any, *gradients: Tensor | None) -> None:
    raise NotImplementedError(
        "the fused reparameterize_kl has first derivatives only; "
        "use backend='reference' for higher ones"
    )


def _batched(
    operator: Any,
    batch_size: int,
    tensors: tuple[Tensor | None, ...],
    in_dims: tuple[int | None, ...],
    *constants: object,
) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    """Run ``operator`` with the vmapped axis in front of every tensor.

    It is one more axis of stacked runs. The step, the last tensor, stays 0-d where it is not
    vmapped, and takes the shape of the seed before it where it is.
    """
    *runs, step = tensors
    leading = [
        tensor if tensor is None else _lead(tensor, dim, batch_size)
        for tensor, dim in zip(runs, in_dims, strict=False)
    ]
    if step is not None and (step_dim := in_dims[len(runs)]) is not None:
        seed = leading[-1]
        step = step.movedim(step_dim, 0)
        if seed is not None:
            step = step.reshape(*step.shape, *[1] * (seed.dim() - step.dim())).expand(seed.shape)
    results = operator(*leading, step, *constants)
    return results, (0,) * len(results)


def _lead(tensor: Tensor, dim: int | None, batch_size: int) -> Tensor:
    if dim is None:
        return tensor.expand(batch_size, *tensor.shape)
    return tensor.movedim(dim, 0)


def _forward_vmap(
    info: Any,
    in_dims: tuple[int | None, ...],
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    *constants: object,
) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    tensors = (mu, logvar, seed, step)
    operator = torch.ops.vaebench.reparameterize_kl
    return _batched(operator, info.batch_size, tensors, in_dims, *constants)


def _backward_vmap(
    info: Any,
    in_dims: tuple[int | None, ...],
    dz: Tensor | None,
    dkl: Tensor | None,
    dkl_per_dimension: Tensor | None,
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    *constants: object,
) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    tensors = (dz, dkl, dkl_per_dimension, mu, logvar, seed, step)
    operator = torch.ops.vaebench.reparameterize_kl_backward
    return _batched(operator, info.batch_size, tensors, in_dims, *constants)


torch.library.impl(FORWARD, ("cpu", "cuda"), _forward)
torch.library.impl(BACKWARD, ("cpu", "cuda"), _backward)
torch.library.register_fake(FORWARD, _forward_fake)
torch.library.register_fake(BACKWARD, _backward_fake)
torch.library.register_autograd(FORWARD, _gradients, setup_context=_save_inputs)
torch.library.register_autograd(BACKWARD, _no_second_derivative)
torch.library.register_vmap(FORWARD, _forward_vmap)
torch.library.register_vmap(BACKWARD, _backward_vmap)
