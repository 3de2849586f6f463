import subprocess
from dataclasses import replace

import pandas as pd
import pytest
import torch

from bench.measure import kernel_benchmark, kernel_providers
from bench.measure.kernel_benchmark import audited, compared, memory_bound_slots
from bench.measure.kernel_providers import Inputs, calls, eager, in_float32, kept_bytes, kl_error
from bench.measure.kernel_timing import KernelTiming, Shape, time_shape
from kernels.audit import Finding
from reports.measurements import read_measurements

FINDING = Finding(
    arch="sm_90", phase="forward", dtype="float32", latent_dim=16, registers=100, spill_bytes=0,
    stack_bytes=0, load_bits=128, store_bits=128, slots_per_element=35.0,
)  # fmt: skip


def timing(provider, milliseconds, phase="forward", shape=Shape(1 << 20, 16, torch.float32)):  # noqa: B008
    return KernelTiming(
        provider=provider,
        shape=shape,
        phase=phase,
        milliseconds=milliseconds,
        issue_milliseconds=[0.01],
        input_sets=2,
    )


def test_floor_bytes():
    shape = Shape(100, 8, torch.bfloat16)
    assert shape.floor_bytes("forward") == 3 * 800 * 2 + 400
    assert shape.floor_bytes("backward") == 5 * 800 * 2 + 400
    assert shape.floor_bytes("both") == 8 * 800 * 2 + 800


def test_a_row_has_quartiles_and_bandwidth():
    row = timing("fused", [1.0, 2.0, 3.0, 4.0, 5.0]).row()
    assert (row["lower_quartile_ms"], row["median_ms"], row["upper_quartile_ms"]) == (2.0, 3.0, 4.0)
    assert row["floor_gb_per_s"] == pytest.approx((3 * 4 * 2**24 + 4 * 2**20) / 3e-3 / 1e9)


def test_comparison_with_the_copy_and_the_baselines():
    table = compared(
        [
            timing("copy", [1.0, 1.0]),
            timing("eager", [8.0, 8.0]),
            timing("compile", [4.0, 4.0]),
            timing("compile-cudagraphs", [3.0, 3.0]),
            timing("fused", [2.0, 2.0]),
            timing("copy", [5.0, 5.0], phase="backward"),
            timing("fused", [10.0, 10.0], phase="backward"),
        ]
    ).set_index(["provider", "phase"])
    fused = table.loc[("fused", "forward")]
    assert fused["copy_share"] == 0.5
    assert fused["speedup_over_eager"] == 4.0
    assert fused["speedup_over_compile"] == 2.0
    assert fused["speedup_over_compile_cudagraphs"] == 1.5
    assert table.loc[("fused", "backward"), "copy_share"] == 0.5
    assert pd.isna(table.loc[("fused", "backward"), "speedup_over_eager"])


@pytest.mark.parametrize("function", [eager, in_float32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_baselines_compute_z_and_the_kl(function, dtype):
    inputs = Inputs.random(64, 8, dtype, "cpu", seed=0)
    z, kl = function(inputs.mu, inputs.logvar)
    assert (z.shape, z.dtype, kl.dtype) == ((64, 8), dtype, torch.float32)
    exact = function is in_float32 or dtype == torch.float32
    assert kl_error(function, inputs) < (1e-6 if exact else 2e-2)
    for call in calls(function, inputs).values():
        assert len(call()) == 2


def test_bytes_kept_for_backward():
    inputs = Inputs.random(64, 8, torch.float32, "cpu", seed=0)
    assert kept_bytes(lambda mu, logvar: (mu * logvar, mu.sum(-1)), inputs) == 0
    assert kept_bytes(lambda mu, logvar: (torch.exp(mu), mu.sum(-1)), inputs) == 64 * 8 * 4


def test_input_sets_differ():
    first, second = (Inputs.random(4, 3, torch.float32, "cpu", seed=seed) for seed in (0, 1))
    assert not torch.equal(first.mu, second.mu)


def test_without_a_gpu_nothing_is_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(kernel_benchmark.audit, "audit_all", lambda archs, jobs: iter([FINDING]))
    answer = subprocess.CompletedProcess([], 0, stdout="26 of 26 cases within tolerance", stderr="")
    monkeypatch.setattr(kernel_benchmark.subprocess, "run", lambda *_, **__: answer)
    monkeypatch.setattr(kernel_benchmark, "collect_environment", lambda **given: given | {
        "started_at": "now"})  # fmt: skip
    said = []
    assert kernel_benchmark.run(tmp_path / "new", say=said.append) == 0
    assert said[0].startswith("No CUDA device: no timing was taken")
    assert "26 of 26 cases within tolerance" in said
    table = pd.read_parquet(tmp_path / "new" / "kernel_audit.parquet")
    assert table["slots_per_element"].tolist() == [35.0]
    assert table["slot_budget"].tolist() == [40.0]
    read = read_measurements(tmp_path / "new")
    assert not read.kernel_audit.replace("", pd.NA).isna().any(axis=None)
    assert read.kernel_environment["command"] == "python -m bench kernels"


@pytest.mark.parametrize(
    ("phase", "dtype", "limit"),
    [
        ("forward", "float32", 93),
        ("forward", "bfloat16", 47),
        ("backward", "float32", 156),
        ("backward", "float16", 78),
    ],
)
def test_the_memory_bound_limit_is_the_documented_one(phase, dtype, limit):
    assert round(memory_bound_slots(phase, dtype)) == limit


def test_only_the_architecture_of_the_model_has_a_limit():
    table = audited([FINDING, replace(FINDING, arch="gfx942", phase="backward")])
    assert table["memory_bound_slots"].isna().tolist() == [False, True]
    assert table["slot_budget"].isna().tolist() == [False, True]


def test_a_failed_check_or_broken_budget_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(kernel_benchmark.audit, "audit_all", lambda archs, jobs: iter([FINDING]))
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="no interpreter")
    monkeypatch.setattr(kernel_benchmark.subprocess, "run", lambda *_, **__: failed)
    assert kernel_benchmark.run(tmp_path, say=lambda line: None) == 1


@pytest.mark.cuda
@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_every_provider_is_timed_on_a_gpu():
    timings = list(time_shape(Shape(1 << 12, 16, torch.bfloat16), repeats=3))
    names = [provider.name for provider in kernel_providers.providers()]
    assert {one.provider for one in timings} == {"copy", *names}
    assert len(timings) == 3 * (1 + len(names))
    fused = [one for one in timings if one.provider == "fused"]
    assert all(one.kept_bytes <= 16 for one in fused)
