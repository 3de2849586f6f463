# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""From decoded images to losses; launched by ``kernels.losses``."""

import triton
import triton.language as tl

SIZES = ["rows", "samples", "batch", "runs", "draws", "steps"]
"""Arguments that may take any value without a new compilation."""


@triton.jit(do_not_specialize=SIZES)
def error_kernel(
    outputs_ptr,  # [K, S, B, PIXELS], pixels contiguous
    x_ptr,  # [K, B, PIXELS], likewise
    error_ptr,  # float32 [K, S, B]
    rows,  # K·S·B
    samples,  # S
    batch,  # B
    outputs_run,  # distances between runs, draws and images, in elements
    outputs_sample,
    outputs_row,
    x_run,
    x_row,
    KIND: tl.constexpr,
    PIXELS: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
):
    """Write the error of each decoded image, summed over its pixels."""
    row, run, sample, image = _images(TILE_ROWS, samples, batch)
    live_row = row < rows
    outputs_ptr += run * outputs_run + sample * outputs_sample + image * outputs_row
    x_ptr += run * x_run + image * x_row
    error = tl.zeros([TILE_ROWS, TILE_COLUMNS], tl.float32)
    for start in range(0, PIXELS, TILE_COLUMNS):
        column = start + tl.arange(0, TILE_COLUMNS)
        live = live_row[:, None] & (column < PIXELS)[None, :]
        output = tl.load(outputs_ptr[:, None] + column[None, :], mask=live, other=0.0)
        x = tl.load(x_ptr[:, None] + column[None, :], mask=live, other=0.0)
        error += tl.where(live, _error(output.to(tl.float32), x.to(tl.float32), KIND), 0.0)
    tl.store(error_ptr + row, tl.sum(error, axis=1), mask=live_row)


@triton.jit(do_not_specialize=SIZES)
def error_gradient_kernel(
    derror_ptr,  # float32 [K, S, B]
    outputs_ptr,  # as above
    x_ptr,
    doutputs_ptr,  # [K, S, B, PIXELS], pixels contiguous
    rows,
    samples,
    batch,
    outputs_run,
    outputs_sample,
    outputs_row,
    x_run,
    x_row,
    doutputs_run,
    doutputs_sample,
    doutputs_row,
    KIND: tl.constexpr,
    PIXELS: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_COLUMNS: tl.constexpr,
):
    """Write the gradient of the decoded images."""
    row, run, sample, image = _images(TILE_ROWS, samples, batch)
    live_row = row < rows
    column = tl.program_id(1) * TILE_COLUMNS + tl.arange(0, TILE_COLUMNS)
    live = live_row[:, None] & (column < PIXELS)[None, :]
    outputs_ptr += run * outputs_run + sample * outputs_sample + image * outputs_row
    x_ptr += run * x_run + image * x_row
    doutputs_ptr += run * doutputs_run + sample * doutputs_sample + image * doutputs_row
    output = tl.load(outputs_ptr[:, None] + column[None, :], mask=live).to(tl.float32)
    x = tl.load(x_ptr[:, None] + column[None, :], mask=live).to(tl.float32)
    derror = tl.load(derror_ptr + row, mask=live_row)[:, None]
    slope = 2 * (output - x) if KIND == "squared" else _sigmoid(output) - x
    gradient = (derror * slope).to(doutputs_ptr.dtype.element_ty)
    tl.store(doutputs_ptr[:, None] + column[None, :], gradient, mask=live)


@triton.jit(do_not_specialize=SIZES)
def means_kernel(
    error_ptr,  # float32 [K, S·B]
    kl_ptr,  # float32 [K, B]
    recon_weight_ptr,  # float32 [K]
    kl_weight_ptr,  # float32 [K]
    found_ptr,  # float32 [3, K]: losses, mean errors, mean KLs
    runs,  # K
    draws,  # S·B
    batch,  # B
    TILE: tl.constexpr,
):
    """Write one run's means, and the sum of both with their weights."""
    run = tl.program_id(0).to(tl.int64)
    error = _sum(error_ptr + run * draws, draws, TILE) / draws
    kl = _sum(kl_ptr + run * batch, batch, TILE) / batch
    loss = tl.load(recon_weight_ptr + run) * error + tl.load(kl_weight_ptr + run) * kl
    tl.store(found_ptr + run, loss)
    tl.store(found_ptr + runs + run, error)
    tl.store(found_ptr + 2 * runs + run, kl)


