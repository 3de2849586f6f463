from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.measure.throughput import one_run_of_each
from bench.measure.throughput_cases import PHASES, Case, build, cases, check_engines, why_not
from bench.plan import RunConfig, SweepSpec, expand
from kernels import BackendError
from vae_core import Dataset

COMPILER_WARNING = "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning"
"""PyTorch's compiler uses what PyTorch deprecates."""


@pytest.fixture
def runs(small: Dataset) -> list[RunConfig]:
    spec = SweepSpec.model_validate(
        {
            "name": "speed",
            "model": {"hidden": [8]},
            "sweep": {"latent_dim": [2, 4, 6], "kl_weight": [0.1, 1.0], "seed": [3, 4]},
            "training": {"batch_size": 16},
        }
    )
    return one_run_of_each(expand(spec, small.content_hash))


def test_three_studies_share_objectives_and_engines(runs):
    latent, batch, cohort = cases(
        runs, ["eager"], train_size=128, cohort_sizes=(1, 4), batch_sizes=(8, 32, 512)
    )
    assert len(latent) == 3 * 2 * len(PHASES)
    assert {case.run.latent_dim for case in latent} == {2, 4, 6}
    assert {case.run.batch_size for case in batch} == {8, 32}, "no more than the training images"
    assert {case.run.latent_dim for case in (*batch, *cohort)} == {4}
    assert [case.cohort_size for case in cohort] == [1, 1, 4, 4]
    assert {case.phase for case in cohort} == {"train"}
    assert cohort[-1].images_per_call == 4 * 16


def test_each_device_has_studies_of_its_own(runs):
    both = [*runs, *[replace(run, device="cuda") for run in runs]]
    groups = cases(both, ["eager"], train_size=128)
    assert [{case.run.device for case in group} for group in groups] == [{"cpu"}] * 3 + [
        {"cuda"}
    ] * 3


def test_an_unknown_engine_is_refused():
    assert check_engines(["fused", "eager", "eager"]) == ["eager", "fused"]
    with pytest.raises(BackendError, match="engine: 'jax' is unknown; eager, compiled, fused are"):
        check_engines(["eager", "jax"])


def test_what_cannot_run_here_says_why(runs):
    case = Case(study="latent", run=runs[0], engine="eager", phase="train")
    assert why_not(case) is None
    assert "TRITON_INTERPRET" in (why_not(replace(case, engine="fused")) or "")
    if not torch.cuda.is_available():
        reason = why_not(replace(case, run=replace(runs[0], device="cuda")))
        assert reason is not None
        assert reason.startswith("CUDA is not available")


@pytest.mark.parametrize("objective", ["ae", "vae"])
def test_each_phase_is_what_it_says(runs, small, objective):
    run = next(run for run in runs if run.objective == objective)
    made = {
        phase: build(
            Case(study="latent", run=run, engine="eager", phase=phase, cohort_size=3), small
        )
        for phase in PHASES
    }
    losses = made["train"]()
    assert losses.loss.shape == (3,)
    for _ in range(30):
        made["train"]()
    assert made["train"]().loss.sum() < losses.loss.sum(), "every call trains"
    posterior = made["encode"]()
    assert posterior.mu.shape == posterior.logvar.shape == (3, 16, run.latent_dim)
    assert not posterior.mu.requires_grad
    images = made["sample"]()
    assert images.shape == made["decode"]().shape == (3, 16, 1, 8, 8)
    assert not torch.equal(images, made["sample"]()), "every call draws anew"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_networks_compute_in_the_dtype_of_the_run(runs, small, dtype):
    run = replace(runs[0], dtype=dtype)
    posterior = build(Case(study="latent", run=run, engine="eager", phase="encode"), small)()
    assert posterior.mu.dtype == getattr(torch, dtype)


@pytest.mark.slow
@pytest.mark.filterwarnings(COMPILER_WARNING)
@pytest.mark.parametrize("phase", PHASES)
def test_compiled_answers_like_eager(runs, small, phase):
    case = Case(study="latent", run=runs[-1], engine="eager", phase=phase, cohort_size=2)
    eager, compiled = build(case, small)(), build(replace(case, engine="compiled"), small)()
    if phase == "train":
        eager, compiled = eager.loss, compiled.loss
    if phase == "encode":
        eager, compiled = eager.cholesky, compiled.cholesky
    torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-5)
