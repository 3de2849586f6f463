# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Picks the images of a batch and reads them as numbers in [0, 1]; launched by
``kernels.gather``.
"""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["runs", "order_size", "batches"])
def gather_kernel(
    table_ptr,  # [N, WIDTH]
    order_ptr,  # int64 [U, order_size]
    of_run_ptr,  # int64 [K]
    step_ptr,  # int64 0-d
    out_ptr,  # float32 [K, BATCH, WIDTH]
    runs,  # K
    order_size,
    batches,
    BATCH: tl.constexpr,
    LEVELS: tl.constexpr,
    WIDTH: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
):
    """Write ``table[order[of_run, batch]] / LEVELS`` for the batch that is the step's."""
    row = tl.program_id(0).to(tl.int64) * TILE_ROWS + tl.arange(0, TILE_ROWS)
    column = tl.program_id(1) * TILE_COLUMNS + tl.arange(0, TILE_COLUMNS)
    live_row = row < runs * BATCH
    live = live_row[:, None] & (column < WIDTH)[None, :]
    start = tl.load(step_ptr) % batches * BATCH
    order = tl.load(of_run_ptr + row // BATCH, mask=live_row, other=0)
    at = order * order_size + start + row % BATCH
    image = tl.load(order_ptr + at, mask=live_row, other=0)
    value = tl.load(table_ptr + image[:, None] * WIDTH + column[None, :], mask=live)
    value = value.to(tl.float32)
    if LEVELS != 1:
        value = tl.div_rn(value, tl.full([TILE_ROWS, TILE_COLUMNS], LEVELS, tl.float32))
    tl.store(out_ptr + row[:, None] * WIDTH + column[None, :], value, mask=live)
