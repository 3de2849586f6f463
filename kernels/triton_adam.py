# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Adam for all tensors of a model in one launch, which ``kernels.adam`` lays out."""

import triton
import triton.language as tl


@triton.jit
def adam_kernel(
    parameters,  # tuples of float32 tensors: one entry a tensor of the model
    gradients,
    firsts,  # running means of the gradient
    seconds,  # and of its square
    sizes,  # elements
    begins,  # the first program of each tensor
    steps_ptr,  # int64 0-d, this step counted
    learning_rate_ptr,  # float32 0-d
    EPSILON: tl.constexpr,
    BETA_1: tl.constexpr,
    BETA_2: tl.constexpr,
    COUNT: tl.constexpr,
    TILE: tl.constexpr,
):
    """Move ``TILE`` elements of one tensor by Kingma & Ba 2015, algorithm 1."""
    program = tl.program_id(0)
    parameter, gradient, first, second = parameters[0], gradients[0], firsts[0], seconds[0]
    size, begin = sizes[0], begins[0]
    for index in tl.static_range(1, COUNT):
        here = program >= begins[index]
        parameter = tl.where(here, parameters[index], parameter)
        gradient = tl.where(here, gradients[index], gradient)
        first = tl.where(here, firsts[index], first)
        second = tl.where(here, seconds[index], second)
        size = tl.where(here, sizes[index], size)
        begin = tl.where(here, begins[index], begin)
    start = (program - begin).to(tl.int64) * TILE
    at = start + tl.arange(0, TILE)
    # In float64: at the first steps one minus a power has few digits in float32.
    steps = tl.load(steps_ptr).to(tl.float64)
    unbias_mean = (1 - tl.exp2(steps * tl.log2(tl.full([], BETA_1, tl.float64)))).to(tl.float32)
    unbias_square = (1 - tl.exp2(steps * tl.log2(tl.full([], BETA_2, tl.float64)))).to(tl.float32)
    step_size = tl.load(learning_rate_ptr) / unbias_mean
    root = tl.sqrt(unbias_square)
    # A whole tile needs no mask, which would have its elements moved one by one.
    if start + TILE <= size:
        _move(
            parameter + at, gradient + at, first + at, second + at, None,
            step_size, root, EPSILON, BETA_1, BETA_2,
        )  # fmt: skip
    else:
        _move(
            parameter + at, gradient + at, first + at, second + at, at < size,
            step_size, root, EPSILON, BETA_1, BETA_2,
        )  # fmt: skip


@triton.jit
def _move(
    parameter, gradient, first, second, live, step_size, root,
    EPSILON: tl.constexpr, BETA_1: tl.constexpr, BETA_2: tl.constexpr,
):  # fmt: skip
    g = tl.load(gradient, mask=live)
    mean = BETA_1 * tl.load(first, mask=live) + (1 - BETA_1) * g
    square = BETA_2 * tl.load(second, mask=live) + (1 - BETA_2) * g * g
    moved = tl.load(parameter, mask=live) - step_size * mean / (tl.sqrt(square) / root + EPSILON)
    tl.store(first, mean, mask=live)
    tl.store(second, square, mask=live)
    tl.store(parameter, moved, mask=live)
