# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""The fused backward kernel: the gradients of mu and logvar, drawing the noise again."""

import triton
import triton.language as tl

from kernels.triton_noise import half_exp_half, normal_tile, to_float32
from kernels.triton_tile import SIZES, blocks, columns


@triton.jit(do_not_specialize=SIZES)
def backward_kernel(
    dz_ptr,  # [K, S, B, D]; read with Z_GRADIENT
    dkl_ptr,  # float32 [K, B]; read with KL_GRADIENT
    dcolumn_kl_ptr,  # float32 [K, D]; read with COLUMN_GRADIENT
    mu_ptr,  # [K, B, D], rows contiguous
    logvar_ptr,  # [K, B, D], rows contiguous
    dmu_ptr,  # [K, B, D]
    dlogvar_ptr,  # [K, B, D]
    noise_ptr,  # float32 [K, S, B, D]; read with STORED_NOISE
    seed_ptr,  # int64 [K]
    step_ptr,  # int64 [K]
    seed_stride,
    step_stride,
    stream,
    runs,
    rows,
    mu_run_rows,  # distance between runs, in rows
    logvar_run_rows,
    MU_ROW_STRIDE: tl.constexpr,
    LOGVAR_ROW_STRIDE: tl.constexpr,
    D: tl.constexpr,
    LANES: tl.constexpr,
    WIDEST: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    WHOLE_TILES: tl.constexpr,
    SAMPLES: tl.constexpr,
    Z_GRADIENT: tl.constexpr,
    KL_GRADIENT: tl.constexpr,
    COLUMN_GRADIENT: tl.constexpr,
    STORED_NOISE: tl.constexpr,
    FAST: tl.constexpr,
):
    """Write the gradients of mu and logvar, drawing the noise of the forward pass again."""
    run = (tl.program_id(1) + tl.program_id(2) * tl.num_programs(1)).to(tl.int64)
    if run >= runs:
        return
    first_row = tl.program_id(0).to(tl.int64) * TILE_ROWS
    row = tl.arange(0, TILE_ROWS)
    live_row = row < (TILE_ROWS if WHOLE_TILES else tl.minimum(rows - first_row, TILE_ROWS))
    first_z = (run * SAMPLES * rows + first_row) * D
    first_output = (run * rows + first_row) * D

    row_gradient = tl.zeros([TILE_ROWS], tl.float32)
    if KL_GRADIENT:
        row_gradient = tl.load(dkl_ptr + run * rows + first_row + row, mask=live_row, other=0.0)
    for bit in tl.static_range(WIDEST + 1):
        if bit == WIDEST or (LANES >> bit) % 2 == 1:
            _backward_chunks(
                dz_ptr + first_z,
                row_gradient,
                dcolumn_kl_ptr + run * D,
                mu_ptr + (run * mu_run_rows + first_row) * MU_ROW_STRIDE,
                logvar_ptr + (run * logvar_run_rows + first_row) * LOGVAR_ROW_STRIDE,
                dmu_ptr + first_output,
                dlogvar_ptr + first_output,
                noise_ptr + first_z,
                tl.load(seed_ptr + run * seed_stride),
                tl.load(step_ptr + run * step_stride),
                stream,
                rows.to(tl.int64) * D,
                first_row * D // 4,
                row,
                live_row,
                0 if bit == WIDEST else (LANES >> (bit + 1)) << (bit + 1),
                (LANES >> bit) << bit,
                1 << bit,
                MU_ROW_STRIDE,
                LOGVAR_ROW_STRIDE,
                D,
                TILE_ROWS,
                SAMPLES,
                Z_GRADIENT,
                KL_GRADIENT,
                COLUMN_GRADIENT,
                STORED_NOISE,
                FAST,
            )


@triton.jit
def _backward_chunks(
    dz_ptr,
    row_gradient,
    dcolumn_kl_ptr,
    mu_ptr,
    logvar_ptr,
    dmu_ptr,
    dlogvar_ptr,
    noise_ptr,
    seed,
    step,
    stream,
    sample_size,  # elements of one sample of one run
    first_block,
    row,
    live_row,
    BEGIN: tl.constexpr,
    END: tl.constexpr,
    WIDTH: tl.constexpr,
    MU_ROW_STRIDE: tl.constexpr,
    LOGVAR_ROW_STRIDE: tl.constexpr,
    D: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    SAMPLES: tl.constexpr,
    Z_GRADIENT: tl.constexpr,
    KL_GRADIENT: tl.constexpr,
    COLUMN_GRADIENT: tl.constexpr,
    STORED_NOISE: tl.constexpr,
    FAST: tl.constexpr,
):
    """Write the gradients of lanes BEGIN to END of every row."""
    PAIRED: tl.constexpr = dmu_ptr.dtype.element_ty.primitive_bitwidth == 16 and WIDTH >= 8
    for start in tl.range(BEGIN, END, WIDTH):
        column, live = columns(start, row, live_row, END, WIDTH, D)
        at_logvar = logvar_ptr + (row * LOGVAR_ROW_STRIDE)[:, None] + column
        logvar = to_float32(tl.load(at_logvar, mask=live), FAST)
        half_std = half_exp_half(logvar, FAST)
        dmu = tl.zeros([TILE_ROWS, WIDTH], tl.float32)
        dlogvar = tl.zeros([TILE_ROWS, WIDTH], tl.float32)
        if Z_GRADIENT:
            block = blocks(start, first_block, row, WIDTH, D, PAIRED)
            for sample in tl.range(SAMPLES):
                at_z = sample * sample_size + (row * D)[:, None] + column
                dz = to_float32(tl.load(dz_ptr + at_z, mask=live), FAST)
                if STORED_NOISE:
                    noise = tl.load(noise_ptr + at_z, mask=live)
                else:
                    noise = normal_tile(
                        block + sample * ((sample_size + 3) // 4), step, stream, seed, PAIRED, FAST
                    )
                dmu += dz
                dlogvar += dz * noise
            dlogvar *= half_std
        if KL_GRADIENT or COLUMN_GRADIENT:
            at_mu = mu_ptr + (row * MU_ROW_STRIDE)[:, None] + column
            mu = to_float32(tl.load(at_mu, mask=live), FAST)
            gradient = row_gradient[:, None]
            if COLUMN_GRADIENT:
                gradient += tl.load(dcolumn_kl_ptr + column, mask=live)
            dmu += gradient * mu
            # (std**2 - 1) / 2
            dlogvar += (2.0 * gradient) * (half_std * half_std - 0.25)
        at_output = (row * D)[:, None] + column
        tl.store(dmu_ptr + at_output, dmu.to(dmu_ptr.dtype.element_ty), mask=live)
        tl.store(dlogvar_ptr + at_output, dlogvar.to(dlogvar_ptr.dtype.element_ty), mask=live)
