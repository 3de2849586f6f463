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


def gather_batch(
    table: Tensor, order: Tensor, of_run: Tensor, step: Tensor, batch_size: int, levels: int
) -> Tensor:
    """Return the images that each run sees at a step, divided by ``levels``, float32
    ``[K, batch_size, *table.shape[1:]]``.

    An order holds ⌊n / batch_size⌋ batches, and the step's is the one with its number modulo
    theirs; a recording finds another at each replay.

    Parameters
    ----------
    table : tensor [N, ...]
        Copied where it is not contiguous.
    order : int64 tensor [U, n], contiguous
        Rows of the table in 0 … N − 1; others are not caught.
    of_run : int64 tensor [K], contiguous
        Which order is a run's, in 0 … U − 1.
    step : int64 tensor, 0-d
    batch_size, levels : int
    """
    from kernels.triton_gather import gather_kernel  # Triton is not everywhere

    runs, shape = len(of_run), table.shape[1:]
    out = torch.empty((runs, batch_size, *shape), dtype=torch.float32, device=table.device)
    width = math.prod(shape)
    columns = min(WIDEST_TILE, next_power_of_two(width))
    rows = TILE_ELEMENTS // columns
    grid = (-(-runs * batch_size // rows), -(-width // columns))
    with on_device_of(table):
        gather_kernel[grid](
            table.contiguous(),
            order,
            of_run,
            step,
            out,
            runs,
            order.shape[1],
            order.shape[1] // batch_size,
            BATCH=batch_size,
            LEVELS=levels,
            WIDTH=width,
            TILE_ROWS=rows,
            TILE_COLUMNS=columns,
        )
    return out
