"""Chains of linear layers with ReLU between them, for stacked runs: one launch a layer and pass.

What stands around a product is done where its result is in registers: bias and ReLU forward, the
ReLU's gradient and the bias' backward.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.autograd.function import once_differentiable

from kernels import mlp_launch
from kernels.ops import is_observed

if TYPE_CHECKING:
    from torch import Tensor


def can_fuse(x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> bool:
    """Return whether ``stacked_mlp`` takes these as its parameters say, outside of autocast, and
    with neither a compiler nor a transform looking on, which have their own way with layers.
    """
    rows = x.shape[1:-1].numel()
    parameters = [*weights, *(bias for bias in biases if bias is not None)]
    widest = max(x.shape[-1], *(weight.shape[-1] for weight in weights))
    # within a run the kernels count elements in 32 bits
    reach = sum((n - 1) * stride for n, stride in zip(x.shape[1:], x.stride()[1:], strict=True))
    largest = max(reach, rows * widest, *(weight[0].numel() for weight in weights))
    return (
        not torch.is_autocast_enabled(x.device.type)
        and not is_observed(x)
        and x.numel() > 0
        and x.shape[0] == weights[0].shape[0]
        and x.shape[-1] == weights[0].shape[-2]
        and x.dtype == torch.float32
        and all(value.dtype == torch.float32 and value.is_contiguous() for value in parameters)
        and largest < 1 << 31
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
        inputs = []
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
            if any(ctx.needs_input_grad):
                inputs.append(x)
            x = mlp_launch.affine(x, weight, bias, relu=index < depth)
        ctx.has_bias = [bias is not None for bias in biases]
        ctx.save_for_backward(*inputs, *weights)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        depth = len(ctx.has_bias)
        inputs, weights = ctx.saved_tensors[:depth], ctx.saved_tensors[depth:]
        of_x, _, *of_parameters = ctx.needs_input_grad
        dweights: list[Tensor | None] = [None] * depth
        dbiases: list[Tensor | None] = [None] * depth
        asked = [of_parameters[n] or of_parameters[depth + n] for n in range(depth)]
        lowest = 0 if of_x else asked.index(True)
        dy = dy.contiguous()
        with _Branch(dy.device) as branch:
            for layer in reversed(range(lowest, depth)):
                if asked[layer]:
                    with branch.from_here(dy):
                        dweights[layer], dbiases[layer] = mlp_launch.weight_gradient(
                            inputs[layer], dy, bias=ctx.has_bias[layer]
                        )
                if layer > lowest:
                    dy = mlp_launch.input_gradient(dy, weights[layer], inputs[layer])
            dx = mlp_launch.input_gradient(dy, weights[0], None) if of_x else None
        return dx, None, *dweights, *dbiases


class _Branch:
    """A branch of a CUDA graph that is being recorded, joined at the end of a ``with``.

    No layer waits for the gradient of another's weights: a small cohort's launches leave most of a
    GPU idle, and in a branch they run beside those that the layer below does wait for. Call by call
    the GPU waits for Python, and a second stream would be more of that.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = _second_stream(device) if device.type == "cuda" else None
        self._is_recorded = self._stream is not None and torch.cuda.is_current_stream_capturing()
        self._read: list[Tensor] = []

    def __enter__(self) -> _Branch:
        return self

    @contextmanager
    def from_here(self, *read: Tensor) -> Iterator[None]:
        """Launch in the branch what needs the launches so far and nothing later; the memory of what
        it reads is kept until the end.
        """
        if self._stream is None or not self._is_recorded:
            yield
            return
        self._read += read
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield

    def __exit__(self, failed: object, *_: object) -> None:
        if self._stream is not None and self._read and failed is None:
            torch.cuda.current_stream().wait_stream(self._stream)


@functools.cache
def _second_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
