# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""How the kernels cut a run into tiles, and what lies where in one, as Triton device functions.

One program handles ``TILE_ROWS`` rows of one run and walks their columns in chunks whose widths
are powers of two: a row of 20 is one chunk of 16 and one of 4, so few lanes are wasted. Inside a
chunk, four consecutive elements of the run share one Philox block and lie in one thread.

Where D is not a multiple of four, a row may begin inside a Philox block. Its lanes then start at
that block, up to three lanes before its first element, and lanes outside the row are masked.

Shapes, devices and launch sizes are decided in ``kernels.launch``.
"""

import triton
import triton.language as tl

SIZES = [
    "seed_stride",
    "step_stride",
    "stream",
    "runs",
    "rows",
    "mu_run_rows",
    "logvar_run_rows",
]
"""Arguments that may take any value without a new compilation; alignment comes from constants."""


@triton.jit
def columns(start, row, live_row, END: tl.constexpr, WIDTH: tl.constexpr, D: tl.constexpr):
    """Return the column of every lane of a chunk, and which lanes lie inside the tensor."""
    lane = (start + tl.arange(0, WIDTH))[None, :]
    if D % 4 != 0:
        column = lane - (row * D % 4)[:, None]
        live = live_row[:, None] & (column >= 0) & (column < D)
    elif END > D:
        column = lane
        live = live_row[:, None] & (column < D)
    else:
        column = lane
        live = live_row[:, None]
    return column, live


@triton.jit
def blocks(start, first_block, row, WIDTH: tl.constexpr, D: tl.constexpr, PAIRED: tl.constexpr):
    """Return the Philox block of every four lanes of a chunk (every eight, when paired)."""
    LANES_EACH: tl.constexpr = 8 if PAIRED else 4
    lane = start + LANES_EACH * tl.arange(0, WIDTH // LANES_EACH)
    return first_block + ((row * D // 4)[:, None] + (lane // 4)[None, :])
