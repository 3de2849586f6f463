# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Philox4x32-10 and Box-Muller in registers, as Triton device functions.

The definition is ``kernels.philox``. ``FAST`` replaces the polynomials and slow paths that
``tl.log``, ``tl.exp``, ``tl.sin`` and ``tl.cos`` lower to on NVIDIA by single instructions of the
special-function unit; elsewhere (the interpreter, AMD) there is no such assembly.
"""

import math

import triton
import triton.language as tl

from kernels.philox import (
    KEY_INCREMENTS,
    ROUND_MULTIPLIERS,
    ROUNDS,
    SMALLEST_UNIFORM,
    UNIFORM_SCALE,
)

_ROUNDS = tl.constexpr(ROUNDS)
_KEY_A = tl.constexpr(KEY_INCREMENTS[0])
_KEY_B = tl.constexpr(KEY_INCREMENTS[1])
_ROUND_A = tl.constexpr(ROUND_MULTIPLIERS[0])
_ROUND_B = tl.constexpr(ROUND_MULTIPLIERS[1])
_UNIFORM_SCALE = tl.constexpr(UNIFORM_SCALE)
_SMALLEST_UNIFORM = tl.constexpr(SMALLEST_UNIFORM)
_TWO_PI = tl.constexpr(6.283185307179586)
_ANGLE_SCALE = tl.constexpr(2 * math.pi * UNIFORM_SCALE)
_HALF_LOG2_E = tl.constexpr(0.7213475204444817)
_MINUS_TWO_LN_2 = tl.constexpr(-1.3862943611198906)
_LOG_ERROR = tl.constexpr(2**-22 * 2 * math.log(2))
"""What -2 ln u may be wrong by with ``lg2.approx`` for u in (0.5, 1) (PTX ISA)."""


@triton.jit
def philox4x32(c0, c1, c2, c3, k0, k1, FAST: tl.constexpr):
    """Return the four output words; counters and keys are uint32, scalars or tensors."""
    for _ in tl.static_range(_ROUNDS):
        low_a, high_a = _multiply_wide(c0, _ROUND_A, FAST)
        low_b, high_b = _multiply_wide(c2, _ROUND_B, FAST)
        c0, c1 = high_b ^ c1 ^ k0, low_b
        c2, c3 = high_a ^ c3 ^ k1, low_a
        k0 = k0 + _KEY_A
        k1 = k1 + _KEY_B
    return c0, c1, c2, c3


@triton.jit
def _multiply_wide(word, FACTOR: tl.constexpr, FAST: tl.constexpr):
    """Return the low and the high word of a 32 x 32 bit product, from one multiplication."""
    if FAST:
        low, high = tl.inline_asm_elementwise(
            "{ .reg .b64 p; mul.wide.u32 p, $2, $3; mov.b64 {$0, $1}, p; }",
            "=r,=r,r,r",
            [word, FACTOR],
            dtype=(tl.uint32, tl.uint32),
            is_pure=True,
            pack=1,
        )
    else:
        product = word.to(tl.uint64) * FACTOR
        low, high = product.to(tl.uint32), (product >> 32).to(tl.uint32)
    return low, high


@triton.jit
def philox_normal(block, step, stream, seed, FAST: tl.constexpr):
    """Return the four normals of each int64 Philox block."""
    w0, w1, w2, w3 = philox4x32(
        block.to(tl.uint32),
        (block >> 32).to(tl.uint32),
        step.to(tl.uint32),
        stream.to(tl.uint32),
        seed.to(tl.uint32),
        (seed >> 32).to(tl.uint32),
        FAST,
    )
    n0, n1 = normal_pair(w0, w1, FAST)
    n2, n3 = normal_pair(w2, w3, FAST)
    return n0, n1, n2, n3


@triton.jit
def normal_tile(block, step, stream, seed, PAIRED: tl.constexpr, FAST: tl.constexpr):
    """Return the normals of int64 Philox blocks [R, W] as a tile [R, 4 W], in element order.

    With ``PAIRED``, ``block`` holds every second block and the result is [R, 8 W]: a thread then
    has the eight elements that fill a 128-bit access of a two-byte dtype. The order of the joins
    makes the trailing axes count elements, so nothing leaves its thread.
    """
    a0, a1, a2, a3 = philox_normal(block, step, stream, seed, FAST)
    if PAIRED:
        b0, b1, b2, b3 = philox_normal(block + 1, step, stream, seed, FAST)
        even, odd = (
            tl.join(tl.join(a0, b0), tl.join(a2, b2)),
            tl.join(tl.join(a1, b1), tl.join(a3, b3)),
        )
    else:
        even, odd = tl.join(a0, a2), tl.join(a1, a3)
    blocks: tl.constexpr = block.shape[1] * (2 if PAIRED else 1)
    return tl.reshape(tl.join(even, odd), [block.shape[0], 4 * blocks])


@triton.jit
def exp_half(x, FAST: tl.constexpr):
    """Return e**(x / 2)."""
    if FAST:
        return _exp2_approx(x * _HALF_LOG2_E)
    return tl.exp(0.5 * x)


@triton.jit
def half_exp_half(x, FAST: tl.constexpr):
    """Return e**(x / 2) / 2."""
    if FAST:
        return _exp2_approx(x * _HALF_LOG2_E - 1.0)
    return 0.5 * tl.exp(0.5 * x)


@triton.jit
def to_float32(x, FAST: tl.constexpr):
    """Return ``x`` as float32; two bfloat16 of one register take one instruction each."""
    if FAST and x.dtype == tl.bfloat16:
        return tl.inline_asm_elementwise(
            "{ .reg .b32 a, b; shl.b32 a, $2, 16; and.b32 b, $2, 0xffff0000;"
            " mov.b32 $0, a; mov.b32 $1, b; }",
            "=f,=f,r",
            [x],
            dtype=tl.float32,
            is_pure=True,
            pack=2,
        )
    return x.to(tl.float32)


@triton.jit
def normal_pair(word_a, word_b, FAST: tl.constexpr):
    """Return the two Box-Muller normals of two uint32 words."""
    u = tl.maximum(_folded(word_a) * _UNIFORM_SCALE, _SMALLEST_UNIFORM)
    if FAST:
        # Near u = 1 the logarithm is smaller than its own error. -2 ln u >= 2 (1 - u), close there
        # and exact in float32; the logarithm less its error is a bound from below too.
        squared = tl.maximum(_log2_approx(u) * _MINUS_TWO_LN_2 - _LOG_ERROR, 2.0 - 2.0 * u)
        radius = _sqrt_approx(squared)
        angle = _folded(word_b) * _ANGLE_SCALE
        return radius * _cos_approx(angle), radius * _sin_approx(angle)
    angle = _folded(word_b) * _UNIFORM_SCALE * _TWO_PI
    radius = tl.sqrt(-2.0 * tl.log(u))
    return radius * tl.cos(angle), radius * tl.sin(angle)


@triton.jit
def _folded(word):
    """Return the word, or its complement where that is smaller, as float32."""
    signed = word.to(tl.int32, bitcast=True)
    return (signed ^ (signed >> 31)).to(tl.float32)


@triton.jit
def _log2_approx(x):
    return tl.inline_asm_elementwise(
        "lg2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _exp2_approx(x):
    return tl.inline_asm_elementwise(
        "ex2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _sqrt_approx(x):
    return tl.inline_asm_elementwise(
        "sqrt.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _cos_approx(x):
    return tl.inline_asm_elementwise(
        "cos.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _sin_approx(x):
    return tl.inline_asm_elementwise(
        "sin.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )
