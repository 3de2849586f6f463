"""Chains of linear layers with ReLU between them, for stacked runs: one launch a layer and pass.

What stands around a product is done where its result is in registers: bias and ReLU forward, the
ReLU's gradient and the bias' backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.autograd.function import once_differentiable

from kernels import mlp_launch
from kernels.ops import is_observed

if TYPE_CHECKING:
    from torch import Tensor


def can_fuse(x: Tensor, parameters: Sequence[Tensor]) -> bool:
    """Return whether ``stacked_mlp`` takes these: float32 outside of autocast, and neither a
    compiler nor a transform looking on, which have their own way with layers.
    """
    return (
        not torch.is_autocast_enabled(x.device.type)
        and not is_observed(x)
        and x.numel() > 0
        and all(value.dtype == torch.float32 for value in (x, *parameters))
    )


def stacked_mlp(x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> Tensor:
    """Return what K chains of layers make of their batches; after each layer but the last, ReLU.

    Products have the digits of float32 (three TF32 products each, Ootomo & Yokota 2022,
    arXiv:2203.03341), sums are float32. First derivatives only.

    Parameters
    ----------
    x : float32 tensor [K, B, IN]
    weights : float32 tensors [K, in, out], contiguous
    biases : float32 tensors [K, 1, out], contiguous, or None
    """
    values: Tensor = _Chain.apply(x, len(weights), *weights, *biases)  # type: ignore[no-untyped-call]
    return values


class _Chain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, depth: int, *parameters: Tensor | None) -> Tensor:
        if x.stride(-1) != 1:
            x = x.contiguous()
        weights = cast("tuple[Tensor, ...]", parameters[:depth])
        biases = parameters[depth:]
        inputs = [x]
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
            inputs.append(mlp_launch.affine(inputs[-1], weight, bias, relu=index < depth))
        output = inputs.pop()
        ctx.has_bias = [bias is not None for bias in biases]
        ctx.save_for_backward(*inputs, *weights)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        depth = len(ctx.has_bias)
        inputs, weights = ctx.saved_tensors[:depth], ctx.saved_tensors[depth:]
        of_x, _, *of_parameters = ctx.needs_input_grad
        dweights: list[Tensor | None] = [None] * depth
        dbiases: list[Tensor | None] = [None] * depth
        dy = dy.contiguous()
        for layer in reversed(range(depth)):
            of_weight, of_bias = of_parameters[layer], of_parameters[depth + layer]
            if of_weight or of_bias:
                dweights[layer], dbiases[layer] = mlp_launch.weight_gradient(
                    inputs[layer], dy, bias=ctx.has_bias[layer]
                )
            if layer > 0:
                dy = mlp_launch.input_gradient(dy, weights[layer], inputs[layer])
        dx = mlp_launch.input_gradient(dy, weights[0], None) if of_x else None
        return dx, None, *dweights, *dbiases
