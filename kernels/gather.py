"""Batches of images on a GPU: rows of a table, picked and scaled in one launch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from kernels.launch import next_power_of_two, on_device_of

if TYPE_CHECKING:
    from torch import Tensor

TILE_ELEMENTS = 2048
WIDEST_TILE = 256


def gather_scaled(table: Tensor, index: Tensor, levels: int) -> Tensor:
    """Return ``table[index] / levels`` as float32, ``[*index.shape, *table.shape[1:]]``.

    Parameters
    ----------
    table : tensor [N, ...]
        Copied where it is not contiguous.
    index : int64 tensor
        Rows in 0 … N − 1; others are not caught.
    levels : int
    """
    from kernels.triton_gather import gather_kernel  # Triton is not everywhere

    out = torch.empty((*index.shape, *table.shape[1:]), dtype=torch.float32, device=table.device)
    width = math.prod(table.shape[1:])
    columns = min(WIDEST_TILE, next_power_of_two(width))
    rows = TILE_ELEMENTS // columns
    grid = (-(-index.numel() // rows), -(-width // columns))
    with on_device_of(table):
        gather_kernel[grid](
            table.contiguous(),
            index.contiguous(),
            out,
            index.numel(),
            LEVELS=levels,
            WIDTH=width,
            TILE_ROWS=rows,
            TILE_COLUMNS=columns,
        )
    return out
