"""A small sweep in one process, for every test of what becomes of one."""

import io

import pandas as pd
import pytest
import torch

import bench.pipeline as pipeline
from bench.console import Console
from bench.executors import ExecutorRequest
from bench.plan import SweepSpec

OFF = dict.fromkeys(
    (
        "probes",
        "sample_quality",
        "geometry",
        "rate_decomposition",
        "disentanglement",
        "throughput",
    ),
    False,
)


@pytest.fixture
def spec_of():
    """Make a specification: two latent dimensions, so two cohorts, of an AE and a VAE each."""

    def spec_of(**sections) -> SweepSpec:
        table = {
            "name": "small",
            "data": {"train_size": 64, "test_size": 20},
            "model": {"hidden": [8]},
            "sweep": {"latent_dim": [2, 3], "kl_weight": [0.1], "device": ["cpu"]},
            "training": {"epochs": 2, "batch_size": 32},
            "metrics": OFF,
        }
        for name, values in sections.items():
            table[name] = table[name] | values
        return SweepSpec.model_validate(table)

    return spec_of


@pytest.fixture
def sweep(tmp_path, spec_of):
    """Run a sweep on one worker, without a report, and return its outcome and what it said."""

    def sweep(spec=None, out=tmp_path / "out", **options):
        said = io.StringIO()
        options = {"executors": ExecutorRequest(workers=1), "report": False} | options
        outcome = pipeline.run_sweep(
            spec or spec_of(), out, console=Console(said), **{"command": "test"} | options
        )
        return outcome, said.getvalue()

    return sweep


@pytest.fixture
def table_of():
    """Read the exported table of a sweep directory, by run id."""
    return lambda out: pd.read_parquet(out / "results.parquet").set_index("run_id")


@pytest.fixture
def no_executor(monkeypatch):
    """From now on nothing may be computed."""

    def refuse(*arguments):
        raise AssertionError(f"asked for an executor: {arguments}")

    def forbid():
        monkeypatch.setattr(pipeline, "choose_executor", refuse)
        monkeypatch.setattr(pipeline, "measure_throughput", refuse)

    return forbid


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
