"""The figures of a made-up default sweep, and speed measurements with made-up numbers, in the
columns that the benchmarks write.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bench.measure.kernel_benchmark import audited, compared
from bench.measure.kernel_timing import KernelTiming, Shape
from bench.measure.throughput_summary import SUBJECT, medians, scaling, vae_over_ae
from kernels.audit import Finding
from reports.figures import Figure, sections
from reports.measurements import Measurements, read_measurements
from reports.study import main_study
from reports.sweep import read_sweep

COPY_BYTES_PER_S = 4e12
TIMES_A_COPY = {
    "copy": 1.0,
    "eager": 10.0,
    "compile": 2.0,
    "compile-cudagraphs": 1.6,
    "fused": 1.25,
    "fused-cudagraphs": 1.2,
    "fused-stored-noise": 1.5,
}
KEPT_BYTES_PER_ELEMENT = {"eager": 12, "compile": 4, "compile-cudagraphs": 4}
SHAPES = ((128, 16), (1 << 16, 1024), (1 << 19, 128))
PASSES = ("forward", "backward", "both")


def made_up_kernel_timings() -> pd.DataFrame:
    """Every provider takes a fixed multiple of the copy, bfloat16 a tenth more than float32."""
    timings = []
    for size, dtype, phase in product(SHAPES, (torch.float32, torch.bfloat16), PASSES):
        shape = Shape(*size, dtype)
        for provider, times in TIMES_A_COPY.items():
            slower = 1.1 if dtype == torch.bfloat16 and provider == "fused" else 1.0
            median = 1e3 * shape.floor_bytes(phase) / COPY_BYTES_PER_S * times * slower
            kept = KEPT_BYTES_PER_ELEMENT.get(provider, 0) * shape.rows * shape.latent_dim
            timings.append(
                KernelTiming(
                    provider=provider,
                    shape=shape,
                    phase=phase,
                    milliseconds=[0.9 * median, median, 1.1 * median],
                    issue_milliseconds=[0.1],
                    input_sets=2,
                    kept_bytes=None if provider == "copy" else kept + 16,
                    peak_memory_bytes=None if provider == "copy" else kept + 8 * shape.rows,
                )
            )
    return compared(timings)


def made_up_audit() -> pd.DataFrame:
    """More slots the larger the latent dimension, one architecture with a budget, one without."""
    return audited(
        [
            Finding(
                arch=arch, phase=phase, dtype=dtype, latent_dim=dim, registers=100, spill_bytes=0,
                stack_bytes=0, load_bits=128, store_bits=128,
                slots_per_element=(200.0 if arch == "gfx942" else 30.0) + dim / 256,
            )
            for arch, phase, dtype, dim in product(
                ("sm_90", "gfx942"), PASSES[:2], ("float32", "bfloat16"), (16, 1024)
            )
        ]
    )  # fmt: skip


def made_up_throughput(devices: tuple[str, ...] = ("cpu",)) -> pd.DataFrame:
    """One row a repeat: a step costs K^0.5, a VAE a quarter more than an AE."""
    studies = {
        "latent": [{"latent_dim": dim} for dim in (2, 8, 32)],
        "batch": [{"batch_size": size} for size in (32, 128)],
        "cohort": [{"cohort_size": size} for size in (1, 4, 16)],
    }
    rows = []
    for study, sizes in studies.items():
        phases = ("train",) if study == "cohort" else ("train", "encode", "decode", "sample")
        for device, changed, objective, phase, repeat in product(
            devices, sizes, ("ae", "vae"), phases, range(3)
        ):
            size = {"latent_dim": 8, "batch_size": 128, "cohort_size": 1} | changed
            seconds = 1e-3 * size["cohort_size"] ** 0.5 * (1.25 if objective == "vae" else 1.0)
            seconds *= 1 + 0.01 * repeat
            rows.append(
                {"study": study, "device": device, "dtype": "float32", "engine": "eager"}
                | {"objective": objective, "phase": phase, "repeat": repeat, "seconds": seconds}
                | size
                | {"samples_per_s": size["batch_size"] * size["cohort_size"] / seconds}
                | {"peak_memory_bytes": (100 + 10 * size["cohort_size"]) * 2**20}
                | {"baseline_memory_bytes": 100 * 2**20, "reason": None}
            )
    return pd.DataFrame(rows)


def write_throughput(directory: Path, timed: pd.DataFrame) -> Path:
    timed.to_parquet(directory / "throughput_benchmark.parquet")
    medians(timed).to_csv(directory / "throughput_summary.csv", index=False)
    cohorts = scaling(timed[timed["study"] == "cohort"], "cohort_size")
    others = [name for name in SUBJECT if name not in {"latent_dim", "batch_size", "cohort_size"}]
    cohorts[[*others, "exponent", "half_width"]].assign(axis="cohort_size").to_csv(
        directory / "throughput_scaling.csv", index=False
    )
    vae_over_ae(timed).to_csv(directory / "throughput_vae_over_ae.csv", index=False)
    return directory


@pytest.fixture(scope="module")
def study(default_sweep):
    return main_study(read_sweep(default_sweep))


@pytest.fixture(scope="module")
def figures(study) -> dict[str, Figure]:
    return {figure.slug: figure for section in sections(study) for figure in section.figures}


@pytest.fixture
def nothing_measured(tmp_path: Path) -> Measurements:
    return read_measurements(tmp_path)


@pytest.fixture
def kernel_measured(tmp_path: Path) -> Measurements:
    made_up_kernel_timings().to_parquet(tmp_path / "kernel_benchmark.parquet")
    return read_measurements(tmp_path)


@pytest.fixture
def kernel_audited(tmp_path: Path) -> Measurements:
    made_up_audit().to_parquet(tmp_path / "kernel_audit.parquet")
    return read_measurements(tmp_path)


@pytest.fixture
def throughput_measured(tmp_path: Path) -> Measurements:
    return read_measurements(write_throughput(tmp_path, made_up_throughput()))


@pytest.fixture
def two_devices_measured(tmp_path: Path) -> Measurements:
    timed = made_up_throughput(("cpu", "cuda"))
    absent = timed.iloc[:1].assign(
        engine="fused", repeat=np.nan, seconds=np.nan, samples_per_s=np.nan, reason="no GPU"
    )
    timed = pd.concat([timed, absent], ignore_index=True)
    return read_measurements(write_throughput(tmp_path, timed))
