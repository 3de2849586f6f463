# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""The fused forward kernel: z, and the KL by row and by column, from one read of mu and logvar."""

import triton
import triton.language as tl

from kernels.triton_noise import exp_half, normal_tile, to_float32
from kernels.triton_tile import SIZES, blocks, columns


@triton.jit(do_not_specialize=SIZES)
def forward_kernel(
    mu_ptr,  # [K, B, D], rows contiguous
    logvar_ptr,  # [K, B, D], rows contiguous
    z_ptr,  # [K, S, B, D]
    kl_ptr,  # float32 [K, B]
    column_kl_ptr,  # float32 [K, tiles, D]; written with PER_DIMENSION
    noise_ptr,  # float32 [K, S, B, D]; written with STORED_NOISE
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
    PER_DIMENSION: tl.constexpr,
    STORED_NOISE: tl.constexpr,
    FAST: tl.constexpr,
):
    """Write z and the KL of every row, and per tile the KL of every column."""
    run = (tl.program_id(1) + tl.program_id(2) * tl.num_programs(1)).to(tl.int64)
    if run >= runs:
        return
    first_row = tl.program_id(0).to(tl.int64) * TILE_ROWS
    row = tl.arange(0, TILE_ROWS)
    live_row = row < (TILE_ROWS if WHOLE_TILES else tl.minimum(rows - first_row, TILE_ROWS))
    first_z = (run * SAMPLES * rows + first_row) * D

    row_kl = tl.zeros([TILE_ROWS], tl.float32)
    for bit in tl.static_range(WIDEST + 1):
        if bit == WIDEST or (LANES >> bit) % 2 == 1:
            row_kl += _forward_chunks(
                mu_ptr + (run * mu_run_rows + first_row) * MU_ROW_STRIDE,
                logvar_ptr + (run * logvar_run_rows + first_row) * LOGVAR_ROW_STRIDE,
                z_ptr + first_z,
                column_kl_ptr + (run * tl.num_programs(0) + tl.program_id(0)) * D,
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
                PER_DIMENSION,
                STORED_NOISE,
                FAST,
            )
    tl.store(kl_ptr + run * rows + first_row + row, row_kl, mask=live_row)


@triton.jit
def _forward_chunks(
    mu_ptr,
    logvar_ptr,
    z_ptr,
    column_kl_ptr,
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
    PER_DIMENSION: tl.constexpr,
    STORED_NOISE: tl.constexpr,
    FAST: tl.constexpr,
):
    """Write z for lanes BEGIN to END of every row and return the KL of those lanes, summed."""
    PAIRED: tl.constexpr = z_ptr.dtype.element_ty.primitive_bitwidth == 16 and WIDTH >= 8
    tile_kl = tl.zeros([TILE_ROWS, WIDTH], tl.float32)
    for start in tl.range(BEGIN, END, WIDTH):
        column, live = columns(start, row, live_row, END, WIDTH, D)
        at_mu = mu_ptr + (row * MU_ROW_STRIDE)[:, None] + column
        at_logvar = logvar_ptr + (row * LOGVAR_ROW_STRIDE)[:, None] + column
        if PER_DIMENSION or END > D or D % 4 != 0:
            mu = to_float32(tl.load(at_mu, mask=live, other=0.0), FAST)
            logvar = to_float32(tl.load(at_logvar, mask=live, other=0.0), FAST)
        else:
            mu = to_float32(tl.load(at_mu, mask=live), FAST)
            logvar = to_float32(tl.load(at_logvar, mask=live), FAST)
        std = exp_half(logvar, FAST)
        kl = _twice_kl(mu, logvar, std)
        tile_kl += kl
        if PER_DIMENSION:
            lane = start + tl.arange(0, WIDTH)
            if D % 4 != 0:
                # lanes are not columns: read the tile again, from the cache, as columns
                at_column = live_row[:, None] & (lane < D)[None, :]
                at_mu = mu_ptr + (row * MU_ROW_STRIDE)[:, None] + lane[None, :]
                at_logvar = logvar_ptr + (row * LOGVAR_ROW_STRIDE)[:, None] + lane[None, :]
                column_mu = to_float32(tl.load(at_mu, mask=at_column, other=0.0), FAST)
                column_logvar = to_float32(tl.load(at_logvar, mask=at_column, other=0.0), FAST)
                kl = _twice_kl(column_mu, column_logvar, exp_half(column_logvar, FAST))
            tl.store(column_kl_ptr + lane, 0.5 * tl.sum(kl, axis=0), mask=lane < D)
        block = blocks(start, first_block, row, WIDTH, D, PAIRED)
        for sample in tl.range(SAMPLES):
            noise = normal_tile(
                block + sample * ((sample_size + 3) // 4), step, stream, seed, PAIRED, FAST
            )
            z = (mu + std * noise).to(z_ptr.dtype.element_ty)
            at_z = sample * sample_size + (row * D)[:, None] + column
            tl.store(z_ptr + at_z, z, mask=live)
            if STORED_NOISE:
                tl.store(noise_ptr + at_z, noise, mask=live)
    return 0.5 * tl.sum(tile_kl, axis=1)


@triton.jit
def _twice_kl(mu, logvar, std):
    """Return twice the KL of each element, halved once per sum."""
    return mu * mu + ((std * std - 1.0) - logvar)
