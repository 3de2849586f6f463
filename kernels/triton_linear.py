# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Layers of stacked networks: a product with what stands around it, for every run in one launch.

One program computes one tile of one run's result. Operands are float32, and so are the digits of a
product: ``SPLIT`` makes it of three on the matrix unit.
Tile sizes and launches are decided in ``kernels.mlp_launch``.
"""

import triton
import triton.language as tl

SIZES = ["rows"]
"""Arguments that may take any value without a new compilation."""


@triton.jit(do_not_specialize=SIZES)
def affine_kernel(
    x_ptr,  # [K, B, IN], last axis contiguous
    weight_ptr,  # [K, IN, OUT]
    bias_ptr,  # [K, OUT]; read with BIAS
    y_ptr,  # [K, B, OUT]
    rows,  # B
    x_run,  # distance between runs of x, in elements
    x_row,
    IN: tl.constexpr,
    OUT: tl.constexpr,
    BIAS: tl.constexpr,
    RELU: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
    TILE_INNER: tl.constexpr,
    ROWS_WHOLE: tl.constexpr,
    SPLIT: tl.constexpr,
):
    """Write x·W + b, with negative numbers set to zero where RELU."""
    run, first_row, first_column = _place(rows, OUT, TILE_ROWS, TILE_COLUMNS)
    row = first_row + tl.arange(0, TILE_ROWS)
    column = first_column + tl.arange(0, TILE_COLUMNS)
    COLUMNS_WHOLE: tl.constexpr = OUT % TILE_COLUMNS == 0
    INNER_WHOLE: tl.constexpr = IN % TILE_INNER == 0
    x_ptr += run * x_run
    weight_ptr += run * IN * OUT
    y = tl.zeros([TILE_ROWS, TILE_COLUMNS], tl.float32)
    for start in tl.range(0, IN, TILE_INNER):
        inner = start + tl.arange(0, TILE_INNER)
        x = _load(x_ptr, row, inner, x_row, 1, rows, IN, ROWS_WHOLE, INNER_WHOLE)
        weight = _load(weight_ptr, inner, column, OUT, 1, IN, OUT, INNER_WHOLE, COLUMNS_WHOLE)
        y = _add_product(y, x, weight, SPLIT)
    if BIAS:
        y += tl.load(bias_ptr + run * OUT + column, mask=column < OUT, other=0.0)[None, :]
    if RELU:
        y = tl.where(y < 0, 0.0, y)  # what is no number stays
    _store(y_ptr + run * rows * OUT, y, row, column, rows, OUT, ROWS_WHOLE, COLUMNS_WHOLE)


@triton.jit(do_not_specialize=SIZES)
def input_gradient_kernel(
    dy_ptr,  # [K, B, OUT]
    weight_ptr,  # [K, IN, OUT]
    x_ptr,  # [K, B, IN]; read with RELU
    dx_ptr,  # [K, B, IN]
    rows,
    IN: tl.constexpr,
    OUT: tl.constexpr,
    RELU: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
    TILE_INNER: tl.constexpr,
    ROWS_WHOLE: tl.constexpr,
    SPLIT: tl.constexpr,
):
    """Write dy·Wᵀ; with RELU x came out of one, and the gradient is that of what went in."""
    run, first_row, first_column = _place(rows, IN, TILE_ROWS, TILE_COLUMNS)
    row = first_row + tl.arange(0, TILE_ROWS)
    column = first_column + tl.arange(0, TILE_COLUMNS)
    COLUMNS_WHOLE: tl.constexpr = IN % TILE_COLUMNS == 0
    INNER_WHOLE: tl.constexpr = OUT % TILE_INNER == 0
    dy_ptr += run * rows * OUT
    weight_ptr += run * IN * OUT
    dx = tl.zeros([TILE_ROWS, TILE_COLUMNS], tl.float32)
    for start in tl.range(0, OUT, TILE_INNER):
        inner = start + tl.arange(0, TILE_INNER)
        dy = _load(dy_ptr, row, inner, OUT, 1, rows, OUT, ROWS_WHOLE, INNER_WHOLE)
        weight = _load(weight_ptr, inner, column, 1, OUT, OUT, IN, INNER_WHOLE, COLUMNS_WHOLE)
        dx = _add_product(dx, dy, weight, SPLIT)
    if RELU:
        x = _load(x_ptr + run * rows * IN, row, column, IN, 1, rows, IN, ROWS_WHOLE, COLUMNS_WHOLE)
        dx = tl.where(x <= 0, 0.0, dx)
    _store(dx_ptr + run * rows * IN, dx, row, column, rows, IN, ROWS_WHOLE, COLUMNS_WHOLE)


@triton.jit(do_not_specialize=SIZES)
def weight_gradient_kernel(
    x_ptr,  # [K, B, IN], last axis contiguous
    dy_ptr,  # [K, B, OUT]
    dweight_ptr,  # [K, IN, OUT]
    dbias_ptr,  # [K, OUT]; written with BIAS
    rows,
    x_run,
    x_row,
    IN: tl.constexpr,
    OUT: tl.constexpr,
    BIAS: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
    TILE_INNER: tl.constexpr,
    ROWS_WHOLE: tl.constexpr,
    SPLIT: tl.constexpr,
):
    """Write xᵀ·dy and, with BIAS, the sum of dy over the batch."""
    run, first_row, first_column = _place(IN, OUT, TILE_ROWS, TILE_COLUMNS)
    row = first_row + tl.arange(0, TILE_ROWS)
    column = first_column + tl.arange(0, TILE_COLUMNS)
    IN_WHOLE: tl.constexpr = IN % TILE_ROWS == 0
    COLUMNS_WHOLE: tl.constexpr = OUT % TILE_COLUMNS == 0
    x_ptr += run * x_run
    dy_ptr += run * rows * OUT
    dweight = tl.zeros([TILE_ROWS, TILE_COLUMNS], tl.float32)
    dbias = tl.zeros([TILE_COLUMNS], tl.float32)
    for start in tl.range(0, rows, TILE_INNER):
        inner = start + tl.arange(0, TILE_INNER)
        x = _load(x_ptr, row, inner, 1, x_row, IN, rows, IN_WHOLE, ROWS_WHOLE)
        dy = _load(dy_ptr, inner, column, OUT, 1, rows, OUT, ROWS_WHOLE, COLUMNS_WHOLE)
        dweight = _add_product(dweight, x, dy, SPLIT)
        if BIAS:
            dbias += tl.sum(dy, axis=0)
    _store(dweight_ptr + run * IN * OUT, dweight, row, column, IN, OUT, IN_WHOLE, COLUMNS_WHOLE)
    if BIAS:
        # every tile of a column has the sum; the first one writes it
        live = (column < OUT) & (first_row == 0)
        tl.store(dbias_ptr + run * OUT + column, dbias, mask=live)


@triton.jit
def _place(rows, columns, TILE_ROWS: tl.constexpr, TILE_COLUMNS: tl.constexpr):
    """Return the run of this program, and where its tile begins; a run's tiles are neighbours."""
    down, across = tl.cdiv(rows, TILE_ROWS), tl.cdiv(columns, TILE_COLUMNS)
    tile = tl.program_id(0) % (down * across)
    run = (tl.program_id(0) // (down * across)).to(tl.int64)
    return run, tile // across * TILE_ROWS, tile % across * TILE_COLUMNS


@triton.jit
def _add_product(total, left, right, SPLIT: tl.constexpr):
    """Return total + left·right; with SPLIT from the matrix unit, which reads 11 bits of a number.

    What those leave of each operand is multiplied too; the product of both rests, 2⁻²² of the
    whole, is not.
    """
    if SPLIT:
        total = tl.dot(_rest(left), right, total, input_precision="tf32")
        total = tl.dot(left, _rest(right), total, input_precision="tf32")
        return tl.dot(left, right, total, input_precision="tf32")
    return tl.dot(left, right, total, input_precision="ieee")


@triton.jit
def _rest(values):
    """Return what the matrix unit does not read of each number."""
    read = (values.to(tl.int32, bitcast=True) & -8192).to(tl.float32, bitcast=True)
    return values - read


@triton.jit
def _load(
    ptr, first, second, first_stride, second_stride, first_size, second_size,
    FIRST_WHOLE: tl.constexpr, SECOND_WHOLE: tl.constexpr,
):  # fmt: skip
    """Return a tile of a matrix with zeros outside of it; an axis cut into whole tiles has none."""
    at = ptr + first[:, None] * first_stride + second[None, :] * second_stride
    if FIRST_WHOLE and SECOND_WHOLE:
        return tl.load(at)
    if FIRST_WHOLE:
        return tl.load(at, mask=(second < second_size)[None, :], other=0.0)
    if SECOND_WHOLE:
        return tl.load(at, mask=(first < first_size)[:, None], other=0.0)
    live = (first < first_size)[:, None] & (second < second_size)[None, :]
    return tl.load(at, mask=live, other=0.0)


@triton.jit
def _store(
    ptr, tile, row, column, rows, columns,
    ROWS_WHOLE: tl.constexpr, COLUMNS_WHOLE: tl.constexpr,
):  # fmt: skip
    """Write a tile of a contiguous matrix."""
    at = ptr + row[:, None] * columns + column[None, :]
    if ROWS_WHOLE and COLUMNS_WHOLE:
        tl.store(at, tile)
    elif ROWS_WHOLE:
        tl.store(at, tile, mask=(column < columns)[None, :])
    elif COLUMNS_WHOLE:
        tl.store(at, tile, mask=(row < rows)[:, None])
    else:
        tl.store(at, tile, mask=(row < rows)[:, None] & (column < columns)[None, :])
