"""Launches the Triton kernels on checked tensors: shapes, strides and tile sizes to constants.

The kernels are imported on first use, so that the package works where Triton is not installed.
A launch depends on the shape of one run, never on how many are stacked, so that a run's bits do
not depend on its cohort.
"""

from __future__ import annotations

import functools
import importlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from kernels.backend import TRITON_INTERPRETED

if TYPE_CHECKING:
    from torch import Tensor

TILE_ELEMENTS = 4096
NUM_WARPS = 4
_GRID_AXIS_LIMIT = 65535
_INT32_LIMIT = 1 << 31


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a run of ``rows`` by ``latent_dim`` is cut into tiles.

    ``lanes`` is the latent dimension rounded up to a number with few bits set, each bit one chunk
    of columns; the widest chunk has ``2**widest`` lanes.
    """

    lanes: int
    widest: int
    tile_rows: int
    whole_tiles: bool

    def constants(self) -> dict[str, int | bool]:
        """Return the kernel constants of this tiling."""
        return {
            "LANES": self.lanes,
            "WIDEST": self.widest,
            "TILE_ROWS": self.tile_rows,
            "WHOLE_TILES": self.whole_tiles,
        }


@functools.lru_cache(maxsize=1024)
def tiling(rows: int, latent_dim: int) -> Tiling:
    """Return the tiling of one run.

    Where D is not a multiple of four, rows start at up to three (odd D) or two lanes into a
    Philox block, and a tile needs four rows to start at a block itself.
    """
    shift = (0, 3, 2, 3)[latent_dim % 4]
    fewest_rows = 4 if shift else 1
    limit = TILE_ELEMENTS // fewest_rows
    # a chunk narrower than a sixteenth of the widest leaves most threads without a vector of four
    narrowest = max(4, min(_previous_power_of_two(latent_dim + shift), limit) // 16)
    lanes = -(-(latent_dim + shift) // narrowest) * narrowest
    widest_lanes = min(_previous_power_of_two(lanes), limit)
    tile_rows = min(TILE_ELEMENTS // widest_lanes, max(fewest_rows, next_power_of_two(rows)))
    return Tiling(
        lanes, widest_lanes.bit_length() - 1, tile_rows, whole_tiles=rows % tile_rows == 0
    )


def forward(
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    *,
    stream: int,
    samples: int | None,
    per_dimension: bool,
    noise: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return z, the KL of every row, and the mean KL of every dimension.

    Parameters
    ----------
    mu, logvar : tensors [..., B, D]
    seed : int64 tensor [...]
    step : int64 tensor, 0-d or [...]
    stream : int
    samples : int or None
    per_dimension : bool
        Without it the third result is empty, [..., 0].
    noise : float32 tensor like z, optional
        Receives the noise; the op itself never stores it.
    """
    *runs_shape, rows, latent_dim = mu.shape
    tiles = tiling(rows, latent_dim)
    runs = seed.numel()
    tile_count = -(-rows // tiles.tile_rows)
    z = mu.new_empty(sample_shape(mu.shape, samples))
    kl = mu.new_empty((*runs_shape, rows), dtype=torch.float32)
    columns = (tile_count, latent_dim) if per_dimension else (0,)
    column_kl = mu.new_empty((*runs_shape, *columns), dtype=torch.float32)
    if runs and rows:
        mu, mu_run_rows = _as_runs(mu)
        logvar, logvar_run_rows = _as_runs(logvar)
        _launch(
            "forward",
            tile_count,
            runs,
            mu,
            logvar,
            z,
            kl,
            column_kl,
            kl if noise is None else noise,
            *_per_run(seed, step),
            stream,
            runs,
            rows,
            mu_run_rows,
            logvar_run_rows,
            MU_ROW_STRIDE=mu.stride(-2),
            LOGVAR_ROW_STRIDE=logvar.stride(-2),
            D=latent_dim,
            SAMPLES=samples or 1,
            PER_DIMENSION=per_dimension,
            STORED_NOISE=noise is not None,
            **tiles.constants(),
        )
    return z, kl, column_kl.sum(-2) / rows if per_dimension else column_kl


def backward(
    dz: Tensor | None,
    dkl: Tensor | None,
    dkl_per_dimension: Tensor | None,
    mu: Tensor,
    logvar: Tensor,
    seed: Tensor,
    step: Tensor,
    *,
    stream: int,
    samples: int | None,
    noise: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of mu and logvar; an absent gradient costs nothing.

    Parameters
    ----------
    dz, dkl, dkl_per_dimension : tensors shaped like the results of ``forward``, or None
    mu, logvar, seed, step, stream, samples
        As given to ``forward``.
    noise : float32 tensor like z, optional
        What ``forward`` stored; drawn again without it.
    """
    *_, rows, latent_dim = mu.shape
    tiles = tiling(rows, latent_dim)
    runs = seed.numel()
    dmu = torch.empty_like(mu, memory_format=torch.contiguous_format)
    dlogvar = torch.empty_like(dmu)
    if runs and rows:
        mu, mu_run_rows = _as_runs(mu)
        logvar, logvar_run_rows = _as_runs(logvar)
        _launch(
            "backward",
            -(-rows // tiles.tile_rows),
            runs,
            mu if dz is None else dz.contiguous(),
            seed if dkl is None else dkl.contiguous(),
            seed if dkl_per_dimension is None else (dkl_per_dimension / rows).contiguous(),
            mu,
            logvar,
            dmu,
            dlogvar,
            seed if noise is None else noise,
            *_per_run(seed, step),
            stream,
            runs,
            rows,
            mu_run_rows,
            logvar_run_rows,
            MU_ROW_STRIDE=mu.stride(-2),
            LOGVAR_ROW_STRIDE=logvar.stride(-2),
            D=latent_dim,
            SAMPLES=samples or 1,
            Z_GRADIENT=dz is not None,
            KL_GRADIENT=dkl is not None,
            COLUMN_GRADIENT=dkl_per_dimension is not None,
            STORED_NOISE=noise is not None,
            **tiles.constants(),
        )
    return dmu, dlogvar


def sample_shape(shape: torch.Size, samples: int | None) -> tuple[int, ...]:
    """Return the shape of z for mu of ``shape``."""
    if samples is None:
        return tuple(shape)
    return (*shape[:-2], samples, *shape[-2:])


def fast_instructions() -> bool:
    """Return whether the kernels may use NVIDIA's assembly: not interpreted and not on AMD."""
    return not TRITON_INTERPRETED and torch.version.hip is None


@functools.cache
def kernel(phase: str) -> Any:
    """Return the Triton kernel of the ``"forward"`` or ``"backward"`` pass."""
    module = importlib.import_module(f"kernels.triton_{phase}")
    return getattr(module, f"{phase}_kernel")


def _launch(
    phase: str,
    tile_count: int,
    runs: int,
    first: Tensor,
    *arguments: object,
    **constants: object,
) -> None:
    grid = (tile_count, min(runs, _GRID_AXIS_LIMIT), -(-runs // _GRID_AXIS_LIMIT))
    with on_device_of(first):
        kernel(phase)[grid](
            first, *arguments, **constants, FAST=fast_instructions(), num_warps=NUM_WARPS
        )


def _as_runs(tensor: Tensor) -> tuple[Tensor, int]:
    """Return ``tensor`` as [K, B, D] with contiguous rows, and the distance of its runs in rows.

    A view as an encoder's chunked output gives it is read in place; anything else is copied.
    """
    rows, latent_dim = tensor.shape[-2:]
    try:
        runs = tensor.view(-1, rows, latent_dim)
    except RuntimeError:
        runs = tensor.reshape(-1, rows, latent_dim)
    run_stride, row_stride, column_stride = runs.stride()
    if len(runs) == 1:
        run_stride = 0
    in_place = (
        (column_stride == 1 or latent_dim == 1)
        and latent_dim <= row_stride < _INT32_LIMIT // TILE_ELEMENTS
        and run_stride % row_stride == 0
    )
    if not in_place:
        runs = runs.contiguous()
        run_stride, row_stride, _ = runs.stride()
    return runs, run_stride // row_stride


def _per_run(seed: Tensor, step: Tensor) -> tuple[Tensor, Tensor, int, int]:
    """Return the seeds and steps of the runs, and the distance between two of each."""
    seeds, steps = seed.reshape(-1), step.expand(seed.shape).reshape(-1)
    return seeds, steps, seeds.stride(0), steps.stride(0)


def next_power_of_two(value: int) -> int:
    """Return the smallest power of two that is no smaller than ``value``, at least 1."""
    return 1 << max(0, value - 1).bit_length()


def on_device_of(tensor: Tensor) -> AbstractContextManager[object]:
    """Make a tensor's GPU the current one, which is where Triton launches."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def _previous_power_of_two(value: int) -> int:
    return 1 << (value.bit_length() - 1)
