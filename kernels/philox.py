"""The noise of every run, defined once: Philox4x32-10 words turned into normals by Box-Muller.

This module is the definition in PyTorch integer arithmetic; the Triton kernels compute the same in
registers. A value depends on (seed, stream, step, element index) and on nothing else, so it must
not know of cohorts, batches or training.

Element e of a run takes lane ``e % 4`` of the Philox block whose counter is
``(low32(e // 4), high32(e // 4), step, stream)`` and whose key is ``(low32(seed), high32(seed))``.
The words of a block are held as two halves, ``even = (word 0, word 2)`` and
``odd = (word 1, word 3)``, stacked along a leading axis of two: a round treats both halves alike,
and Box-Muller takes its radius from the even half and its angle from the odd one.

Sources: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 (Philox);
Box & Muller 1958; the mapping from words to uniforms and normals is that of ``triton.language``.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kernels.arguments import as_int64_tensor, describe, require_int

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 10
ROUND_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
UNIFORM_SCALE = 4.6566127342e-10
"""Just under 2**-31: maps [0, 2**31) into [0, 1)."""
SMALLEST_UNIFORM = 1e-7
"""The floor under the logarithm of Box-Muller; no normal exceeds sqrt(-2 ln 1e-7) = 5.68."""

_WORD_MASK = 0xFFFFFFFF
_WINDOW_BLOCKS = 1 << 15
"""Philox blocks drawn at once on a CPU: enough to hide PyTorch's cost per call, small in cache."""


def philox_uint32(seed: int | Tensor, counter: Tensor) -> Tensor:
    """Return the four 32-bit words of Philox4x32-10 for each counter.

    Parameters
    ----------
    seed : int or int64 tensor, broadcast against ``counter[..., 0]``
        Key word 0 is its low 32 bits, key word 1 its high 32 bits.
    counter : int64 tensor [..., 4]
        Four 32-bit words; higher bits are ignored.

    Returns
    -------
    int64 tensor [..., 4] with values in [0, 2**32).

    Raises
    ------
    TypeError, ValueError
        When ``seed`` or ``counter`` has another type, dtype or shape.
    """
    if not isinstance(counter, Tensor) or counter.dtype != torch.int64:
        raise TypeError(f"counter must be an int64 tensor [..., 4], got {describe(counter)}")
    if counter.dim() == 0 or counter.shape[-1] != 4:
        raise ValueError(f"counter must have shape [..., 4], got {list(counter.shape)}")
    key = as_int64_tensor("seed", seed, counter.device)
    try:
        shape = (key ^ counter[..., 0]).shape
    except RuntimeError as error:
        raise ValueError(
            f"seed must broadcast against counter[..., 0] {list(counter.shape[:-1])}, "
            f"got {list(key.shape)}"
        ) from error
    # [..., 4] -> [2, ..., 2]: the word pairs (0, 1) and (2, 3), then the halves even and odd
    halves = (counter & _WORD_MASK).expand(*shape, 4).reshape(*shape, 2, 2).movedim(-2, 0)
    even, odd = _philox_rounds(
        halves[..., 0].contiguous(), halves[..., 1].contiguous(), key.expand(shape)
    )
    return torch.stack((even, odd & _WORD_MASK), dim=-1).movedim(0, -2).flatten(-2)


