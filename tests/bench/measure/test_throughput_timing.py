from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from bench.measure import throughput_timing
from bench.measure.throughput_cases import Case
from bench.measure.throughput_timing import measure_memory, time_in_turn
from bench.plan import DataSpec, MetricsSpec, RunConfig


@pytest.fixture
def case() -> Case:
    run = RunConfig(
        dataset="digits",
        data_hash="0" * 16,
        architecture="mlp",
        hidden=(8,),
        likelihood="gaussian",
        objective="vae",
        latent_dim=2,
        posterior="diagonal",
        kl_weight=0.1,
        recon_weight=1.0,
        device="cpu",
        seed=0,
        epochs=1,
        batch_size=16,
        learning_rate=1e-3,
        kernel="auto",
        metrics=MetricsSpec(),
    )
    return Case(study="latent", run=run, engine="eager", phase="train")


def test_cases_take_turns_and_slower_ones_are_called_less_often(case, small, monkeypatch):
    seconds = {"encode": 0.001, "decode": 0.03}
    monkeypatch.setattr(
        throughput_timing, "build", lambda case, data: lambda: time.sleep(seconds[case.phase])
    )
    group = [replace(case, phase=phase) for phase in seconds]
    timings = list(time_in_turn(group, small, repeats=2))
    assert [(t.case.phase, t.repeat) for t in timings] == [
        ("encode", 0),
        ("decode", 0),
        ("encode", 1),
        ("decode", 1),
    ]
    encode, decode = timings[:2]
    assert encode.calls > decode.calls == 1
    assert encode.seconds >= 0.001
    assert decode.seconds >= 0.03
    assert decode.cpu_seconds < 0.02, "sleeping costs the wall's time, not the processor's"


def test_what_cannot_run_gives_its_reason_and_leaves_the_others(case, small):
    timings = list(time_in_turn([replace(case, engine="fused"), case], small, repeats=1))
    assert timings[0].seconds is None
    assert "triton" in timings[0].reason
    assert timings[1].seconds > 0
    assert timings[1].reason is None


@pytest.mark.slow
def test_more_models_need_more_memory(case):
    run = replace(case.run, hidden=(512, 512), batch_size=128)
    peaks = [
        measure_memory(replace(case, run=run, cohort_size=size), DataSpec(), MetricsSpec())
        for size in (1, 32)
    ]
    for peak in peaks:
        assert peak.peak_memory_bytes >= peak.baseline_memory_bytes > 2**26
    # 31 more models hold at least weights, gradients and two moments in float32
    weights = 2 * (64 * 512 + 512 * 512)
    assert peaks[1].peak_memory_bytes - peaks[0].peak_memory_bytes > 31 * 4 * 4 * weights


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_gpu_is_waited_for(case, small):
    on_gpu = replace(case, run=replace(case.run, device="cuda"))
    (timing,) = time_in_turn([on_gpu], small, repeats=1)
    assert timing.seconds > 0
    assert timing.cpu_seconds is None
