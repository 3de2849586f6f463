"""Clocks and memory: times cases in turn, and finds their peak memory.

On a CUDA device every reading of the clock waits for the device. On a CPU the processor time stands
beside the wall's: other programs on the machine do not enter it.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from bench.measure.cohort import synchronize
from bench.measure.reference import load_reference
from bench.measure.throughput_cases import Case, build, why_not
from bench.plan import DataSpec, MetricsSpec
from bench.process import keep_freed_memory
from vae_core import Dataset

SECONDS_PER_REPEAT = 0.02
WARM_UP_CALLS = 5
"""More than a recording takes (``vae_core.replay``)."""
CALLS_FOR_MEMORY = 3

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK_RESIDENT_SET = "5"
"""What Linux wants written into ``clear_refs`` to forget the peak (proc(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One repeat of one case, means over ``calls`` calls; ``reason`` says why there is none.

    ``cpu_seconds`` is processor time of the whole process, None on a CUDA device.
    """

    case: Case
    repeat: int | None = None
    calls: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    reason: str | None = None


def time_in_turn(group: Sequence[Case], dataset: Dataset, *, repeats: int) -> Iterator[Timing]:
    """Time every case ``repeats`` times, all cases once before any a second time.

    A case that cannot run here yields one timing with its reason. The first calls, which may
    compile, are not timed.
    """
    keep_freed_memory()  # as where cohorts train
    on_device: dict[str, Dataset] = {}
    ready = []
    for case in group:
        reason = why_not(case)
        if reason is not None:
            yield Timing(case=case, reason=reason)
            continue
        if case.run.device not in on_device:
            on_device[case.run.device] = dataset.to(case.run.device)
        call = build(case, on_device[case.run.device])
        ready.append((case, call, _calls_a_repeat(call, torch.device(case.run.device))))
    for repeat in range(repeats):
        for case, call, calls in ready:
            device = torch.device(case.run.device)
            seconds, cpu_seconds = _time(call, calls, device)
            yield Timing(
                case=case,
                repeat=repeat,
                calls=calls,
                seconds=seconds,
                cpu_seconds=cpu_seconds if device.type == "cpu" else None,
            )


def _calls_a_repeat(call: Callable[[], object], device: torch.device) -> int:
    _time(call, WARM_UP_CALLS, device)
    return max(1, math.ceil(SECONDS_PER_REPEAT / _time(call, 1, device)[0]))


def _time(call: Callable[[], object], calls: int, device: torch.device) -> tuple[float, float]:
    synchronize(device)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        call()
    synchronize(device)
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a case needs at its peak, and what was there before its models were.

    On a CPU the resident set of a process that does nothing else, on a CUDA device its allocator's
    bytes.
    """

    case: Case
    peak_memory_bytes: int
    baseline_memory_bytes: int


def measure_memory(case: Case, data: DataSpec, metrics: MetricsSpec) -> Memory:
    """Run a case a few times in a fresh process, with as many threads as this one, and ask how much
    memory that took.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_use, case, data, metrics, torch.get_num_threads()).result()


def _use(case: Case, data: DataSpec, metrics: MetricsSpec, threads: int) -> Memory:
    torch.set_num_threads(threads)
    keep_freed_memory()
    device = torch.device(case.run.device)
    dataset = load_reference(data, metrics).dataset.to(device)
    _reset_peak(device)
    baseline = _used(device)
    call = build(case, dataset)
    for _ in range(CALLS_FOR_MEMORY):
        call()
    return Memory(case=case, peak_memory_bytes=_used(device), baseline_memory_bytes=baseline)


def _used(device: torch.device) -> int:
    """Bytes at the peak since the last reset, or since the process began where none is possible."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if STATUS.exists():  # not getrusage: on Linux a process inherits its parent's peak
        fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(fields["VmHWM"].removesuffix("kB")) * 1024
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _reset_peak(device: torch.device) -> None:
    """Forget the peak of importing and loading, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif RESET.exists():
        RESET.write_text(PEAK_RESIDENT_SET)
