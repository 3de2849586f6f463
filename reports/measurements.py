"""Read the speed measurements that may lie in a directory, with a sweep or without one.

Knows the files of ``python -m bench throughput`` and ``python -m bench kernels``, which write
where they are told to; a file that is not there is an empty table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.sweep import read_environment, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

KERNEL_TIMINGS = "kernel_benchmark.parquet"
KERNEL_AUDIT = "kernel_audit.parquet"
KERNEL_ENVIRONMENT = "kernel_environment.json"
THROUGHPUT = "throughput_benchmark.parquet"
THROUGHPUT_SUMMARY = "throughput_summary.csv"
THROUGHPUT_SCALING = "throughput_scaling.csv"
THROUGHPUT_RATIOS = "throughput_vae_over_ae.csv"
THROUGHPUT_ENVIRONMENT = "throughput_environment.json"
FILES = (
    KERNEL_TIMINGS,
    KERNEL_AUDIT,
    KERNEL_ENVIRONMENT,
    THROUGHPUT,
    THROUGHPUT_SUMMARY,
    THROUGHPUT_SCALING,
    THROUGHPUT_RATIOS,
    THROUGHPUT_ENVIRONMENT,
)

KERNEL_TIMING_TEXT = ("provider", "dtype", "phase")
KERNEL_TIMING_COLUMNS = (
    *KERNEL_TIMING_TEXT,
    "rows",
    "latent_dim",
    "repeats",
    "median_ms",
    "lower_quartile_ms",
    "upper_quartile_ms",
    "floor_bytes",
    "floor_gb_per_s",
    "copy_share",
    "speedup_over_eager",
    "speedup_over_compile",
    "speedup_over_compile_cudagraphs",
    "peak_memory_bytes",
    "kept_bytes",
)
KERNEL_AUDIT_TEXT = ("arch", "pass", "dtype")
KERNEL_AUDIT_COLUMNS = (
    *KERNEL_AUDIT_TEXT,
    "latent_dim",
    "slots_per_element",
    "slot_budget",
    "memory_bound_slots",
    "registers",
    "spill_bytes",
    "stack_bytes",
    "load_bits",
    "store_bits",
)
SUBJECT_TEXT = ("study", "device", "dtype", "engine", "phase")
SUBJECT_SIZES = ("latent_dim", "batch_size", "cohort_size")
REPEAT_TEXT = ("device", "engine", "reason")


@dataclass(frozen=True, slots=True)
class Measurements:
    """Speed measurements in memory.

    Attributes
    ----------
    kernel_timings, kernel_audit
        The fused kernel on a GPU, and its machine code, which needs none.
    throughput
        Medians and quartiles of every subject timed: a study, device, dtype, engine, objective,
        phase and three sizes.
    scaling
        Exponents of time against one size.
    vae_over_ae
        Time of a VAE over that of an AE, paired.
    repeats
        Every timed repeat, and the reason of every case that could not be timed.
    """

    kernel_timings: pd.DataFrame
    kernel_audit: pd.DataFrame
    kernel_environment: Mapping[str, Any]
    throughput: pd.DataFrame
    scaling: pd.DataFrame
    vae_over_ae: pd.DataFrame
    repeats: pd.DataFrame
    throughput_environment: Mapping[str, Any]

    @property
    def has_kernels(self) -> bool:
        """Whether the fused kernel was timed or audited."""
        return not (self.kernel_timings.empty and self.kernel_audit.empty)

    @property
    def has_throughput(self) -> bool:
        """Whether throughput was measured, or tried."""
        return not self.repeats.empty

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of all this."""
        return not (self.has_kernels or self.has_throughput)

    @property
    def repeat_count(self) -> int:
        """How often each case was timed; 0 where none was."""
        return len(self.repeats["repeat"].dropna().unique())

    @property
    def environments(self) -> dict[str, Mapping[str, Any]]:
        """What each measurement came from, by what it measured."""
        found = {
            "Throughput": self.throughput_environment,
            "The fused kernel": self.kernel_environment,
        }
        return {name: environment for name, environment in found.items() if environment}


def read_measurements(directory: Path) -> Measurements:
    """Read every speed table of a directory; raises SweepError when one cannot be read."""
    return Measurements(
        kernel_timings=read_table(
            directory / KERNEL_TIMINGS, KERNEL_TIMING_COLUMNS, KERNEL_TIMING_TEXT
        ),
        kernel_audit=read_table(directory / KERNEL_AUDIT, KERNEL_AUDIT_COLUMNS, KERNEL_AUDIT_TEXT),
        kernel_environment=read_environment(directory / KERNEL_ENVIRONMENT),
        throughput=read_table(
            directory / THROUGHPUT_SUMMARY,
            (
                *SUBJECT_TEXT,
                "objective",
                *SUBJECT_SIZES,
                "samples_per_s",
                "samples_per_s_q1",
                "samples_per_s_q3",
                "seconds",
                "peak_memory_bytes",
                "baseline_memory_bytes",
            ),
            (*SUBJECT_TEXT, "objective"),
        ),
        scaling=read_table(
            directory / THROUGHPUT_SCALING,
            (*SUBJECT_TEXT, "objective", "axis", "sizes", "exponent", "half_width"),
            (*SUBJECT_TEXT, "objective", "axis", "sizes"),
        ),
        vae_over_ae=read_table(
            directory / THROUGHPUT_RATIOS,
            (*SUBJECT_TEXT, *SUBJECT_SIZES, "ratio", "ratio_low", "ratio_high"),
            SUBJECT_TEXT,
        ),
        repeats=read_table(directory / THROUGHPUT, (*REPEAT_TEXT, "repeat"), REPEAT_TEXT),
        throughput_environment=read_environment(directory / THROUGHPUT_ENVIRONMENT),
    )


def machine(environment: Mapping[str, Any], *, gpu_only: bool = False) -> str:
    """Name the hardware and PyTorch of a measurement, as far as it is known."""
    threads = environment.get("threads")
    known = (
        environment.get("gpu"),
        None if gpu_only else environment.get("cpu"),
        None if gpu_only or threads is None else f"{threads} thread{'s' if threads != 1 else ''}",
        environment.get("torch") and f"torch {environment['torch']}",
    )
    return ", ".join(str(fact) for fact in known if fact) or "an unnamed machine"
