"""Times one shape of the kernel benchmark on a GPU, every provider and pass of it.

Compilation and warm-up are over before a clock starts. Inputs rotate through enough copies to
outgrow the L2 cache twice (at most ``MOST_INPUT_SETS``: the smallest shapes may stay in it), and
none of them is constant. The GPU is kept waiting until the calls of a repeat are in its queue, so
that its time is its own; what a call costs the program that issues it stands beside it.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from bench.measure.kernel_providers import (
    PHASES,
    Inputs,
    Phase,
    Provider,
    calls,
    captured,
    kept_bytes,
    kl_error,
    providers,
)
from kernels.check import Case, relative_errors

MOST_INPUT_SETS = 16
"""So that the launches of a repeat fit in the queue of a GPU, which holds about a thousand."""
WARM_UP_CALLS = 5
ROWS_CHECKED = 4_096
HIGHEST_HZ = 2.0e9
"""At which the GPU counts the cycles that it is kept waiting."""
MOST_SECONDS_WAITED = 0.1
TENSORS_TOUCHED = {"forward": 3, "backward": 5, "both": 8}
"""Elements that must cross the memory bus for every element of mu, whatever the implementation."""

Call = Callable[[], object]


@dataclass(frozen=True)
class Shape:
    """One input of the benchmark."""

    rows: int
    latent_dim: int
    dtype: torch.dtype

    def floor_bytes(self, phase: Phase) -> int:
        """Return the bytes that any implementation must move.

        Forward reads mu and logvar and writes z; backward reads mu, logvar and dz and writes two
        gradients; each also moves one float32 a row, the KL or its gradient.
        """
        elements = self.rows * self.latent_dim
        row_values = {"forward": 1, "backward": 1, "both": 2}[phase]
        return TENSORS_TOUCHED[phase] * elements * self.dtype.itemsize + row_values * 4 * self.rows


@dataclass(frozen=True, kw_only=True)
class KernelTiming:
    """One provider, shape and pass: milliseconds of every repeat, and what it needs and errs.

    ``milliseconds`` are the GPU's, ``issue_milliseconds`` those of the program that issues a call.
    ``copy`` is the roofline, a copy that moves the floor bytes of the pass; what it lacks is None.
    """

    provider: str
    shape: Shape
    phase: Phase
    milliseconds: Sequence[float]
    issue_milliseconds: Sequence[float]
    input_sets: int
    peak_memory_bytes: int | None = None
    kept_bytes: int | None = None
    kl_relative_error: float | None = None
    largest_relative_error: float | None = None

    def row(self) -> dict[str, object]:
        """Return the timing as columns of ``kernel_benchmark.parquet``."""
        quartiles = statistics.quantiles(self.milliseconds, n=4, method="inclusive")
        lower, median, upper = quartiles
        floor_bytes = self.shape.floor_bytes(self.phase)
        return {
            "provider": self.provider,
            "rows": self.shape.rows,
            "latent_dim": self.shape.latent_dim,
            "dtype": str(self.shape.dtype).removeprefix("torch."),
            "phase": self.phase,
            "repeats": len(self.milliseconds),
            "input_sets": self.input_sets,
            "median_ms": median,
            "lower_quartile_ms": lower,
            "upper_quartile_ms": upper,
            "issue_ms": statistics.median(self.issue_milliseconds),
            "floor_bytes": floor_bytes,
            "floor_gb_per_s": floor_bytes / median / 1e6,
            "peak_memory_bytes": self.peak_memory_bytes,
            "kept_bytes": self.kept_bytes,
            "kl_relative_error": self.kl_relative_error,
            "largest_relative_error": self.largest_relative_error,
        }


def time_shape(shape: Shape, repeats: int) -> Iterator[KernelTiming]:
    """Time the copy and every provider in ``shape``, forward, backward and both."""
    torch._dynamo.reset()
    cache_bytes = torch.cuda.get_device_properties(0).L2_cache_size
    outgrow_cache = 1 + 2 * cache_bytes // shape.floor_bytes("forward")
    sets = max(2, min(MOST_INPUT_SETS, outgrow_cache))
    for phase in PHASES:
        milliseconds, issue = _milliseconds(_copies(shape.floor_bytes(phase), sets), repeats)
        yield KernelTiming(
            provider="copy",
            shape=shape,
            phase=phase,
            milliseconds=milliseconds,
            issue_milliseconds=issue,
            input_sets=sets,
        )
    inputs = [
        Inputs.random(shape.rows, shape.latent_dim, shape.dtype, "cuda", seed=index)
        for index in range(sets)
    ]
    for provider in providers():
        yield from _time_provider(provider, shape, inputs, repeats)
        gc.collect()


def _time_provider(
    provider: Provider, shape: Shape, inputs: Sequence[Inputs], repeats: int
) -> Iterator[KernelTiming]:
    kept = kept_bytes(provider.function, inputs[0])
    of_kl = kl_error(provider.function, inputs[0])
    largest = None
    if provider.fused:
        rows = min(shape.rows, ROWS_CHECKED)
        case = Case(shape=(rows, shape.latent_dim), dtype=shape.dtype)
        largest = max(relative_errors(case, "cuda").values())
    stream = (torch.cuda.Stream if provider.as_graph else torch.cuda.current_stream)()
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        of_sets = [calls(provider.function, one.as_new_leaves()) for one in inputs]
    torch.cuda.synchronize()
    for phase in PHASES:
        timed = [of_set[phase] for of_set in of_sets]
        peak = _peak_bytes(timed[0])
        if provider.as_graph:
            timed = [captured(call, stream) for call in timed]
        milliseconds, issue = _milliseconds(timed, repeats)
        yield KernelTiming(
            provider=provider.name,
            shape=shape,
            phase=phase,
            milliseconds=milliseconds,
            issue_milliseconds=issue,
            input_sets=len(inputs),
            peak_memory_bytes=peak,
            kept_bytes=kept,
            kl_relative_error=of_kl,
            largest_relative_error=largest,
        )


def _copies(bytes_moved: int, sets: int) -> list[Call]:
    """Return copies that read half of ``bytes_moved`` and write the other half."""

    def copy(index: int) -> Call:
        generator = torch.Generator("cuda").manual_seed(index)
        source = torch.randint(
            1 << 30, (bytes_moved // 8,), generator=generator, device="cuda", dtype=torch.int32
        )
        target = torch.empty_like(source)
        return lambda: target.copy_(source)

    return [copy(index) for index in range(sets)]


def _milliseconds(timed: Sequence[Call], repeats: int) -> tuple[list[float], list[float]]:
    """Return milliseconds of one call in every repeat, the GPU's and those of issuing it; a repeat
    makes every call once.
    """
    for _ in range(WARM_UP_CALLS):
        for call in timed:
            call()
    seconds_issued = _seconds_to_issue(timed)
    milliseconds, issue = [], []
    for _ in range(repeats):
        start, end = (torch.Event("cuda", enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        cycles = int(HIGHEST_HZ * min(MOST_SECONDS_WAITED, 2 * seconds_issued))
        torch.cuda._sleep(cycles)  # type: ignore[no-untyped-call]
        start.record()
        seconds_issued = _seconds_to_issue(timed)
        end.record()
        torch.cuda.synchronize()
        milliseconds.append(start.elapsed_time(end) / len(timed))
        issue.append(1e3 * seconds_issued / len(timed))
    return milliseconds, issue


def _seconds_to_issue(timed: Sequence[Call]) -> float:
    begun = time.perf_counter()
    for call in timed:
        call()
    return time.perf_counter() - begun


def _peak_bytes(call: Call) -> int:
    """Return the memory that one call needs at most beyond what was held before."""
    call()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before
