"""What a run needs at the least, told from shapes before anything is allocated.

A system grants more memory than it has and ends whoever uses it, without a word. What cannot fit on
any account is refused in time; what may fit is tried (``bench.measure.memory`` sizes the cohorts).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from bench.measure.memory import COPIES_OF_WEIGHTS
from bench.plan import DataSpec, RunConfig, SpecError
from bench.plan.diagnosis import shown
from vae_core import Dataset
from vae_core.data.linear_gaussian import TRUTH
from vae_core.networks import ARCHITECTURES
from vae_core.posteriors import PARAMETERS

__all__ = ["check_data", "check_memory", "denied_memory_in_one_line", "total_bytes"]

FLOAT_BYTES = 4
DRAW_BYTES = 8
"""Data are drawn in float64."""

CONTROL_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def check_data(data: DataSpec) -> None:
    """Refuse more images than memory holds, of the data that are drawn in any number.

    Raises
    ------
    SpecError
        One line: the key, its value, and how many are allowed.
    """
    if data.name != "linear-gaussian":
        return
    pixels, latents = TRUTH.weights.shape
    most = total_bytes("cpu") // (DRAW_BYTES * (latents + pixels))
    sizes = {"data.train_size": data.train_size, "data.test_size": data.test_size}
    for key, size in sizes.items():
        if size is not None and size > most:
            raise SpecError(
                f"{key}: {size} is not allowed; at most {most} is, which fill the memory here"
            )


def check_memory(runs: Iterable[RunConfig], dataset: Dataset) -> None:
    """Refuse runs that alone are more than the whole memory of their device.

    Networks of the user's own are not looked at: what their factory does is known when it has run.

    Raises
    ------
    SpecError
        One line: the key to blame, its value, and what the memory is.
    """
    for run in runs:
        total = total_bytes(run.device)
        pixels = math.prod(dataset.image_shape)
        draws = run.batch_size * (run.latent_samples or 1) * (run.latent_dim + pixels)
        needs = {
            ("model.hidden", run.hidden): COPIES_OF_WEIGHTS * _weights(run, dataset.image_shape),
            ("sweep.latent_samples", run.latent_samples or 1): draws,
        }
        for (key, value), floats in needs.items():
            if FLOAT_BYTES * floats > total:
                raise SpecError(
                    f"{key}: {shown(value)} is not allowed; what fits in the {_gb(total)} of "
                    f"memory here is, and a run with latent_dim {run.latent_dim} needs "
                    f"{_gb(FLOAT_BYTES * floats)}"
                )


@contextmanager
def denied_memory_in_one_line(key: str) -> Iterator[None]:
    """Memory that ``key`` asks for and a system that counts it denies is a refusal, not a bug.

    Raises
    ------
    SpecError
        In place of the error of the allocator, of which PyTorch has no class for CPUs.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError) or "can't allocate memory" in str(error)):
            raise
        raise SpecError(
            f"{key}: what the system denies the memory for is not allowed; a smaller value is"
        ) from error


def total_bytes(device: str) -> int:
    """Memory of a device, within the limit of a container; for a GPU that is not here, the CPU's,
    on which its networks are planned.
    """
    if device == "cuda" and torch.cuda.is_available():
        return torch.cuda.mem_get_info()[1]
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = CONTROL_GROUP_LIMIT.read_text().strip() if CONTROL_GROUP_LIMIT.exists() else ""
    return min(total, int(limit)) if limit.isdigit() else total


def _weights(run: RunConfig, image_shape: tuple[int, ...]) -> int:
    """Number of weights of a run's networks, built without memory."""
    if run.architecture not in ARCHITECTURES:
        return 0
    with torch.device("meta"):
        networks = ARCHITECTURES[run.architecture](
            image_shape=image_shape,
            latent_dim=run.latent_dim,
            posterior_parameters=PARAMETERS[run.covariance](run.latent_dim),
            hidden=run.hidden,
        )
    return sum(weight.numel() for network in networks for weight in network.parameters())


def _gb(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
