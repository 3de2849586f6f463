# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Picks rows of a table and reads them as numbers in [0, 1]; launched by ``kernels.gather``."""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["count"])
def gather_kernel(
    table_ptr,  # [N, WIDTH]
    index_ptr,  # int64 [count]
    out_ptr,  # float32 [count, WIDTH]
    count,
    LEVELS: tl.constexpr,
    WIDTH: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
):
    """Write ``table[index] / LEVELS``."""
    row = tl.program_id(0).to(tl.int64) * TILE_ROWS + tl.arange(0, TILE_ROWS)
    column = tl.program_id(1) * TILE_COLUMNS + tl.arange(0, TILE_COLUMNS)
    live_row = row < count
    live = live_row[:, None] & (column < WIDTH)[None, :]
    index = tl.load(index_ptr + row, mask=live_row, other=0)
    value = tl.load(table_ptr + index[:, None] * WIDTH + column[None, :], mask=live)
    value = value.to(tl.float32)
    if LEVELS != 1:
        value = tl.div_rn(value, tl.full([TILE_ROWS, TILE_COLUMNS], LEVELS, tl.float32))
    tl.store(out_ptr + row[:, None] * WIDTH + column[None, :], value, mask=live)