@triton.jit(do_not_specialize=SIZES)
def means_gradient_kernel(
    dloss_ptr,  # float32 [K]
    recon_weight_ptr,
    kl_weight_ptr,
    derror_ptr,  # float32 [K, S·B]
    dkl_ptr,  # float32 [K, B]; written with KL
    draws,
    batch,
    KL: tl.constexpr,
    TILE: tl.constexpr,
):
    """Write what each error and each KL of one run adds to its loss."""
    run = tl.program_id(0).to(tl.int64)
    dloss = tl.load(dloss_ptr + run)
    _fill(derror_ptr + run * draws, dloss * tl.load(recon_weight_ptr + run) / draws, draws, TILE)
    if KL:
        _fill(dkl_ptr + run * batch, dloss * tl.load(kl_weight_ptr + run) / batch, batch, TILE)


@triton.jit(do_not_specialize=SIZES)
def note_kernel(
    loss_ptr,  # float32 [K]
    error_ptr,
    rate_ptr,
    step_ptr,  # int64 0-d
    table_ptr,  # float32 [steps, 3, K]
    first_bad_ptr,  # int64 [K]
    runs,
    steps,
    TILE: tl.constexpr,
):
    """Write the losses of a step to its row, and its number where one is the first bad one."""
    run = tl.program_id(0) * TILE + tl.arange(0, TILE)
    live = run < runs
    step = tl.load(step_ptr)
    loss = tl.load(loss_ptr + run, mask=live)
    row_ptr = table_ptr + step % steps * 3 * runs + run
    tl.store(row_ptr, loss, mask=live)
    tl.store(row_ptr + runs, tl.load(error_ptr + run, mask=live), mask=live)
    tl.store(row_ptr + 2 * runs, tl.load(rate_ptr + run, mask=live), mask=live)
    is_finite = tl.abs(loss) < float("inf")
    newly = live & (tl.load(first_bad_ptr + run, mask=live, other=0) < 0) & (is_finite == 0)
    tl.store(first_bad_ptr + run, tl.zeros([TILE], tl.int64) + step, mask=newly)


@triton.jit
def _images(TILE_ROWS: tl.constexpr, samples, batch):
    """Return the rows of this program, and the run, draw and image of each."""
    row = tl.program_id(0) * TILE_ROWS + tl.arange(0, TILE_ROWS)
    drawn = row // batch
    run, sample = (drawn // samples).to(tl.int64), (drawn % samples).to(tl.int64)
    return row, run, sample, (row % batch).to(tl.int64)


@triton.jit
def _error(output, x, KIND: tl.constexpr):
    """Return (output − x)², or the cross-entropy of x with an output that is a logit."""
    if KIND == "squared":
        return (output - x) * (output - x)
    return tl.maximum(output, 0.0) - output * x + tl.log(1 + tl.exp(-tl.abs(output)))


@triton.jit
def _sigmoid(logit):
    """Return 1 / (1 + exp(−logit)), of exponentials that cannot overflow."""
    small = tl.exp(-tl.abs(logit))
    return tl.where(logit < 0, small, 1.0) / (1 + small)


@triton.jit
def _sum(ptr, count, TILE: tl.constexpr):
    total = tl.zeros([TILE], tl.float32)
    for start in range(0, count, TILE):
        at = start + tl.arange(0, TILE)
        total += tl.load(ptr + at, mask=at < count, other=0.0)
    return tl.sum(total, axis=0)


@triton.jit
def _fill(ptr, value, count, TILE: tl.constexpr):
    for start in range(0, count, TILE):
        at = start + tl.arange(0, TILE)
        tl.store(ptr + at, tl.zeros([TILE], tl.float32) + value, mask=at < count)
