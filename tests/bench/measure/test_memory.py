"""What fits in memory, and what becomes of a cohort that does not."""

import gc
from dataclasses import replace

import pytest
import torch

from bench.measure import cohort as cohort_module
from bench.measure import memory
from bench.measure.cohort import CohortWork
from bench.measure.memory import bytes_per_run, cohort_limits, free_bytes
from bench.measure.reference import load_reference
from bench.plan import SweepSpec, expand, group

GIB = 2**30


@pytest.fixture(scope="module")
def spec():
    return SweepSpec.model_validate(
        {
            "name": "small",
            "data": {"train_size": 96, "test_size": 32},
            "model": {"hidden": [8]},
            "sweep": {"objective": ["vae"], "latent_dim": [2, 4], "seed": [0, 1, 2, 3, 4]},
            "training": {"epochs": 1, "batch_size": 24},
            "metrics": {"probes": False, "geometry": False, "disentanglement": False},
        }
    )


@pytest.fixture(scope="module")
def dataset(spec):
    return load_reference(spec.data, spec.metrics).dataset


@pytest.fixture(scope="module")
def runs(spec, dataset):
    return expand(spec, dataset.content_hash)


def test_a_run_needs_its_weights_four_times_and_its_activations_twice(runs, dataset):
    run = runs[0]
    weights = 64 * 8 + 8 + 8 * 4 + 4 + 2 * 8 + 8 + 8 * 64 + 64
    least = 4 * 4 * weights + 2 * 4 * run.batch_size * (64 + 8 + 4 + 8 + 64)
    assert least <= bytes_per_run(run, dataset) <= 2 * least


def test_every_latent_drawn_of_an_image_needs_a_decoder_of_activations(runs, dataset):
    one, many = (bytes_per_run(replace(runs[0], latent_samples=n), dataset) for n in (1, 9))
    assert many - one >= 8 * 2 * 4 * runs[0].batch_size * (2 + 8 + 64)


def test_counting_leaves_nothing_behind(runs, dataset):
    def tensors():
        gc.collect()
        return sum(type(found) is torch.Tensor for found in gc.get_objects())

    bytes_per_run(runs[0], dataset)
    before = tensors()
    for _ in range(3):
        bytes_per_run(runs[0], dataset)
    assert tensors() == before


def test_more_workers_share_what_is_free(runs, dataset, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: GIB)
    alone, shared = (cohort_limits(runs, dataset, workers=n) for n in (1, 2))
    assert list(alone) == list(dict.fromkeys(run.structure for run in runs))
    for structure, limit in alone.items():
        run = next(run for run in runs if run.structure == structure)
        assert limit == int(0.5 * GIB / bytes_per_run(run, dataset))
        assert shared[structure] == pytest.approx(limit / 2, abs=1)


def test_at_least_one_run_is_always_tried(runs, dataset, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10)
    assert set(cohort_limits(runs, dataset, workers=1).values()) == {1}


def test_free_memory_is_less_than_the_limit_of_a_container(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "CONTROL_GROUP", tmp_path)
    unlimited = free_bytes("cpu")
    assert unlimited > 2**20
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_bytes("cpu") == pytest.approx(unlimited, rel=0.5)
    (tmp_path / "memory.max").write_text("5000\n")
    assert free_bytes("cpu") == 4000


def test_a_cohort_that_does_not_fit_is_halved_until_it_does_and_says_so(
    spec, runs, dataset, monkeypatch
):
    whole = group(run for run in runs if run.latent_dim == 2)[0]
    work = CohortWork(spec.data, spec.metrics, "local")
    expected = work(whole)
    train, tried = cohort_module.train_cohort, []

    def small_device(cohort, data):
        tried.append(len(cohort))
        if len(cohort) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train(cohort, data)

    monkeypatch.setattr(cohort_module, "train_cohort", small_device)
    results = work(whole)
    assert tried == [5, 2, 3, 1, 2]
    assert [r.record.config for r in results] == list(whole.runs)
    assert [r.record.values["cohort_size"] for r in results] == [2, 2, 1, 2, 2]
    notes = {r.record.values["training_notes"] for r in results}
    assert all(note.startswith("cohort halved: out of memory") for note in notes)
    for ours, theirs in zip(results, expected, strict=True):
        assert ours.record.values["test_mse"] == pytest.approx(
            theirs.record.values["test_mse"], rel=1e-4
        )


def test_one_run_that_does_not_fit_raises(spec, runs, monkeypatch):
    def no_memory(cohort, data):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(cohort_module, "train_cohort", no_memory)
    work = CohortWork(spec.data, spec.metrics, "local")
    with pytest.raises(torch.OutOfMemoryError):
        work(group(runs[:1])[0])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_cohort_is_halved_when_a_gpu_runs_out_of_memory(spec):
    axes = {"objective": ["vae"], "latent_dim": [4], "seed": list(range(64)), "device": ["cuda"]}
    changed = {"sweep": axes, "model": {"hidden": [512]}}
    wide = SweepSpec.model_validate(spec.model_dump(exclude_unset=True) | changed)
    data = load_reference(wide.data, wide.metrics).dataset
    (cohort,) = group(expand(wide, data.content_hash))
    enough = cohort_module.train_cohort(cohort, data)
    assert enough.notes == ()
    enough_bytes, losses = enough.peak_memory_bytes, enough.history.loss
    del enough
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(
        0.75 * enough_bytes / torch.cuda.get_device_properties(0).total_memory
    )
    try:
        results = CohortWork(wide.data, wide.metrics, "local")(cohort)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert [result.record.config for result in results] == list(cohort.runs)
    assert {result.record.status for result in results} == {"ok"}
    for k, result in enumerate(results):
        assert result.record.curves.loss == pytest.approx(losses[:, k].tolist(), rel=1e-4)
        assert result.record.values["training_notes"].startswith("cohort halved: out of memory")
        assert result.record.values["cohort_size"] <= 32
