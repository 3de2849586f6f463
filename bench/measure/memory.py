"""How many runs fit in memory at once: what one run needs, counted in one real step, against what
is free.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.measure.configured import build_model, loss_of
from bench.plan import RunConfig
from vae_core import Dataset
from vae_core.streams import TRAINING

USABLE_SHARE = 0.5
"""Of what is free; the rest is for metrics, fragmentation and other programs."""

COPIES_OF_WEIGHTS = 4
"""Weights, gradients and Adam's two moments."""

MEMORY_INFORMATION = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")


def cohort_limits(
    runs: Iterable[RunConfig], dataset: Dataset, *, workers: int
) -> dict[tuple[Any, ...], int]:
    """Runs of each structure that fit on its device at once, at least 1.

    Parameters
    ----------
    runs
        One run of each structure is enough; only the first is looked at.
    dataset
        On the CPU.
    workers
        Cohorts that train on the CPU at the same time.
    """
    first: dict[tuple[Any, ...], RunConfig] = {}
    for run in runs:
        first.setdefault(run.structure, run)
    free = {device: free_bytes(device) for device in {run.device for run in first.values()}}
    shares = {"cpu": workers, "cuda": 1}
    limits = {}
    for structure, run in first.items():
        usable = USABLE_SHARE * free[run.device] / shares[run.device]
        limits[structure] = max(1, int(usable / bytes_per_run(run, dataset)))
    return limits


def bytes_per_run(run: RunConfig, dataset: Dataset) -> int:
    """Bytes that a run adds to its cohort while it trains.

    Weights, gradients and Adam's moments, a batch of images, and twice what autograd keeps of one
    batch: backward holds gradients of about the same size.
    """
    model = build_model([run], dataset)
    # held here and not by autograd, which would keep it all in a cycle
    kept: dict[int, torch.UntypedStorage] = {}

    def count(tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage

    x = dataset.pixels(dataset.train_images[: run.batch_size]).unsqueeze(0)
    settings = loss_of(run)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda nothing: nothing):
        model.losses(x, step=0, stream=TRAINING, backend="reference", settings=settings)
    weights = 0
    for value in (*model.parameters(), *model.buffers()):
        weights += value.nbytes
        kept.pop(value.untyped_storage().data_ptr(), None)
    activations = sum(storage.nbytes() for storage in kept.values())
    return COPIES_OF_WEIGHTS * weights + x.nbytes + 2 * activations


def free_bytes(device: str) -> int:
    """Memory that can still be had on a device, within the limits of a container."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    free = _free_memory()
    limit, used = (_number(CONTROL_GROUP / name) for name in ("memory.max", "memory.current"))
    return free if limit is None or used is None else min(free, max(limit - used, 0))


def _free_memory() -> int:
    if MEMORY_INFORMATION.exists():
        fields = dict(line.split(":", 1) for line in MEMORY_INFORMATION.read_text().splitlines())
        return int(fields["MemAvailable"].removesuffix("kB")) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _number(path: Path) -> int | None:
    """The number in a file; None where there is no such file or it says ``max``."""
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.isdigit() else None
