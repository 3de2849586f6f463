"""Launches the layers of stacked networks: checked tensors to shapes, strides and tile sizes.

The kernels are imported on first use, so that the package works where Triton is not installed.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from kernels.backend import TRITON_INTERPRETED
from kernels.launch import next_power_of_two, on_device_of

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_TILE = 16
"""What the matrix unit multiplies at the least."""


@dataclass(frozen=True, slots=True)
class Tile:
    """What one program computes, and how: rows and columns of the result, and how much of the axis
    that is summed over at a time.
    """

    rows: int
    columns: int
    inner: int
    warps: int
    stages: int


TILES = (
    Tile(64, 64, 16, warps=2, stages=4),
    Tile(32, 32, 32, warps=2, stages=4),
    Tile(16, 32, 64, warps=2, stages=3),
)
"""Largest first: a large tile reads less, small ones keep more of a GPU busy. Fitted to an H200
(``docs/kernel.md``). Two warps keep the compiler from Hopper's asynchronous matrix instruction:
Triton 3.6 and 3.7 load the next operands over the ones that it still reads."""


@functools.lru_cache(maxsize=4096)
def tile_of(runs: int, rows: int, columns: int, processors: int) -> Tile:
    """Return the largest tile that gives every multiprocessor one, cut to the size of a result.

    Parameters
    ----------
    runs, rows, columns
        The result's ``[K, rows, columns]``.
    processors
        Multiprocessors of the GPU.
    """
    for tile in TILES:
        if runs * -(-rows // tile.rows) * -(-columns // tile.columns) >= processors:
            break
    return Tile(
        min(tile.rows, max(SMALLEST_TILE, next_power_of_two(rows))),
        min(tile.columns, max(SMALLEST_TILE, next_power_of_two(columns))),
        tile.inner,
        tile.warps,
        tile.stages,
    )


def affine(x: Tensor, weight: Tensor, bias: Tensor | None, *, relu: bool) -> Tensor:
    """Return x·W + b, with negative numbers set to zero where ``relu``.

    Parameters
    ----------
    x : float32 tensor [K, B, IN]
        Its last axis is contiguous.
    weight : float32 tensor [K, IN, OUT], contiguous
    bias : float32 tensor [K, 1, OUT], contiguous, or None
    """
    runs, rows, inner = x.shape
    columns = weight.shape[-1]
    y = x.new_empty((runs, rows, columns))
    _launch(
        "affine",
        (runs, rows, columns),
        x,
        weight,
        weight if bias is None else bias,
        y,
        rows,
        x.stride(0),
        x.stride(1),
        IN=inner,
        OUT=columns,
        BIAS=bias is not None,
        RELU=relu,
    )
    return y


def input_gradient(dy: Tensor, weight: Tensor, x: Tensor | None) -> Tensor:
    """Return the gradient dy·Wᵀ of x; of what went into the ReLU that gave x, where x is given.

    Parameters
    ----------
    dy : float32 tensor [K, B, OUT], contiguous
    weight : float32 tensor [K, IN, OUT], contiguous
    x : float32 tensor [K, B, IN], contiguous, or None
    """
    runs, rows, columns = dy.shape
    inner = weight.shape[-2]
    dx = dy.new_empty((runs, rows, inner))
    _launch(
        "input_gradient",
        (runs, rows, inner),
        dy,
        weight,
        dx if x is None else x,
        dx,
        rows,
        IN=inner,
        OUT=columns,
        RELU=x is not None,
    )
    return dx


def weight_gradient(x: Tensor, dy: Tensor, *, bias: bool) -> tuple[Tensor, Tensor | None]:
    """Return the gradients xᵀ·dy of the weight ``[K, IN, OUT]`` and of the bias ``[K, 1, OUT]``.

    Parameters
    ----------
    x : float32 tensor [K, B, IN]
        Its last axis is contiguous.
    dy : float32 tensor [K, B, OUT], contiguous
    """
    runs, rows, inner = x.shape
    columns = dy.shape[-1]
    dweight = x.new_empty((runs, inner, columns))
    dbias = x.new_empty((runs, 1, columns)) if bias else None
    _launch(
        "weight_gradient",
        (runs, inner, columns),
        x,
        dy,
        dweight,
        dweight if dbias is None else dbias,
        rows,
        x.stride(0),
        x.stride(1),
        IN=inner,
        OUT=columns,
        BIAS=bias,
    )
    return dweight, dbias


def _launch(
    name: str, result: tuple[int, int, int], first: Tensor, *arguments: object, **constants: object
) -> None:
    runs, rows, columns = result
    tile = tile_of(runs, rows, columns, _processors(first.device))
    batch = first.shape[1]
    batch_tile = tile.inner if name == "weight_gradient" else tile.rows
    grid = (runs * -(-rows // tile.rows) * -(-columns // tile.columns),)
    with on_device_of(first):
        _kernel(name)[grid](
            first,
            *arguments,
            **constants,
            TILE_ROWS=tile.rows,
            TILE_COLUMNS=tile.columns,
            TILE_INNER=tile.inner,
            ROWS_WHOLE=batch % batch_tile == 0,
            SPLIT=_splits(first.device),
            num_warps=tile.warps,
            num_stages=tile.stages,
        )


@functools.cache
def _splits(device: torch.device) -> bool:
    """Return whether a float32 product is made of three on a matrix unit that reads TF32."""
    if TRITON_INTERPRETED or torch.version.hip is not None:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


@functools.cache
def _kernel(name: str) -> Any:
    return getattr(importlib.import_module("kernels.triton_linear"), f"{name}_kernel")


@functools.cache
def _processors(device: torch.device) -> int:
    if device.type != "cuda":
        return 1
    return torch.cuda.get_device_properties(device).multi_processor_count
