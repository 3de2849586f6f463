"""What a sweep is planned to be, and what is refused before anything runs."""

from pathlib import Path

import pytest

import bench.pipeline as module
from bench.measure.reference import Reference, load_reference
from bench.pipeline import plan_sweep
from bench.plan import SpecError
from bench.results import StoreError, SweepDirectoryError
from vae_core import ArchitectureError, DataError, StackingError

IMPORTABLE = Path(__file__).parents[1] / "importable"


@pytest.mark.parametrize(
    ("sections", "error", "message"),
    [
        (
            {"training": {"batch_size": 65}},
            SpecError,
            r"^training\.batch_size: 65 is not allowed; at most 64 is",
        ),
        (
            {"metrics": {"neighbors": 20}},
            SpecError,
            r"^metrics\.neighbors: 20 is not allowed; at most 19 is",
        ),
        (
            {"data": {"train_size": 5000}},
            DataError,
            r"^data\.train_size: 5000 is not allowed; .* so 10 to 1437 is$",
        ),
        (
            {"data": {"name": "mnist", "root": "/nowhere"}},
            DataError,
            r"^/nowhere/train-images-idx3-ubyte: no such file; ",
        ),
        (
            {"model": {"architecture": "no_such_package:factory"}},
            ArchitectureError,
            r"^model\.architecture: 'no_such_package:factory' cannot be imported: ",
        ),
        (
            {"model": {"architecture": "own_networks:dropping_out"}},
            StackingError,
            r"^layer 1 \(Dropout\): dropout draws from one random stream",
        ),
    ],
    ids=["batch", "neighbours", "size", "files", "import", "dropout"],
)
def test_what_cannot_be_had_is_refused_before_anything_is_written(
    sweep, tmp_path, monkeypatch, sections, error, message, spec_of
):
    monkeypatch.syspath_prepend(IMPORTABLE)
    with pytest.raises(error, match=message):
        sweep(spec_of(**sections))
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_is_resolved_on_every_device_that_is_there(monkeypatch, no_gpu, spec_of):
    asked = []
    monkeypatch.setattr(
        module, "resolve_backend", lambda kernel, device: asked.append((kernel, device.type))
    )
    plan_sweep(spec_of(sweep={"device": ["cpu", "cuda"]}, training={"kernel": "reference"}))
    assert asked == [("reference", "cpu")]


def test_a_directory_of_another_sweep_is_refused_and_left_alone(sweep, tmp_path, spec_of):
    sweep()
    before = (tmp_path / "out" / "results.parquet").read_bytes()
    with pytest.raises(SweepDirectoryError, match=r"training\.epochs is 2 there and 3 here"):
        sweep(spec_of(training={"epochs": 3}))
    assert (tmp_path / "out" / "results.parquet").read_bytes() == before


def test_data_that_changed_meanwhile_are_refused(sweep, tmp_path, monkeypatch, spec_of, table_of):
    spec = spec_of()
    sweep(spec)
    dataset = load_reference(spec.data, spec.metrics).dataset
    other = Reference(dataset.subset(32, None), spec.metrics)
    monkeypatch.setattr(module, "load_reference", lambda data, metrics: other)
    with pytest.raises(StoreError, match="holds runs on other data"):
        sweep(spec)
    assert len(table_of(tmp_path / "out")) == 4


def test_a_plan_lists_runs_cohorts_and_what_is_skipped(no_gpu, spec_of):
    spec = spec_of(sweep={"device": ["cpu", "cuda"], "seed": [0, 1]})
    plan = plan_sweep(spec)
    assert (len(plan.runs), plan.skipped_counts) == (16, {"cuda": 8})
    assert [(cohort.latent_dim, cohort.device, len(cohort)) for cohort in plan.cohorts] == [
        (2, "cpu", 4),
        (3, "cpu", 4),
    ]
    data_hash = load_reference(spec.data, spec.metrics).dataset.content_hash
    assert {run.data_hash for run in plan.runs} == {data_hash}
