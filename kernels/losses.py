"""From decoded images to the losses of stacked runs: errors over pixels, weighted means over a
batch, the notes of a step. Each is one launch forward and one backward.

PyTorch takes three to six for each, and keeps the error of every pixel in memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.function import once_differentiable

from kernels.launch import next_power_of_two, on_device_of
from kernels.ops import is_observed

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("squared", "cross-entropy")
FLOATS = (torch.float32, torch.bfloat16, torch.float16)
TILE_ELEMENTS = 1024
WIDEST_TILE = 256


def can_fuse(outputs: Tensor, x: Tensor) -> bool:
    """Return whether ``image_error`` takes these: with neither a compiler nor a transform looking
    on, and images that need no gradient.
    """
    return (
        outputs.dtype in FLOATS
        and x.dtype in FLOATS
        and outputs.numel() > 0
        and not x.requires_grad
        and not is_observed(outputs, x)
    )


def image_error(outputs: Tensor, x: Tensor, kind: str) -> Tensor:
    """Return the error of each decoded image summed over its pixels, float32 ``[K, S, B]``.

    First derivatives only, of the outputs.

    Parameters
    ----------
    outputs : tensor [K, S, B, C, H, W]
    x : tensor [K, B, C, H, W]
    kind : {"squared", "cross-entropy"}
        Cross-entropy reads outputs as logits.
    """
    error: Tensor = _ImageError.apply(outputs, x, kind)  # type: ignore[no-untyped-call]
    return error


def weighted_means(
    error: Tensor, kl: Tensor, recon_weight: Tensor, kl_weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return ``recon_weight · mean error + kl_weight · mean KL`` of each run, and both means.

    First derivatives of the sum only, by errors and KLs.

    Parameters
    ----------
    error : float32 tensor [K, S, B]
    kl : float32 tensor [K, B]
    recon_weight, kl_weight : float32 tensors [K]
    """
    found: tuple[Tensor, Tensor, Tensor] = _WeightedMeans.apply(  # type: ignore[no-untyped-call]
        error, kl, recon_weight, kl_weight
    )
    return found


def note(
    loss: Tensor, error: Tensor, rate: Tensor, step: Tensor, table: Tensor, first_bad: Tensor
) -> None:
    """Write a step's losses to row ``step mod steps`` of a table, and the step's number for each
    run whose loss is the first that is not finite.

    Parameters
    ----------
    loss, error, rate : float32 tensors [K]
    step : int64 tensor, 0-d
    table : float32 tensor [steps, 3, K], contiguous
    first_bad : int64 tensor [K], contiguous
        −1 where all losses so far were finite.
    """
    from kernels.triton_losses import note_kernel  # Triton is not everywhere

    runs = len(loss)
    at_once = min(TILE_ELEMENTS, next_power_of_two(runs))
    with on_device_of(table):
        note_kernel[(-(-runs // at_once),)](
            loss.contiguous(),
            error.contiguous(),
            rate.contiguous(),
            step,
            table,
            first_bad,
            runs,
            len(table),
            TILE=at_once,
        )


class _ImageError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, outputs: Tensor, x: Tensor, kind: str) -> Tensor:
        from kernels.triton_losses import error_kernel

        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        ctx.save_for_backward(outputs, x)
        ctx.kind = kind
        rows, images = _in_place(outputs, 3), _in_place(x, 2)
        error = outputs.new_empty(rows.shape[:-1], dtype=torch.float32)
        tile_rows, tile_columns = tile(rows.shape[-1])
        with on_device_of(outputs):
            error_kernel[(-(-error.numel() // tile_rows),)](
                rows,
                images,
                error,
                error.numel(),
                *error.shape[1:],
                *rows.stride()[:-1],
                *images.stride()[:-1],
                KIND=kind,
                PIXELS=rows.shape[-1],
                TILE_ROWS=tile_rows,
                TILE_COLUMNS=tile_columns,
            )
        return error

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, derror: Tensor) -> tuple[Tensor | None, ...]:
        from kernels.triton_losses import error_gradient_kernel

        outputs, x = ctx.saved_tensors
        doutputs = torch.empty_like(outputs)
        rows, images, drows = _in_place(outputs, 3), _in_place(x, 2), _in_place(doutputs, 3)
        if drows.data_ptr() != doutputs.data_ptr():  # pixels do not lie side by side there
            doutputs = torch.empty_like(outputs, memory_format=torch.contiguous_format)
            drows = doutputs.flatten(3)
        pixels = rows.shape[-1]
        tile_rows, tile_columns = tile(pixels)
        grid = (-(-derror.numel() // tile_rows), -(-pixels // tile_columns))
        with on_device_of(outputs):
            error_gradient_kernel[grid](
                derror.contiguous(),
                rows,
                images,
                drows,
                derror.numel(),
                *derror.shape[1:],
                *rows.stride()[:-1],
                *images.stride()[:-1],
                *drows.stride()[:-1],
                KIND=ctx.kind,
                PIXELS=pixels,
                TILE_ROWS=tile_rows,
                TILE_COLUMNS=tile_columns,
            )
        return doutputs, None, None


class _WeightedMeans(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, error: Tensor, kl: Tensor, recon_weight: Tensor, kl_weight: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        from kernels.triton_losses import means_kernel

        runs, draws, batch = len(error), error[0].numel(), kl.shape[-1]
        ctx.save_for_backward(recon_weight, kl_weight)
        ctx.shapes = error.shape, kl.shape
        found = error.new_empty((3, runs))
        with on_device_of(error):
            means_kernel[(runs,)](
                error.contiguous(),
                kl.contiguous(),
                recon_weight,
                kl_weight,
                found,
                runs,
                draws,
                batch,
                TILE=min(TILE_ELEMENTS, next_power_of_two(max(draws, batch))),
            )
        loss, mean_error, mean_kl = found.unbind()
        ctx.mark_non_differentiable(mean_error, mean_kl)
        ctx.set_materialize_grads(False)  # nor gradients of zeros for them
        return loss, mean_error, mean_kl

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dloss: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        from kernels.triton_losses import means_gradient_kernel

        recon_weight, kl_weight = ctx.saved_tensors
        of_error, of_kl = ctx.shapes
        runs, draws, batch = of_error[0], math.prod(of_error[1:]), of_kl[-1]
        derror = dloss.new_empty(of_error)
        dkl = dloss.new_empty(of_kl) if ctx.needs_input_grad[1] else None
        with on_device_of(dloss):
            means_gradient_kernel[(runs,)](
                dloss.contiguous(),
                recon_weight,
                kl_weight,
                derror,
                derror if dkl is None else dkl,
                draws,
                batch,
                KL=dkl is not None,
                TILE=min(TILE_ELEMENTS, next_power_of_two(max(draws, batch))),
            )
        return derror, dkl, None, None


def _in_place(images: Tensor, leading: int) -> Tensor:
    """Return images with their pixels as one contiguous axis, copied only where they do not lie
    so.
    """
    rows = images.flatten(leading)
    return rows if rows.stride(-1) == 1 or rows.shape[-1] == 1 else rows.contiguous()


def tile(pixels: int) -> tuple[int, int]:
    """Return how many images and how many of their pixels a program handles at a time."""
    columns = min(WIDEST_TILE, next_power_of_two(pixels))
    return TILE_ELEMENTS // columns, columns
