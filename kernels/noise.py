"""Draws the noise that ``kernels.philox`` defines: a public function over one registered op.

The op is opaque to PyTorch's transforms and may draw ahead on a CPU; neither changes a bit of the
result. It knows runs and steps, and not what the noise is for.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kernels.arguments import as_int64_tensor, require_int
from kernels.philox import WORD_MASK, box_muller, philox_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

_WINDOW_BLOCKS = 1 << 15
"""Philox blocks drawn at once on a CPU: enough to hide PyTorch's cost per call, small in cache."""

_CPU_CHUNK_BLOCKS = 1 << 15
"""Blocks computed at once: their words stay in cache on a CPU, and bounded in memory elsewhere."""
_DEVICE_CHUNK_BLOCKS = 1 << 24


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
    return normal_op(seed, step, stream & WORD_MASK, count).view(tuple(shape)).to(dtype)


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
    normals = torch.empty((keys.numel(), blocks, 4), device=keys.device)
    at_once = _CPU_CHUNK_BLOCKS if keys.device.type == "cpu" else _DEVICE_CHUNK_BLOCKS
    at_once = max(1, at_once // max(1, keys.numel()))
    for first in range(0, blocks, at_once):
        last = min(first + at_once, blocks)
        _fill_normals(keys, steps, stream, first, out=normals[:, first:last])
    return normals.view(keys.numel(), blocks * 4)[:, :count].contiguous()


def _fill_normals(keys: Tensor, steps: Tensor, stream: int, first: int, *, out: Tensor) -> None:
    """Write the normals of the blocks from ``first`` into float32 ``out`` [keys, blocks, 4]."""
    index = torch.arange(first, first + out.shape[1], device=keys.device)
    even = torch.empty((2, *out.shape[:2]), dtype=torch.int64, device=keys.device)
    odd = torch.empty_like(even)
    even[0] = index & WORD_MASK
    even[1] = (steps & WORD_MASK)[:, None]
    odd[0] = index >> 32
    odd[1] = stream
    even, odd = philox_rounds(even, odd, keys[:, None])
    box_muller(even, odd, out=out)


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