def philox_normal(
    shape: Sequence[int],
    seed: int | Tensor,
    step: int | Tensor,
    stream: int,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return standard normals of ``shape``, a pure function of (seed, stream, step, index).

    Parameters
    ----------
    shape : sequence of int
        Its leading axes are those of ``seed``; the rest, flattened, is one run's element index.
    seed : int or int64 tensor
        An int makes the whole of ``shape`` one run.
    step : int, 0-d int64 tensor, or int64 tensor shaped like ``seed``
        Taken modulo 2**32.
    stream : int
        Taken modulo 2**32; separates independent uses of noise within a step.
    device : optional
        That of ``seed`` or ``step`` where one is a tensor, else the CPU.
    dtype : floating dtype
        Values are computed in float32, then converted.

    Raises
    ------
    TypeError, ValueError
        When an argument has another type, dtype or shape.
    """
    if not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating dtype, got {dtype}")
    require_int("stream", stream)
    device = _noise_device(device, seed, step)
    seed = as_int64_tensor("seed", seed, device)
    step = as_int64_tensor("step", step, device)
    if tuple(shape[: seed.dim()]) != tuple(seed.shape):
        raise ValueError(
            f"seed must have the leading axes of shape {list(shape)}, got {list(seed.shape)}"
        )
    if step.dim() and step.shape != seed.shape:
        raise ValueError(
            f"step must be 0-d or shaped like seed {list(seed.shape)}, got {list(step.shape)}"
        )
    count = math.prod(shape[seed.dim() :])
    return normal_op(seed, step, stream & _WORD_MASK, count).view(tuple(shape)).to(dtype)


def normal_op(seed: Tensor, step: Tensor, stream: int, count: int) -> Tensor:
    """Return the first ``count`` normals of every seed: float32 ``[*seed.shape, count]``.

    One opaque op, so that its in-place arithmetic meets neither autograd nor vmap, and compiled
    and eager code get the same bits. ``step`` is 0-d or shaped like ``seed``; ``stream`` is a
    32-bit word.
    """
    normals: Tensor = torch.ops.vaebench.philox_normal(seed, step, stream, count)
    return normals


torch.library.define(
    "vaebench::philox_normal",
    "(Tensor seed, Tensor step, int stream, SymInt count) -> Tensor",
    tags=torch.Tag.pt2_compliant_tag,
)


@torch.library.impl("vaebench::philox_normal", "CompositeExplicitAutograd")
def _normal_impl(seed: Tensor, step: Tensor, stream: int, count: int) -> Tensor:
    keys = seed.reshape(-1)
    if seed.device.type == "cpu" and step.dim() == 0:
        normals = _cpu_normals(keys, int(step), stream, count)
    else:
        normals = _normals(keys, step.expand(seed.shape).reshape(-1), stream, count)
    return normals.view(*seed.shape, count)


def _normal_fake(seed: Tensor, step: Tensor, stream: int, count: int) -> Tensor:
    return torch.empty((*seed.shape, count), device=seed.device)


def _normal_vmap(
    info: object,
    in_dims: tuple[int | None, ...],
    seed: Tensor,
    step: Tensor,
    stream: int,
    count: int,
) -> tuple[Tensor, int]:
    batch_size: int = info.batch_size  # type: ignore[attr-defined]
    seed_dim, step_dim, *_ = in_dims
    seed = seed.expand(batch_size, *seed.shape) if seed_dim is None else seed.movedim(seed_dim, 0)
    if step_dim is not None:
        step = step.movedim(step_dim, 0)
        step = step.view(*step.shape, *[1] * (seed.dim() - step.dim())).expand(seed.shape)
    elif step.dim():
        step = step.expand(seed.shape)
    return normal_op(seed, step, stream, count), 0


torch.library.register_fake("vaebench::philox_normal", _normal_fake)
torch.library.register_vmap("vaebench::philox_normal", _normal_vmap)


def _cpu_normals(keys: Tensor, step: int, stream: int, count: int) -> Tensor:
    """Return float32 ``[keys, count]`` for one step of every run.

    Runs that share a seed share their noise, so a cohort over KL weights draws it once; and
    because steps are asked for in order, small draws are made some steps ahead.
    """
    seeds = keys.tolist()
    distinct = tuple(dict.fromkeys(seeds))
    blocks = len(distinct) * -(-count // 4)
    if not 0 < blocks <= _WINDOW_BLOCKS // 2:
        steps = keys.new_full((len(distinct),), step)
        normals = _normals(keys.new_tensor(distinct), steps, stream, count)
    else:
        window_steps = 1 << int(math.log2(_WINDOW_BLOCKS // blocks))
        window, offset = divmod(step % (1 << 32), window_steps)
        normals = _normal_window(distinct, window * window_steps, window_steps, stream, count)
        normals = normals[offset]
    row = {seed: index for index, seed in enumerate(distinct)}
    return normals.index_select(0, torch.tensor([row[seed] for seed in seeds], dtype=torch.int64))


@functools.lru_cache(maxsize=8)
def _normal_window(
    seeds: tuple[int, ...], first_step: int, steps: int, stream: int, count: int
) -> Tensor:
    """Return float32 ``[steps, seeds, count]``; remembered, so never to be written to."""
    keys = torch.tensor(seeds).repeat(steps)
    step = torch.arange(first_step, first_step + steps).repeat_interleave(len(seeds))
    return _normals(keys, step, stream, count).view(steps, len(seeds), count)


def _normals(keys: Tensor, steps: Tensor, stream: int, count: int) -> Tensor:
    """Return contiguous float32 ``[keys, count]``, a key and a step for each row."""
    blocks = -(-count // 4)
    index = torch.arange(blocks, device=keys.device)
    even = torch.empty((2, keys.numel(), blocks), dtype=torch.int64, device=keys.device)
    odd = torch.empty_like(even)
    even[0] = index & _WORD_MASK
    even[1] = (steps & _WORD_MASK)[:, None]
    odd[0] = index >> 32
    odd[1] = stream
    even, odd = _philox_rounds(even, odd, keys[:, None])
    normals = torch.empty((keys.numel(), blocks, 4), device=keys.device)
    _box_muller(even, odd, out=normals)
    return normals.view(keys.numel(), blocks * 4)[:, :count].contiguous()


def _philox_rounds(even: Tensor, odd: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Run the ten rounds in place on int64 [2, ...] halves; ``key`` broadcasts against [...].

    The words of ``even`` stay within 32 bits; those of ``odd`` carry the untouched upper half of
    their product, which the next round masks away together with the sign bits of the shift.
    Constants are tensors and views are taken once, because a small draw is all call overhead.
    """
    multipliers = tuple(torch.tensor(multiplier) for multiplier in ROUND_MULTIPLIERS)
    word_mask, word_bits = torch.tensor(_WORD_MASK), torch.tensor(32)
    increments = key.new_tensor(KEY_INCREMENTS).view(2, *[1] * key.dim())
    round_key = torch.stack((key, key >> 32))
    even_0, even_2 = even
    product = torch.empty_like(even)
    here, there = (odd, odd[1], odd[0]), (product, product[1], product[0])
    for _ in range(ROUNDS):
        product, product_0, product_2 = there
        torch.mul(even_0, multipliers[0], out=product_0)
        torch.mul(even_2, multipliers[1], out=product_2)
        torch.bitwise_right_shift(product, word_bits, out=even)
        even.bitwise_xor_(here[0]).bitwise_xor_(round_key).bitwise_and_(word_mask)
        round_key.add_(increments)
        here, there = there, here
    return even, here[0]


def _box_muller(even: Tensor, odd: Tensor, *, out: Tensor) -> None:
    """Write the normals of int64 halves [2, ...] into float32 ``out`` [..., 4], lane by lane.

    Words (0, 1) give lanes 0 and 1, words (2, 3) lanes 2 and 3.
    """
    radius = _uniform(even).clamp_(min=SMALLEST_UNIFORM).log_().mul_(-2.0).sqrt_()
    angle = _uniform(odd).mul_(2.0 * math.pi)
    lanes = out.view(*out.shape[:-1], 2, 2).movedim(-2, 0)
    torch.mul(radius, torch.cos(angle), out=lanes[..., 0])
    torch.mul(radius, angle.sin_(), out=lanes[..., 1])


def _uniform(words: Tensor) -> Tensor:
    """Map the low 32 bits to float32 in [0, 1), a word and its complement to the same value."""
    signed = words.to(torch.int32)
    folded = signed.bitwise_xor_(signed >> signed.new_tensor(31))
    return folded.to(torch.float32).mul_(UNIFORM_SCALE)


def _noise_device(
    device: torch.device | str | None, seed: int | Tensor, step: int | Tensor
) -> torch.device:
    if device is not None:
        # an empty tensor turns "cuda" into the current "cuda:0"
        return torch.empty(0, device=device).device
    for value in (seed, step):
        if isinstance(value, Tensor):
            return value.device
    return torch.device("cpu")
