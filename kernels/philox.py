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

import math

import torch
from torch import Tensor

from kernels.arguments import as_int64_tensor, describe

ROUNDS = 10
ROUND_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
UNIFORM_SCALE = 4.6566127342e-10
"""Just under 2**-31: maps [0, 2**31) into [0, 1)."""
SMALLEST_UNIFORM = 1e-7
"""The floor under the logarithm of Box-Muller; no normal exceeds sqrt(-2 ln 1e-7) = 5.68."""

WORD_MASK = 0xFFFFFFFF


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
    halves = (counter & WORD_MASK).expand(*shape, 4).reshape(*shape, 2, 2).movedim(-2, 0)
    even, odd = philox_rounds(
        halves[..., 0].contiguous(), halves[..., 1].contiguous(), key.expand(shape)
    )
    return torch.stack((even, odd & WORD_MASK), dim=-1).movedim(0, -2).flatten(-2)


def philox_rounds(even: Tensor, odd: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Run the ten rounds in place on int64 [2, ...] halves; ``key`` broadcasts against [...].

    The words of ``even`` stay within 32 bits; those of ``odd`` carry the untouched upper half of
    their product, which the next round masks away together with the sign bits of the shift.
    Constants are tensors and views are taken once, because a small draw is all call overhead.
    """
    *multipliers, word_mask, word_bits = (
        # on the CPU whatever the default device is: every device takes a number from there
        torch.tensor(constant, device="cpu")
        for constant in (*ROUND_MULTIPLIERS, WORD_MASK, 32)
    )
    round_key = torch.stack((key, key >> 32))
    round_key_0, round_key_1 = round_key
    even_0, even_2 = even
    product = torch.empty_like(even)
    here, there = (odd, odd[1], odd[0]), (product, product[1], product[0])
    for _ in range(ROUNDS):
        product, product_0, product_2 = there
        torch.mul(even_0, multipliers[0], out=product_0)
        torch.mul(even_2, multipliers[1], out=product_2)
        torch.bitwise_right_shift(product, word_bits, out=even)
        even.bitwise_xor_(here[0]).bitwise_xor_(round_key).bitwise_and_(word_mask)
        round_key_0.add_(KEY_INCREMENTS[0])
        round_key_1.add_(KEY_INCREMENTS[1])
        here, there = there, here
    return even, here[0]


def box_muller(even: Tensor, odd: Tensor, *, out: Tensor) -> None:
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
    folded = signed.bitwise_xor_(signed >> 31)
    return folded.to(torch.float32).mul_(UNIFORM_SCALE)
